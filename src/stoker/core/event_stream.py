"""AWS's event stream encoding (application/vnd.amazon.eventstream), as a server writes it. Pure.

    total length 4 │ headers' length 4 │ CRC 4 │ headers │ payload │ CRC 4

All numbers are big-endian; the first CRC-32 covers the two lengths, the second everything before
it. A header is a name (its length 1 byte), the type 7 for text, and a value (its length 2 bytes).
Smithy's documentation, "Amazon Event Stream Specification", is the source.
"""

import struct
import zlib
from typing import Final

CONTENT_TYPE: Final = "application/vnd.amazon.eventstream"


def message(headers: bytes, payload: bytes) -> bytes:
    """One message; `headers` are encoded already."""
    lengths = struct.pack(">II", _AROUND_BYTES + len(headers) + len(payload), len(headers))
    prelude = lengths + struct.pack(">I", zlib.crc32(lengths))
    crc = zlib.crc32(payload, zlib.crc32(headers, zlib.crc32(prelude)))
    return b"".join((prelude, headers, payload, struct.pack(">I", crc)))


def event_headers(kind: str, content_type: str) -> bytes:
    """Of an event of this kind; they are the same for every one."""
    headers = {":event-type": kind, ":content-type": content_type, ":message-type": "event"}
    return b"".join(_text_header(name, value) for name, value in headers.items())


def error_headers(kind: str, content_type: str) -> bytes:
    """Of an exception of the model, which ends the stream."""
    headers = {
        ":exception-type": kind, ":content-type": content_type, ":message-type": "exception"
    }  # fmt: skip
    return b"".join(_text_header(name, value) for name, value in headers.items())


def _text_header(name: str, value: str) -> bytes:
    lengths = struct.pack(">B", len(name)), struct.pack(">BH", _TEXT, len(value))
    return lengths[0] + name.encode() + lengths[1] + value.encode()


_TEXT: Final = 7
_AROUND_BYTES: Final = 16  # lengths and sums
