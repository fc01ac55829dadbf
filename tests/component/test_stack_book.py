"""What is kept of stacks, in memory and on the disk."""

import asyncio
from pathlib import Path

from stoker.core.stacks.model import ChangeSet, Stack, Status, Wanted
from stoker.stacks.book import Book
from stoker.stacks.stacks import new_id
from stoker.store.stack_store import StackStore

ACCOUNT, REGION = "000000000000", "us-east-1"


def test_of_two_change_sets_with_one_name_the_later_is_kept(tmp_path: Path) -> None:
    id = new_id(ACCOUNT, REGION, "it")
    stack = Stack(id, ACCOUNT, REGION, "it", Status.CREATE_COMPLETE, 0.0, Wanted())

    async def kept(*added: str) -> list[str]:
        """Ids, after all of these were added to what an earlier life has kept."""
        book = Book(StackStore(tmp_path / "stacks.db"))
        await book.open()
        live = book.get(ACCOUNT, REGION, "it") or await book.add(stack)
        for one in added:
            await book.put_change_set(live, ChangeSet(one, "same", id, 0.0, "UPDATE", Wanted()))
        found = [one.id for one in live.change_sets.values()]
        await book.close()
        return found

    async def main() -> None:
        assert await kept("z-first", "a-second") == ["a-second"]
        assert await kept() == ["a-second"]

    asyncio.run(main())
