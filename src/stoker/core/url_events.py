"""The event of a function URL: one HTTP request in AWS's payload format 2.0.

Which members there are, and which headers stay, follows events recorded on AWS (aws-lambda-go,
lambdaurl/testdata, 18 Apr 2023): `cookie` is also in `headers`; `authorization` is not, once it
was a signature; `connection` never is.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import orjson

_HOP = frozenset(
    {
        *("connection", "expect", "keep-alive", "proxy-authorization", "proxy-connection", "te"),
        *("trailer", "transfer-encoding", "upgrade"),
    }
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TEXTS = ("application/json", "application/xml", "application/javascript", "application/graphql")


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed a request to a URL with AuthType AWS_IAM."""

    access_key: str
    account: str
    arn: str


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    target: str  # as the function is to see it: path and query, percent-encoded
    headers: Mapping[str, str]  # lower case
    body: bytes
    peer: str  # its address
    signer: Signer | None  # None: AuthType NONE


def event(request: Request, *, url_id: str, domain: str, request_id: str, now: float) -> bytes:
    """JSON. `now`: seconds of the epoch."""
    path, _, query = request.target.partition("?")
    headers = _headers(request)
    found: dict[str, object] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
    }
    if cookies := headers.get("cookie"):
        found["cookies"] = [one.strip() for one in cookies.split(";") if one.strip()]
    found["headers"] = headers
    if parameters := _parameters(query):
        found["queryStringParameters"] = parameters
    found["requestContext"] = _context(request, path, url_id, domain, request_id, now)
    text = _as_text(request)
    if request.body:
        found["body"] = text if text is not None else base64.b64encode(request.body).decode()
    found["isBase64Encoded"] = bool(request.body) and text is None
    return orjson.dumps(found)


def _headers(request: Request) -> dict[str, str]:
    gone = _HOP if request.signer is None else _HOP | {"authorization"}
    headers = {name: _clean(value) for name, value in request.headers.items() if name not in gone}
    before = headers.get("x-forwarded-for")
    headers["x-forwarded-for"] = f"{before}, {request.peer}" if before else request.peer
    headers["x-forwarded-proto"] = "http"
    headers["x-forwarded-port"] = headers.get("host", "").rpartition(":")[2] or "80"
    return headers


def _clean(text: str) -> str:
    """JSON can say all but halves of surrogate pairs."""
    return text.encode("utf-8", "replace").decode()


def _parameters(query: str) -> dict[str, str]:
    """The values of a name that comes several times are joined by commas."""
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found.setdefault(_clean(name), []).append(_clean(value))
    return {name: ",".join(values) for name, values in found.items()}


def _context(
    request: Request, path: str, url_id: str, domain: str, request_id: str, now: float
) -> dict[str, object]:
    signer = request.signer
    moment = datetime.fromtimestamp(now, UTC)
    context: dict[str, object] = {
        "accountId": "anonymous" if signer is None else signer.account,
        "apiId": url_id,
        "domainName": domain,
        "domainPrefix": url_id,
        "http": {
            "method": request.method,
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": request.peer,
            "userAgent": _clean(request.headers.get("user-agent", "")),
        },
        "requestId": request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": f"{moment:%d}/{_MONTHS[moment.month - 1]}/{moment:%Y:%H:%M:%S} +0000",
        "timeEpoch": int(now * 1000),
    }
    if signer is not None:
        context["authorizer"] = {
            "iam": {
                "accessKey": _clean(signer.access_key),
                "accountId": signer.account,
                "callerId": _clean(signer.access_key),
                "cognitoIdentity": None,
                "principalOrgId": None,
                "userArn": signer.arn,
                "userId": _clean(signer.access_key),
            }
        }
    return context


def _as_text(request: Request) -> str | None:
    """None: it goes as base64. As on AWS a form does, too."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not (kind.startswith("text/") or kind in _TEXTS or kind.endswith(("+json", "+xml"))):
        return None
    if request.headers.get("content-encoding", "identity") != "identity":
        return None
    try:
        return request.body.decode()
    except UnicodeDecodeError:
        return None
