"""AWS's other services, as the rest of the server asks them: forwarded requests, and our own.

Each is behind a configured endpoint (anything that speaks AWS's API: MinIO, ElasticMQ, AWS), or
is one of the embedded ones.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from stoker.core.neighbours import SILENCE_S, Endpoints, Headers
from stoker.neighbours.embedded import CannotStart, Embedded

if TYPE_CHECKING:
    from botocore.credentials import Credentials

    from stoker.neighbours.link import Link

LINK = "stoker.neighbours.link"  # takes 0.2 s to load, and most servers need none
EMBEDDED_AT = "http://127.0.0.1"  # moto takes the first word of any other name for a bucket


class Unreachable(Exception):
    """A neighbour that does not answer: why."""


class Silent(Unreachable):
    """It took the request, and says nothing."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of a neighbour's answer, and its body as it comes. Valid inside `ask`."""

    status: int
    headers: Headers
    length: int | None  # of the body, if it was said
    body: AsyncIterator[bytes]


class Neighbours:
    def __init__(self, endpoints: Endpoints, embedded: Embedded) -> None:
        self._endpoints = endpoints
        self._embedded = embedded
        self._links: dict[str, Link] = {}  # by where they lead
        self._beginning: asyncio.Task[None] | None = None
        # Of roles, by ARN and session; until when (acting.py).
        self.assumed: dict[tuple[str, str], tuple[float, Credentials]] = {}

    def serves(self, service: str) -> bool:
        """Does anybody answer for it (by the name that requests are signed for)?"""
        return self._endpoints.serves(service)

    def is_embedded(self, service: str) -> bool:
        return service not in self._endpoints.configured

    def has_begun(self, service: str) -> bool:
        """Whether it may know of anything: it runs already, or has kept something."""
        return self.serves(service) and (not self.is_embedded(service) or self._embedded.has_begun)

    def resume(self) -> None:
        """Call when the server starts: the embedded ones may have something to do by themselves."""
        if self._endpoints.embedded:
            self._embedded.resume()

    def soon(self, service: str) -> None:
        """Somebody will ask for it before long: what can be done by then is begun."""
        if self._beginning is None and self.serves(service) and self.is_embedded(service):
            self._beginning = asyncio.create_task(self._begun(), name="neighbours begin")

    async def _begun(self) -> None:
        with suppress(CannotStart):  # whoever asks will be told
            await self._address()
        self._beginning = None

    async def _address(self) -> str:
        """Where the embedded ones are; they are started if need be. Raise CannotStart."""
        if LINK in sys.modules:
            return await self._embedded.address()
        loading = asyncio.create_task(asyncio.to_thread(import_module, LINK))
        try:
            return await self._embedded.address()
        finally:
            await loading

    def endpoint(self, service: str) -> str:
        """Where it is: "http://host:port". The embedded ones have a name that is not one."""
        return self._endpoints.configured.get(service, EMBEDDED_AT)

    @asynccontextmanager
    async def ask(
        self, service: str, method: str, target: str, headers: Headers,
        body: bytes | AsyncIterator[bytes], silence_s: float = SILENCE_S,
    ) -> AsyncIterator[Answer]:  # fmt: skip
        """One request as it is, `target` and `headers` included. Raise Unreachable, also when it
        says nothing for that long."""
        path = ""
        if self.is_embedded(service):
            try:
                path = await self._address()  # a dead one is started again
            except CannotStart as error:
                reason = f"the embedded neighbours do not start: {error}"
                raise Unreachable(reason) from error
        link = self._link(self.endpoint(service), path)
        try:
            async with link.ask(method, target, headers, body, silence_s) as answer:
                yield answer
        except Silent:
            if path:
                await self._embedded.doubt()
            raise

    async def close(self) -> None:
        if self._beginning is not None:
            await self._beginning
        for link in self._links.values():
            await link.close()
        self._links.clear()
        await self._embedded.close()

    def _link(self, base: str, path: str) -> "Link":
        from stoker.neighbours.link import Link

        key = path or base
        if key not in self._links:
            self._links[key] = Link(base, path)
        return self._links[key]


async def whole(pieces: AsyncIterator[bytes], most: int) -> bytes:
    """The body in one piece. Raise OverflowError beyond `most` bytes."""
    kept = bytearray()
    async for piece in pieces:
        kept += piece
        if len(kept) > most:
            raise OverflowError(most)
    return bytes(kept)


def header(headers: Iterable[tuple[str, str]], name: str) -> str | None:
    """The first of that name (lower case)."""
    return next((value for key, value in headers if key.lower() == name), None)
