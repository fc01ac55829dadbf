"""HTTP requests as events in AWS's payload format 2.0: what function URLs and HTTP APIs share."""

import base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

HOP = frozenset(
    {
        *("connection", "expect", "keep-alive", "proxy-authorization", "proxy-connection", "te"),
        *("trailer", "transfer-encoding", "upgrade"),
    }
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TEXTS = ("application/json", "application/xml", "application/javascript", "application/graphql")


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed a request."""

    access_key: str
    account: str
    arn: str

    @property
    def shown(self) -> dict[str, object]:
        """As `authorizer` has it."""
        return {
            "iam": {
                "accessKey": clean(self.access_key),
                "accountId": self.account,
                "callerId": clean(self.access_key),
                "cognitoIdentity": None,
                "principalOrgId": None,
                "userArn": self.arn,
                "userId": clean(self.access_key),
            }
        }


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    target: str  # as the function is to see it: path and query, percent-encoded
    headers: Mapping[str, str]  # lower case
    body: bytes
    peer: str  # its address
    signer: Signer | None  # None: no signature was asked for


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request arrived: the URL or the API, and what of it was chosen."""

    account: str
    id: str
    domain: str
    stage: str = "$default"
    route_key: str = "$default"
    authorizer: Mapping[str, Any] | None = None  # what was found out about the caller
    principal: str = ""  # whom a Lambda authorizer named
    parameters: Mapping[str, str] = field(default_factory=dict)  # of the path
    variables: Mapping[str, str] = field(default_factory=dict)  # of the stage


def version_2(
    request: Request, place: Place, headers: Mapping[str, str], *, request_id: str, now: float
) -> dict[str, object]:
    """`headers`: those that the function is to see. `now`: seconds of the epoch."""
    path, _, query = request.target.partition("?")
    found: dict[str, object] = {
        "version": "2.0",
        "routeKey": place.route_key,
        "rawPath": clean(path),
        "rawQueryString": clean(query),
    }
    if crumbs := cookies(request):
        found["cookies"] = crumbs
    found["headers"] = headers
    if named := query_parameters(query):
        found["queryStringParameters"] = {name: ",".join(them) for name, them in named.items()}
    found["requestContext"] = _context(request, path, place, request_id, now)
    if place.parameters:
        found["pathParameters"] = place.parameters
    if place.variables:
        found["stageVariables"] = place.variables
    body, encoded = body_of(request)
    if request.body:
        found["body"] = body
    found["isBase64Encoded"] = encoded
    return found


def cookies(request: Request) -> list[str]:
    given = clean(request.headers.get("cookie", ""))
    return [one.strip() for one in given.split(";") if one.strip()]


def shown_headers(request: Request, without: Collection[str]) -> dict[str, str]:
    """What it came with, and what a proxy adds."""
    headers = {
        name: clean(value)
        for name, value in request.headers.items()
        if name not in HOP and name not in without
    }
    before = headers.get("x-forwarded-for")
    headers["x-forwarded-for"] = f"{before}, {request.peer}" if before else request.peer
    headers["x-forwarded-proto"] = "http"
    port = headers.get("host", "").rpartition(":")[2]
    headers["x-forwarded-port"] = port if port.isdecimal() else "80"  # a name alone says none
    return headers


def clean(text: str) -> str:
    """JSON can say all but halves of surrogate pairs."""
    return text.encode("utf-8", "replace").decode()


def query_parameters(query: str) -> dict[str, list[str]]:
    """Every name that comes, with its values."""
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found.setdefault(clean(name), []).append(clean(value))
    return found


def log_time(now: float) -> str:
    moment = datetime.fromtimestamp(now, UTC)
    return f"{moment:%d}/{_MONTHS[moment.month - 1]}/{moment:%Y:%H:%M:%S} +0000"


def body_of(request: Request) -> tuple[str, bool]:
    """As JSON can say it, and whether that is base64. As on AWS a form is, too."""
    text = _as_text(request) if request.body else ""
    if text is not None:
        return text, False
    return base64.b64encode(request.body).decode(), True


def _context(
    request: Request, path: str, place: Place, request_id: str, now: float
) -> dict[str, object]:
    context: dict[str, object] = {
        "accountId": place.account,
        "apiId": place.id,
        "domainName": place.domain,
        "domainPrefix": place.domain.partition(".")[0],
        "http": {
            "method": request.method,
            "path": clean(path),
            "protocol": "HTTP/1.1",
            "sourceIp": request.peer,
            "userAgent": clean(request.headers.get("user-agent", "")),
        },
        "requestId": request_id,
        "routeKey": place.route_key,
        "stage": place.stage,
        "time": log_time(now),
        "timeEpoch": int(now * 1000),
    }
    if place.authorizer is not None:
        context["authorizer"] = place.authorizer
    return context


def _as_text(request: Request) -> str | None:
    """None: it goes as base64."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not (kind.startswith("text/") or kind in _TEXTS or kind.endswith(("+json", "+xml"))):
        return None
    if request.headers.get("content-encoding", "identity") != "identity":
        return None
    try:
        return request.body.decode()
    except UnicodeDecodeError:
        return None
