"""From bytes in pipes to log events, in whatever pieces the bytes come."""

import re
import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.frames import Event, Frames, Lines

LIMIT = 64


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(places)]


def events(decoder: Lines | Frames, parts: list[bytes], at_a_time: int = 3) -> list[Event]:
    found: list[Event] = []
    for part in parts:
        decoder.feed(part)
        while taken := decoder.take(at_a_time):
            assert len(taken) <= at_a_time
            found += taken
    return found


def naive_lines(data: bytes) -> list[bytes]:
    """Split at newlines, then cut what is too long."""
    found = []
    for line in re.findall(rb"[^\n]*\n|[^\n]+\Z", data):
        while len(line) > LIMIT:
            found.append(line[:LIMIT])
            line = line[LIMIT:]
        found.append(line)
    return found


printed = st.lists(
    st.sampled_from([b"\n", b"a\n", b"\r", b"x" * 40, b"y" * 200, b"last\n"]), max_size=12
).map(b"".join)
cuts = st.lists(st.integers(0, 10_000), max_size=8)


@given(printed, cuts, st.integers(1, 4))
def test_lines_are_the_same_however_they_come(data: bytes, cut: list[int], count: int) -> None:
    decoder = Lines(LIMIT)
    found = events(decoder, pieces(data, cut), count) + decoder.flush()
    messages = [message for message, _ in found]
    assert messages == naive_lines(data)
    assert decoder.flush() == []


@given(st.text(min_size=1), cuts)
def test_a_long_line_is_never_cut_within_a_character(text: str, cut: list[int]) -> None:
    data = text.encode("utf-8", "ignore")
    decoder = Lines(8)
    found = events(decoder, pieces(data, cut)) + decoder.flush()
    assert b"".join(message for message, _ in found) == data
    for message, _ in found:
        assert len(message) <= 8
        message.decode()


def test_bytes_that_are_no_text_are_cut_anywhere() -> None:
    decoder = Lines(8)
    found = events(decoder, [b"\xff" * 20]) + decoder.flush()
    assert b"".join(message for message, _ in found) == b"\xff" * 20


def frame(message: bytes, timestamp_us: int | None = 5, level: int = 3, kind: int = 1) -> bytes:
    word = 0xA55A0000 | level << 2 | (2 if timestamp_us is not None else 0) | kind
    head = struct.pack(">II", word, len(message))
    return head + (struct.pack(">Q", timestamp_us) if timestamp_us is not None else b"") + message


@pytest.mark.parametrize(
    ("word", "hexadecimal"),
    [
        (frame(b"", level=0)[:4], "a55a0003"),
        (frame(b"", level=3)[:4], "a55a000f"),
        (frame(b"", level=3, kind=0)[:4], "a55a000e"),
        (frame(b"", level=5)[:4], "a55a0017"),
        (frame(b"", level=5, kind=0)[:4], "a55a0016"),
        (frame(b"", timestamp_us=None, level=0)[:4], "a55a0001"),
    ],
)
def test_the_type_words_are_those_that_clients_send(word: bytes, hexadecimal: str) -> None:
    assert word.hex() == hexadecimal


records = st.lists(
    st.tuples(
        st.sampled_from([b"one", b"two\nlines", b"{}", b"z" * 200]),
        st.none() | st.integers(0, 2**64 - 1),
        st.integers(0, 6),
        st.integers(0, 1),
    ),
    max_size=6,
)


@given(records, cuts)
def test_frames_are_the_same_however_they_come(
    written: list[tuple[bytes, int | None, int, int]], cut: list[int]
) -> None:
    data = b"".join(frame(*record) for record in written)
    expected = []
    for message, stamp, *_ in written:
        parts = [message[i : i + LIMIT] for i in range(0, len(message), LIMIT)]
        expected += [(part, stamp) for part in parts]
    decoder = Frames(LIMIT)
    assert events(decoder, pieces(data, cut)) == expected
    assert decoder.flush() == []


@given(records, cuts)
def test_after_a_malformed_header_the_rest_is_plain_text(
    written: list[tuple[bytes, int | None, int, int]], cut: list[int]
) -> None:
    good = b"".join(frame(*record) for record in written)
    decoder = Frames(10_000)
    found = events(decoder, pieces(good + b"not a frame\nat all", cut)) + decoder.flush()
    assert found[-2:] == [(b"not a frame\n", None), (b"at all", None)]
    assert len(found) == len(written) + 2


def test_a_level_that_does_not_exist_is_malformed() -> None:
    decoder = Frames()
    decoder.feed(b"\xa5\x5a\x00\xff" + b"\0\0\0\1x\n")
    assert decoder.take(5) == [(b"\xa5\x5a\x00\xff\0\0\0\1x\n", None)]


def test_a_long_message_is_never_cut_within_a_character() -> None:
    message = "a" + "\u00e9" * 100
    decoder = Frames(LIMIT)
    found = events(decoder, [frame(message.encode())])
    assert "".join(part.decode() for part, _ in found) == message
    assert all(len(part) <= LIMIT for part, _ in found)


def test_half_a_frame_waits_for_its_other_half() -> None:
    decoder = Frames()
    data = frame(b"message")
    decoder.feed(data[:-1])
    assert decoder.take(5) == decoder.flush() == []
    decoder.feed(data[-1:])
    assert decoder.take(5) == [(b"message", 5)]


def test_a_frame_that_promises_4_gb_costs_no_more_than_what_has_come() -> None:
    decoder = Frames(LIMIT)
    decoder.feed(struct.pack(">II", 0xA55A0001, 2**32 - 1))
    for _ in range(100):
        decoder.feed(b"x" * LIMIT)
        assert decoder.take(5) == [(b"x" * LIMIT, None)]
    assert len(decoder._buffer) <= 2 * LIMIT


@given(st.binary(max_size=300), cuts)
def test_nothing_that_is_written_can_break_a_decoder(data: bytes, cut: list[int]) -> None:
    for decoder in (Lines(LIMIT), Frames(LIMIT)):
        found = events(decoder, pieces(data, cut)) + decoder.flush()
        assert all(len(message) <= LIMIT for message, _ in found)
