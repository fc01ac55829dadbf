"""Asynchronous invocations: when they run, how many at a time, and what becomes of them."""

import asyncio
import json
from pathlib import Path

import pytest

from stoker.core import lineage
from stoker.core.aliases import Alias, AliasKey
from stoker.core.errors import ServiceException, TooManyRequestsException
from stoker.core.event_invoke import KIND
from stoker.core.invocation import InvocationResult
from stoker.core.limits import EVENTS_AT_A_TIME, EVENTS_AT_FIRST, LOADED_EVENTS
from stoker.core.model import FunctionKey
from stoker.events import dispatcher as module
from stoker.events import used
from tests.eventing import ACCOUNT, QUEUE, REGION, F, Hands, Scene, scene, tell

G = FunctionKey(ACCOUNT, REGION, "g")


def test_an_event_is_run_once_as_it_was_sent_and_forgotten(tmp_path: Path) -> None:
    async def story(here: Scene) -> None:
        await here.function()
        assert await here.send("one", trace="Root=1-2-3;Lineage=a:0") is None
        run = await here.run()
        sent = run.invocation
        assert (sent.request_id, sent.event, sent.invoked_arn) == ("one", b"one", F.arn)
        assert sent.trace_id == "Root=1-2-3;Lineage=a:0"
        run.ends()
        await here.until(lambda: not here.held())
        assert here.count("AsyncEventsReceived") == 1
        assert here.count("AsyncEventsDropped") == 0

    tell(tmp_path, story)
    tell(tmp_path, nothing_waits)


async def nothing_waits(here: Scene) -> None:
    assert here.dispatcher.lanes() == {}


