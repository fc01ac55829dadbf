"""Where a request's body ends, and what it says once unwrapped. Pure.

`Sized` and `Chunked` take their bytes from the front of the connection's input and leave what
belongs to the next request. `Inflater` undoes Content-Encoding: gzip without trusting it.
"""

import enum
import re
import zlib
from typing import Final


class BadBody(Exception):
    """The body cannot be continued; it counts as truncated."""


class Sized:
    """A body of a known length."""

    __slots__ = ("done", "left")

    def __init__(self, length: int) -> None:
        self.left = length
        self.done = length == 0

    @property
    def trailers(self) -> dict[str, str]:
        return {}

    def take(self, data: bytearray) -> bytes:
        """Move what belongs to the body out of `data`."""
        piece = bytes(data[: self.left])
        del data[: self.left]
        self.left -= len(piece)
        self.done = self.left == 0
        return piece


class Chunked:
    """A chunked body, with the trailers it declared."""

    __slots__ = ("_bytes", "_fields", "_left", "_names", "_part", "_scanned", "done", "trailers")

    def __init__(self, names: frozenset[str], trailer_bytes: int, trailer_fields: int) -> None:
        self.done = False
        self.trailers: dict[str, str] = {}
        self._names = names
        self._bytes = trailer_bytes  # what trailers may still cost
        self._fields = trailer_fields
        self._part = _Part.SIZE
        self._left = 0  # of the chunk in hand
        self._scanned = 0  # of a trailer's line, known to hold no line end

    def take(self, data: bytearray) -> bytes:
        """Move what belongs to the body out of `data`, unwrapped. Raises BadBody."""
        pieces: list[bytearray] = []
        at = 0
        while not self.done:
            if self._part is _Part.DATA:
                piece = data[at : at + self._left]
                if not piece:
                    break
                pieces.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if self._left == 0:
                    self._part = _Part.DATA_END
            elif self._part is _Part.DATA_END:
                if len(data) - at < 2:
                    break
                if data[at : at + 2] != b"\r\n":
                    raise BadBody("a chunk is longer than it says")
                at += 2
                self._part = _Part.SIZE
            else:
                end = self._line_end(data, at)
                if end < 0:
                    break
                line = bytes(data[at:end])
                at = end + 2
                if self._part is _Part.SIZE:
                    self._size(line)
                else:
                    self._trailer(line)
        del data[:at]
        return b"".join(pieces)

    def _line_end(self, data: bytearray, at: int) -> int:
        longest = _LONGEST_SIZE_LINE if self._part is _Part.SIZE else max(0, self._bytes)
        end = data.find(b"\r\n", at + self._scanned)
        if end < 0:
            # Looked at once only, however slowly the line comes: the \r may be there already.
            self._scanned = max(0, len(data) - at - 1)
            if self._scanned > longest:
                raise BadBody("a line is too long")
            return -1
        self._scanned = 0
        if end - at > longest:
            raise BadBody("a line is too long")
        return end

    def _size(self, line: bytes) -> None:
        match = _SIZE.match(line)
        if match is None:
            raise BadBody("a chunk has no size")
        self._left = int(match[1], 16)
        self._part = _Part.DATA if self._left else _Part.TRAILER

    def _trailer(self, line: bytes) -> None:
        if not line:
            self.done = True
            return
        self._bytes -= len(line) + 2
        self._fields -= 1
        match = _TRAILER.fullmatch(line)
        if match is None or self._fields < 0:
            raise BadBody("malformed or too many trailers")
        name = match[1].decode("ascii").lower()
        if name in self._names:
            value = match[2].decode("latin-1").strip(" \t")
            known = self.trailers.get(name)
            self.trailers[name] = value if known is None else f"{known}, {value}"


class Inflater:
    """One gzip stream, never unpacked further than asked."""

    __slots__ = ("_zlib",)

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)

    @property
    def done(self) -> bool:
        return self._zlib.eof

    def take(self, data: bytes, most: int) -> bytes:
        """Unpack; more than `most` bytes are cut off at `most + 1`. Raises BadBody."""
        try:
            piece = self._zlib.decompress(data, most + 1)
        except zlib.error as err:
            raise BadBody(f"malformed gzip: {err}") from err
        if self._zlib.unused_data:
            raise BadBody("bytes behind the end of the gzip stream")
        return piece


class _Part(enum.Enum):
    SIZE = enum.auto()
    DATA = enum.auto()
    DATA_END = enum.auto()
    TRAILER = enum.auto()


_LONGEST_SIZE_LINE: Final = 1024
_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[^\x00-\x08\x0a-\x1f\x7f]*)?\Z")
_TRAILER: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([^\x00-\x08\x0a-\x1f\x7f]*)")
