"""Pollers of queues and their true neighbours: what is at the function when, what comes back."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from stoker.core import lineage
from stoker.core.limits import SYNC_PAYLOAD_BYTES
from stoker.events import queue_poller
from stoker.events.polling import Held
from tests.eventing import F
from tests.faults.scene import PATIENCE_S
from tests.polling import Polling, bodies, polling

Story = Callable[[Polling], Awaitable[None]]


def tell(folder: Path, story: Story, **settings: Any) -> None:
    async def main() -> None:
        async with polling(folder, **settings) as here:
            await story(here)

    asyncio.run(main())


def test_a_group_is_at_the_function_once_and_in_its_order(tmp_path: Path) -> None:
    async def story(here: Polling) -> None:
        await here.events.function()
        queue = await here.queue("q.fifo", FifoQueue="true")
        await here.send(queue, "a1", "a2", group="a")
        await here.send(queue, "b1", group="b")
        await here.map("q.fifo", BatchSize=1)
        first, second = await here.run(), await here.run()
        assert (bodies(first), bodies(second)) == (["a1"], ["b1"])
        second.ends()
        first.ends()
        third = await here.run()
        assert bodies(third) == ["a2"]
        third.ends()
        await here.empty(queue)

    tell(tmp_path, story)


def test_what_fails_keeps_its_group_waiting(tmp_path: Path) -> None:
    async def story(here: Polling) -> None:
        await here.events.function()
        queue = await here.queue("q.fifo", FifoQueue="true")
        await here.send(queue, "a1", "a2", group="a")
        await here.map("q.fifo", BatchSize=1)
        (await here.run()).fails()
        here.show_again(queue)
        again = await here.run()
        assert bodies(again) == ["a1"]
        again.ends()
        last = await here.run()
        assert bodies(last) == ["a2"]
        last.ends()
        await here.empty(queue)

    tell(tmp_path, story)


def test_what_becomes_of_its_messages_is_counted_where_that_is_asked_for(tmp_path: Path) -> None:
    async def story(here: Polling) -> None:
        counted = here.counting()
        await here.events.function()
        queue = await here.queue()
        await here.send(queue, '{"n": 1}', '{"n": 2}', '{"m": 3}')
        filters = {"Filters": [{"Pattern": '{"body": {"n": [{"exists": true}]}}'}]}
        asked = {"FilterCriteria": filters, "MetricsConfig": {"Metrics": ["EventCount"]}}
        await here.map(**asked)
        (await here.run()).ends()
        await here.empty(queue)
        await here.send(queue, '{"n": 4}')
        (await here.run()).fails()
        here.show_again(queue)
        (await here.run()).ends()
        await here.empty(queue)
        async with asyncio.timeout(PATIENCE_S):
            while counted.get("DeletedEventCount") != 3:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        del counted["DeletedEventCount"]
        assert counted == {
            "PolledEventCount": 5,
            "FilteredOutEventCount": 1,
            "InvokedEventCount": 4,
            "FailedInvokeEventCount": 1,
        }

    tell(tmp_path, story)


def test_no_more_batches_than_its_maximum_are_at_the_function(tmp_path: Path) -> None:
    async def story(here: Polling) -> None:
        await here.events.function()
        queue = await here.queue()
        await here.send(queue, *"12345678")
        await here.map(BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
        running = [await here.run(), await here.run()]
        await here.time_for_more()
        assert queue.line.in_flight == 2, "none is received while these two run"
        for _ in range(6):
            running.pop(0).ends()
            running.append(await here.run())
        for run in running:
            run.ends()
        await here.empty(queue)
        assert here.events.waist.most == 2

    tell(tmp_path, story)


def test_what_is_being_deleted_takes_no_place_at_the_function(tmp_path: Path) -> None:
    async def story(here: Polling) -> None:
        await here.events.function()
        queue = await here.queue()
        await here.send(queue, *"123")
        key = await here.map(BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
        first, second = await here.run(), await here.run()
        disk = threading.Event()
        here.broker._store.file._writer.ask(disk.wait)
        try:
            first.ends()
            third = await here.run()
            assert len(queue.line.all) == 3, "nothing is deleted before the disk says so"
            second.ends()
            third.ends()
            await here.change(key, enabled=False)
            assert here.mappings.disabling(key)
        finally:
            disk.set()
        await here.empty(queue)
        await here.events.until(lambda: not here.mappings.disabling(key))

    tell(tmp_path, story)


def test_a_slow_disk_holds_the_poller_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_poller, "UNSETTLED", 2)

    async def story(here: Polling) -> None:
        await here.events.function()
        queue = await here.queue()
        await here.send(queue, *"123")
        await here.map(BatchSize=1)
        first, second = await here.run(), await here.run()
        disk = threading.Event()
        here.broker._store.file._writer.ask(disk.wait)
        try:
            first.ends()
            second.ends()
            for _ in range(20):  # turns of the loop, in which the third would be received
                await asyncio.sleep(0)
            assert queue.line.in_flight == 2
        finally:
            disk.set()
        third = await here.run()
        assert bodies(third) == ["3"]
        third.ends()
        await here.empty(queue)

    tell(tmp_path, story)


def test_a_disk_that_kept_up_again_while_nothing_came_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_poller, "UNSETTLED", 1)

    async def story(here: Polling) -> None:
        await here.events.function()
        queue = await here.queue()
        await here.send(queue, "1")
        key = await here.map(BatchSize=1)
        (await here.run()).ends()
        await here.empty(queue)
        poller = here.mappings._pollers[key]
        assert isinstance(poller, queue_poller.QueuePoller)
        await here.events.until(lambda: not poller.busy)  # it waits for a message
        await here.send(queue, "2")
        second = await here.run()
        assert bodies(second) == ["2"]
        second.ends()
        await here.empty(queue)

    tell(tmp_path, story)


def test_an_idle_poller_waits_and_a_message_wakes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No timer has to run out for it, and none does meanwhile."""
    monkeypatch.setattr(queue_poller, "IDLE_S", 3600.0)
    monkeypatch.setattr(queue_poller, "STEP_S", 3600.0)

    async def story(here: Polling) -> None:
        await here.events.function()
        queue = await here.queue()
        asked: list[float] = []
        receive = here.broker.receive

        async def counted(*given: Any, wait_s: float, **more: Any) -> Any:
            asked.append(wait_s)
            return await receive(*given, wait_s=wait_s, **more)

        monkeypatch.setattr(here.broker, "receive", counted)
        await here.map(BatchSize=1)
        await here.events.until(lambda: 3600.0 in asked)
        idle = len(asked)
        await asyncio.sleep(0.2)
        assert len(asked) == idle, "nobody looks at an empty queue"
        await here.send(queue, "1")
        run = await here.run()
        assert bodies(run) == ["1"]
        run.ends()
        await here.empty(queue)

    tell(tmp_path, story)


