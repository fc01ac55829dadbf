"""What the console's pages of queues and of invocations make of what there is."""

import json
from collections import Counter
from dataclasses import replace
from datetime import date

import pytest

from stoker.console.pages import invocations, queue, queues
from stoker.core.async_events import Condition, Progress
from stoker.core.event_records import REASON_BYTES, Response, reason
from stoker.core.faults import Fault
from stoker.core.invocation import LogSettings, Target, Way
from stoker.core.lag import Lag, together
from stoker.core.lifecycle_words import Status
from stoker.core.model import FunctionKey
from stoker.core.prices import prices
from stoker.core.telemetry import Report, Restored
from stoker.events.ended import EndedEvent, Told
from stoker.events.listed import Doing, Event
from stoker.observe.recent import Ended
from stoker.store.event_queue import Waiting

F = FunctionKey("111122223333", "eu-west-1", "f")
TARGET = Target(
    account=F.account, region=F.region, name="f", version="7", runtime="python3.13", handler="a.b",
    role="r", code="c", layers=(), memory_mb=512, timeout_s=3, ephemeral_mb=512, environment=(),
    log=LogSettings("/g"),
)  # fmt: skip


def ended(error: str = "", qualifier: str = ":live", began: float = 5.0, **more: object) -> Ended:
    facts: dict[str, object] = {
        "status": Status.SUCCESS, "fault": None, "init_ms": 100.0, "restore": None, **more
    }  # fmt: skip
    return Ended(
        request_id="r-1",
        way=Way.REQUEST,
        target=TARGET,
        invoked_arn=F.arn + qualifier,
        began=began,
        began_ms=1_795_305_600_123.4,
        report=Report("r-1", 1000.0, 512, 30 << 20, **facts),  # type: ignore[arg-type]
        error=error,
        provisioned=False,
        event=b'{"a": 1}',
        event_bytes=8,
        client_context='{"custom": {}}',
    )


def test_an_invocation_is_shown_with_its_price_and_what_its_report_says() -> None:
    row = invocations.row(ended(), prices("us-east-1", "x86_64", date(2026, 1, 1)))
    assert (row.qualifier, row.version, row.way) == ("live", "7", "RequestResponse")
    assert row.moment.endswith(":00.123")
    assert (row.duration_ms, row.before_ms, row.billed_ms) == (1000.0, 100.0, 1100)
    assert (row.most_mb, row.memory_mb) == (30, 512)
    assert row.price == "$0.00000937"  # 1.1 s of half a GB at $0.0000166667, and a request
    assert (row.status, row.mood, row.kept, row.ran) == ("Succeeded", "good", True, True)


def test_an_invocation_that_was_throttled_has_no_numbers_and_cost_nothing() -> None:
    one = replace(ended(), throttled="ConcurrentInvocationLimitExceeded", event=None)
    row = invocations.row(one, prices("us-east-1", "x86_64", date(2026, 1, 1)))
    assert row.status == "Throttled: ConcurrentInvocationLimitExceeded"
    assert (row.mood, row.ran, row.price, row.kept) == ("bad", False, "", False)


@pytest.mark.parametrize(
    ("one", "status"),
    [
        (ended("ValueError"), "ValueError"),
        (ended(status=Status.TIMEOUT, fault=Fault("Sandbox.Timedout", "")), "Timed out"),
        (ended(status=Status.ERROR, fault=Fault("Runtime.ExitError", "")), "Runtime.ExitError"),
        (ended(init_ms=None, restore=Restored(200.0, 50)), ""),
    ],
)
def test_the_status_of_an_invocation_says_what_went_wrong(one: Ended, status: str) -> None:
    assert invocations.status_of(one) == status
    found = invocations.row(one, prices("us-east-1", "x86_64", date(2026, 1, 1)))
    assert found.mood == ("bad" if status else "good")
    if one.report.restore:
        assert (found.before_ms, found.billed_ms) == (200.0, 1050)


def test_a_replay_asks_for_what_was_asked_for() -> None:
    assert invocations.again(ended()) == {
        "FunctionName": "f",
        "Qualifier": "live",
        "Payload": b'{"a": 1}',
        "LogType": "Tail",
        "ClientContext": "eyJjdXN0b20iOiB7fX0=",
    }
    assert "Qualifier" not in invocations.again(ended(qualifier=""))


def test_attempts_of_one_event_are_told_apart_by_when_they_began() -> None:
    attempts = [ended(began=9.5), ended(began=5.0)]
    assert invocations.chosen(attempts, "r-1", "5.000000") is attempts[1]
    assert invocations.chosen(attempts, "r-1", "gone") is attempts[0]
    assert invocations.chosen(attempts, "r-2", "5.000000") is None


def event(due: float, doing: Doing, why: str = "") -> Event:
    waiting = Waiting(4, F, None, Progress(1_795_305_600.0, 1, 2), due, 300)
    return Event(waiting, "r-1", doing, why)


def test_an_event_that_failed_is_shown_with_its_next_try_and_why() -> None:
    row = queue.waiting(event(160.0, Doing.LATER, "ValueError: no"), 100.0)
    assert (row.doing, row.next, row.why) == ("to be run again", "in 60 s", "ValueError: no")
    assert (row.attempts, row.refusals, row.qualifier, row.can_go) == (1, 2, "$LATEST", True)
    assert not queue.waiting(event(1.0, Doing.RUNS), 100.0).can_go
    assert queue.waiting(event(1.0, Doing.WAITS), 100.0).next == ""


