"""In the child: EventBridge's rules with a schedule, which moto keeps and never runs.

Each method of Rules stands in the place of one of moto's, checks what moto does not, and keeps
the timetable as the rules are. tests/conformance/test_schedules.py fails when moto has moved one.
"""

import time
import uuid
from datetime import UTC, datetime
from functools import partial
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.events.models import EventsBackend, Rule, events_backends

from stoker.core import errors, schedules
from stoker.core.recurrence import Plan
from stoker.core.trigger_events import Occasion, of_rule
from stoker.neighbours.rule_targets import to_all
from stoker.neighbours.timetable import MOST_ENTRIES, Entry, Timetable

SINCE = "stoker_since"  # an attribute of rules: when it was put or enabled, in seconds since 1970

_put_rule = EventsBackend.put_rule
_enable_rule = EventsBackend.enable_rule
_disable_rule = EventsBackend.disable_rule
_delete_rule = EventsBackend.delete_rule


class Rules:
    """A rule's time is UTC. Its rate is counted from when it was put or enabled last."""

    def __init__(self, timetable: Timetable, scale: float) -> None:
        self._timetable = timetable
        self._scale = scale

    def hooks(self) -> tuple[tuple[type, str, Any], ...]:
        return (
            (EventsBackend, "put_rule", self._put),
            (EventsBackend, "enable_rule", partial(self._switched, _enable_rule)),
            (EventsBackend, "disable_rule", partial(self._switched, _disable_rule)),
            (EventsBackend, "delete_rule", self._deleted),
        )

    def _put(self, backend: EventsBackend, name: str, *more: Any, **asked: Any) -> Rule:
        expression = asked.get("scheduled_expression")
        if expression:
            self._check(expression)
        rule = _put_rule(backend, name, *more, **asked)
        self._follow(rule)
        return rule

    def _switched(
        self, switch: Any, backend: EventsBackend, name: str, event_bus_arn: str | None
    ) -> Any:
        done = switch(backend, name, event_bus_arn)
        rule = _on_default_bus(backend, name)
        if rule is not None:
            self._follow(rule)
        return done

    def _deleted(self, backend: EventsBackend, name: str, event_bus_arn: str | None) -> None:
        rule = _on_default_bus(backend, name)
        _delete_rule(backend, name, event_bus_arn)
        if rule is not None and _on_default_bus(backend, name) is None:
            self._timetable.remove(rule.arn)

    def _check(self, expression: object) -> None:
        try:
            schedules.read(str(expression), schedules.EVENTBRIDGE_CHARACTERS)
        except errors.ValidationException:
            raise JsonRESTError(
                "ValidationException", "Parameter ScheduleExpression is not valid."
            ) from None
        if self._timetable.is_full:
            raise JsonRESTError(
                "LimitExceededException",
                f"There are {MOST_ENTRIES} schedules, the most there can be",
            )

    def resume(self, stopped: float) -> None:
        """Go on with the rules that there are, which somebody has carried out until `stopped`."""
        for _account, _region, backend in list(events_backends.iter_backends()):
            assert isinstance(backend, EventsBackend)
            for rule in backend.event_buses["default"].rules.values():
                if rule.scheduled_expression and rule.state == "ENABLED":
                    self._put_entry(rule, stopped)

    def _follow(self, rule: Rule) -> None:
        if not rule.scheduled_expression or rule.state != "ENABLED":
            self._timetable.remove(rule.arn)
            return
        setattr(rule, SINCE, time.time())
        self._put_entry(rule)

    def _put_entry(self, rule: Rule, stopped: float | None = None) -> None:
        schedule = schedules.read(rule.scheduled_expression or "")
        since = datetime.fromtimestamp(getattr(rule, SINCE), UTC)
        entry = Entry(Plan(schedule, since=since, scale=self._scale), partial(_send, rule))
        self._timetable.put(rule.arn, entry, stopped)


def _on_default_bus(backend: EventsBackend, name: str) -> Rule | None:
    """Others have no rules with a schedule."""
    return backend.event_buses["default"].rules.get(name)


def _send(rule: Rule, moment: datetime) -> None:
    """The event of a schedule goes to all targets, also of a rule that has a pattern besides."""
    occasion = Occasion(rule.arn, rule.region_name, rule.account_id, str(uuid.uuid4()), moment)
    to_all(rule, of_rule(occasion))
