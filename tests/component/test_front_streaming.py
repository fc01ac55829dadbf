"""InvokeWithResponseStream's answer over a real socket: back-pressure, hang-ups, refusals."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from stoker.core.errors import TooManyRequestsException
from stoker.core.invocation import Invocation, InvocationResult
from tests.component.test_front_invoke import with_function
from tests.front_door import Done, Door, read_answer, signed

PATH = "/2021-11-15/functions/f/response-streaming-invocations"
PIECE = bytes(64 * 1024)
ENOUGH = 32 * 1024 * 1024  # more than the kernel keeps of one connection


class Function:
    """Streams pieces for as long as it is not paused."""

    def __init__(self) -> None:
        self.written = 0
        self.paused = asyncio.Event()
        self.resumed = asyncio.Event()
        self.done: Done | None = None

    def pause(self) -> None:
        self.paused.set()

    def resume(self) -> None:
        self.resumed.set()

    def answer(self, invocation: Invocation, done: Done) -> None:
        self.done = done
        assert invocation.recipient is not None
        invocation.recipient.began(self, "application/octet-stream")
        while not self.paused.is_set() and self.written < ENOUGH:
            invocation.recipient.write(PIECE)
            self.written += len(PIECE)

    def finish(self) -> None:
        assert self.done is not None
        self.done(InvocationResult(b""))


Story = Callable[[Function, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def with_caller(folder: Path, story: Story) -> None:
    """A caller who has read nothing yet, of a function that streams until it is held up."""

    async def main(door: Door) -> None:
        function = Function()
        door.echo.answer = function.answer
        host, _, port = door.host.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
        try:
            writer.write(signed(door.host, "POST", PATH, b"{}"))
            async with asyncio.timeout(30):
                await function.paused.wait()
                await story(function, reader, writer)
        finally:
            writer.close()

    with_function(folder, main)


def test_a_function_is_held_up_until_its_caller_reads(tmp_path: Path) -> None:
    async def story(
        function: Function, reader: asyncio.StreamReader, _: asyncio.StreamWriter
    ) -> None:
        assert function.written < ENOUGH
        assert not function.resumed.is_set()
        received = 0
        while not function.resumed.is_set():
            received += len(await reader.read(1 << 20))
        function.finish()
        tail = b""
        while not tail.endswith(b"\r\n0\r\n\r\n"):
            piece = await reader.read(1 << 20)
            assert piece
            received += len(piece)
            tail = (tail + piece)[-200:]
        assert b"InvokeComplete" in tail
        assert received > function.written

    with_caller(tmp_path, story)


def test_a_caller_who_hangs_up_lets_the_function_go_on(tmp_path: Path) -> None:
    async def story(
        function: Function, _: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.transport.abort()
        await function.resumed.wait()
        function.finish()

    with_caller(tmp_path, story)


def test_what_refuses_before_the_first_byte_answers_as_json(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        def refuse(_: Invocation, done: Done) -> None:
            done(TooManyRequestsException("Rate Exceeded.", Reason="CallerRateLimitExceeded"))

        door.echo.answer = refuse
        host, _, port = door.host.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(signed(door.host, "POST", PATH, b"{}"))
        answer = await read_answer(reader)
        writer.close()
        assert answer.status == 429
        assert answer["x-amzn-ErrorType"] == "TooManyRequestsException"
        assert answer.json["Reason"] == "CallerRateLimitExceeded"

    with_function(tmp_path, story)
