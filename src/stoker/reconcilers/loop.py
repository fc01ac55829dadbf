"""A reconciler: finds what is not as it should be, and settles each thing by itself.

    loop = Loop("activation", find, settle)
    loop.wake()          # something changed: look now, not in a minute
    await loop.run()     # until cancelled

`find` says what there is to do, from the truth alone; so it does not matter who woke the loop,
how often, or whether the server was killed half-way. `settle` does one thing. One that fails is
logged and tried again later; the others do not notice.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

Item = TypeVar("Item", bound=Hashable)


class Loop(Generic[Item]):
    def __init__(
        self,
        name: str,
        find: Callable[[], Awaitable[Iterable[Item]]],
        settle: Callable[[Item], Awaitable[None]],
        *,
        parallel: int = 4,
        retry_s: float = 5.0,
    ) -> None:
        self._name = name
        self._find = find
        self._settle = settle
        self._places = asyncio.Semaphore(parallel)
        self._retry_s = retry_s
        self._awake = asyncio.Event()
        self._under_way: set[Item] = set()

    def wake(self) -> None:
        """Look again, also if a look is under way."""
        self._awake.set()

    async def run(self) -> None:
        """Look now, whenever woken, and a while after a failure."""
        self._awake.set()
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._awake.wait()
                self._awake.clear()
                for item in await self._look():
                    if item not in self._under_way:
                        self._under_way.add(item)
                        tasks.create_task(self._one(item), name=f"{self._name} {item}")

    async def _look(self) -> list[Item]:
        try:
            return list(await self._find())
        except Exception:  # the one place where a reconciler's failures end
            log.exception("reconciler cannot look", extra={"reconciler": self._name})
            self._wake_later()
            return []

    async def _one(self, item: Item) -> None:
        facts = {"reconciler": self._name, "item": str(item)}
        try:
            async with self._places:
                await self._settle(item)
        except Exception:  # as above
            log.exception("reconciler cannot settle", extra=facts)
            self._wake_later()
        else:
            # It may have changed while it was being settled, when looks passed it over.
            self._awake.set()
        finally:
            self._under_way.discard(item)

    def _wake_later(self) -> None:
        asyncio.get_running_loop().call_later(self._retry_s, self._awake.set)
