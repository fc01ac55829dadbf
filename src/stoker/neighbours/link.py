"""The way to one neighbour: HTTP over TCP, or over a Unix socket."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
from yarl import URL

from stoker.core.neighbours import SILENCE_S, Headers
from stoker.neighbours.neighbours import Answer, Silent, Unreachable

NOT_ADDED = ("User-Agent", "Content-Type", "Accept", "Accept-Encoding")  # headers
READ_BYTES = 256 * 1024


class Link:
    def __init__(self, base: str, path: str = "") -> None:
        """`base`: "http://host:port"; `path`: of a Unix socket that stands for it."""
        self._base = base
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(path) if path else aiohttp.TCPConnector(),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    @asynccontextmanager
    async def ask(
        self, method: str, target: str, headers: Headers, body: bytes | AsyncIterator[bytes],
        silence_s: float = SILENCE_S,
    ) -> AsyncIterator[Answer]:  # fmt: skip
        """Raise Unreachable."""
        async with AsyncExitStack() as stack:
            try:
                answer = await stack.enter_async_context(
                    self._session.request(
                        method,
                        URL(self._base + target, encoded=True),
                        headers=headers,
                        data=body or None,
                        allow_redirects=False,
                        skip_auto_headers=NOT_ADDED,
                        timeout=aiohttp.ClientTimeout(total=None, connect=10, sock_read=silence_s),
                    )
                )
            except TimeoutError as error:
                raise Silent(f"{self._base}: no answer in {silence_s:.0f} s") from error
            except (aiohttp.ClientError, OSError) as error:
                raise self._unreachable(error) from error
            length, pieces = answer.content_length, self._pieces(answer)
            yield Answer(answer.status, list(answer.headers.items()), length, pieces)

    async def close(self) -> None:
        await self._session.close()

    async def _pieces(self, answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        try:
            async for piece in answer.content.iter_chunked(READ_BYTES):
                yield piece
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> Unreachable:
        return Unreachable(f"{self._base}: {error or type(error).__name__}")