def test_more_run_at_a_time_where_these_are_slow_for_what_waits(tmp_path: Path) -> None:
    async def story(here: Polling) -> None:
        await here.events.function()
        queue = await here.queue()
        await here.send(queue, *"1234567")
        await here.map(BatchSize=1)
        runs = [await here.run() for _ in range(7)]  # none of them ends
        assert sorted(one for run in runs for one in bodies(run)) == list("1234567")
        for run in runs:
            run.ends()
        await here.empty(queue)

    tell(tmp_path, story)


def test_a_batch_that_is_throttled_is_tried_again(tmp_path: Path) -> None:
    async def story(here: Polling) -> None:
        await here.events.function()
        queue = await here.queue()
        key = await here.map(BatchSize=1)
        await here.send(queue, "1", "2")
        first = await here.run()
        await here.events.until(lambda: "Rate Exceeded" in here.mappings.result(key))
        first.ends()
        second = await here.run()
        assert {*bodies(first), *bodies(second)} == {"1", "2"}
        second.ends()
        await here.empty(queue)
        await here.events.until(lambda: not here.mappings.result(key))

    tell(tmp_path, story, limit=1)


def test_an_event_is_never_larger_than_a_function_takes(tmp_path: Path) -> None:
    async def story(here: Polling) -> None:
        await here.events.function()
        queue = await here.queue()
        for number in range(8):
            await here.send(queue, str(number) + '"' * 500_000)  # each is a megabyte as JSON
        await here.map()
        seen: list[str] = []
        while len(seen) < 8:
            run = await here.run()
            assert len(run.invocation.event) <= SYNC_PAYLOAD_BYTES
            seen += [body[0] for body in bodies(run)]
            assert b'"ApproximateReceiveCount":"2"' not in run.invocation.event
            run.ends()
        assert sorted(seen) == list("01234567")
        await here.empty(queue)

    tell(tmp_path, story)


