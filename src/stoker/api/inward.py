"""This server's own front door, asked from within: what CloudFormation has made is made by the same
operations, with the same checks, as what somebody asks for from outside."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from stoker.api.front import Front
from stoker.core.neighbours import Headers
from stoker.http.base import Headers as Said
from stoker.neighbours.calls import ANSWER_BYTES, call
from stoker.neighbours.neighbours import Answer, Unreachable


class Inward:
    """`ask` is stacks.work.Ask; the rest is calls.Reachable."""

    def __init__(self, front: Callable[[], Front], address: str) -> None:
        """`address`: "127.0.0.1:4566", as the answers have it in URLs."""
        self._front = front
        self._address = address

    async def __call__(
        self, account: str, region: str, service: str, operation: str, parameters: dict[str, Any]
    ) -> dict[str, Any]:
        return await call(self, service, operation, parameters, account=account, region=region)

    def is_embedded(self, _service: str) -> bool:
        return True  # signed with the account for a key, which the front door believes

    def endpoint(self, _service: str) -> str:
        return f"http://{self._address}"

    @asynccontextmanager
    async def ask(
        self, service: str, method: str, target: str, headers: Headers, body: bytes
    ) -> AsyncIterator[Answer]:
        """One request, in this process. Of AWS's operations only: Unreachable is raised of what
        is no service's."""
        front = self._front()
        if not front.has(service, target):
            raise Unreachable(f"{service} has no {target[:200]}")
        exchange = InnerExchange(method, target, headers, self._address, body)
        front.begin(exchange)
        if not exchange.answered.done():
            if exchange.on_data is not None and body:
                exchange.on_data(body)
            else:
                exchange.body = body
            front.complete(exchange)
        try:
            status, said, found = await exchange.answered
        except ConnectionResetError as error:
            raise Unreachable(f"{service} did not answer") from error

        async def pieces() -> AsyncIterator[bytes]:
            yield found

        yield Answer(status, said, len(found), pieces())


class InnerExchange:
    """Implements http.base.Exchange without a connection."""

    def __init__(self, method: str, target: str, headers: Headers, host: str, body: bytes) -> None:
        self.method = method
        self.target = target
        self.headers = {name.lower(): value for name, value in headers}
        self.headers["host"] = host
        self.body = b""
        self.trailers: dict[str, str] = {}
        self.content_length: int | None = len(body)
        self.truncated = False
        self.oversized = False
        self.on_data: Callable[[bytes], None] | None = None
        self.keep_encoding = False
        self.purpose: Any = None
        self.answered: asyncio.Future[tuple[int, Said, bytes]] = (
            asyncio.get_running_loop().create_future()
        )
        self._begun: tuple[int, Said] | None = None
        self._written = bytearray()

    @property
    def peer(self) -> str:
        return ""

    def respond(self, status: int, headers: Said, body: bytes = b"") -> None:
        if not self.answered.done():
            self.answered.set_result((status, headers, body))

    def respond_raw(self, response: bytes, *, hold: bool = False) -> None:
        """Of an invocation: what would have gone over the connection."""
        head, _, body = response.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        said = [(name, value.strip()) for name, _, value in (one.partition(":") for one in lines)]
        self.respond(int(first.split()[1]), said, body)

    def start(self, status: int, headers: Said, length: int | None = None) -> None:
        self._begun = (status, headers)

    def write(self, data: bytes) -> bool:
        self._written += data
        if len(self._written) > ANSWER_BYTES:
            self.abort()
        return True

    def when_drained(self, call: Callable[[], None]) -> None:
        call()

    async def drained(self) -> None:
        if self.answered.done():
            raise ConnectionResetError("nobody takes more")

    def finish(self) -> None:
        assert self._begun is not None
        self.respond(*self._begun, bytes(self._written))

    def pause(self) -> None:
        """The body is here already."""

    def resume(self) -> None:
        """The same."""

    def abort(self) -> None:
        if not self.answered.done():
            self.answered.set_exception(ConnectionResetError("the answer was broken off"))
