"""PutLogEvents, GetLogEvents, FilterLogEvents: what goes in, what comes out, page by page."""

from typing import Any

import pytest

from stoker.api import logs
from stoker.api.shapes import logs as shapes
from stoker.core.errors import InvalidParameterException
from stoker.core.log_events import DAY_MS
from stoker.observe.logs import now_ms
from tests.component.logs_cloud import ARN, Cloud, cloud, texts

__all__ = ["cloud"]  # a fixture

HOUR_MS = 3600 * 1000


# -- PutLogEvents -----------------------------------------------------------------------------


def test_events_that_were_put_are_there(cloud: Cloud) -> None:
    cloud.create_group()
    cloud.create_stream()
    now = now_ms()
    answer = cloud.put((now - 1, "one"), (now, "two ÄÖ€ \U0001d11e"), (now, "half \ud800"))
    assert answer.rejected_log_events_info is None
    assert answer.next_sequence_token is not None
    assert len(answer.next_sequence_token) == 56
    found = cloud.get().events or ()
    assert [(e.timestamp, e.message) for e in found] == [
        (now - 1, "one"),
        (now, "two ÄÖ€ \U0001d11e"),
        (now, "half ?"),
    ]
    assert all(e.ingestion_time is not None and e.ingestion_time >= now for e in found)


def test_events_that_are_too_old_or_too_new_are_left_out_and_reported(cloud: Cloud) -> None:
    cloud.create_group()
    cloud.create_stream()
    now = now_ms()
    answer = cloud.put((now - 15 * DAY_MS, "old"), (now, "kept"), (now + 3 * HOUR_MS, "new"))
    assert answer.rejected_log_events_info == shapes.RejectedLogEventsInfo(
        too_old_log_event_end_index=1, too_new_log_event_start_index=2
    )
    assert texts(cloud.get()) == ["kept"]
    cloud.ask(
        logs.put_retention_policy,
        shapes.PutRetentionPolicyInput(log_group_name="g", retention_in_days=1),
    )
    answer = cloud.put((now - 2 * DAY_MS, "expired"))
    assert answer.rejected_log_events_info == shapes.RejectedLogEventsInfo(
        expired_log_event_end_index=1
    )


def test_events_need_an_existing_stream_and_an_order(cloud: Cloud) -> None:
    cloud.create_group()
    now = now_ms()
    events = (
        shapes.InputLogEvent(timestamp=now, message="x"),
        shapes.InputLogEvent(timestamp=now - 1, message="y"),
    )
    put = shapes.PutLogEventsInput(log_group_name="g", log_stream_name="s", log_events=events[:1])
    refusal = cloud.refusal(logs.put_log_events, put)
    assert refusal.code == "ResourceNotFoundException"
    assert refusal.message == "The specified log stream does not exist."
    cloud.create_stream()
    put = shapes.PutLogEventsInput(log_group_name="g", log_stream_name="s", log_events=events)
    refusal = cloud.refusal(logs.put_log_events, put)
    assert isinstance(refusal, InvalidParameterException)
    assert texts(cloud.get()) == []


# -- GetLogEvents -----------------------------------------------------------------------------


def numbered(cloud: Cloud, count: int) -> list[str]:
    cloud.log("s", *((1000 + n, str(n)) for n in range(count)))
    return [str(n) for n in range(count)]


def test_the_newest_page_comes_first_unless_asked_otherwise(cloud: Cloud) -> None:
    numbered(cloud, 10)
    assert texts(cloud.get(limit=3)) == ["7", "8", "9"]
    assert texts(cloud.get(limit=3, start_from_head=True)) == ["0", "1", "2"]
    assert texts(cloud.get(log_group_name=None, log_group_identifier=f"{ARN}:g:*", limit=1)) == [
        "9"
    ]


def test_reading_forward_ends_when_the_token_stays_the_same(cloud: Cloud) -> None:
    expected = numbered(cloud, 10)
    found: list[str | None] = []
    answer = cloud.get(limit=4, start_from_head=True)
    pages = 1
    while True:
        found += texts(answer)
        sent = answer.next_forward_token
        answer = cloud.get(limit=4, start_from_head=True, next_token=sent)
        if answer.next_forward_token == sent:
            break
        pages += 1
    assert (found, texts(answer), pages) == (expected, [], 3)


