"""Function URLs: an HTTP address of a function's own, or of an alias's.

    http://ID.lambda-url.REGION.localhost:PORT/      ID follows from what it is an address of

So a URL that is deleted and made again is the same, as AWS says of its own: "deterministic".
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from stoker.core.errors import ResourceConflictException, ResourceNotFoundException
from stoker.core.model import FunctionKey
from stoker.core.names import LATEST, function_arn

KIND = "url"  # in the store
ID_LENGTH = 32
NAME = ".lambda-url."
PATH = "/_url/"  # where `*.localhost` does not resolve: /_url/ID/…
_HOST = re.compile(r"([a-z0-9]{32})\.lambda-url\.[a-z0-9-]+\.[^:]+(?::[0-9]+)?", re.ASCII)
_PATH = re.compile(r"/_url/([a-z0-9]{32})(/[^?]*)?(\?.*)?", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class UrlKey:
    """What it is an address of."""

    function: FunctionKey
    qualifier: str = LATEST  # or an alias

    @property
    def arn(self) -> str:
        key = self.function
        qualifier = None if self.qualifier == LATEST else self.qualifier
        return function_arn(key.region, key.account, key.name, qualifier)

    @property
    def id(self) -> str:
        digest = hashlib.sha256(f"{self.function.arn} {self.qualifier}".encode()).digest()
        return base64.b32encode(digest[:20]).decode().lower()

    @property
    def domain(self) -> str:
        return f"{self.id}.lambda-url.{self.function.region}.localhost"


@dataclass(frozen=True, slots=True)
class Cors:
    """Which web pages may read the answers. None: not mentioned."""

    credentials: bool | None = None
    headers: tuple[str, ...] | None = None
    methods: tuple[str, ...] | None = None
    origins: tuple[str, ...] | None = None
    exposed: tuple[str, ...] | None = None
    max_age_s: int | None = None


@dataclass(frozen=True, slots=True)
class FunctionUrl:
    key: UrlKey
    auth: str  # NONE | AWS_IAM
    mode: str  # BUFFERED | RESPONSE_STREAM
    cors: Cors | None
    created: str
    modified: str

    def dump(self) -> dict[str, object]:
        record = asdict(self)
        del record["key"]
        return record

    @classmethod
    def load(cls, key: UrlKey, record: Mapping[str, Any]) -> "FunctionUrl":
        given: Mapping[str, Any] | None = record["cors"]
        cors = None if given is None else Cors(**{k: _frozen(v) for k, v in given.items()})
        return cls(key, **{**record, "cors": cors})


def made(key: UrlKey, auth: str, mode: str | None, cors: Cors | None, now: str) -> FunctionUrl:
    return FunctionUrl(key, auth, mode or "BUFFERED", _said(cors), now, now)


def changed(
    url: FunctionUrl, auth: str | None, mode: str | None, cors: Cors | None, now: str
) -> FunctionUrl:
    """What is given; Cors is replaced whole, and an empty one ends it (Terraform relies on it)."""
    return replace(
        url,
        auth=auth or url.auth,
        mode=mode or url.mode,
        cors=url.cors if cors is None else _said(cors),
        modified=now,
    )


def url_asked(host: str, target: str) -> tuple[str, str] | None:
    """(ID, the request target as its function sees it), by name or by path; None: no URL."""
    name = host.lower()
    if NAME in name:
        found = _HOST.fullmatch(name)
        return (found[1], target) if found else None
    if target.startswith(PATH):
        found = _PATH.fullmatch(target)
        return (found[1], (found[2] or "/") + (found[3] or "")) if found else None
    return None


def there_is_one(key: UrlKey) -> ResourceConflictException:
    return ResourceConflictException(
        f"Failed to create function url config for [functionArn = {key.arn}]. Error message:  "
        "FunctionUrlConfig exists for this Lambda function"
    )


def no_function() -> ResourceNotFoundException:
    return ResourceNotFoundException("Function does not exist")


def none_there() -> ResourceNotFoundException:
    return ResourceNotFoundException("The resource you requested does not exist.")


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _said(cors: Cors | None) -> Cors | None:
    return None if cors == Cors() else cors
