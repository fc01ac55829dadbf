"""In the child: EventBridge Scheduler, whose schedules moto keeps and never runs.

Each method of Scheduler stands in the place of one of moto's, checks what moto does not, and keeps
the timetable as the schedules are. tests/conformance/test_schedules.py fails when moto has moved
one.
"""

import json
import re
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from moto.core.exceptions import JsonRESTError
from moto.scheduler.exceptions import ValidationException
from moto.scheduler.models import EventBridgeSchedulerBackend, Schedule, scheduler_backends
from moto.scheduler.responses import EventBridgeSchedulerResponse

from stoker.core import errors, schedules, target_calls
from stoker.core.neighbours import SCHEDULER
from stoker.core.recurrence import Plan
from stoker.core.target_calls import Kind
from stoker.core.trigger_events import Occasion, of_scheduler
from stoker.core.trigger_targets import is_function, is_queue
from stoker.neighbours.rule_targets import may_assume
from stoker.neighbours.scheduled_rules import SINCE
from stoker.neighbours.timetable import MOST_ENTRIES, Entry, Timetable
from stoker.neighbours.triggers import message, send

INPUT_BYTES = 256 * 1024  # these are AWS's
MOST_WINDOW_MINUTES = 1440
_ROLE = re.compile(r"arn:aws[\w-]*:iam::(\d{12}):role/[\w+=,.@/-]+", re.ASCII)

_create_schedule = EventBridgeSchedulerBackend.create_schedule
_update_schedule = EventBridgeSchedulerBackend.update_schedule
_delete_schedule = EventBridgeSchedulerBackend.delete_schedule
_delete_schedule_group = EventBridgeSchedulerBackend.delete_schedule_group
_answer_update = EventBridgeSchedulerResponse.update_schedule


class Scheduler:
    def __init__(self, timetable: Timetable, scale: float) -> None:
        self._timetable = timetable
        self._scale = scale

    def hooks(self) -> tuple[tuple[type, str, Any], ...]:
        return (
            (EventBridgeSchedulerBackend, "create_schedule", self._create),
            (EventBridgeSchedulerBackend, "update_schedule", self._update),
            (EventBridgeSchedulerBackend, "delete_schedule", self._delete),
            (EventBridgeSchedulerBackend, "delete_schedule_group", self._delete_group),
            (EventBridgeSchedulerResponse, "update_schedule", self._answer_update),
        )

    def _create(self, backend: EventBridgeSchedulerBackend, **asked: Any) -> Schedule:
        backend.get_schedule_group(asked["group_name"])  # or it is the 404 that moto forgets
        plan = self._checked(backend, asked)
        schedule = _create_schedule(backend, **asked)
        self._follow(backend, schedule, plan)
        return schedule

    def _update(self, backend: EventBridgeSchedulerBackend, **asked: Any) -> Schedule:
        backend.get_schedule(asked["group_name"], asked["name"])
        plan = self._checked(backend, asked)
        schedule = _update_schedule(backend, **{**asked, "state": asked["state"] or "ENABLED"})
        self._follow(backend, schedule, plan)
        return schedule

    def _answer_update(self, response: EventBridgeSchedulerResponse) -> str:
        """moto forgets the action: what an update does not say is the default again."""
        answer = _answer_update(response)
        name = response.uri.split("?")[0].split("/")[-1]
        schedule = response.scheduler_backend.get_schedule(response._get_param("GroupName"), name)
        schedule.action_after_completion = response._get_param("ActionAfterCompletion")
        return answer

    def _delete(
        self, backend: EventBridgeSchedulerBackend, group_name: str | None, name: str
    ) -> None:
        arn = backend.get_schedule(group_name, name).arn
        _delete_schedule(backend, group_name, name)
        self._timetable.remove(arn)

    def _delete_group(self, backend: EventBridgeSchedulerBackend, name: str | None) -> None:
        group = backend.get_schedule_group(name)
        _delete_schedule_group(backend, name)
        for schedule in list(group.schedules.values()):
            self._timetable.remove(schedule.arn)

    def _checked(self, backend: EventBridgeSchedulerBackend, asked: Mapping[str, Any]) -> Plan:
        """The plan of what is asked for. Raise what AWS refuses, and NotImplementedError."""
        _check_target(backend.account_id, asked["target"])
        if asked["state"] not in (None, "ENABLED", "DISABLED"):
            raise ValidationException(f"Invalid State {asked['state']}.")
        if self._timetable.is_full:
            raise JsonRESTError(
                "ServiceQuotaExceededException",
                f"There are {MOST_ENTRIES} schedules, the most there can be",
            )
        return self._plan(asked, time.time())

    def _plan(self, asked: Mapping[str, Any], since: float) -> Plan:
        return Plan(
            _read(asked["schedule_expression"]),
            since=datetime.fromtimestamp(since, UTC),
            zone=_zone(asked["schedule_expression_timezone"]),
            start=_date(asked["start_date"]),
            end=_date(asked["end_date"]),
            window=_window(asked["flexible_time_window"]),
            at_once=True,
            scale=self._scale,
        )

    def resume(self, stopped: float) -> None:
        """Go on with the schedules that there are, which somebody has carried out until then."""
        for _account, _region, backend in list(scheduler_backends.iter_backends()):
            assert isinstance(backend, EventBridgeSchedulerBackend)
            for group in backend.schedule_groups.values():
                for schedule in group.schedules.values():
                    if schedule.state == "ENABLED":
                        plan = self._plan(vars(schedule), getattr(schedule, SINCE))
                        self._put_entry(backend, schedule, plan, stopped)

    def _follow(self, backend: EventBridgeSchedulerBackend, schedule: Schedule, plan: Plan) -> None:
        if schedule.state != "ENABLED":
            self._timetable.remove(schedule.arn)
            return
        setattr(schedule, SINCE, plan.since.timestamp())
        self._put_entry(backend, schedule, plan)

    def _put_entry(
        self, backend: EventBridgeSchedulerBackend, schedule: Schedule, plan: Plan,
        stopped: float | None = None,
    ) -> None:  # fmt: skip
        entry = Entry(plan, partial(_send, backend, schedule), partial(_over, backend, schedule))
        self._timetable.put(schedule.arn, entry, stopped)


