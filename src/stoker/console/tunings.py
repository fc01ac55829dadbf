"""Tunings that pages have begun: each is `stoker tune --json` in a process of its own.

There is one method, the command's; a page asks for it and shows what it says. Its process talks to
this server as any client does. Ended (SIGTERM), it puts the function back as it was; killed
together with the server, the next tuning of the function does.
"""

import asyncio
import contextlib
import os
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from stoker.core.tuning import Size, Strategy

AT_ONCE = 2
KEPT = 50  # functions of which the latest tuning is remembered
LINES, LINE_BYTES = 60, 8192  # of what a process says meanwhile
RESULT_BYTES = 1024 * 1024
ENDING_S = 20.0  # to put the function back, when the server stops


class Busy(Exception):
    """Another one is under way."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be tried, as the form has it."""

    memory: str = "128,256,512,1024,1769,3008"
    runs: int = 50
    cold: int = 5
    parallel: int = 1
    strategy: Strategy = Strategy.COST
    events: str = "{}"  # one in each line

    @property
    def steps(self) -> int:
        """Lines that the command says when all goes well."""
        sizes = len({one.strip() for one in self.memory.split(",")})
        return sizes + max(1, self.cold if sizes > 1 else 1)

    def command(self, function: str, url: str, region: str) -> list[str]:
        return [
            sys.executable, "-P", "-m", "stoker", "tune", "--json", "--events=-",
            f"--memory={self.memory}", f"--runs={self.runs}", f"--cold={self.cold}",
            f"--parallel={self.parallel}", f"--strategy={self.strategy}",
            f"--endpoint-url={url}", f"--region={region}", "--", function,
        ]  # fmt: skip


@dataclass(slots=True)
class Tuning:
    """One of them; `sizes` when it is over and went well."""

    wish: Wish
    began: float  # epoch seconds
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LINES))
    said: int = 0  # lines so far
    over: bool = False
    sizes: tuple[Size, ...] = ()
    process: Process | None = None


Key = tuple[str, str, str]  # account, region, function


class Tunings:
    def __init__(self) -> None:
        self._latest: dict[Key, Tuning] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def __iter__(self) -> Iterator[Tuning]:
        return iter(self._latest.values())

    def latest(self, key: Key) -> Tuning | None:
        """As it is now: what is shown of it is of one moment."""
        found = self._latest.get(key)
        return None if found is None else replace(found, lines=found.lines.copy())

    def begin(self, key: Key, wish: Wish, url: str) -> None:
        """Raise Busy."""
        running = [one for one in self if not one.over]
        before = self._latest.get(key)
        if (before is not None and not before.over) or len(running) >= AT_ONCE:
            raise Busy
        self._latest.pop(key, None)
        tuning = self._latest[key] = Tuning(wish, time.time())
        task = asyncio.ensure_future(_run(tuning, key, url))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        over = [old for old, one in self._latest.items() if one.over]
        for old in over[: max(0, len(self._latest) - KEPT)]:
            del self._latest[old]

    def end(self, key: Key) -> None:
        """Have it put the function back, and end. Harmless if it is over."""
        tuning = self._latest.get(key)
        if tuning is not None and not tuning.over and tuning.process is not None:
            with contextlib.suppress(ProcessLookupError):
                tuning.process.terminate()

    async def close(self) -> None:
        """End all of them, while the server still answers what they ask."""
        for key in list(self._latest):
            self.end(key)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=ENDING_S)
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


async def _run(tuning: Tuning, key: Key, url: str) -> None:
    account, region, function = key
    try:
        tuning.process = child = await asyncio.create_subprocess_exec(
            *tuning.wish.command(function, url, region), stdin=PIPE, stdout=PIPE, stderr=PIPE,
            limit=LINE_BYTES, env=_environ(account),
        )  # fmt: skip
    except OSError as error:
        tuning.lines.append(f"cannot start: {error}")
        tuning.over = True
        return
    try:
        result, _, _ = await asyncio.gather(_result(child), _progress(tuning, child), _told(tuning))
        await child.wait()
        tuning.sizes = read_sizes(result) if child.returncode == 0 else ()
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
        tuning.over, tuning.process = True, None


def _environ(account: str) -> dict[str, str]:
    """Nothing of the operator's own account on AWS; the key is the account that is meant."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    return {
        **kept, "AWS_ACCESS_KEY_ID": account, "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "*", "NO_COLOR": "1", "COLUMNS": "400",
    }  # fmt: skip


async def _told(tuning: Tuning) -> None:
    """The events."""
    assert tuning.process is not None and tuning.process.stdin is not None
    pipe = tuning.process.stdin
    with contextlib.suppress(ConnectionError):
        pipe.write(tuning.wish.events.encode("utf-8", "replace"))
        await pipe.drain()
    pipe.close()


async def _progress(tuning: Tuning, child: Process) -> None:
    assert child.stderr is not None
    while True:
        try:
            line = await child.stderr.readline()
        except ValueError:  # a line without an end
            continue
        if not line:
            return
        text = line.decode("utf-8", "replace").strip()
        if text:
            tuning.lines.append(text)
            tuning.said += 1


async def _result(child: Process) -> bytes:
    assert child.stdout is not None
    found = bytearray()
    while part := await child.stdout.read(64 * 1024):
        if len(found) <= RESULT_BYTES:
            found += part
    return bytes(found)


def read_sizes(said: bytes) -> tuple[Size, ...]:
    """Of the command's JSON; none of anything else."""
    try:
        told: dict[str, Any] = orjson.loads(said)
        return tuple(Size(**one) for one in told["sizes"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ()
