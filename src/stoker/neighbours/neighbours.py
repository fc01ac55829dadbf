"""AWS's other services, as the rest of the server asks them: forwarded requests, and our own.

Each is behind a configured endpoint (anything that speaks AWS's API: MinIO, ElasticMQ, AWS), or
is one of the embedded ones.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import aiohttp
from yarl import URL

from stoker.core.neighbours import Endpoints, Headers
from stoker.neighbours.embedded import CannotStart, Embedded

SILENCE_S = 70.0  # SQS makes its callers wait for 20 seconds; more than a minute is nobody's way
EMBEDDED_AT = "http://127.0.0.1"  # moto takes the first word of any other name for a bucket
NOT_ADDED = ("User-Agent", "Content-Type", "Accept", "Accept-Encoding")  # headers
READ_BYTES = 256 * 1024


class Unreachable(Exception):
    """A neighbour that does not answer: why."""


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
        self._sessions: dict[str, aiohttp.ClientSession] = {}  # by where they lead

    def serves(self, service: str) -> bool:
        """Does anybody answer for it (by the name that requests are signed for)?"""
        return self._endpoints.serves(service)

    def is_embedded(self, service: str) -> bool:
        return service not in self._endpoints.configured

    def is_running(self, service: str) -> bool:
        """Whether it would answer without having to be started."""
        return self.serves(service) and (not self.is_embedded(service) or self._embedded.is_running)

    def endpoint(self, service: str) -> str:
        """Where it is: "http://host:port". The embedded ones have a name that is not one."""
        return self._endpoints.configured.get(service, EMBEDDED_AT)

    @asynccontextmanager
    async def ask(
        self, service: str, method: str, target: str, headers: Headers,
        body: bytes | AsyncIterator[bytes],
    ) -> AsyncIterator[Answer]:  # fmt: skip
        """One request as it is, `target` and `headers` included. Raise Unreachable."""
        base = self.endpoint(service)
        async with AsyncExitStack() as stack:
            try:
                session = await self._session(service)
                answer = await stack.enter_async_context(
                    session.request(
                        method,
                        URL(base + target, encoded=True),
                        headers=headers,
                        data=body or None,
                        allow_redirects=False,
                        skip_auto_headers=(
                            "User-Agent",
                            "Content-Type",
                            "Accept",
                            "Accept-Encoding",
                        ),
                    )
                )
            except CannotStart as error:
                raise Unreachable(f"the embedded neighbours do not start: {error}") from error
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                raise Unreachable(f"{base}: {error or type(error).__name__}") from error
            yield Answer(
                answer.status,
                list(answer.headers.items()),
                answer.content_length,
                _pieces(answer, base),
            )

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()
        await self._embedded.close()

    async def _session(self, service: str) -> aiohttp.ClientSession:
        where = self._endpoints.configured.get(service, "")
        path = "" if where else await self._embedded.address()  # a dead one is started again
        session = self._sessions.get(where)
        if session is None:
            session = self._sessions[where] = aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(path) if path else aiohttp.TCPConnector(),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=None, connect=10, sock_read=SILENCE_S),
            )
        return session


async def _pieces(answer: aiohttp.ClientResponse, base: str) -> AsyncIterator[bytes]:
    try:
        async for piece in answer.content.iter_chunked(READ_BYTES):
            yield piece
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise Unreachable(f"{base}: {error or type(error).__name__}") from error


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
