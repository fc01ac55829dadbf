"""The body of the request in hand: cut out of the input, unzipped, counted, kept or dropped. Pure.

What a peer sends beyond what the application accepts is read all the same, up to a bound, because
a peer that writes everything before it reads would otherwise never see the refusal.
"""

from stoker.http.framing import BadBody, Chunked, Inflater, Sized
from stoker.http.head import Head
from stoker.http.limits import Limits


class Body:
    """Feed it the connection's input until `done` or `hopeless`."""

    __slots__ = ("_drop_most", "_dropped", "_framing", "_inflater", "_kept", "_room", "oversized")

    def __init__(
        self,
        framing: Sized | Chunked,
        inflater: Inflater | None,
        *,
        accepted: int,
        drop_most: int,
    ) -> None:
        self._framing = framing
        self._inflater = inflater
        self._room = accepted
        self._kept = bytearray()
        self._dropped = 0
        self._drop_most = drop_most
        self.oversized = isinstance(framing, Sized) and framing.left > accepted

    @classmethod
    def announced_by(cls, head: Head, limits: Limits, *, accepted: int, zipped: bool) -> "Body":
        framing: Sized | Chunked = Sized(head.content_length or 0)
        if head.has_chunks:
            framing = Chunked(head.trailer_names, limits.trailer_bytes, limits.header_fields)
        inflater = Inflater() if zipped else None
        return cls(framing, inflater, accepted=accepted, drop_most=limits.discard_bytes)

    @property
    def done(self) -> bool:
        return self._framing.done

    @property
    def hopeless(self) -> bool:
        """More has been dropped than a refusal is worth."""
        return self._dropped > self._drop_most

    @property
    def trailers(self) -> dict[str, str]:
        return self._framing.trailers

    def refuse(self) -> None:
        """Nobody wants it any more: drop what comes."""
        self.oversized = True
        self._kept = bytearray()

    def take(self, data: bytearray) -> bytes:
        """Move what belongs to the body out of `data`; what the application accepts of it, as it
        meant it, comes back. Raises BadBody."""
        piece = self._framing.take(data)
        if self.oversized:
            self._dropped += len(piece)
            return b""
        if self._inflater is not None:
            packed = len(piece)
            piece = self._inflater.take(piece, self._room)
            # Or a stream that unpacks to nothing would never end.
            self._dropped += max(0, packed - len(piece))
            if self._framing.done and len(piece) <= self._room and not self._inflater.done:
                raise BadBody("the gzip stream is cut short")
        self._room -= len(piece)
        if self._room < 0:
            self.refuse()
            return b""
        return piece

    @property
    def kept_bytes(self) -> int:
        return len(self._kept)

    def keep(self, piece: bytes) -> None:
        self._kept += piece

    def whole(self) -> bytes:
        """What was kept."""
        kept, self._kept = bytes(self._kept), bytearray()
        return kept
