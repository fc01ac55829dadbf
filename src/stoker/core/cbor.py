"""CBOR (RFC 8949), as far as AWS's protocol rpc-v2-cbor speaks it.

Read are integers, floats, texts, bytes, arrays, maps with text keys, true, false, null and tag 1
(a moment: its seconds are given as a number); of definite and of indefinite length. Whoever sends
is a stranger: depth and work are bounded by what was sent, and never by what it announces.
"""

import struct
from typing import Any

DEPTH = 32
_BREAK = object()
_SECONDS = 1  # the tag of a moment
_FLOATS = {25: ">e", 26: ">f", 27: ">d"}
_SIMPLE = {20: False, 21: True, 22: None, 23: None}


class BadCbor(ValueError):
    """What is wrong with it."""


class Moment(float):
    """Seconds of the epoch, to be written as a moment."""


def decode(data: bytes) -> Any:
    """The one item that `data` is. Raise BadCbor."""
    reader = _Reader(data)
    found = reader.item(DEPTH)
    if found is _BREAK or reader.at != len(data):
        raise BadCbor("it is not one whole item")
    return found


def encode(value: Any) -> bytes:
    """Of what decode gives, and Moment."""
    out = bytearray()
    _write(out, value)
    return bytes(out)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def item(self, depth: int) -> Any:
        if depth == 0:
            raise BadCbor(f"it is nested deeper than {DEPTH}")
        head = self._take(1)[0]
        major, info = head >> 5, head & 31
        if major == 7:
            return self._simple(info)
        size = None if info == 31 and major in (2, 3, 4, 5) else self._argument(info)
        match major:
            case 0 | 1:
                assert size is not None
                return size if major == 0 else -1 - size
            case 2:
                return self._bytes(2, size)
            case 3:
                return self._text(size)
            case 4:
                return list(self._items(size, depth))
            case 5:
                return self._map(size, depth)
            case _:
                return self._moment(size, depth)

    def _items(self, size: int | None, depth: int) -> list[Any]:
        """So many, or up to the break."""
        found: list[Any] = []
        while size is None or len(found) < size:
            one = self.item(depth - 1)
            if one is _BREAK:
                if size is not None:
                    raise BadCbor("a break where an item should be")
                break
            found.append(one)
        return found

    def _map(self, size: int | None, depth: int) -> dict[str, Any]:
        flat = self._items(None if size is None else 2 * size, depth)
        if len(flat) % 2 or not all(isinstance(key, str) for key in flat[::2]):
            raise BadCbor("the keys of a map are texts")
        return dict(zip(flat[::2], flat[1::2], strict=True))

    def _bytes(self, major: int, size: int | None) -> bytes:
        if size is not None:
            return self._take(size)
        pieces = []
        while (head := self._take(1)[0]) != 0xFF:
            if head >> 5 != major or head & 31 == 31:
                raise BadCbor("a piece of another kind")
            pieces.append(self._take(self._argument(head & 31)))
        return b"".join(pieces)

    def _text(self, size: int | None) -> str:
        try:
            return self._bytes(3, size).decode()
        except UnicodeDecodeError as error:
            raise BadCbor("a text is not UTF-8") from error

    def _moment(self, tag: int | None, depth: int) -> float:
        seconds = self.item(depth - 1)
        number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if tag != _SECONDS or not number:
            raise BadCbor(f"tag {tag} is not known here")
        try:
            return float(seconds)
        except OverflowError as error:
            raise BadCbor("a moment out of range") from error

    def _simple(self, info: int) -> Any:
        if info == 31:
            return _BREAK
        if info in _SIMPLE:
            return _SIMPLE[info]
        form = _FLOATS.get(info)
        if form is None:
            raise BadCbor(f"the simple value {info} is not known here")
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def _argument(self, info: int) -> int:
        if info < 24:
            return info
        if info > 27:
            raise BadCbor("a head that does not exist")
        return int.from_bytes(self._take(1 << (info - 24)), "big")

    def _take(self, size: int) -> bytes:
        taken = self._data[self.at : self.at + size]
        if len(taken) != size:
            raise BadCbor("it ends too early")
        self.at += size
        return taken


def _write(out: bytearray, value: Any) -> None:
    match value:
        case bool() | None:
            out.append({False: 0xF4, True: 0xF5, None: 0xF6}[value])
        case int():
            out += _head(0, value) if value >= 0 else _head(1, -1 - value)
        case Moment():
            out += _head(6, _SECONDS) + b"\xfb" + struct.pack(">d", value)
        case float():
            out += b"\xfb" + struct.pack(">d", value)
        case str():
            raw = value.encode("utf-8", "replace")
            out += _head(3, len(raw)) + raw
        case bytes():
            out += _head(2, len(value)) + value
        case list() | tuple():
            out += _head(4, len(value))
            for one in value:
                _write(out, one)
        case dict():
            out += _head(5, len(value))
            for key, one in value.items():
                _write(out, key)
                _write(out, one)
        case _:
            raise TypeError(f"cannot write {type(value).__name__} as CBOR")


def _head(major: int, argument: int) -> bytes:
    if argument < 24:
        return bytes([major << 5 | argument])
    for power, info in enumerate((24, 25, 26, 27)):
        size: int = 1 << power
        if argument < 1 << (8 * size):
            return bytes([major << 5 | info]) + argument.to_bytes(size, "big")
    raise OverflowError(argument)