def test_reading_backward_ends_when_the_token_stays_the_same(cloud: Cloud) -> None:
    expected = numbered(cloud, 10)
    found: list[str | None] = []
    answer = cloud.get(limit=4)
    while True:
        found = texts(answer) + found
        sent = answer.next_backward_token
        answer = cloud.get(limit=4, next_token=sent)
        if answer.next_backward_token == sent:
            break
    assert (found, texts(answer)) == (expected, [])


def test_the_tokens_of_a_page_lead_to_its_neighbours(cloud: Cloud) -> None:
    numbered(cloud, 10)
    middle = cloud.get(limit=3, next_token=cloud.get(limit=3).next_backward_token)
    assert texts(middle) == ["4", "5", "6"]
    assert texts(cloud.get(limit=3, next_token=middle.next_forward_token)) == ["7", "8", "9"]
    assert texts(cloud.get(limit=3, next_token=middle.next_backward_token)) == ["1", "2", "3"]
    end = cloud.get(next_token=cloud.get().next_forward_token)
    assert texts(end) == []
    assert texts(cloud.get(limit=1, next_token=end.next_backward_token)) == ["9"]


@pytest.mark.parametrize("start_from_head", [True, False])
def test_a_client_that_waits_at_the_end_gets_what_is_logged_later(
    cloud: Cloud, start_from_head: bool
) -> None:
    cloud.create_group()
    cloud.create_stream()
    empty = cloud.get(start_from_head=start_from_head)
    assert texts(empty) == []
    again = cloud.get(start_from_head=True, next_token=empty.next_forward_token)
    assert again.next_forward_token == empty.next_forward_token
    cloud.log("s", (5, "first"))
    first = cloud.get(start_from_head=True, next_token=empty.next_forward_token)
    cloud.log("s", (5, "second"))
    second = cloud.get(start_from_head=True, next_token=first.next_forward_token)
    assert (texts(first), texts(second)) == (["first"], ["second"])


def test_the_start_is_included_and_the_end_is_not(cloud: Cloud) -> None:
    cloud.log("s", (10, "a"), (20, "b"), (30, "c"))
    assert texts(cloud.get(start_time=10, end_time=30)) == ["a", "b"]
    assert texts(cloud.get(start_time=11, end_time=31)) == ["b", "c"]
    assert texts(cloud.get(start_time=30, end_time=10)) == []
    assert texts(cloud.get(start_time=10**18)) == []


def test_a_page_holds_a_megabyte(cloud: Cloud) -> None:
    cloud.log("s", *((n, f"{n:02d}" + "x" * 99_998) for n in range(25)))
    first = cloud.get(start_from_head=True)
    assert len(first.events or ()) == 10
    second = cloud.get(start_from_head=True, next_token=first.next_forward_token)
    assert (texts(second)[0] or "")[:2] == "10"


def test_a_bad_token_or_a_missing_stream_is_refused(cloud: Cloud) -> None:
    numbered(cloud, 1)
    asked = shapes.GetLogEventsInput(log_group_name="g", log_stream_name="s", next_token="x")
    refusal = cloud.refusal(logs.get_log_events, asked)
    assert refusal.message == "The specified nextToken is invalid."
    asked = shapes.GetLogEventsInput(log_group_name="g", log_stream_name="t")
    refusal = cloud.refusal(logs.get_log_events, asked)
    assert refusal.message == "The specified log stream does not exist."


# -- FilterLogEvents --------------------------------------------------------------------------


def test_streams_are_interleaved_by_time(cloud: Cloud) -> None:
    cloud.log("b", (10, "b1"), (30, "b2"))
    cloud.log("a", (20, "a1"), (40, "a2"))
    answer = cloud.filter(interleaved=True)
    assert [(e.log_stream_name, e.message) for e in answer.events or ()] == [
        ("b", "b1"),
        ("a", "a1"),
        ("b", "b2"),
        ("a", "a2"),
    ]
    assert answer.searched_log_streams == ()
    assert answer.next_token is None
    ids = [event.event_id or "" for event in answer.events or ()]
    assert ids == sorted(set(ids))
    assert {len(event_id) for event_id in ids} == {56}


