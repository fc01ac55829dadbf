"""Log events on their way to the queue of a function: what is tried again, and what is not."""

import asyncio
import base64
import gzip
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from stoker.api import log_deliveries
from stoker.api.control import Control, Settings
from stoker.api.log_deliveries import LogDeliveries
from stoker.core import log_subscriptions
from stoker.core.architectures import Machine
from stoker.core.log_subscriptions import Sent, data_message
from stoker.core.model import FunctionKey
from stoker.events import used
from stoker.invoke.catalog import Catalog
from stoker.observe import log_groups, log_outbox, log_subscribers
from stoker.observe.log_groups import GroupName
from stoker.observe.log_subscribers import Subscription
from stoker.observe.logs import LogStore
from tests.eventing import ACCOUNT, REGION, Run, Scene, scene

GROUP = GroupName(ACCOUNT, REGION, "g")
WHOEVER = {"Effect": "Allow", "Action": "lambda:InvokeFunction"}
LOGS = {**WHOEVER, "Principal": {"Service": "logs.amazonaws.com"}}


class World:
    def __init__(self, events: Scene, logs: LogStore) -> None:
        self.events = events
        self.logs = logs

    async def admit(self, key: FunctionKey, statement: dict[str, Any] | None = None) -> None:
        policy = json.dumps({"Statement": [statement or LOGS]})
        async with self.events.store.transaction() as tx:
            found = await tx.function(key)
            assert found is not None
            revision = f"{found.revision_id}+"
            changed = replace(found, policy=policy, revision_id=revision)
            await tx.put_function(changed, expected=found.revision_id)

    async def subscribe(self, key: FunctionKey) -> None:
        wanted = Subscription("n", "", key.arn, None, "ByLogStream", 0)
        await self.logs.change(lambda db: log_subscribers.put(db, GROUP, wanted))

    async def log(self, line: str) -> None:
        self.logs.open(ACCOUNT, REGION, "g", "s").append(1_800_000_000_000, line.encode())
        await self.logs.flush()

    async def nothing_waits(self) -> None:
        async with asyncio.timeout(30):
            while await self.logs.query(log_outbox.waiting):  # noqa: ASYNC110
                await asyncio.sleep(0.005)


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    woken: list[Callable[[], None]] = []
    logs = LogStore(folder / "logs.db", subscribed=lambda: woken[0]())
    await logs.start()
    async with scene(folder) as events:
        catalog, nothing = Catalog(Machine()), cast(Any, None)
        await catalog.follow(events.store)
        deliveries = LogDeliveries(
            Control(
                store=events.store,
                blobs=nothing,
                catalog=catalog,
                invoker=nothing,
                events=events.dispatcher,
                queues=nothing,
                logs_store=logs,
                metric_store=nothing,
                settings=Settings(),
                changed=lambda: None,
            )
        )
        woken.append(deliveries.wake)
        await logs.change(lambda db: log_groups.create_group(db, GROUP, 0))
        try:
            yield World(events, logs)
        finally:
            await deliveries.close()
            await logs.close()


def texts(run: Run) -> list[str]:
    data = base64.b64decode(json.loads(run.invocation.event)["awslogs"]["data"])
    return [one["message"] for one in json.loads(gzip.decompress(data))["logEvents"]]


def test_what_a_full_queue_does_not_take_is_sent_later_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(log_deliveries, "rest_s", lambda _failures: 0.01)
    monkeypatch.setattr(used, "QUEUED_EVENTS", 0)

    async def main() -> None:
        async with world(tmp_path) as it:
            key = await it.events.function()
            await it.admit(key)
            await it.subscribe(key)
            await it.log("1")
            await it.events.until(lambda: "log events are sent later" in caplog.messages)
            await it.log("2")
            monkeypatch.undo()
            seen: list[str] = []
            while len(seen) < 2:
                run = await it.events.run()
                seen += texts(run)
                run.ends()
            assert seen == ["1", "2"]
            await it.nothing_waits()

    asyncio.run(main())


def test_a_fault_of_ours_is_reported_and_tried_again_after_a_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rested: list[int] = []

    def rest_s(failures: int) -> float:
        rested.append(failures)
        return 0.01

    def fails(sent: Sent) -> bytes:
        if len(rested) < 2:
            raise ZeroDivisionError(sent.group)
        return data_message(sent)

    monkeypatch.setattr(log_deliveries, "rest_s", rest_s)
    monkeypatch.setattr(log_subscriptions, "data_message", fails)

    async def main() -> None:
        async with world(tmp_path) as it:
            key = await it.events.function()
            await it.admit(key)
            await it.subscribe(key)
            await it.log("x")
            run = await it.events.run()
            assert texts(run) == ["x"]
            run.ends()
            await it.nothing_waits()

    asyncio.run(main())
    assert rested == [1, 2]
    assert caplog.messages == ["task failed", "task failed"]


def test_what_is_refused_for_good_is_not_sent_and_what_comes_next_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with world(tmp_path) as it:
            key = await it.events.function()
            await it.subscribe(key)
            await it.log("refused")
            await it.nothing_waits()
            assert caplog.messages == ["log events not sent"]
            everybody = {**LOGS, "Principal": "*"}
            await it.admit(key, {**everybody, "Effect": "Deny"})
            await it.log("denied")
            await it.nothing_waits()
            regional = {**LOGS, "Principal": {"Service": f"logs.{REGION}.amazonaws.com"}}
            await it.admit(key, regional)
            await it.log("taken")
            run = await it.events.run()
            assert texts(run) == ["taken"]
            run.ends()

    asyncio.run(main())


def test_many_filters_are_served_in_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_deliveries, "AT_ONCE", 1)
    monkeypatch.setattr(log_deliveries, "IN_A_ROW", 1)

    async def main() -> None:
        async with world(tmp_path) as it:
            seen = set()
            for name in ("f", "g2"):
                key = await it.events.function(name)
                await it.admit(key)
                wanted = Subscription(name, "", key.arn, None, "ByLogStream", 0)
                await it.logs.change(lambda db, it=wanted: log_subscribers.put(db, GROUP, it))
            for line in ("1", "2", "3"):
                await it.log(line)
            while len(seen) < 6:
                run = await it.events.run()
                seen |= {(run.invocation.target.name, text) for text in texts(run)}
                run.ends()
            await it.nothing_waits()

    asyncio.run(main())
