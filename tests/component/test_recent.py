"""The latest invocations, as they are kept."""

import gc
import weakref
from dataclasses import replace
from typing import Any, cast

from stoker.core.invocation import Invocation, LogSettings, RequestId, Target, Way
from stoker.core.latest import OVERHEAD_BYTES
from stoker.core.model import Code, Configuration, Function, FunctionKey, new_function
from stoker.core.telemetry import Report
from stoker.observe.recent import EACH, THROTTLED, Recent, name_of

F = FunctionKey("111122223333", "eu-west-1", "f")
ELSEWHERE = FunctionKey("444455556666", "eu-west-1", "f")
KIB = 1024


CONFIGURATION = Configuration("python3.13", "a.b", "r", Code("c", 1), LogSettings("/g"))


def made(key: FunctionKey, revision: str = "") -> Function:
    return new_function(key, CONFIGURATION, {}, revision=revision, now="now")


def target(key: FunctionKey) -> Target:
    return Target(
        account=key.account, region=key.region, name=key.name, version="1", runtime="python3.13",
        handler="a.b", role="r", code="c", layers=(), memory_mb=128, timeout_s=3, ephemeral_mb=512,
        environment=(), log=LogSettings("/g"),
    )  # fmt: skip


def end(recent: Recent, event: bytes, key: FunctionKey = F, **more: Any) -> Invocation:
    invocation = Invocation(RequestId("r"), target(key), event, key.arn, **more)
    recent.ended(name_of(key), invocation, Report("r", 1.0, 128, 1 << 20), 5.0, "", False)
    return invocation


def test_an_invocation_is_kept_as_it_came_for_its_own_account() -> None:
    recent = Recent(64 * KIB, 16 * KIB)
    recent.change(F, made(F))
    end(recent, b"first", way=Way.URL)
    end(recent, b"second", client_context="{}")
    second, first = recent.of(F)
    assert (first.event, first.way, first.client_context) == (b"first", Way.URL, "")
    assert (second.event, second.client_context, second.invoked_arn) == (b"second", "{}", F.arn)
    assert recent.of(ELSEWHERE) == []
    recent.change(ELSEWHERE, None)
    recent.change(F, made(F))
    assert len(recent.of(F)) == 2
    recent.change(F, None)
    assert recent.of(F) == []


def test_what_ends_after_its_function_is_not_the_next_ones_of_that_name() -> None:
    recent = Recent(64 * KIB, 16 * KIB)
    recent.change(F, made(F))
    recent.change(F, None)
    end(recent, b"late")
    recent.change(F, made(F, "another"))
    end(recent, b"later")
    assert recent.of(F) == []
    own = replace(target(F), creation="another")
    invocation = Invocation(RequestId("r"), own, b"own", F.arn)
    recent.ended(name_of(F), invocation, Report("r", 1.0, 128, 1 << 20), 5.0, "", False)
    assert [one.event for one in recent.of(F)] == [b"own"]


def test_those_that_were_throttled_are_among_them_and_leave_the_others_there() -> None:
    recent = Recent(64 * KIB, 16 * KIB)
    recent.change(F, made(F))
    end(recent, b"ran")
    refused = Invocation(RequestId("late"), target(F), b"word", f"{F.arn}:1", way=Way.URL)
    for _ in range(2 * EACH):
        recent.throttled(refused, "why")
    *throttled, ran = recent.of(F)
    assert (ran.event, ran.throttled) == (b"ran", "")
    assert len(throttled) == THROTTLED
    newest = throttled[0]
    assert (newest.throttled, newest.event, newest.event_bytes) == ("why", None, 4)
    assert (newest.request_id, newest.invoked_arn, newest.way) == ("late", f"{F.arn}:1", Way.URL)
    assert recent.of(ELSEWHERE) == []
    recent.change(F, None)
    recent.throttled(refused, "why")
    recent.change(F, made(F))
    assert recent.of(F) == []


def test_an_event_that_is_too_large_is_not_kept_and_the_invocation_is() -> None:
    recent = Recent(64 * KIB, 16 * KIB)
    recent.change(F, made(F))
    end(recent, b"x" * (16 * KIB - OVERHEAD_BYTES))
    large = end(recent, b"x" * (16 * KIB - OVERHEAD_BYTES + 1))
    (found,) = recent.of(F)
    assert (found.event, found.event_bytes) == (None, 15 * KIB + 1)
    assert len(large.event) == 15 * KIB + 1, "who runs it has it whole"


def test_what_is_kept_stays_within_its_bounds() -> None:
    recent = Recent(256 * KIB, 128 * KIB)
    recent.change(F, made(F))
    for _ in range(2 * EACH):
        end(recent, b"")
    assert len(recent.of(F)) == EACH
    for number in range(500):
        key = FunctionKey("1" * 12, "r", f"f{number}")
        recent.change(key, made(key))
        end(recent, b"x" * 10 * KIB, key)
    assert recent.of(F) == []
    kept = [recent.of(FunctionKey("1" * 12, "r", f"f{number}")) for number in range(500)]
    assert 0 < sum(map(len, kept)) <= 256 // 11
    assert kept[-1]


def test_nothing_is_kept_where_nothing_shall_be() -> None:
    for recent in (Recent(), Recent(64 * KIB, 0), Recent(0, 64 * KIB)):
        recent.change(F, made(F))
        recent.throttled(end(recent, b"first"), "why")
        assert recent.of(F) == []


def test_a_callers_connection_is_not_held_with_its_invocation() -> None:
    class Caller:
        """A caller who takes its answer as it is made."""

    caller = Caller()
    recent, gone = Recent(64 * KIB, 16 * KIB), weakref.ref(caller)
    recent.change(F, made(F))
    end(recent, b"first", recipient=cast(Any, caller))
    del caller
    gc.collect()
    assert gone() is None
    assert len(recent.of(F)) == 1
