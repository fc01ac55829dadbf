"""An alarm as it is kept, and what becomes of that when something happens to it. Pure.

Configuration            what PutMetricAlarm said, and when (Configured)
State, Reason, Data, ... what was made of the values last
History                  the latest HISTORY things that happened, the latest first
Pending                  what a change of state still has to bring about: kept with it, so that
                         a server that dies does it later; at most PENDING of it
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from stoker.core.alarms import Missing, Rule, State, moment

HISTORY: Final = 50
PENDING: Final = 50
EVENTS: Final = "events"  # pending: the event for EventBridge
NEW: Final = "Unchecked: Initial alarm creation"
ACTIONS: Final = {
    State.OK: "OKActions",
    State.ALARM: "AlarmActions",
    State.INSUFFICIENT_DATA: "InsufficientDataActions",
}
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class News:
    """Of an alarm's state."""

    state: State
    reason: str
    data: str = ""  # JSON


def made(configuration: Mapping[str, Any], now: float) -> dict[str, Any]:
    """A new alarm."""
    record = {
        "Configuration": dict(configuration),
        "Configured": now,
        "State": State.INSUFFICIENT_DATA.value,
        "Reason": NEW,
        "Data": "",
        "Updated": now,
        "Transitioned": now,
        "History": [],
        "Pending": [],
    }
    summary = f'Alarm "{configuration["AlarmName"]}" created'
    return _told(record, "ConfigurationUpdate", summary, _of_configuration(configuration), now)


def configured(before: Record, configuration: Mapping[str, Any], now: float) -> dict[str, Any]:
    """It has other settings from now on, and the same state."""
    record = {**before, "Configuration": dict(configuration), "Configured": now}
    summary = f'Alarm "{configuration["AlarmName"]}" updated'
    return _told(record, "ConfigurationUpdate", summary, _of_configuration(configuration), now)


def changed(before: Record, news: News, now: float) -> dict[str, Any]:
    """It has this state from now on; if it is another, that has consequences."""
    record = {
        **before,
        "State": news.state.value,
        "Reason": news.reason,
        "Data": news.data,
        "Updated": now,
    }
    if news.state == before["State"]:
        return record
    record["Transitioned"] = now
    change = {"old": _side(before), "new": _side(record)}
    wanted = [EVENTS]
    configuration = before["Configuration"]
    if configuration.get("ActionsEnabled", True):
        wanted += configuration.get(ACTIONS[news.state]) or []
    record["Pending"] = [*before["Pending"], *({"To": one, "Change": change} for one in wanted)]
    sides = {name: _in_history(side) for name, side in change.items()}
    data = {"version": "1.0", "oldState": sides["old"], "newState": sides["new"]}
    summary = f"Alarm updated from {before['State']} to {news.state.value}"
    return _bounded(_told(record, "StateUpdate", summary, data, now), now)


def next_of_each(record: Record) -> Iterator[Mapping[str, Any]]:
    """What it has to bring about now: of each receiver the oldest, so that it hears of changes in
    their order, and nobody waits for another."""
    seen = set()
    for pending in record["Pending"]:
        if pending["To"] not in seen:
            seen.add(pending["To"])
            yield pending


def settled(before: Record, pending: Mapping[str, Any], failure: str, now: float) -> dict[str, Any]:
    """One of its consequences is done with. `failure`: "" if it has come about."""
    left = list(before["Pending"])
    left.remove(pending)
    record = {**before, "Pending": left}
    to = pending["To"]
    if to == EVENTS:
        return record
    state = pending["Change"]["new"]["value"]
    data: dict[str, Any] = {
        "actionState": "Failed" if failure else "Succeeded",
        "stateUpdate": state,
    }
    data |= {"notificationResource": to, "error": failure or None}
    done = "Failed to execute" if failure else "Successfully executed"
    return _told(record, "Action", f"{done} action {to}", data, now)


def _bounded(record: dict[str, Any], now: float) -> dict[str, Any]:
    """Receivers that take too long do not hear of everything."""
    while len(record["Pending"]) > PENDING:
        failure = f"more than {PENDING} were waiting to be told"
        record = settled(record, _dispensable(record["Pending"]), failure, now)
    return record


def _dispensable(pending: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The oldest that still waits for one before it: that one may be under way, and of several
    changes the latest counts."""
    seen = set()
    for one in pending:
        if one["To"] in seen:
            return one
        seen.add(one["To"])
    return pending[0]


def rule_of(record: Record) -> Rule:
    """By which its state is found."""
    said = record["Configuration"]
    periods = said["EvaluationPeriods"]
    return Rule(
        said["ComparisonOperator"],
        said["Threshold"],
        periods,
        said.get("DatapointsToAlarm") or periods,
        period_of(said),
        Missing(said.get("TreatMissingData") or Missing.MISSING),
    )


def period_of(configuration: Mapping[str, Any]) -> int:
    """Of the values that it looks at, in seconds; nothing here is finer than a minute."""
    asked = configuration.get("Period")
    if asked is None:
        queries = configuration["Metrics"]
        periods = [one["MetricStat"]["Period"] for one in queries if "MetricStat" in one]
        asked = max(periods, default=60)
    return max(60, int(asked))


def statistic_of(configuration: Mapping[str, Any]) -> str:
    """ "" for an expression."""
    said = configuration.get("Statistic") or configuration.get("ExtendedStatistic") or ""
    return str(said)


def _side(record: Record) -> dict[str, Any]:
    return {
        "value": str(record["State"]),
        "reason": record["Reason"],
        "reasonData": record["Data"],
        "timestamp": moment(record["Updated"]),
    }


def _in_history(side: Mapping[str, Any]) -> dict[str, Any]:
    told = {"stateValue": side["value"], "stateReason": side["reason"]}
    return told | (
        {"stateReasonData": json.loads(side["reasonData"])} if side["reasonData"] else {}
    )


def _of_configuration(configuration: Mapping[str, Any]) -> dict[str, Any]:
    return {"version": "1.0", "type": "Update", "updatedAlarm": dict(configuration)}


def _told(
    record: dict[str, Any], kind: str, summary: str, data: Mapping[str, Any], now: float
) -> dict[str, Any]:
    item = {
        "Timestamp": now,
        "HistoryItemType": kind,
        "HistorySummary": summary,
        "HistoryData": json.dumps(data),
    }
    return {**record, "History": [item, *record["History"]][:HISTORY]}
