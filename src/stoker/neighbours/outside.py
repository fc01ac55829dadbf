"""HTTP requests to addresses that an account configured: issuers of tokens, targets of proxies."""

from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from yarl import URL

from stoker.core.neighbours import Headers
from stoker.neighbours.neighbours import Unreachable, whole

NOT_ADDED = ("User-Agent", "Content-Type", "Accept", "Accept-Encoding")  # headers
READ_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Headers
    body: bytes


class Outside:
    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, *, most: int
    ) -> Reply:
        """One request as it is; redirects are not followed. Whoever asks says for how long.
        Raises Unreachable, also for an answer of more than `most` bytes."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=None),
            )
        try:
            async with self._session.request(
                method,
                URL(url, encoded=True),
                headers=headers,
                data=body or None,
                allow_redirects=False,
                skip_auto_headers=NOT_ADDED,
            ) as answer:
                found = await whole(answer.content.iter_chunked(READ_BYTES), most)
                return Reply(answer.status, list(answer.headers.items()), found)
        except OverflowError:
            raise Unreachable(f"{url}: the answer has more than {most} bytes") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Unreachable(f"{url}: {error or type(error).__name__}") from error

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
