"""In the child: what EventBridge's rules send, and to whom.

    function, queue, and what core/target_calls.py knows ──► the server, which reaches them
    event bus, archive                                   ──► moto's own

Whatever else AWS lets be a target is refused by name when it is put. moto would know fewer, and
fail a whole PutEvents at the first that it does not.
"""

import copy
import json
import re
import threading
from typing import Any

from jsonpath_ng.ext.parser import parse as jsonpath
from moto.events.exceptions import ValidationException
from moto.events.models import EventPattern, EventsBackend, Rule, events_backends
from moto.events.utils import EventTemplateParser
from moto.iam.exceptions import NotFoundException
from moto.iam.models import iam_backends

from stoker.core import target_calls, trigger_targets
from stoker.core.access import Access, Verdict, verdict
from stoker.core.neighbours import EVENTS
from stoker.core.roles import trusts
from stoker.core.target_calls import Kind, Place
from stoker.core.trigger_events import of_eventbridge
from stoker.neighbours.triggers import Hooks, Refused, as_bytes, complain, message, send

_PATH = re.compile(r"\$(\.[A-Za-z_][\w-]*|\[\d+\]|\['[^'\\]*'\])*")  # what EventBridge knows
_ARCHIVE = re.compile(r"arn:aws[a-z-]{0,16}:events:[a-z0-9-]+:::", re.ASCII)  # moto's, for itself

MOST_BUSES = 32  # that one event reaches through rules, which may lead in a circle
PUT_EVENTS = "events:PutEvents"
_passed = threading.local()  # on to how many of them, in this thread, until now

_send_to_targets = Rule.send_to_targets
_put_targets = EventsBackend.put_targets


def hooks() -> Hooks:
    return (
        (Rule, "send_to_targets", _to_targets),
        (EventsBackend, "put_targets", _checked_targets),
    )


# --- What may be one ----------------------------------------------------------------------------


def _checked_targets(
    self: EventsBackend, name: str, event_bus_arn: str | None, targets: list[dict[str, Any]]
) -> None:
    """Raise what AWS refuses, and NotImplementedError."""
    for target in targets:
        _check(self.account_id, target)
    _put_targets(self, name, event_bus_arn, targets)


def _check(account: str, target: dict[str, Any]) -> None:
    arn = str(target.get("Arn"))
    if trigger_targets.is_function(arn) or trigger_targets.is_queue(arn):
        return
    if _ARCHIVE.fullmatch(arn):
        return
    if not re.fullmatch(r"arn:[\w:/.#*$-]+", arn, re.ASCII):
        raise ValidationException(
            f"Parameter {arn} is not valid. Reason: Provided Arn is not in correct format."
        )
    place = target_calls.read(arn)
    if place is None:
        raise NotImplementedError(
            f"{arn} as a target: rules reach functions, queues, topics, streams of Kinesis and"
            " Firehose, state machines, log groups and event buses"
        )
    role = target.get("RoleArn")
    if role is None:
        if place.kind in target_calls.WITH_ROLE:
            raise ValidationException(f"RoleArn is required for target {arn}.")
    elif not may_assume(account, str(role), EVENTS):
        raise ValidationException(
            f"Provided role '{role}' cannot be assumed by principal '{EVENTS}'."
        )


def may_assume(account: str, arn: str, principal: str) -> bool:
    """A role that IAM does not know may be any."""
    try:
        role = iam_backends[account]["aws"].get_role_by_arn(arn)
    except NotFoundException:
        return True
    return trusts(role.assume_role_policy_document, principal)


# --- What is sent -------------------------------------------------------------------------------


def _to_targets(self: Rule, event: Any, transform_input: bool = True) -> None:
    """A rule without a pattern has a schedule: moto would have it take every event."""
    pattern = self.event_pattern
    if self.state == "ENABLED" and pattern.get_pattern() and pattern.matches_event(event):
        to_all(self, event, transform_input)


