"""As much of protobuf's encoding as CRIU's images make necessary. Pure.

A message is a row of fields: a number, a type, and a value of a length that the type says.
"""

from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST = 10  # bytes of a varint


class Malformed(ValueError):
    """Not a message."""


def number_in(message: bytes, field: int) -> int | None:
    """The value of a field that is a number."""
    for _, key, at, _ in _fields(message):
        if key == (field << 3 | _VARINT):
            return _varint(message, at)[0]
    return None


def message_in(message: bytes, field: int) -> bytes | None:
    """The value of a field that is a message, or a text."""
    for _, key, at, end in _fields(message):
        if key == (field << 3 | _BYTES):
            return message[at:end]
    return None


def with_number(message: bytes, field: int, value: int) -> bytes:
    """The same message with another value for a field that is a number."""
    kept = [message[start:end] for start, key, _, end in _fields(message) if key >> 3 != field]
    return b"".join(kept) + _encoded(field << 3 | _VARINT) + _encoded(value)


def _fields(message: bytes) -> Iterator[tuple[int, int, int, int]]:
    """(where it starts, key, where its value starts, where it ends)"""
    at = 0
    while at < len(message):
        start = at
        key, at = _varint(message, at)
        match key & 7:
            case 0:
                end = _varint(message, at)[1]
            case 1:
                end = at + 8
            case 2:
                size, at = _varint(message, at)
                end = at + size
            case 5:
                end = at + 4
            case _:
                raise Malformed(f"no field begins at {start}")
        if end > len(message):
            raise Malformed(f"the field at {start} is longer than its message")
        yield start, key, at, end
        at = end


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """(value, where it ends)"""
    value = 0
    for position in range(_LONGEST):
        if at >= len(message):
            raise Malformed("it ends within a number")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << 7 * position
        if byte < 0x80:
            return value, at
    raise Malformed("a number does not end")


def _encoded(value: int) -> bytes:
    """A varint."""
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*found, value))