def test_the_memory_of_all_pollers_together_has_a_bound(tmp_path: Path) -> None:
    async def story(here: Polling) -> None:
        object.__setattr__(here.mappings._parts, "held", Held(1))
        await here.events.function()
        queue = await here.queue()
        await here.send(queue, *"123")
        await here.map(BatchSize=1)
        for _ in "123":
            run = await here.run()
            await here.time_for_more()
            assert queue.line.in_flight == 1, "none is received while this one runs"
            run.ends()
        await here.empty(queue)
        assert here.events.waist.most == 1

    tell(tmp_path, story)


def test_it_is_disabling_as_long_as_something_is_at_the_function(tmp_path: Path) -> None:
    async def story(here: Polling) -> None:
        await here.events.function()
        queue = await here.queue()
        key = await here.map()
        await here.send(queue, "1")
        run = await here.run()
        await here.change(key, enabled=False)
        assert here.mappings.disabling(key)
        run.ends()
        await here.empty(queue)
        await here.events.until(lambda: not here.mappings.disabling(key))

    tell(tmp_path, story)


def test_what_was_gathered_only_is_given_back_at_the_end(tmp_path: Path) -> None:
    async def story(here: Polling) -> None:
        await here.events.function()
        queue = await here.queue()
        key = await here.map(MaximumBatchingWindowInSeconds=300)
        await here.send(queue, "1")
        await here.events.until(lambda: queue.line.in_flight)
        await here.change(key, enabled=False)
        await here.events.until(lambda: not queue.line.in_flight)
        assert len(queue.line.all) == 1
        await here.change(key, enabled=True, MaximumBatchingWindowInSeconds=0)
        (await here.run()).ends()
        await here.empty(queue)

    tell(tmp_path, story)


def test_nothing_is_received_for_a_function_that_is_not_there(tmp_path: Path) -> None:
    async def story(here: Polling) -> None:
        queue = await here.queue()
        key = await here.map()
        await here.send(queue, "1")
        await here.events.until(lambda: "Function not found" in here.mappings.result(key))
        await here.events.function()
        run = await here.run()
        assert b'"ApproximateReceiveCount":"1"' in run.invocation.event
        assert not here.mappings.result(key)
        run.ends()
        await here.empty(queue)

    tell(tmp_path, story)


def test_a_queue_may_come_later_than_its_mapping(tmp_path: Path) -> None:
    async def story(here: Polling) -> None:
        await here.events.function()
        key = await here.map()
        await here.events.until(lambda: "queue does not exist" in here.mappings.result(key))
        queue = await here.queue()
        await here.send(queue, "1")
        (await here.run()).ends()
        await here.empty(queue)

    tell(tmp_path, story)


def test_a_message_that_goes_in_circles_is_not_handed_over(tmp_path: Path) -> None:
    async def story(here: Polling) -> None:
        await here.events.function()
        queue = await here.queue()
        mark = lineage.mark(F.arn)
        await here.send(queue, "round", trace=f"Root=1;Lineage={mark}:15")
        await here.send(queue, "fine", trace=f"Root=1;Lineage={mark}:3")
        await here.map()
        run = await here.run()
        assert bodies(run) == ["fine"]
        assert run.invocation.trace_id == f"Root=1;Lineage={mark}:4"
        run.ends()
        await here.events.until(lambda: here.events.count("RecursiveInvocationsDropped") == 1)
        await here.events.until(lambda: len(queue.line.all) == 1)

    tell(tmp_path, story)


def test_who_is_late_does_not_delete_what_was_received_again(tmp_path: Path) -> None:
    async def story(here: Polling) -> None:
        await here.events.function()
        queue = await here.queue()
        await here.send(queue, "1")
        await here.map()
        late = await here.run()
        here.show_again(queue)
        again = await here.run()
        late.ends()
        again.fails()
        await here.time_for_more()
        here.show_again(queue)
        last = await here.run()
        assert b'"ApproximateReceiveCount":"3"' in last.invocation.event
        last.ends()
        await here.empty(queue)

    tell(tmp_path, story)
