"""What a function answered through its URL, as an HTTP answer.

    {"statusCode": …, "headers": …, "cookies": …, "body": …, "isBase64Encoded": …}
    any other JSON                               200, application/json, that JSON; text unquoted
    PRELUDE_TYPE: {"statusCode": …} 8 NULs  …    what comes behind is the body, as it comes

All of it comes from inside: what does not make an HTTP answer raises BadAnswer, and is a 502.
"""

import base64
import binascii
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from stoker.core import limits

PRELUDE_TYPE = "application/vnd.awslambda.http-integration-response"
_END = b"\0" * 8
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
# AWS says these itself, and shows the function's under another name.
_REMAPPED = frozenset(
    {
        *("connection", "content-length", "date", "host", "keep-alive", "server", "te", "trailer"),
        *("transfer-encoding", "upgrade", "www-authenticate"),
    }
)
JSON = ("Content-Type", "application/json")


class BadAnswer(Exception):
    """The function's answer is none that HTTP could carry; the text says why."""


@dataclass(frozen=True, slots=True)
class Head:
    status: int
    headers: list[tuple[str, str]]


def whole(payload: bytes, content_type: str) -> tuple[Head, bytes]:
    """A whole answer."""
    if is_prelude(content_type):
        prelude = Prelude()
        found = prelude.feed(payload)
        if found is None:
            raise BadAnswer("the prelude has no end")
        return found
    try:
        answer = orjson.loads(payload)
    except orjson.JSONDecodeError:
        raise BadAnswer("it is not JSON") from None
    if not isinstance(answer, dict) or "statusCode" not in answer:
        body = answer.encode() if isinstance(answer, str) else payload
        return Head(200, [JSON]), body
    return head_of(answer), body_of(answer)


def is_prelude(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == PRELUDE_TYPE


class Prelude:
    """Collects the head of a streamed answer from pieces of any size."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> tuple[Head, bytes] | None:
        """The head, and what of the body came with it; None: there is more to come."""
        start = max(0, len(self._held) - len(_END) + 1)
        self._held += data
        end = self._held.find(_END, start)
        if end < 0 and len(self._held) <= limits.URL_HEAD_BYTES:
            return None
        if not 0 <= end <= limits.URL_HEAD_BYTES:
            raise BadAnswer(f"the prelude is longer than {limits.URL_HEAD_BYTES} bytes")
        try:
            answer = orjson.loads(self._held[:end])
        except orjson.JSONDecodeError:
            raise BadAnswer("the prelude is not JSON") from None
        if not isinstance(answer, dict):
            raise BadAnswer("the prelude is not an object")
        rest = bytes(self._held[end + len(_END) :])
        self._held.clear()
        return head_of({"statusCode": 200, **answer}), rest


def head_of(
    answer: Mapping[str, Any],
    several: Iterable[tuple[str, Any]] = (),
    untyped: tuple[str, str] = JSON,
    remapped: Collection[str] = _REMAPPED,
) -> Head:
    """`several`: headers besides those that the answer names. `untyped`: the Content-Type of
    what has none. `remapped`: headers that are shown under another name."""
    status = answer["statusCode"]
    if isinstance(status, str) and status.isascii() and status.isdecimal() and len(status) == 3:
        status = int(status)
    if not isinstance(status, int) or isinstance(status, bool) or not 200 <= status <= 599:
        raise BadAnswer("statusCode is no number from 200 to 599")
    given, cookies = answer.get("headers"), answer.get("cookies")
    if not isinstance(given, dict | None) or not isinstance(cookies, list | None):
        raise BadAnswer("headers must be an object and cookies a list")
    named = [*(given or {}).items(), *several]
    headers = [(header_name(name, remapped), header_value(name, value)) for name, value in named]
    headers += [("Set-Cookie", header_value("Set-Cookie", one)) for one in cookies or ()]
    if sum(len(name) + len(value) for name, value in headers) > limits.URL_HEAD_BYTES:
        raise BadAnswer(f"the headers are longer than {limits.URL_HEAD_BYTES} bytes")
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(untyped)
    return Head(status, headers)


def header_name(name: str, remapped: Collection[str] = _REMAPPED) -> str:
    if _NAME.fullmatch(name) is None:
        raise BadAnswer("a header's name is none")
    return f"x-amzn-Remapped-{name}" if name.lower() in remapped else name


def header_value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        value = str(value).lower()
    text = str(value) if isinstance(value, str | int | float) else None
    if text is None or _VALUE.fullmatch(text) is None:
        raise BadAnswer(f"the value of {name[:64]!r} is none of a header")
    return text


def body_of(answer: Mapping[str, Any]) -> bytes:
    body = answer.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise BadAnswer("body is not text")
    if not answer.get("isBase64Encoded"):
        return body.encode("utf-8", "replace")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise BadAnswer("body is not base64") from None
