"""kill -9 within any change of the control plane: the store is before or after it, and packages
and their owners are there together."""

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore import xform_name

from stoker.api.operations import OPERATIONS
from stoker.blobs.code_cache import CodeCache
from stoker.blobs.directory import DirectoryBlobs
from stoker.core.errors import ServiceError
from stoker.invoke.catalog import Catalog
from stoker.reconcilers.packages import Packages
from stoker.store.sqlite import SqliteStore
from tests.component.one_account import Account, tell
from tests.faults.mutations import Hand, content, needed

ROOT = Path(__file__).parents[2]
LIVES = 3
ROUNDS = 12  # of all changes, so that each has what it needs
STEPS = 60  # told before it dies, at most


def told_until_killed(folder: Path, seed: int) -> list[list[str]]:
    """What a life of changes says before it is killed at some moment."""
    draw = random.Random(seed)
    path = f"{ROOT / 'src'}:{ROOT}"
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.mutations", folder, str(seed)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
        text=True,
    )
    with writer:
        assert writer.stdout
        said = [writer.stdout.readline() for _ in range(draw.randint(2, STEPS))]
        writer.send_signal(signal.SIGKILL)
        said += writer.stdout
    assert writer.returncode == -signal.SIGKILL, "".join(said)
    return [line.split() for line in said if line.endswith("\n")]


def stored(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "db")) as db:
        return content(db)


async def packages_and_owners_agree(folder: Path) -> None:
    store, blobs, catalog = SqliteStore(folder / "db"), DirectoryBlobs(folder / "blobs"), Catalog()
    code = CodeCache(folder / "code", blobs)
    await store.open()
    try:
        await Packages(store=store, blobs=blobs, code=code).recover()
        await blobs.clear_up()
        await catalog.follow(store)
        await blobs.collect(lambda: needed(store, catalog))
        async with store.transaction() as tx:
            owned = await tx.layers.digests()
            for function in await tx.every_function():
                owned |= function.digests
            for version in await tx.versions.every():
                owned |= version.digests
        kept = {path.name for path in (folder / "blobs").iterdir() if path.is_file()}
        assert kept == owned
    finally:
        await store.close()
        await code.close()
        await blobs.close()


@dataclass
class Noting(Account):
    """What was done, and not refused."""

    done: set[str] = field(default_factory=set)

    async def ask(self, operation: Callable[..., Awaitable[Any]], given: object) -> Any:
        answer = await super().ask(operation, given)
        self.done.add(operation.__name__)
        return answer


def test_every_operation_that_changes_something_is_tried(tmp_path: Path) -> None:
    """Else the next test says nothing of it."""
    changing = {
        xform_name(row.name)
        for row in OPERATIONS
        if row.service == "lambda" and not row.name.startswith(("Get", "List", "Invoke"))
    }

    async def story(my: Account) -> None:
        noting = Noting(my.control, my.changes, my.caller, my.folder)
        hand = Hand(noting, random.Random(1))
        for _ in range(ROUNDS):
            for change in hand.changes:
                with suppress(ServiceError):
                    await change()
            if changing <= noting.done:
                return
        raise AssertionError(f"never done: {changing - noting.done}")

    tell(tmp_path, story)


def test_whatever_is_changed_is_changed_whole_or_not_at_all(tmp_path: Path) -> None:
    changes = 0
    for seed in range(LIVES):
        said = told_until_killed(tmp_path, seed)
        done = [index for index, (word, _) in enumerate(said) if word == "did"]
        # Behind the last that was acknowledged one more may have been under way.
        possible = {state for _, state in said[done[-1] :]}
        assert stored(tmp_path) in possible
        changes += len({state for _, state in said})
        asyncio.run(packages_and_owners_agree(tmp_path))
    assert changes > 10, "that was no trial"