def test_events_are_chosen_by_time_stream_and_pattern(cloud: Cloud) -> None:
    cloud.log("x1", (10, "ERROR a"), (20, "b"))
    cloud.log("x2", (20, "ERROR c"), (30, "ERROR d"))
    cloud.log("y", (20, '{"level": "ERROR", "n": 5}'))
    assert texts(cloud.filter(filter_pattern="ERROR -c", start_time=20, end_time=30)) == [
        '{"level": "ERROR", "n": 5}',
        "ERROR d",
    ]
    assert texts(cloud.filter(filter_pattern="{ $.n >= 5 }")) == ['{"level": "ERROR", "n": 5}']
    assert texts(cloud.filter(log_stream_names=("x2",))) == ["ERROR c", "ERROR d"]
    assert texts(cloud.filter(log_stream_names=("x1", "x2"), filter_pattern="ERROR")) == [
        "ERROR a",
        "ERROR c",
        "ERROR d",
    ]
    assert texts(cloud.filter(log_stream_name_prefix="x", end_time=19)) == ["ERROR a"]
    assert texts(cloud.filter(log_stream_name_prefix="z")) == []


def test_all_pages_together_are_everything_once(cloud: Cloud) -> None:
    for stream in range(3):
        cloud.log(f"s{stream}", *((10 + n, f"{stream}-{n}") for n in range(10)))
    found: list[str | None] = []
    following: str | None = None
    for _ in range(8):
        answer = cloud.filter(limit=4, next_token=following)
        assert len(answer.events or ()) <= 4
        found += texts(answer)
        following = answer.next_token
    assert following is None
    assert sorted(map(str, found)) == sorted(f"{s}-{n}" for s in range(3) for n in range(10))
    assert [str(text).split("-")[1] for text in found] == [str(n) for n in range(10) for _ in "abc"]


def test_the_newest_come_first_on_demand(cloud: Cloud) -> None:
    now = now_ms()
    cloud.log("s", *((now + n, str(n)) for n in range(5)))
    first = cloud.filter(start_from_head=False, start_time=now, limit=3)
    second = cloud.filter(start_time=now, next_token=first.next_token)
    assert texts(first) + texts(second) == ["4", "3", "2", "1", "0"]
    refusal = cloud.refusal(
        logs.filter_log_events,
        shapes.FilterLogEventsInput(log_group_name="g", start_from_head=False, start_time=5),
    )
    assert isinstance(refusal, InvalidParameterException)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"filter_pattern": "{ $.a"}, "If a filter pattern starts with '{' it must end with '}'"),
        ({"next_token": "x"}, "The specified nextToken is invalid."),
        ({"log_stream_names": ("s", "t")}, "The specified log stream does not exist."),
        (
            {"log_stream_names": ("s",), "log_stream_name_prefix": "s"},
            "LogStreamNamePrefix and LogStreamNames are mutually exclusive parameters.",
        ),
    ],
)
def test_bad_questions_are_refused(cloud: Cloud, asked: dict[str, Any], words: str) -> None:
    numbered(cloud, 1)
    request = shapes.FilterLogEventsInput(log_group_name="g", **asked)
    assert cloud.refusal(logs.filter_log_events, request).message == words


def test_a_tail_that_follows_shows_every_event_once(cloud: Cloud) -> None:
    """`aws logs tail --follow` asks again from the newest time it has seen, and knows by their
    ids which events of that time it has shown: they must not change when chunks are merged."""
    shown: list[str | None] = []
    start, ids = 0, set[str | None]()
    for turn in range(60):
        cloud.log(f"s{turn % 2}", *((1000 + turn // 3, f"{turn}-{n}") for n in range(2)))
        answer = cloud.filter(start_time=start, interleaved=True)
        assert answer.next_token is None
        for event in answer.events or ():
            if event.event_id not in ids:
                ids.add(event.event_id)
                shown.append(event.message)
        start = max(event.timestamp or 0 for event in answer.events or ())
    assert shown == [f"{turn}-{n}" for turn in range(60) for n in range(2)]