def _send(backend: EventBridgeSchedulerBackend, schedule: Schedule, moment: datetime) -> None:
    """Raise triggers.Refused, which the log then has."""
    account, region = backend.account_id, backend.region_name
    occasion = Occasion(schedule.arn, region, account, uuid.uuid4().hex[:16], moment)
    target = schedule.target
    text = of_scheduler(occasion, target.get("Input"))
    body = text.encode()
    if is_queue(target["Arn"]):
        body = message(text, group=(target.get("SqsParameters") or {}).get("MessageGroupId"))
    elif target_calls.read(target["Arn"]) is not None:
        bus = target.get("EventBridgeParameters") or {}
        body = message(
            text, id=occasion.id, source=bus.get("Source"), detailType=bus.get("DetailType"),
            key=(target.get("KinesisParameters") or {}).get("PartitionKey"),
        )  # fmt: skip
    send("POST", target["Arn"], SCHEDULER, schedule.arn, account, body)


def _over(backend: EventBridgeSchedulerBackend, schedule: Schedule) -> None:
    group = backend.schedule_groups.get(schedule.group_name)
    if schedule.action_after_completion == "DELETE" and group is not None:
        group.schedules.pop(schedule.name, None)


def _check_target(account: str, target: Any) -> None:
    arn, role = target.get("Arn"), target.get("RoleArn")
    place = target_calls.read(arn) if isinstance(arn, str) else None
    kind = place.kind if place is not None else None
    served = kind in target_calls.OF_SCHEDULER or is_function(str(arn)) or is_queue(str(arn))
    if not isinstance(arn, str) or not served:
        raise NotImplementedError(
            "EventBridge Scheduler serves functions, queues, topics, streams of Kinesis and"
            f" Firehose, state machines and event buses, not {arn}"
        )
    _check_parameters(kind, target)
    match = _ROLE.fullmatch(role) if isinstance(role, str) else None
    if match is None or match[1] != account or not may_assume(account, role, SCHEDULER):
        raise ValidationException(
            "The execution role you provide must allow AWS EventBridge Scheduler to assume the "
            "role."
        )
    given = target.get("Input")
    if given is None:
        return
    try:
        if not isinstance(given, str) or len(given.encode()) > INPUT_BYTES:
            raise ValueError
        if is_function(arn) or kind in (Kind.STATE_MACHINE, Kind.BUS):
            json.loads(given)
    except (ValueError, RecursionError):
        raise ValidationException(
            f"Invalid Input: at most {INPUT_BYTES} bytes; well-formed JSON for a function, a state"
            " machine or an event bus."
        ) from None


def _check_parameters(kind: Kind | None, target: Any) -> None:
    """What a stream and a bus have to be told besides."""
    wanted = {
        Kind.STREAM: ("KinesisParameters", ("PartitionKey",)),
        Kind.BUS: ("EventBridgeParameters", ("DetailType", "Source")),
    }
    if kind in wanted:
        name, members = wanted[kind]
        given = target.get(name) or {}
        if not all(isinstance(given.get(member), str) and given[member] for member in members):
            raise ValidationException(f"{name} must be specified for the target.")


def _read(expression: object) -> schedules.Schedule:
    most = schedules.EVENTBRIDGE_CHARACTERS
    try:
        return schedules.read(str(expression), most)
    except errors.ValidationException:
        raise ValidationException(
            f"Invalid Schedule Expression {str(expression)[:most]}."
        ) from None


def _zone(name: object) -> tzinfo:
    try:
        return ZoneInfo(name) if isinstance(name, str) and name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValidationException("The ScheduleExpressionTimezone is not valid.") from None


def _date(given: object) -> datetime | None:
    """As the protocol has it: seconds since 1970."""
    if given is None:
        return None
    try:
        if not isinstance(given, int | float):
            raise ValueError
        return datetime.fromtimestamp(given, UTC)
    except (ValueError, OverflowError, OSError):
        raise ValidationException("StartDate and EndDate are seconds since 1970.") from None


def _window(given: Any) -> timedelta:
    mode, minutes = given.get("Mode"), given.get("MaximumWindowInMinutes")
    if mode == "OFF":
        return timedelta()
    if mode != "FLEXIBLE" or type(minutes) is not int or not 1 <= minutes <= MOST_WINDOW_MINUTES:
        raise ValidationException(
            f"A FlexibleTimeWindow is OFF, or FLEXIBLE with 1 to {MOST_WINDOW_MINUTES} minutes."
        )
    return timedelta(minutes=minutes)
