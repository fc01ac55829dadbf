"""Queues: asynchronous events of each function, and event source mappings with how far they are."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stoker.console.asked import Asked, Moved, Shown
from stoker.console.pages.functions import Slice, cut
from stoker.console.words import count_of, ms_of
from stoker.core.errors import ServiceError
from stoker.core.lag import Lag
from stoker.core.limits import QUEUED_EVENTS
from stoker.core.model import FunctionKey
from stoker.core.queue_rules import QueueKey
from stoker.core.resources import Kind, ResourceKey

PAGE = 50
_PLACES = {"kinesis": "shard", "dynamodb": "shard"}


@dataclass(frozen=True, slots=True)
class Row:
    """A function's asynchronous events: now, and since the server's start."""

    name: str
    waiting: int
    running: int
    later: int
    received: int
    dropped: int
    undelivered: int
    kept: int  # at their end, to be looked at


@dataclass(frozen=True, slots=True)
class MappingRow:
    """An event source mapping."""

    uuid: str
    source: str  # short
    arn: str
    function: str
    qualifier: str
    state: str
    mood: str
    result: str
    result_mood: str
    lag: str
    age: str
    on: bool  # it is enabled, or will be


async def show(asked: Asked) -> Shown:
    """Functions that have, or had, asynchronous events; and a page of the mappings."""
    control, where = asked.control, asked.where
    place = (where.account, where.region)
    events = control.events
    kept = events.ended.counts(*place)
    every = rows(_here(events.lanes(), place), _here(events.counts.counted, place), kept)
    found, slice_ = paged(every, asked.query.get("page", "1"))
    after = asked.query.get("after", "")
    answer = await asked.call(
        "lambda",
        "ListEventSourceMappings",
        MaxItems=PAGE,
        **({"Marker": after} if after else {}),
    )
    model = {
        "rows": found,
        "slice": slice_,
        "used": events.used.of(where.account)[0],
        "most": QUEUED_EVENTS,
        "mappings": [_mapping(asked, one) for one in answer["EventSourceMappings"]],
        "after": answer.get("NextMarker", ""),
    }
    return Shown("queues.html", model, title="Queues")


async def switch(asked: Asked) -> Moved:
    """Enable or disable a mapping."""
    on = asked.form.get("on") == "yes"
    await asked.call("lambda", "UpdateEventSourceMapping", UUID=asked.names["id"], Enabled=on)
    return Moved(asked.where.path("queues"))


def rows(
    lanes: Mapping[str, Counter[str]],
    counted: Mapping[str, Counter[str]],
    kept: Mapping[str, int],
) -> list[Row]:
    """Who has most to do first."""
    nothing: Counter[str] = Counter()
    found = []
    for name in {**lanes, **counted, **kept}:
        lane, counts = lanes.get(name, nothing), counted.get(name, nothing)
        undelivered = counts["DestinationDeliveryFailures"] + counts["DeadLetterErrors"]
        row = Row(
            name=name,
            waiting=lane["waiting"],
            running=lane["running"],
            later=lane["later"],
            received=counts["AsyncEventsReceived"],
            dropped=counts["AsyncEventsDropped"],
            undelivered=undelivered,
            kept=kept.get(name, 0),
        )
        if row.waiting or row.running or row.later or row.received or row.dropped or row.kept:
            found.append(row)
    return sorted(found, key=lambda row: (-(row.waiting + row.running + row.later), row.name))


def paged(every: Sequence[Row], asked: str) -> tuple[list[Row], Slice]:
    slice_ = cut([row.name for row in every], asked)
    by_name = {row.name: row for row in every}
    return [by_name[name] for name in slice_.names], slice_


def mapping_row(told: Mapping[str, Any], lag: str, age: str) -> MappingRow:
    """`told`: an EventSourceMappingConfiguration."""
    arn = told.get("EventSourceArn", "")
    source = arn.split(":", 5)[5] if arn.count(":") >= 5 else arn
    if not arn:
        hosts = told.get("SelfManagedEventSource", {}).get("Endpoints", {})
        source = ", ".join(hosts.get("KAFKA_BOOTSTRAP_SERVERS", ()))
    topics = ", ".join(told.get("Topics", ()))
    function = told["FunctionArn"].split(":")
    state, result = told.get("State", ""), told.get("LastProcessingResult", "")
    return MappingRow(
        uuid=told["UUID"],
        source=f"{source} ▸ {topics}" if topics else source,
        arn=arn,
        function=function[6],
        qualifier=function[7] if len(function) > 7 else "",
        state=state,
        mood={"Enabled": "good", "Disabled": "idle"}.get(state, "busy"),
        result=result,
        result_mood="bad" if result.startswith("PROBLEM") else "good",
        lag=lag,
        age=age,
        on=state in ("Enabled", "Enabling", "Creating"),
    )


def lag_of_queue(visible: int, flying: int, delayed: int) -> str:
    said = f"{count_of(visible)} visible, {count_of(flying)} in flight"
    return f"{said}, {count_of(delayed)} delayed" if delayed else said


def lag_of_stream(lag: Lag, service: str) -> str:
    """Records of a stream are counted as far as they were read; offsets of Kafka say it all."""
    place = _PLACES.get(service, "partition")
    more = " at least" if lag.more else ""
    many = "" if lag.places == 1 else "s"
    return f"{count_of(lag.records)} records behind{more}, {count_of(lag.places)} {place}{many}"


def age_of(oldest: float | None, now: float) -> str:
    return "" if oldest is None else ms_of(max(0.0, now - oldest) * 1000)


def _here(
    all_: Mapping[FunctionKey, Counter[str]], place: tuple[str, str]
) -> dict[str, Counter[str]]:
    return {key.name: one for key, one in all_.items() if (key.account, key.region) == place}


def _mapping(asked: Asked, told: Mapping[str, Any]) -> MappingRow:
    control, where, now = asked.control, asked.where, time.time()
    parts = told.get("EventSourceArn", "").split(":")
    service = parts[2] if len(parts) > 5 else ""
    if service == "sqs" and "sqs" in control.polled:
        try:
            line = control.queues.find(QueueKey(parts[4], parts[3], parts[5])).line
        except ServiceError:
            return mapping_row(told, "", "")
        first = next(iter(line.all.values()), None)
        oldest = None if first is None else first.sent
        return mapping_row(told, lag_of_queue(*line.counts(now)), age_of(oldest, now))
    key = ResourceKey(where.account, where.region, Kind.MAPPING, told["UUID"])
    lag = None if control.mappings is None else control.mappings.lag(key)
    if lag is None:
        return mapping_row(told, "", "")
    return mapping_row(told, lag_of_stream(lag, service), age_of(lag.oldest, now))