def test_a_function_error_is_tried_again_with_the_same_request_id(tmp_path: Path) -> None:
    async def story(here: Scene) -> None:
        await here.function()
        await here.says(on_failure=QUEUE)
        await here.send()
        for wait in (60, 120):
            (await here.run()).fails()
            await here.until(lambda: here.held() == {"later": 1})
            here.clock.forward(wait - 0.1)
            assert here.waist.runs.empty()
            here.clock.forward(0.1)
        run = await here.run()
        assert run.invocation.request_id == "1"
        run.fails("at last")
        await here.until(lambda: here.delivered)
        told = json.loads(here.delivered[0].body)
        assert told["requestContext"] == {
            "requestId": "1",
            "functionArn": f"{F.arn}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        }
        assert told["responsePayload"] == {"errorMessage": "at last"}
        assert here.count("AsyncEventsDropped") == 1
        assert here.dispatcher.counts.ages[F].most_s == pytest.approx(180)

    tell(tmp_path, story)
    tell(tmp_path, nothing_waits)


def test_throttles_and_failures_of_ours_are_not_counted(tmp_path: Path) -> None:
    async def story(here: Scene) -> None:
        await here.function()
        await here.says(retries=0, on_success=QUEUE)
        await here.send()
        refusals = [TooManyRequestsException("Rate Exceeded."), ServiceException("broken")] * 3
        for wait, refusal in zip((1, 2, 4, 8, 16, 32), refusals, strict=True):
            (await here.run()).ends(refusal)
            await here.until(lambda: here.held() == {"later": 1})
            here.clock.forward(wait)
        (await here.run()).ends(b'"done"')
        await here.until(lambda: here.delivered)
        told = json.loads(here.delivered[0].body)
        assert told["requestContext"]["condition"] == "Success"
        assert told["requestContext"]["approximateInvokeCount"] == 1
        assert told["responsePayload"] == "done"

    tell(tmp_path, story)


def test_one_reserved_runs_six_events_strictly_one_after_another(tmp_path: Path) -> None:
    async def story(here: Scene) -> None:
        await here.function()
        here.waist.reserve(F, 1)
        for number in range(6):
            await here.send(str(number))
        seen = []
        for _ in range(6):
            run = await here.run()
            seen.append(run.invocation.request_id)
            assert here.waist.runs.empty()
            run.ends()
        assert seen == ["0", "1", "2", "3", "4", "5"]
        assert here.waist.most == 1

    tell(tmp_path, story)


def test_who_waits_for_concurrency_goes_on_when_more_is_given(tmp_path: Path) -> None:
    async def story(here: Scene) -> None:
        await here.function()
        here.waist.reserve(F, 1)
        for number in range(3):
            await here.send(str(number))
        runs = [await here.run()]
        here.waist.reserve(F, 2)
        runs.append(await here.run())
        here.waist.reserve(F, None)
        runs.append(await here.run())
        for run in runs:
            run.ends()

    tell(tmp_path, story)


def test_functions_at_the_account_s_limit_take_turns(tmp_path: Path) -> None:
    async def story(here: Scene) -> None:
        await here.function("f")
        await here.function("g")
        for number in range(4):
            await here.send(str(number), F)
            await here.send(str(number), G)
        seen = []
        for _ in range(8):
            run = await here.run()
            assert here.waist.most == 1
            seen.append(run.invocation.target.name)
            run.ends()
        assert "fff" not in "".join(seen) and "ggg" not in "".join(seen), seen

    tell(tmp_path, story, limit=1)


def test_nothing_reserved_ends_events_at_once_and_tells(tmp_path: Path) -> None:
    async def story(here: Scene) -> None:
        await here.function(kept={"DeadLetterConfig": {"TargetArn": QUEUE}})
        await here.says(on_failure=f"{QUEUE}-2")
        here.waist.reserve(F, 0)
        await here.send()
        await here.until(lambda: len(here.delivered) == 2)
        record, letter = here.delivered
        assert json.loads(record.body)["requestContext"]["condition"] == "ZeroReservedConcurrency"
        assert (record.arn, letter.arn, letter.body) == (f"{QUEUE}-2", QUEUE, b"1")
        assert letter.attributes["RequestID"].value == "1"
        assert "zero reserved" in letter.attributes["ErrorMessage"].value
        assert here.waist.most == 0

    tell(tmp_path, story)


def test_an_event_that_waits_too_long_is_dropped_without_being_run(tmp_path: Path) -> None:
    async def story(here: Scene) -> None:
        await here.function()
        await here.says(max_age_s=60, on_failure=QUEUE)
        here.waist.reserve(F, 1)
        await here.send("long")
        run = await here.run()
        await here.send("late")
        await here.until(lambda: here.held() == {"waiting": 1, "running": 1})
        here.clock.forward(60)
        await here.until(lambda: here.delivered)
        told = json.loads(here.delivered[0].body)
        assert told["requestContext"]["condition"] == "EventAgeExceeded"
        assert told["requestContext"]["requestId"] == "late"
        run.ends()
        await here.until(lambda: not here.held())

    tell(tmp_path, story)


def test_the_scale_makes_the_minute_a_second(tmp_path: Path) -> None:
    async def story(here: Scene) -> None:
        await here.function()
        await here.send()
        (await here.run()).fails()
        await here.until(lambda: here.held() == {"later": 1})
        here.clock.forward(1)
        (await here.run()).ends()

    tell(tmp_path, story, scale=60)


def test_a_chain_that_comes_back_too_often_is_cut_unless_that_is_allowed(tmp_path: Path) -> None:
    async def story(here: Scene) -> None:
        await here.function()
        await here.says(on_failure=QUEUE)
        trace = f"Root=1-2-3;Lineage={lineage.mark(F.arn)}:{lineage.TURNS}"
        await here.send(trace=trace)
        await here.until(lambda: here.delivered)
        told = json.loads(here.delivered[0].body)
        assert told["requestContext"]["condition"] == "RecursiveInvocation"
        assert here.count("RecursiveInvocationsDropped") == 1
        async with here.store.transaction() as tx:
            await tx.settings.put(F, "$LATEST", lineage.KIND, {"loop": "Allow"})
        await here.send(trace=trace)
        (await here.run()).ends()

    tell(tmp_path, story)


def test_a_function_is_a_destination_and_gets_the_record(tmp_path: Path) -> None:
    async def story(here: Scene) -> None:
        await here.function("f")
        await here.function("g")
        await here.says(on_success=G.arn)
        await here.send("one", trace="Root=1-2-3;Lineage=a:0")
        (await here.run()).ends(b"[1]")
        run = await here.run()
        assert run.invocation.target.name == "g"
        assert run.invocation.invoked_arn == G.arn
        assert json.loads(run.invocation.event)["responsePayload"] == [1]
        assert run.invocation.request_id != "one"
        assert run.invocation.trace_id == f"Root=1-2-3;Lineage=a:0|{lineage.mark(G.arn)}:0"
        run.ends()

    tell(tmp_path, story)


@pytest.mark.parametrize("destination", [G.arn, "arn:aws:sns:eu-west-1:123456789012:t"])
def test_what_cannot_be_delivered_is_counted_and_gone(tmp_path: Path, destination: str) -> None:
    async def story(here: Scene) -> None:
        letters = {"DeadLetterConfig": {"TargetArn": "arn:aws:sns:eu-west-1:123456789012:t"}}
        await here.function(kept=letters)
        await here.says(retries=0, on_failure=destination)
        await here.send()
        (await here.run()).fails()
        await here.until(lambda: here.count("DeadLetterErrors"))
        assert here.count("DestinationDeliveryFailures") == 1

    tell(tmp_path, story)
    tell(tmp_path, nothing_waits)


def test_a_record_that_is_too_large_for_a_function_is_not_delivered(tmp_path: Path) -> None:
    async def story(here: Scene) -> None:
        await here.function("f")
        await here.function("g")
        await here.says(on_success=G.arn)
        await here.send(body=b"1" * 600_000)
        (await here.run()).ends(b"1" * 600_000)
        await here.until(lambda: here.count("DestinationDeliveryFailures"))

    tell(tmp_path, story)


def test_events_of_a_deleted_function_are_dropped(tmp_path: Path) -> None:
    async def story(here: Scene) -> None:
        await here.function()
        await here.send()
        (await here.run()).fails()
        await here.until(lambda: here.held() == {"later": 1})
        async with here.store.transaction() as tx:
            await tx.delete_function(F, expected="r1")
        here.clock.forward(60)
        await here.until(lambda: here.count("AsyncEventsDropped"))

    tell(tmp_path, story)
    tell(tmp_path, nothing_waits)


def test_events_of_a_deleted_function_are_not_the_next_ones_of_that_name(tmp_path: Path) -> None:
    async def story(here: Scene) -> None:
        await here.function()
        await here.send("again")
        await here.send("runs")
        again, runs = await here.run(), await here.run()
        here.waist.reserve(F, 1)
        await here.send("waits")
        again.fails()
        await here.until(lambda: here.held() == {"waiting": 1, "running": 1, "later": 1})
        async with here.store.transaction() as tx:
            await tx.delete_function(F, expected="r1")
        await here.function()
        runs.fails()
        await here.until(lambda: here.count("AsyncEventsDropped") == 2)
        here.waist.reserve(F, None)
        await here.send("own")
        own = await here.run()
        assert own.invocation.event == b"own"
        here.clock.forward(60)
        await here.until(lambda: here.count("AsyncEventsDropped") == 3)
        own.ends()
        await here.until(lambda: not here.held())
        assert here.waist.runs.empty()
        await here.until(lambda: not here.dispatcher._deleted)  # nor is anything kept of them

    tell(tmp_path, story)
    tell(tmp_path, nothing_waits)


def test_what_waits_at_the_end_goes_on_after_the_next_start(tmp_path: Path) -> None:
    clock = Hands()

    async def before(here: Scene) -> None:
        await here.function()
        await here.send("fails")
        (await here.run()).fails()
        await here.until(lambda: here.held() == {"later": 1})
        here.waist.reserve(F, 1)
        await here.send("cut off")
        run = await here.run()
        await here.send("waits")
        here.dispatcher.pause()
        run.ends(ServiceException("The server is stopping."))

    async def after(here: Scene) -> None:
        assert here.held() == {"waiting": 2, "later": 1}
        runs = [await here.run(), await here.run()]
        assert [run.invocation.request_id for run in runs] == ["cut off", "waits"]
        here.clock.forward(60)
        runs.append(await here.run())
        assert runs[-1].invocation.request_id == "fails"
        runs[-1].fails()
        await here.until(lambda: here.held() == {"running": 2, "later": 1})
        here.clock.forward(119)
        assert here.waist.runs.empty(), "it was its second attempt"
        for run in runs[:2]:
            run.ends()

    tell(tmp_path, before, clock=clock)
    tell(tmp_path, after, clock=clock)


def test_what_was_said_about_events_counts_after_a_restart_and_goes_with_its_alias(
    tmp_path: Path,
) -> None:
    async def before(here: Scene) -> None:
        await here.function()
        await here.says(retries=0)

    async def after(here: Scene) -> None:
        await here.send()
        (await here.run()).fails()
        await here.until(lambda: here.count("AsyncEventsDropped"))
        settings = here.dispatcher.settings
        alias = Alias(AliasKey(F, "live"), "$LATEST", "r")
        async with here.store.transaction() as tx:
            await tx.aliases.add(alias)
        await here.says(F, "live", retries=1)
        assert settings.events(F, "live").retries == 1
        async with here.store.transaction() as tx:
            await tx.settings.remove(F, "$LATEST", KIND)
            await tx.aliases.remove(alias.key)
        assert settings.events(F, "live").retries is None
        assert settings.events(F, None).retries is None

    tell(tmp_path, before)
    tell(tmp_path, after)


def test_slow_functions_run_more_at_a_time_and_fast_ones_do_not(tmp_path: Path) -> None:
    async def story(here: Scene) -> None:
        await here.function()
        for number in range(EVENTS_AT_A_TIME + 50):
            await here.send(str(number))
        await here.until(lambda: here.waist.running == EVENTS_AT_FIRST)
        for width in (16, 32, 64, EVENTS_AT_A_TIME):
            here.clock.forward(module.STALLED_S)
            await here.until(lambda width=width: here.waist.running == width)  # type: ignore[misc]
        here.clock.forward(1)
        assert here.waist.most == EVENTS_AT_A_TIME
        for _ in range(EVENTS_AT_A_TIME + 50):
            (await here.run()).ends()

    tell(tmp_path, story)


def test_a_long_queue_is_read_from_the_disk_in_its_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAITING_BYTES", 2000)  # two or three of them
    count = LOADED_EVENTS * 2 + 5

    async def story(here: Scene) -> None:
        await here.function()
        here.waist.reserve(F, 1)
        await asyncio.gather(*(here.send(str(number)) for number in range(count)))
        seen = []
        for _ in range(count):
            run = await here.run()
            assert run.invocation.event == run.invocation.request_id.encode()
            seen.append(int(run.invocation.request_id))
            run.ends()
        assert seen == list(range(count))

    tell(tmp_path, story)
    tell(tmp_path, nothing_waits)


def test_one_account_cannot_fill_the_queue_for_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(used, "QUEUED_EVENTS", 2)

    async def story(here: Scene) -> None:
        await here.function()
        here.waist.reserve(F, 1)
        assert [await here.send(str(n)) for n in range(2)] == [None, None]
        refusal = await here.send("too many")
        assert isinstance(refusal, TooManyRequestsException)
        assert refusal.fields["Reason"] == "CallerRateLimitExceeded"
        elsewhere = FunctionKey("999999999999", REGION, "f")
        assert await here.send("other account", elsewhere) is None
        (await here.run()).ends()
        (await here.run()).ends()
        await here.until(lambda: not here.held())
        assert await here.send("there is room again") is None
        (await here.run()).ends()

    tell(tmp_path, story)


def test_an_answer_of_a_streaming_function_counts_as_success(tmp_path: Path) -> None:
    async def story(here: Scene) -> None:
        await here.function()
        await here.says(on_success=QUEUE)
        await here.send()
        (await here.run()).ends(InvocationResult(b"not json", None, "$LATEST"))
        await here.until(lambda: here.delivered)
        assert json.loads(here.delivered[0].body)["responsePayload"] == "not json"

    tell(tmp_path, story)


def test_a_hundred_deliveries_do_not_all_go_out_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path) as here:
            await here.function()
            await here.says(on_failure=QUEUE)
            here.waist.reserve(F, 0)
            await asyncio.gather(*(here.send(str(number)) for number in range(200)))
            await here.until(lambda: len(here.delivered) == 200)
            assert {message.body for message in here.delivered}
            assert here.count("AsyncEventsDropped") == 200

    asyncio.run(main())
