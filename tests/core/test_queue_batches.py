"""Batches of messages: their size, what an answer says of them, how many there are at a time."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.limits import SYNC_PAYLOAD_BYTES
from stoker.core.queue_batches import (
    BATCHES_AT_A_TIME,
    BATCHES_AT_FIRST,
    RETRY_MOST_S,
    Batch,
    Width,
    failed,
    retry_s,
)

IDS = ("a", "b", "c")


def items(*ids: object) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": one} for one in ids]}


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (None, ""),
        ({}, ""),
        ({"statusCode": 200}, ""),
        ({"batchItemFailures": None}, ""),
        (items(), ""),
        (items("b"), "b"),
        (items("b", "c", "b"), "bc"),
        (items(""), "abc"),
        (items(None), "abc"),
        (items(1), "abc"),
        (items("b", "unknown"), "abc"),
        (items(["b"]), "abc"),
        ({"batchItemFailures": [{"wrong": "b"}]}, "abc"),
        ({"batchItemFailures": ["b"]}, "abc"),
        ({"batchItemFailures": {"itemIdentifier": "b"}}, "abc"),
        ({"batchItemFailures": "b"}, "abc"),
        ("b", "abc"),
        (["b"], "abc"),
        (1, "abc"),
    ],
)
def test_an_answer_says_which_failed_and_a_wrong_one_that_all_did(answer: Any, found: str) -> None:
    assert failed(json.dumps(answer).encode(), IDS) == frozenset(found)


@pytest.mark.parametrize("answer", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_fails_all(answer: bytes) -> None:
    assert failed(answer, IDS) == frozenset(IDS)


def test_records_are_added_as_long_as_a_function_takes_them() -> None:
    batch = Batch(10)
    record = b'"' + b"x" * 2_000_000 + b'"'
    while batch.fits(record):
        batch.add(record)
    assert len(batch.records) == 3
    assert batch.left == 7
    assert len(batch.event) <= SYNC_PAYLOAD_BYTES < len(batch.event) + len(record) + 1
    assert len(json.loads(batch.event)["Records"]) == 3


def test_the_last_byte_counts() -> None:
    for more, fits in ((0, True), (1, False)):
        batch = Batch(10)
        batch.add(b"1")
        assert batch.fits(b"1" * (SYNC_PAYLOAD_BYTES - len(b'{"Records":[1,]}') + more)) is fits


def test_one_record_is_never_too_large() -> None:
    assert Batch(1).fits(b"x" * (SYNC_PAYLOAD_BYTES + 1))


@given(st.one_of(st.none(), st.integers(1, 1000)), st.lists(st.sampled_from("+-0r")))
def test_how_many_run_at_a_time_stays_within_its_bounds(most: int | None, steps: list[str]) -> None:
    width = Width() if most is None else Width(most)
    for step in steps:
        before = width.now
        {"+": width.grow, "-": width.shrink, "0": width.rest, "r": width.recover}[step]()
        assert 1 <= width.now <= min(most or BATCHES_AT_A_TIME, BATCHES_AT_A_TIME)
        if step == "0":
            assert width.now == min(BATCHES_AT_FIRST, width.most)
        else:
            assert abs(width.now - before) <= 1
        if step == "r":
            assert width.now == max(before, min(before + 1, BATCHES_AT_FIRST, width.most))


def test_a_throttled_batch_waits_longer_each_time_up_to_a_bound() -> None:
    waits = [retry_s(attempts) for attempts in range(1, 2000)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (0.5, RETRY_MOST_S)
