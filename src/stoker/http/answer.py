"""A response's head as bytes. The warm path builds its own with `date_line()` and sends it with
`Exchange.respond_raw`."""

import http
import json
import time
from email.utils import formatdate
from typing import Final

from stoker.http.base import Headers

JSON: Final[Headers] = [("Content-Type", "application/json")]
INTERNAL_ERROR: Final = (
    b'{"errorMessage":"Internal Server Error","errorType":"InternalServerError"}'
)
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


def date_line() -> bytes:
    """`Date: ...` with its line end; formatted once a second."""
    global _date_second, _date
    second = int(time.time())
    if second != _date_second:
        _date_second, _date = second, f"Date: {formatdate(second, usegmt=True)}\r\n".encode()
    return _date


def status_line(status: int) -> bytes:
    """`HTTP/1.1 200 OK` with its line end."""
    line = _STATUS_LINES.get(status)
    return line if line is not None else f"HTTP/1.1 {status} \r\n".encode()


def has_no_body(status: int) -> bool:
    return status in (204, 304) or status < 200


def refusal(status: int, message: str) -> bytes:
    """The whole answer to what is not even a request; the connection ends with it."""
    body = json.dumps({"errorMessage": message, "errorType": "BadRequest"}).encode()
    delimiter = b"Content-Length: %d\r\n" % len(body)
    return response_head(status, JSON, delimiter, b"Connection: close\r\n") + body


def response_head(
    status: int, headers: Headers, delimiter: bytes, connection: bytes, *, is_head: bool = False
) -> bytes:
    """Everything up to the body. `delimiter` says where it ends. What the application says about
    that, about the connection and the date is left out, except the length of what a HEAD did
    not ask for. Raises ValueError for a header that would split the response."""
    lines = []
    for name, value in headers:
        lower = name.lower()
        if lower not in _OURS:
            lines.append(f"{name}: {value}\r\n")
        elif is_head and lower == "content-length":
            delimiter = b"Content-Length: %d\r\n" % int(value)
    text = "".join(lines)
    if text.count("\n") != len(lines) or text.count("\r") != len(lines) or "\0" in text:
        raise ValueError("a response header holds a line break")
    fields = text.encode("latin-1")
    return b"".join((status_line(status), date_line(), fields, delimiter, connection, b"\r\n"))


_OURS: Final = frozenset(
    {"connection", "content-length", "date", "keep-alive", "transfer-encoding", "trailer"}
)
_STATUS_LINES: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode()
    for status in http.HTTPStatus
}
_date_second = 0
_date = b""
