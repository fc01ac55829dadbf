"""The public keys of those who issue JSON Web Tokens, found by OpenID Connect Discovery.

    ISSUER/.well-known/openid-configuration ─► jwks_uri ─► keys, kept for two hours

Only issuers that authorizers name are asked, never what a token says. A user pool of Cognito has
its keys at the neighbour that answers for cognito-idp, if there is one here.
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from stoker.core.http_proxies import MARK
from stoker.core.json_web_tokens import keys_of
from stoker.core.neighbours import passed_on_within
from stoker.neighbours.neighbours import Neighbours, Unreachable, whole
from stoker.neighbours.outside import Outside

log = logging.getLogger(__name__)

KEPT_S = 7200.0  # AWS: "API Gateway can cache the public key for two hours"
ANSWER_S = 10.0  # of both requests together (AWS: 1.5 s each)
ANSWER_BYTES = 150_000  # of each (AWS)
AGAIN_S = 30.0  # between two looks for a key that was not there
ISSUERS = 256  # whose keys are kept
CONFIGURATION = "/.well-known/openid-configuration"
_COGNITO = re.compile(
    r"https://cognito-idp\.([a-z0-9-]+)\.amazonaws\.com/([a-zA-Z0-9_-]+)", re.ASCII
)

# An issuer may name any address, and this server takes any signature: it is a stranger's request.
_OF_AN_API = {"via": f"1.1 authorizer{MARK}"}

Keys = Mapping[str, RSAPublicKey]


class NoKeys(Exception):
    """The issuer's keys cannot be had; the text says why."""


@dataclass(frozen=True, slots=True)
class _Kept:
    keys: Keys
    since: float


class Issuers:
    def __init__(self, outside: Outside, clock: Callable[[], float] = time.monotonic) -> None:
        self._outside = outside
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._asking: dict[str, asyncio.Task[Keys]] = {}

    async def key(
        self, neighbours: Neighbours | None, account: str, issuer: str, key_id: str
    ) -> RSAPublicKey | None:
        """None: the issuer has none of that name. `account`: whose user pools are meant. Raises
        NoKeys."""
        name = f"{account} {issuer}"
        kept = self._kept.get(name)
        age = float("inf") if kept is None else self._clock() - kept.since
        if kept is None or age > KEPT_S or (key_id not in kept.keys and age > AGAIN_S):
            return (await self._asked(name, neighbours, account, issuer)).get(key_id)
        return kept.keys.get(key_id)

    async def close(self) -> None:
        for task in self._asking.values():
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)

    async def _asked(
        self, name: str, neighbours: Neighbours | None, account: str, issuer: str
    ) -> Keys:
        """Whoever waits for the same issuer waits for one answer."""
        task = self._asking.get(name)
        if task is None:
            task = asyncio.create_task(self._fetched(name, neighbours, account, issuer))
            self._asking[name] = task
            task.add_done_callback(lambda _: self._asking.pop(name, None))
        return await asyncio.shield(task)

    async def _fetched(
        self, name: str, neighbours: Neighbours | None, account: str, issuer: str
    ) -> Keys:
        try:
            async with asyncio.timeout(ANSWER_S):
                pool = _COGNITO.fullmatch(issuer)
                if pool and neighbours is not None and neighbours.serves("cognito-idp"):
                    text = await _of_pool(neighbours, account, pool[1], pool[2])
                else:
                    text = await self._discovered(issuer)
            keys = keys_of(orjson.loads(text))
        except TimeoutError:
            raise NoKeys(f"{issuer} has not answered in {ANSWER_S:g} s") from None
        except (ValueError, OverflowError, Unreachable) as error:
            raise NoKeys(f"{issuer}: {error or type(error).__name__}") from error
        if len(self._kept) >= ISSUERS:
            self._kept.clear()
        self._kept[name] = _Kept(keys, self._clock())
        log.info("issuer's keys read", extra={"issuer": issuer, "keys": len(keys)})
        return keys

    async def _discovered(self, issuer: str) -> bytes:
        told = orjson.loads(await self._get(issuer.rstrip("/") + CONFIGURATION))
        where = told.get("jwks_uri") if isinstance(told, dict) else None
        if not isinstance(where, str) or urlsplit(where).scheme not in ("http", "https"):
            raise ValueError("its configuration has no jwks_uri")
        if issuer.startswith("https:") and not where.startswith("https:"):
            raise ValueError("its jwks_uri is not https as itself")
        return await self._get(where)

    async def _get(self, url: str) -> bytes:
        reply = await self._outside.ask("GET", url, _OF_AN_API, b"", most=ANSWER_BYTES)
        if reply.status != 200:
            raise ValueError(f"{url} answered {reply.status}")
        return reply.body


async def _of_pool(neighbours: Neighbours, account: str, region: str, pool: str) -> bytes:
    headers = passed_on_within({}, account=account, region=region, service="cognito-idp")
    target = f"/{pool}/.well-known/jwks.json"
    headers.append(("host", f"cognito-idp.{region}.amazonaws.com"))
    async with neighbours.ask("cognito-idp", "GET", target, headers, b"") as answer:
        if answer.status != 200:
            raise ValueError(f"cognito-idp answered {answer.status}")
        return await whole(answer.body, ANSWER_BYTES)
