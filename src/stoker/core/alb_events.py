"""What a load balancer sends to a function, and reads of its answer.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html

Members and their order follow that page and an event recorded on AWS (Oct 2019). Names and values
of the query stay encoded, and so does the path. With multi-value headers both have lists, and
`headers` of an answer count for nothing; without, only the last value of a parameter is told.
"""

import base64
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import orjson

from stoker.core.limits import MIB
from stoker.core.proxy_events import Request, clean, shown_headers
from stoker.core.target_groups import TargetGroup
from stoker.core.url_answers import BadAnswer, Head, body_of, head_of

BODY_BYTES = 1 * MIB  # AWS: of a request, before base64
ANSWER_BYTES = 1 * MIB  # AWS: of the function's JSON
SEVERAL = 1000  # values of headers (ours)
UNTYPED = ("Content-Type", "application/octet-stream")
CHECKER = "ELB-HealthChecker/2.0"
_OWN = frozenset(  # the load balancer says these itself
    {
        *("connection", "content-length", "date", "keep-alive", "proxy-connection", "server"),
        *("te", "trailer", "transfer-encoding", "upgrade"),
    }
)
_TEXTS = ("application/json", "application/javascript", "application/xml")


def event(request: Request, group: TargetGroup) -> bytes:
    """JSON."""
    path, _, query = request.target.partition("?")
    headers = shown_headers(request, without=())
    several: dict[str, list[str]] = {}
    for pair in filter(None, clean(query).split("&")):
        name, _, value = pair.partition("=")
        several.setdefault(name, []).append(value)
    named: dict[str, Any] = (
        {
            "multiValueQueryStringParameters": several,
            "multiValueHeaders": {name: [value] for name, value in headers.items()},
        }
        if group.multi_value
        else {
            "queryStringParameters": {name: values[-1] for name, values in several.items()},
            "headers": headers,
        }
    )
    return _event(group, request.method, clean(path), named, _body(request))


def health_check(group: TargetGroup, path: str) -> bytes:
    """As a load balancer asks whether a function is well."""
    agent = {"user-agent": CHECKER}
    named: dict[str, Any] = (
        {
            "multiValueQueryStringParameters": {},
            "multiValueHeaders": {name: [value] for name, value in agent.items()},
        }
        if group.multi_value
        else {"queryStringParameters": {}, "headers": agent}
    )
    return _event(group, "GET", path, named, ("", False))


def read(payload: bytes, *, multi_value: bool) -> tuple[Head, bytes]:
    """A function's answer. Raise BadAnswer."""
    if len(payload) > ANSWER_BYTES:
        raise BadAnswer(f"it has more than {ANSWER_BYTES} bytes")
    try:
        answer = orjson.loads(payload)
    except orjson.JSONDecodeError:
        raise BadAnswer("it is not JSON") from None
    if not isinstance(answer, dict) or "statusCode" not in answer:
        raise BadAnswer("it has no statusCode")
    if not isinstance(answer.get("statusDescription"), str | None):
        raise BadAnswer("statusDescription is not text")
    told = answer.get("multiValueHeaders" if multi_value else "headers")
    if not isinstance(told, dict | None):
        raise BadAnswer("its headers are no object")
    listed = [
        (name, value)
        for name, values in (told or {}).items()
        for value in (values if multi_value and isinstance(values, list) else [values])
        if name.lower() not in _OWN
    ]
    if len(listed) > SEVERAL:
        raise BadAnswer(f"it has more than {SEVERAL} values of headers")
    status = {"statusCode": answer["statusCode"]}
    head = head_of(status, listed, UNTYPED, remapped=frozenset())
    return head, body_of(answer)


def page(title: str) -> bytes:
    """What a load balancer answers itself, in its words."""
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    ).encode()


def _event(
    group: TargetGroup,
    method: str,
    path: str,
    named: Mapping[str, Any],
    body: tuple[str, bool],
) -> bytes:
    return orjson.dumps(
        {
            "requestContext": {"elb": {"targetGroupArn": group.arn}},
            "httpMethod": method,
            "path": path,
            **named,
            "body": body[0],
            "isBase64Encoded": body[1],
        }
    )


def _body(request: Request) -> tuple[str, bool]:
    """Base64 unless it is a text by its type. An empty one is none of either."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    plain = kind.startswith("text/") or kind in _TEXTS or not request.body
    if plain and "content-encoding" not in request.headers:
        with suppress(UnicodeDecodeError):
            return request.body.decode(), False
    return base64.b64encode(request.body).decode(), True