def to_all(rule: Rule, event: Any, transform_input: bool = True) -> None:
    """Send an event to each of the rule's targets; one that does not take it costs the others
    nothing."""
    whole = of_eventbridge(event)
    for target in list(rule.targets):
        arn = str(target["Arn"])
        try:
            if _is_moto_s(arn):
                _to_moto_s(rule, target, event, transform_input)
            else:
                wanted = _input(target, whole) if transform_input else whole
                _to_ours(rule, target, whole, wanted)
        except (Refused, ValueError) as refusal:
            complain("events", arn, refusal)
        except Exception as failure:  # noqa: BLE001 - moto's, of that target alone
            complain("events", arn, repr(failure))


def _is_moto_s(arn: str) -> bool:
    place = target_calls.read(arn)
    return bool(_ARCHIVE.fullmatch(arn)) or (place is not None and place.kind is Kind.BUS)


def _to_moto_s(rule: Rule, target: dict[str, Any], event: Any, transform_input: bool) -> None:
    """To a bus, whose own rules then send on what comes, or to an archive."""
    bus = target_calls.read(target["Arn"])
    if bus is not None and bus.account != rule.account_id:
        _check_bus(rule, bus, target.get("RoleArn"))
    alone = copy.copy(rule)
    alone.targets = [target]
    alone.event_pattern = EventPattern.load(None)  # it was asked, or there is a schedule
    before: int = getattr(_passed, "buses", 0)
    if before >= MOST_BUSES:
        raise Refused(f"the event has reached {MOST_BUSES} buses")
    _passed.buses = before + 1
    try:
        _send_to_targets(alone, copy.copy(event), transform_input)
    finally:
        if not before:
            _passed.buses = 0


def _check_bus(rule: Rule, bus: Place, role: str | None) -> None:
    """Another account's takes what its policy lets in."""
    known = events_backends[bus.account][bus.region].event_buses.get(bus.name)
    policy = (known and known.policy) or ""
    asks = Access(
        PUT_EVENTS, rule.account_id, frozenset({role} if role else ()),
        facts={"aws:principalaccount": rule.account_id, "aws:sourcearn": rule.arn},
    )  # fmt: skip
    if verdict(policy, asks) is not Verdict.ALLOWED:
        raise Refused(f"no policy of this bus allows account {rule.account_id} {PUT_EVENTS}")


def _to_ours(rule: Rule, target: dict[str, Any], whole: dict[str, Any], wanted: Any) -> None:
    arn, body = target["Arn"], as_bytes(wanted)
    place = target_calls.read(arn)
    if trigger_targets.is_queue(arn):
        group = target.get("SqsParameters", {}).get("MessageGroupId")
        body = message(body.decode(), group=group)
    elif place is not None:
        path = (target.get("KinesisParameters") or {}).get("PartitionKeyPath")
        key = "" if path is None else _found(path, whole)
        body = message(body.decode(), id=whole["id"], key=str(key or "")[:256])
    send("POST", arn, EVENTS, rule.arn, rule.account_id, body)


def _found(path: str, event: dict[str, Any]) -> Any:
    return next((found.value for found in jsonpath(_checked(path)).find(event)), None)


def _checked(path: str) -> str:
    """The library's own language has regular expressions, which may take for ever."""
    if not _PATH.fullmatch(path):
        raise ValueError(f"{path} is no path")
    return path


def _input(target: dict[str, Any], event: dict[str, Any]) -> Any:
    """What this target wants of the event. Raise ValueError for JSON that is none."""
    if "Input" in target:
        return json.loads(target["Input"])
    if "InputPath" in target:
        return _found(target["InputPath"], event)
    if "InputTransformer" in target:
        wanted = target["InputTransformer"]
        given = wanted.get("InputPathsMap", {}).items()
        paths = {name: _checked(path) for name, path in given}
        known: Any = {**event, "ingestion-time": event["time"]}  # it may be asked for
        return EventTemplateParser.parse(wanted["InputTemplate"], paths, known)
    return event
