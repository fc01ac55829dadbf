"""What PutLogEvents accepts, and how places among events are written down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.errors import InvalidParameterException
from stoker.core.log_events import (
    MAX_LINE_BYTES,
    MAX_PUT_BYTES,
    RETENTION_DAYS,
    Accepted,
    Position,
    accept,
    check_retention,
    parse_token,
    split_line,
    token,
)

NOW = 1_800_000_000_000
HOUR = 3600 * 1000
DAY = 24 * HOUR


def accept_at(*times: int, retention_days: int | None = None) -> Accepted:
    return accept(times, [b"x"] * len(times), NOW, retention_days)


def test_events_of_now_are_accepted() -> None:
    assert accept_at(NOW - HOUR, NOW - HOUR, NOW) == Accepted(0, 3)


def test_events_older_than_14_days_are_left_out() -> None:
    times = (NOW - 15 * DAY, NOW - 14 * DAY - 1, NOW - 14 * DAY)
    assert accept_at(*times) == Accepted(2, 3, too_old_end=2)


def test_events_more_than_two_hours_ahead_are_left_out() -> None:
    assert accept_at(NOW, NOW + 2 * HOUR, NOW + 2 * HOUR + 1) == Accepted(0, 2, too_new_start=2)


def test_events_past_the_retention_are_left_out() -> None:
    times = (NOW - 20 * DAY, NOW - 2 * DAY, NOW)
    assert accept_at(*times, retention_days=1) == Accepted(2, 3, too_old_end=1, expired_end=2)
    assert accept_at(*times[1:], retention_days=1) == Accepted(1, 2, expired_end=1)


def test_a_batch_may_be_left_out_as_a_whole() -> None:
    assert accept_at(NOW - 20 * DAY, NOW + 3 * HOUR) == Accepted(
        1, 1, too_old_end=1, too_new_start=1
    )


@pytest.mark.parametrize(
    ("times", "messages", "words"),
    [
        (
            [NOW, NOW - 1],
            [b"a", b"b"],
            "Log events in a single PutLogEvents request must be in chronological order.",
        ),
        (
            [NOW - DAY - 1, NOW],
            [b"a", b"b"],
            "The batch of log events in a single PutLogEvents request cannot span more than"
            " 24 hours.",
        ),
        (
            [NOW],
            [b"x" * (MAX_PUT_BYTES - 25)],
            "Log event too large: 1048577 bytes exceeds limit of 1048576",
        ),
        (
            [NOW, NOW],
            [b"x" * (MAX_PUT_BYTES // 2)] * 2,
            "Upload too large: 1048628 bytes exceeds limit of 1048576",
        ),
    ],
)
def test_bad_batches_are_refused_in_aws_words(
    times: list[int], messages: list[bytes], words: str
) -> None:
    with pytest.raises(InvalidParameterException) as refusal:
        accept(times, messages, NOW, None)
    assert refusal.value.message == words


def test_a_batch_may_be_as_big_as_aws_allows() -> None:
    assert accept([NOW], [b"x" * (MAX_PUT_BYTES - 26)], NOW, None) == Accepted(0, 1)


@given(
    st.lists(st.integers(NOW - 15 * DAY, NOW + 3 * HOUR)).map(sorted), st.sampled_from([None, 7])
)
def test_every_event_is_accepted_or_in_a_class_that_says_why_not(
    times: list[int], days: int | None
) -> None:
    try:
        accepted = accept(times, [b"x"] * len(times), NOW, days)
    except InvalidParameterException:
        return  # the span; enumerated above
    for index, time in enumerate(times):
        fits = NOW - (days or 14) * DAY <= time <= NOW + 2 * HOUR
        assert fits is (accepted.start <= index < accepted.end)


def test_only_aws_numbers_of_days_are_retentions() -> None:
    for days in RETENTION_DAYS:
        check_retention(days)
    with pytest.raises(InvalidParameterException, match="Value '2' at 'retentionInDays'"):
        check_retention(2)


POSITIONS = st.builds(Position, st.integers(0, 10**16 - 1), st.integers(0, 10**18))


@given(POSITIONS, POSITIONS)
def test_ids_are_56_digits_in_the_order_of_the_events(one: Position, other: Position) -> None:
    assert len(one.digits) == 56
    assert (one.digits < other.digits) is (one < other)
    assert one < one.after()


@given(st.sampled_from("fb"), POSITIONS)
def test_tokens_read_back(direction: str, position: Position) -> None:
    text = token("f" if direction == "f" else "b", position)
    assert parse_token(text) == (direction, position)


@pytest.mark.parametrize(
    "text", ["", "x", "f/1/s", "g/" + "0" * 56 + "/s", "f/" + "0" * 56 + "/s "]
)
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameterException, match="The specified nextToken is invalid"):
        parse_token(text)


@given(st.integers(0, 5), st.integers(0, 40))
def test_long_lines_are_cut_between_characters(megabytes: int, ahead: int) -> None:
    line = "a" * ahead + "é€𝄞" * (megabytes * MAX_LINE_BYTES // 8)
    pieces = split_line(line.encode())
    assert all(len(piece) <= MAX_LINE_BYTES for piece in pieces)
    assert "".join(piece.decode() for piece in pieces) == line


def test_bytes_that_are_no_text_are_cut_all_the_same() -> None:
    line = b"\x80" * (3 * MAX_LINE_BYTES)
    pieces = split_line(line)
    assert b"".join(pieces) == line
    assert max(map(len, pieces)) <= MAX_LINE_BYTES