def over(*told: Told, condition: Condition = Condition.RETRIES_EXHAUSTED) -> EndedEvent:
    return EndedEvent(3, "r-1", None, condition, 3, 10.0, 190.0, "why", told, b"{}", 2)


@pytest.mark.parametrize(
    ("one", "fate"),
    [
        (over(), ("dropped", "bad")),
        (over(Told("arn:q", True, "")), ("dead-lettered", "bad")),
        (over(Told("arn:d", False, ""), Told("arn:q", True, "no")),
         ("delivered to a destination", "bad")),
        (over(Told("arn:d", False, ""), condition=Condition.SUCCESS),
         ("delivered to a destination", "good")),
        (over(Told("arn:q", True, "it is gone")), ("not delivered", "bad")),
    ],
)  # fmt: skip
def test_what_became_of_an_event_is_said_by_who_was_told(
    one: EndedEvent, fate: tuple[str, str]
) -> None:
    assert queue.fate_of(one) == fate
    row = queue.over(one)
    assert [told.arn for told in row.told] == [told.arn for told in one.told]
    assert (row.number, row.age, row.preview, row.kept) == ("3", "180 s", "{}", True)


def test_an_event_of_megabytes_is_cut_and_what_cannot_be_seen_is_written_out() -> None:
    shown = queue.preview(b"\xff\x00\x1b[2J" + "\u202e".encode() + b"x" * 5_000_000)
    assert shown.startswith("\ufffd\\u{0}\\u{1b}[2J\\u{202e}")
    assert len(shown) < 2100


@pytest.mark.parametrize("asked", ["", "x", "-1", "1.0", "1e3", "9" * 19, "\u0661", "\xb2"])
def test_a_page_that_is_nonsense_is_the_first(asked: str) -> None:
    assert queue.number_of(asked) == -1
    assert queue.number_of("81") == 81
    assert queue.page_of(asked, 120) == 0
    assert queue.page_of("99", 120) == 2


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (None, ""),
        (Response(429, error="TooManyRequestsException"), "TooManyRequestsException"),
        (Response(200, b'{"errorType": "E", "errorMessage": "m"}', "1", "Unhandled"), "E: m"),
        (Response(200, b'{"errorMessage": 5}', "1", "Unhandled"), "5"),
        (Response(200, b"\xff[", "1", "Unhandled"), "\ufffd["),
        (Response(200, b"{}", "1", "Unhandled"), "Unhandled"),
    ],
)
def test_the_reason_is_the_functions_own_words(response: Response | None, said: str) -> None:
    assert reason(response) == said


def test_a_reason_of_megabytes_is_cut() -> None:
    body = json.dumps({"errorMessage": "x" * 5_000_000}).encode()
    assert len(reason(Response(200, body, "1", "Unhandled"))) == REASON_BYTES
    body = json.dumps({"errorMessage": "x" * 60_000}).encode()
    assert len(reason(Response(200, body, "1", "Unhandled"))) == REASON_BYTES


def test_who_has_most_to_do_comes_first() -> None:
    lanes = {"a": Counter(waiting=1), "b": Counter(later=5, running=1), "idle": Counter[str]()}
    counted = {"a": Counter(AsyncEventsReceived=9, DeadLetterErrors=1), "c": Counter(IteratorAge=1)}
    found = queues.rows(lanes, counted, {"d": 2})
    assert [row.name for row in found] == ["b", "a", "d"]
    assert (found[1].received, found[1].undelivered, found[2].kept) == (9, 1, 2)
    shown, slice_ = queues.paged(queues.rows({str(n): Counter(waiting=n) for n in range(1, 121)},
                                             {}, {}), "3")  # fmt: skip
    assert (shown[0].name, slice_.number, slice_.pages) == ("20", 3, 3)


def test_a_mapping_is_shown_with_its_source_state_and_lag() -> None:
    told = {
        "UUID": "u", "EventSourceArn": "arn:aws:sqs:eu-west-1:111122223333:orders",
        "FunctionArn": F.arn + ":live", "State": "Enabled",
        "LastProcessingResult": "PROBLEM: Function call failed",
    }  # fmt: skip
    row = queues.mapping_row(told, queues.lag_of_queue(1200, 3, 0), queues.age_of(40.0, 100.0))
    assert (row.source, row.function, row.qualifier) == ("orders", "f", "live")
    assert (row.mood, row.result_mood, row.on) == ("good", "bad", True)
    assert (row.lag, row.age) == ("1,200 visible, 3 in flight", "60 s")
    kafka = {
        "UUID": "u", "FunctionArn": F.arn, "State": "Disabled", "Topics": ["t"],
        "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["h:1", "h:2"]}},
    }  # fmt: skip
    row = queues.mapping_row(kafka, "", "")
    assert (row.source, row.mood, row.on) == ("h:1, h:2 ▸ t", "idle", False)


def test_the_lag_of_a_stream_is_that_of_its_shards_together() -> None:
    lag = together([Lag(3, 50.0, False), Lag(0, None, True), Lag(4, 40.0, False)])
    assert lag == Lag(7, 40.0, True, 3)
    assert queues.lag_of_stream(lag, "kinesis") == "7 records behind at least, 3 shards"
    assert queues.lag_of_stream(Lag(0, None, False), "") == "0 records behind, 1 partition"
    assert queues.age_of(None, 100.0) == ""


def test_receivers_are_told_apart_without_their_whole_arn() -> None:
    assert queue.short("arn:aws:sqs:r:1:dead") == "sqs: dead"
    assert queue.short("arn:aws:lambda:r:1:function:f:live") == "lambda: function:f:live"
    assert queue.short("arn:q") == "arn:q"
