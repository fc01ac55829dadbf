"""Runtimes that stream their answers, and callers who take them as they come."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from stoker.core.invocation import Flow, InvocationResult
from stoker.core.pace import StreamLimits
from tests.invoking import PATIENCE_S, Ground, run

# What a runtime needs to stream its answer, over a socket of its own; goes behind PREAMBLE.
STREAM = """
class Stream:
    def __init__(self, request_id, headers=(), trailers=(), mode="streaming"):
        host, _, port = API.rpartition(":")
        self.socket = socket.create_connection((host, int(port)))
        lines = [
            f"POST {BASE}/invocation/{request_id}/response HTTP/1.1", "Host: " + API,
            "Transfer-Encoding: chunked", *headers,
        ]
        if mode:
            lines.append("Lambda-Runtime-Function-Response-Mode: " + mode)
        if trailers:
            lines.append("Trailer: " + ", ".join(trailers))
        self.socket.sendall(("\\r\\n".join(lines) + "\\r\\n\\r\\n").encode())

    def write(self, data):
        self.socket.sendall(b"%x\\r\\n%b\\r\\n" % (len(data), data))

    def finish(self, *trailers):
        lines = "".join(line + "\\r\\n" for line in trailers)
        self.socket.sendall(f"0\\r\\n{lines}\\r\\n".encode())
        return self.answer()

    def answer(self):
        answer = http.client.HTTPResponse(self.socket)
        answer.begin()
        return answer.status, answer.read().decode()

def wait_for(path):
    while not os.path.exists(path):
        time.sleep(0.01)

ERROR = ("Lambda-Runtime-Function-Error-Type", "Lambda-Runtime-Function-Error-Body")
"""

ID = "11111111-2222-4333-8444-abcdefabcdef"
FAST = StreamLimits(burst_bytes=1 << 40)


class Caller:
    """Takes an answer as it comes (core.invocation.Recipient)."""

    def __init__(self, *, takes: int | None = None) -> None:
        """`takes`: after so many bytes it takes no more, until take_all()."""
        self.begun = 0
        self.flow: Flow | None = None
        self.received = bytearray()
        self.takes = takes
        self.came = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def began(self, flow: Flow, content_type: str) -> None:
        self.begun += 1
        self.flow = flow
        self._tell()

    def write(self, data: bytes) -> None:
        self.received += data
        if self.takes is not None and len(self.received) >= self.takes:
            assert self.flow is not None
            self.flow.pause()
        self._tell()

    def take_all(self) -> None:
        self.takes = None
        assert self.flow is not None
        self.flow.resume()

    async def until(self, condition: Callable[["Caller"], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S), self.came:
            await self.came.wait_for(lambda: condition(self))

    def _tell(self) -> None:
        async def tell() -> None:
            async with self.came:
                self.came.notify_all()

        task = asyncio.get_running_loop().create_task(tell())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def streamed(
    tmp_path: Path, script: str, story: Callable[[Ground, Caller], Awaitable[None]] | None = None,
    *, limits: StreamLimits = FAST, timeout_s: int = 20,
) -> tuple[Caller, InvocationResult]:  # fmt: skip
    """What a caller got of one invocation of this script; `story` goes on beside it."""
    found: list[tuple[Caller, InvocationResult]] = []

    async def main(world: Ground) -> None:
        caller = Caller()
        f = world.function(STREAM + script, timeout_s=timeout_s)
        async with asyncio.TaskGroup() as tasks:
            result = tasks.create_task(world.invoke(f, request_id=ID, recipient=caller))
            if story is not None:
                await story(world, caller)
        found.append((caller, result.result()))

    run(tmp_path, main, stream=limits)
    return found[0]


def touch(go: Path, received: bytes) -> Callable[[Ground, Caller], Awaitable[None]]:
    """What wait_for(go) inside waits for: that the caller has this."""

    async def story(_: Ground, caller: Caller) -> None:
        await caller.until(lambda c: c.received == received)
        await asyncio.to_thread(go.touch)

    return story
