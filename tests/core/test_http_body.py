"""Bodies: found the same however they are cut, and never larger than agreed."""

import gzip
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.http.body import Body
from stoker.http.framing import BadBody, Chunked, Inflater, Sized
from stoker.http.head import Heads

NAMES = frozenset({"t"})
PIECES = st.lists(st.binary(min_size=1, max_size=40), max_size=8)


def encode(pieces: list[bytes], trailers: bytes = b"") -> bytes:
    chunks = b"".join(b"%X;ext=1\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return chunks + b"000\r\n" + trailers + b"\r\n"


def feed(framing: Sized | Chunked, data: bytes, step: int) -> tuple[bytes, bytes]:
    """What was taken, and what was left for the next request."""
    taken, held = b"", bytearray()
    for at in range(0, len(data), step):
        held += data[at : at + step]
        if not framing.done:
            taken += framing.take(held)
    return taken, bytes(held)


@given(PIECES, st.integers(1, 50))
def test_chunks_are_joined_and_what_follows_is_left(pieces: list[bytes], step: int) -> None:
    framing = Chunked(NAMES, 100, 5)
    data = encode(pieces, b"T: 1\r\nU: 2\r\nt:3 \r\n") + b"NEXT"
    assert feed(framing, data, step) == (b"".join(pieces), b"NEXT")
    assert framing.done
    assert framing.trailers == {"t": "1, 3"}


@given(st.binary(max_size=60), st.integers(1, 50))
def test_a_sized_body_takes_its_size(data: bytes, step: int) -> None:
    assert feed(Sized(len(data)), data + b"NEXT", step) == (data, b"NEXT")


@pytest.mark.parametrize(
    "data",
    [
        b"x\r\n",
        b"\r\n",
        b"-1\r\n",
        b"0x1\r\na\r\n",
        b"1_0\r\n",
        b"+1\r\n",
        b" 1\r\n",
        b"1\n\r\n",
        b"1 a\r\n",
        b"1;\x00\r\n",
        b"FFFFFFFFFFFFFFFFFF\r\n",
        b"1\r\nab\r\n",
        b"1\r\na\n\r\n",
        b"1;" + b"e" * 2000,
        b"1;" + b"e" * 2000 + b"\r\n",
        b"0\r\nno colon\r\n\r\n",
        b"0\r\na b: c\r\n\r\n",
        b"0\r\na: b\nc: d\r\n\r\n",
        b"0\r\na: " + b"b" * 200 + b"\r\n\r\n",
        b"0\r\na: " + b"b" * 200,
        b"0\r\n" + b"a:\r\n" * 6 + b"\r\n",
    ],
)
def test_malformed_chunks_are_refused(data: bytes) -> None:
    with pytest.raises(BadBody):
        feed(Chunked(NAMES, 100, 5), data, len(data))
    with pytest.raises(BadBody):
        feed(Chunked(NAMES, 100, 5), data, 1)


def take(body: Body, data: bytes, step: int) -> bytes:
    held = bytearray()
    for at in range(0, len(data), step):
        held += data[at : at + step]
        piece = body.take(held)
        body.keep(piece)
    return body.whole()


@given(st.binary(max_size=300), st.integers(1, 50))
def test_gzip_is_undone_whatever_the_cut(data: bytes, step: int) -> None:
    packed = gzip.compress(data)
    body = Body(Sized(len(packed)), Inflater(), accepted=300, drop_most=10)
    assert take(body, packed, step) == data
    assert body.done
    assert not body.oversized


@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_one_byte_more_than_accepted_is_oversized(step: int) -> None:
    for accepted, oversized in ((1000, False), (999, True)):
        packed = gzip.compress(b"x" * 1000)
        body = Body(Sized(len(packed)), Inflater(), accepted=accepted, drop_most=5000)
        kept = take(body, packed, step)
        assert (body.oversized, kept) == (oversized, b"" if oversized else b"x" * 1000)
        body = Body(Chunked(NAMES, 9, 9), None, accepted=accepted, drop_most=5000)
        kept = take(body, encode([b"x" * 500] * 2), step)
        assert (body.oversized, kept) == (oversized, b"" if oversized else b"x" * 1000)


def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b"\0" * (32 << 20))
    body = Body(Sized(len(bomb)), Inflater(), accepted=1 << 20, drop_most=1 << 30)
    tracemalloc.start()
    try:
        assert take(body, bomb, 65536) == b""
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
    assert body.oversized
    assert body.done


def test_a_stream_that_unpacks_to_nothing_becomes_hopeless() -> None:
    start = gzip.compress(b"")[:10]
    empty_block = b"\x00\x00\x00\xff\xff"
    body = Body(Sized(1 << 40), Inflater(), accepted=1 << 50, drop_most=1000)
    take(body, start + empty_block * 300, 100)
    assert body.hopeless


@pytest.mark.parametrize("tail", [b"", b"more", gzip.compress(b"again")])
def test_gzip_must_end_where_the_body_ends(tail: bytes) -> None:
    packed = gzip.compress(b"data") + tail if tail else gzip.compress(b"data")[:-1]
    body = Body(Sized(len(packed)), Inflater(), accepted=100, drop_most=100)
    with pytest.raises(BadBody):
        take(body, packed, len(packed))


class Watched(bytearray):
    """Counts the bytes that are searched through."""

    searched = 0

    def find(self, sub: bytes, start: int = 0, end: int | None = None) -> int:  # type: ignore[override]
        self.searched += len(self) - start
        return super().find(sub, start)


def test_a_line_that_comes_slowly_is_searched_once() -> None:
    framing = Chunked(NAMES, 5000, 5)
    held = Watched(b"0\r\nt: ")
    framing.take(held)
    for _ in range(4000):
        held += b"x"
        framing.take(held)
    held += b"\r\n\r\n"
    framing.take(held)
    assert framing.done
    assert framing.trailers["t"] == "x" * 4000
    assert held.searched < 5 * 4000


def test_a_head_that_comes_slowly_is_searched_once() -> None:
    heads = Heads(5000, 5)
    held = Watched()
    for byte in b"GET / HTTP/1.1\r\nA: %b\r\n\r\n" % (b"b" * 4000):
        held.append(byte)
        head = heads.take(held)
    assert head is not None
    assert held.searched < 5 * 4000
