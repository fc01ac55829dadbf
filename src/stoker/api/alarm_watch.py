"""Finds the states of alarms, each minute and when one is put, and does what follows from them.

    store ── alarms that change ──► AlarmWatch ── values ──► core/alarms.py ──► a state, kept
                                        └── what is pending ──► SNS, functions, EventBridge

A change of state is kept together with what it has to bring about, and that is removed when it was
tried: a server that dies does it in its next life, perhaps once more. Each receiver of an alarm is
told of one change after the other; none waits for another.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any

from botocore.loaders import Loader

from stoker.api import alarm_rules
from stoker.api.alarms import arn_of
from stoker.api.control import Control
from stoker.api.event_invocations import keep_for
from stoker.api.identifiers import new_revision
from stoker.core import access, alarm_messages, alarm_records
from stoker.core.alarm_messages import Told
from stoker.core.alarm_records import EVENTS, News
from stoker.core.alarms import State, judged
from stoker.core.errors import ServiceError
from stoker.core.metrics import MINUTE_S, start_of
from stoker.core.names import parse_function_ref
from stoker.core.resources import Kind, Resource, ResourceKey
from stoker.core.trigger_targets import is_topic
from stoker.neighbours.calls import Refused
from stoker.neighbours.neighbours import Unreachable
from stoker.store.base import Aggregate, Key, StoreUnavailable, Superseded

log = logging.getLogger(__name__)

Ask = Callable[[str, str, str, str, dict[str, Any]], Awaitable[dict[str, Any]]]

LATE_S = 2.0  # after a minute's end, for values of it that are on their way
ACTION_S = 60.0  # one action; the neighbours may have to be started for it
ACTIONS = 64  # at a time, of all alarms

Action = tuple[ResourceKey, str]  # an alarm, and whom it tells


class AlarmWatch:
    """`await start()`, then it watches; `await close()`."""

    def __init__(self, control: Control, ask: Ask) -> None:
        """`ask`: this server's own front door (api/inward.py)."""
        self._control = control
        self._ask = ask
        self._alarms: dict[ResourceKey, Resource] = {}
        self._due: set[ResourceKey] = set()  # whose state is to be found
        self._pending: set[ResourceKey] = set()  # that have something to bring about
        self._news = asyncio.Event()  # of those that are due,
        self._changes = asyncio.Event()  # and of those pending
        self._acting: set[Action] = set()  # that are under way
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        store = self._control.store
        async with store.transaction() as tx:
            for alarm in await tx.resources.every(Kind.ALARM):
                self.change(alarm.key, alarm)
            # Still inside: nobody can commit between what was read and what will be heard.
            store.watch(self.change)
        self._tasks = [
            asyncio.create_task(self._watch(), name="alarms"),
            asyncio.create_task(self._act(), name="alarm actions"),
        ]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def change(self, key: Key, now: Aggregate | None) -> None:
        """This is what it is now; None: deleted."""
        if not isinstance(key, ResourceKey) or key.kind is not Kind.ALARM:
            return
        before = self._alarms.pop(key, None)
        if not isinstance(now, Resource):
            return
        self._alarms[key] = now
        if before is None or before.record["Configured"] != now.record["Configured"]:
            self._due.add(key)
            self._news.set()
        if now.record["Pending"]:
            self._pending.add(key)
            self._changes.set()

    # -- States ----------------------------------------------------------------------------

    async def _watch(self) -> None:
        while True:
            now = time.time()
            try:
                async with asyncio.timeout(start_of(now) + MINUTE_S + LATE_S - now):
                    await self._news.wait()
            except TimeoutError:
                self._due.update(self._alarms)
                self._remind()
            self._news.clear()
            due, self._due = self._due, set()
            if due and self._control.metering is not None:
                await self._control.metering()
            for key in due:
                try:
                    await self._look_at(key, time.time())
                except Exception:  # of this alarm alone: the others are judged
                    log.exception("alarm cannot be judged", extra={"alarm": arn_of(key)})

    def _remind(self) -> None:
        """Of what a disk that was full kept from being settled."""
        left = [key for key, alarm in self._alarms.items() if alarm.record["Pending"]]
        if left:
            self._pending.update(left)
            self._changes.set()

    async def _look_at(self, key: ResourceKey, now: float) -> None:
        alarm = self._alarms.get(key)
        if alarm is None:
            return
        record, said = alarm.record, alarm.record["Configuration"]
        rule, end = alarm_records.rule_of(record), start_of(now)
        try:
            found = await alarm_rules.points(
                self._control, key.account, key.region, said, rule, end
            )
        except (ServiceError, StoreUnavailable) as error:
            log.error("alarm cannot be judged", extra={"alarm": arn_of(key), "reason": str(error)})
            return
        state = State(record["State"])
        verdict = judged(rule, found, end, state, now, alarm_records.statistic_of(said))
        if verdict.state is not state:
            news = News(verdict.state, verdict.reason, json.dumps(verdict.data))
            await self._put(alarm, alarm_records.changed(record, news, now))

    async def _put(self, alarm: Resource, record: dict[str, Any]) -> None:
        """Unless it has changed meanwhile: then there is news of it anyway, or the next minute."""
        changed = alarm.changed(record, revision=new_revision())
        try:
            async with self._control.store.transaction() as tx:
                await tx.resources.put(changed, expected=alarm.revision_id)
        except Superseded:
            return
        except StoreUnavailable as error:
            facts = {"alarm": arn_of(alarm.key), "reason": str(error)}
            log.error("alarm cannot be written", extra=facts)

    # -- What follows ----------------------------------------------------------------------

    async def _act(self) -> None:
        async with asyncio.TaskGroup() as actions:
            while True:
                await self._changes.wait()
                self._changes.clear()
                pending, self._pending = self._pending, set()
                for key in pending:
                    self._begin(key, actions)

    def _begin(self, key: ResourceKey, actions: asyncio.TaskGroup) -> None:
        """What this alarm has to bring about, as far as nothing like it is under way."""
        alarm = self._alarms.get(key)
        if alarm is None:
            return
        for pending in alarm_records.next_of_each(alarm.record):
            action = (key, pending["To"])
            if action in self._acting:
                continue  # its end looks again
            if len(self._acting) >= ACTIONS:
                self._pending.add(key)  # so does that of any other
                return
            self._acting.add(action)
            actions.create_task(self._acted(action, alarm, pending), name="alarm action")

    async def _acted(self, action: Action, alarm: Resource, pending: Mapping[str, Any]) -> None:
        try:
            if await self._bring_about(alarm, pending):
                self._pending.add(alarm.key)
        except Exception:  # of this action alone
            log.exception("alarm action cannot be settled", extra={"alarm": arn_of(alarm.key)})
        finally:
            self._acting.discard(action)
            self._changes.set()

    async def _bring_about(self, alarm: Resource, pending: Mapping[str, Any]) -> bool:
        """Whether that is settled, come about or not; else it is tried again in a minute."""
        told = _told(alarm, pending["Change"])
        failure = ""
        try:
            async with asyncio.timeout(ACTION_S):
                await self._send(told, pending["To"])
        except TimeoutError:
            failure = f"it took longer than {ACTION_S:.0f} s"
        except (ServiceError, Refused, Unreachable) as error:
            failure = str(error) or type(error).__name__
        except Exception:  # of this action alone
            log.exception("alarm action failed", extra={"alarm": told.arn})
            failure = "Stoker failed; its log says why"
        if failure:
            facts = {"alarm": told.arn, "action": pending["To"], "reason": failure}
            log.warning("alarm action failed", extra=facts)
        return await self._settle(alarm.key, pending, failure)

    async def _settle(self, key: ResourceKey, pending: Mapping[str, Any], failure: str) -> bool:
        """Of the alarm as it is now."""
        try:
            async with self._control.store.transaction() as tx:
                alarm = await tx.resources.get(key)
                if alarm is not None and pending in alarm.record["Pending"]:
                    record = alarm_records.settled(alarm.record, pending, failure, time.time())
                    changed = alarm.changed(record, revision=new_revision())
                    await tx.resources.put(changed, expected=alarm.revision_id)
        except StoreUnavailable as error:
            log.error("alarm cannot be written", extra={"alarm": key.id, "reason": str(error)})
            return False
        return True

    async def _send(self, told: Told, to: str) -> None:
        if to == EVENTS:
            await self._tell_eventbridge(told)
        elif is_topic(to):
            subject, message = await asyncio.to_thread(_notification, told)
            asked = {"TopicArn": to, "Subject": subject, "Message": message}
            await self._ask(told.account, to.split(":")[3], "sns", "Publish", asked)
        else:
            await self._invoke(told, to)

    async def _tell_eventbridge(self, told: Told) -> None:
        """If anybody could have a rule for it."""
        neighbours = self._control.neighbours
        if neighbours is None or not neighbours.has_begun("events"):
            return
        entry = {
            "Source": alarm_messages.SOURCE,
            "DetailType": alarm_messages.DETAIL_TYPE,
            "Detail": json.dumps(alarm_messages.of_eventbridge(told)),
            "Resources": [told.arn],
        }
        await self._ask(told.account, told.region, "events", "PutEvents", {"Entries": [entry]})

    async def _invoke(self, told: Told, arn: str) -> None:
        """Asynchronously, if the function's policy lets CloudWatch in for this alarm."""
        ref = parse_function_ref(arn)
        account, region = ref.account or told.account, ref.region or told.region
        catalog = self._control.catalog
        target = catalog.resolve(account, region, ref.name, ref.qualifier)
        policy = catalog.policy(account, region, ref.name, ref.qualifier)
        asks = access.Access(
            access.INVOKE,
            service=alarm_messages.PRINCIPAL,
            facts={
                "aws:sourcearn": told.arn,
                "aws:sourceaccount": told.account,
                "aws:principalservicename": alarm_messages.PRINCIPAL,
            },
        )
        access.check(policy, asks, owner=account, who=alarm_messages.PRINCIPAL, resource=arn)
        await keep_for(self._control, arn, target, alarm_messages.of_lambda(told))


def _told(alarm: Resource, change: Mapping[str, Any]) -> Told:
    key, record = alarm.key, alarm.record
    said, configured = record["Configuration"], record["Configured"]
    return Told(arn_of(key), key.account, key.region, said, configured, change)


def _notification(told: Told) -> tuple[str, str]:
    """Regions' names take a moment to read, the first time."""
    return alarm_messages.of_sns(told, _region_names().get(told.region, told.region))


@cache
def _region_names() -> dict[str, str]:
    """ "US East (N. Virginia)", by the region's code."""
    loader = Loader([Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    found = loader.load_data("partitions")
    return {
        code: facts["description"]
        for partition in found["partitions"]
        for code, facts in partition["regions"].items()
    }
