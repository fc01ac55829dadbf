"""kill -9 in the middle of writes: the store is before or after each of them, never between."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from stoker.blobs.directory import DirectoryBlobs
from stoker.store.sqlite import SqliteStore

# Creates, changes and deletes functions as fast as it can, each with a blob of its own, and
# says each thing it has done once it is acknowledged.
WRITER = textwrap.dedent(
    """
    import asyncio, sys
    from dataclasses import replace
    from pathlib import Path
    from stoker.blobs.directory import DirectoryBlobs
    from stoker.core import model
    from stoker.core.invocation import LogSettings
    from stoker.core.model import Code, Configuration, FunctionKey
    from stoker.store.sqlite import SqliteStore

    async def main(folder, run):
        store, blobs = SqliteStore(folder / "db"), DirectoryBlobs(folder / "blobs")
        await store.open()
        for n in range(10**6):
            key = FunctionKey("0" * 12, "us-east-1", f"f{run}-{n}")
            digest = await blobs.put(f"{run} {n}".encode())
            new = model.new_function(
                key,
                Configuration("python3.11", "h", "r", Code(digest, n), LogSettings("g")),
                {}, revision="created", now="now",
            )
            async with store.transaction() as tx:
                await tx.create_function(new)
            print("created", key.name, flush=True)
            async with store.transaction() as tx:
                await tx.put_function(
                    model.activated(new, revision="activated"), expected="created"
                )
            print("activated", key.name, flush=True)
            if n % 2:
                async with store.transaction() as tx:
                    await tx.delete_function(key, expected="activated")
                print("deleted", key.name, flush=True)

    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
    """
)


async def what_is_there(folder: Path) -> dict[str, str]:
    """Revision by name, after checking that every function has its blob."""
    store, blobs = SqliteStore(folder / "db"), DirectoryBlobs(folder / "blobs")
    await store.open()
    try:
        async with store.transaction() as tx:
            functions = await tx.every_function()
        for function in functions:
            assert await blobs.read(function.latest.code.sha256)
            assert function.unsettled == (function.revision_id == "created")
        return {f.key.name: f.revision_id for f in functions}
    finally:
        await store.close()
        await blobs.close()


@pytest.mark.parametrize("run", range(6))
def test_what_was_acknowledged_is_there_after_kill_9(tmp_path: Path, run: int) -> None:
    draw = random.Random(run)  # the seed is the test's name
    before: dict[str, str] = {}
    for life in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, tmp_path, str(life)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")},
            text=True,
        )
        with writer:
            assert writer.stdout
            said = [writer.stdout.readline().split() for _ in range(draw.randint(1, 60))]
            writer.send_signal(signal.SIGKILL)
            said += [line.split() for line in writer.stdout if line.endswith("\n")]
        now = asyncio.run(what_is_there(tmp_path))
        check(before, [(event, name) for event, name in said], now)
        before = now


def check(before: dict[str, str], said: list[tuple[str, str]], now: dict[str, str]) -> None:
    expected = dict(before)
    for event, name in said:
        if event == "deleted":
            del expected[name]
        else:
            expected[name] = event
    # At most one write was under way, and nobody was told of it: it is there whole, or not.
    surplus = {name: revision for name, revision in now.items() if expected.get(name) != revision}
    missing = {name: revision for name, revision in expected.items() if name not in now}
    assert len(surplus) + len(missing) <= 1
    last = said[-1][1]
    for name, revision in surplus.items():
        if name in expected:
            assert (expected[name], revision) == ("created", "activated")
        else:
            assert revision == "created"
    assert all(name == last and revision == "activated" for name, revision in missing.items())
