"""kill -9 within any change of the control plane: the store is before or after it, and packages
and their owners are there together."""

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from stoker.blobs.directory import DirectoryBlobs
from stoker.invoke.catalog import Catalog
from stoker.store.sqlite import SqliteStore
from tests.faults.mutations import content, needed

ROOT = Path(__file__).parents[2]
LIVES = 3
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
    await store.open()
    try:
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
        await blobs.close()


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
