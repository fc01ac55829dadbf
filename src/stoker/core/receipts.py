"""What a subscriber answers to a batch, from its bytes: taken or not, and where its answer ends.

Subscribers are small servers, often written by hand: a bare newline ends a line as well.
"""

import re
from dataclasses import dataclass

_STATUS = re.compile(rb"HTTP/1\.([01]) (\d{3})(?: [^\r\n]*)?\r?\n")
_END = re.compile(rb"\r?\n\r?\n")
_NO_BODY = (204, 304)


@dataclass(frozen=True, slots=True)
class Receipt:
    taken: bool
    head_bytes: int
    body_bytes: int | None  # None: only the end of the connection tells
    keep: bool  # the connection may be used again


def receipt(data: bytes) -> Receipt | None:
    """None: more must be read first. ValueError: this is not HTTP."""
    at = 0
    while True:
        if b"HTTP/1."[: len(data) - at] != data[at : at + 7]:
            raise ValueError("not HTTP")
        end = _END.search(data, at)
        if end is None:
            return None
        status = _STATUS.match(data, at)
        if status is None:
            raise ValueError("not HTTP")
        at, code = end.end(), int(status[2])
        if not 100 <= code < 200:  # such a one announces another
            break
    headers: dict[bytes, bytes] = {}
    for line in data[status.end() : end.start()].splitlines():
        name, _, value = line.partition(b":")
        headers[name.strip().lower()] = value.strip()
    size = _body_bytes(code, headers)
    said = headers.get(b"connection", b"").lower()
    keep = size is not None and (said == b"keep-alive" if status[1] == b"0" else said != b"close")
    return Receipt(200 <= code < 300, at, size, keep)


def _body_bytes(code: int, headers: dict[bytes, bytes]) -> int | None:
    if code in _NO_BODY:
        return 0
    length = headers.get(b"content-length", b"")
    if b"transfer-encoding" in headers or not re.fullmatch(rb"[0-9]{1,9}", length):
        return None
    return int(length)
