"""The asynchronous events of one function: those that wait, and those at their end, which may be
sent again."""

import re
import time
from collections import Counter
from dataclasses import dataclass

from stoker.console.asked import Asked, Moved, Shown
from stoker.console.pages.function import key_of
from stoker.console.words import moment_of, ms_of, readable
from stoker.core.async_events import Condition
from stoker.core.errors import InvalidRequestContentException, ResourceNotFoundException
from stoker.core.names import LATEST
from stoker.events.ended import EndedEvent
from stoker.events.listed import Doing, Event

PAGE = 50
PREVIEW_BYTES = 2000  # of an event in a list
TOO_LARGE = "This event was too large to be kept (recent_function_mb)."
_REQUEST = re.compile(r"[0-9a-f-]{36}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event that has not come to its end."""

    id: int
    request_id: str
    qualifier: str
    doing: str
    mood: str
    attempts: int  # that the function ran to an error
    refusals: int  # since then: throttled, or not run for another reason
    accepted: str
    next: str
    why: str
    size: int
    can_go: bool


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who was told of an event's end."""

    name: str  # short
    arn: str
    problem: str  # why that did not work


@dataclass(frozen=True, slots=True)
class Over:
    """An event at its end."""

    number: str  # by which it is asked for
    request_id: str
    qualifier: str
    fate: str
    mood: str
    condition: str
    attempts: int
    ended: str
    age: str  # when it came to that
    why: str
    told: tuple[Receiver, ...]
    preview: str
    size: int
    kept: bool


async def show(asked: Asked) -> Shown:
    """Fifty of each."""
    events, key, now = asked.control.events, key_of(asked), time.time()
    found = await events.listed(key, number_of(asked.query.get("after", "")), PAGE + 1)
    ended = events.ended.of(key)
    page = page_of(asked.query.get("ended", ""), len(ended))
    lane = events.lanes().get(key, Counter[str]())
    last = found[PAGE - 1].waiting if len(found) > PAGE else None
    sent = asked.query.get("sent", "")
    model = {
        "name": key.name,
        "many": {name: lane[name] for name in ("waiting", "running", "later")},
        "waiting": [waiting(one, now) for one in found[:PAGE]],
        "after": "" if last is None else last.id,
        "first": not asked.query.get("after"),
        "over": [over(one) for one in ended[page * PAGE : (page + 1) * PAGE]],
        "ended": len(ended),
        "page": page,
        "pages": max(1, -(-len(ended) // PAGE)),
        "function_bytes": events.ended.function_bytes,
        "most_bytes": events.ended.most_bytes,
        "sent": sent if _REQUEST.fullmatch(sent) else "",
        "exists": asked.control.catalog.has(key.name),
    }
    return Shown("queue.html", model, title=f"{key.name}: queue")


async def discard(asked: Asked) -> Moved:
    """Forget an event that waits; it counts neither as failed nor as dropped."""
    number = number_of(asked.form.get("id", ""))
    if not await asked.control.events.discard(key_of(asked), number):
        raise ResourceNotFoundException("This event does not wait any more: it runs, or has ended.")
    return Moved(asked.where.path("queues", asked.names["name"]))


async def replay(asked: Asked) -> Moved:
    """Send an event that has ended once more, as an Event invocation; it leaves the list."""
    found = _ended(asked)
    if found.event is None:
        raise InvalidRequestContentException(TOO_LARGE)
    key = key_of(asked)
    answer = await asked.call(
        "lambda",
        "Invoke",
        FunctionName=key.name,
        InvocationType="Event",
        Payload=found.event,
        **({"Qualifier": found.qualifier} if found.qualifier else {}),
    )
    asked.control.events.ended.remove(key, found)
    sent = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("x-amzn-requestid", "")
    return Moved(asked.where.path("queues", key.name, sent=sent))


async def drop(asked: Asked) -> Moved:
    """Take an event that has ended off the list."""
    asked.control.events.ended.remove(key_of(asked), _ended(asked))
    return Moved(asked.where.path("queues", asked.names["name"]))


def _ended(asked: Asked) -> EndedEvent:
    found = asked.control.events.ended.find(key_of(asked), number_of(asked.names["number"]))
    if found is None:
        raise ResourceNotFoundException("This event is not kept any more.")
    return found


def number_of(asked: str) -> int:
    """What is asked for by its number; -1 for nonsense."""
    return int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 19 else -1


def page_of(asked: str, many: int) -> int:
    """From 0; the nearest that there is."""
    wanted = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 7 else 0
    return min(wanted, max(0, (many - 1) // PAGE))


_MOODS = {Doing.RUNS: "good", Doing.WAITS: "busy", Doing.LATER: "bad"}


def waiting(event: Event, now: float) -> Waiting:
    one = event.waiting
    in_s = one.due - now
    return Waiting(
        id=one.id,
        request_id=event.request_id,
        qualifier=one.qualifier or LATEST,
        doing=str(event.doing),
        mood=_MOODS[event.doing],
        attempts=one.progress.attempts,
        refusals=one.progress.refusals,
        accepted=moment_of(one.progress.accepted * 1000),
        next=f"in {ms_of(in_s * 1000)}" if event.doing is Doing.LATER and in_s > 0 else "",
        why=event.why,
        size=one.size,
        can_go=event.doing is not Doing.RUNS,
    )


def over(one: EndedEvent) -> Over:
    fate, mood = fate_of(one)
    return Over(
        number=str(one.number),
        request_id=one.request_id,
        qualifier=one.qualifier or LATEST,
        fate=fate,
        mood=mood,
        condition=str(one.condition),
        attempts=one.attempts,
        ended=moment_of(one.ended * 1000),
        age=ms_of(max(0.0, one.ended - one.accepted) * 1000),
        why=one.why,
        told=tuple(Receiver(short(told.arn), told.arn, told.problem) for told in one.told),
        preview="" if one.event is None else preview(one.event),
        size=one.event_bytes,
        kept=one.event is not None,
    )


def fate_of(one: EndedEvent) -> tuple[str, str]:
    """In words; and its mood."""
    mood = "good" if one.condition is Condition.SUCCESS else "bad"
    if not one.told:
        return "dropped", mood
    arrived = [told for told in one.told if not told.problem]
    if not arrived:
        return "not delivered", "bad"
    dead = all(told.dead_letter for told in arrived)
    return ("dead-lettered" if dead else "delivered to a destination"), mood


def short(arn: str) -> str:
    """arn:aws:sqs:REGION:ACCOUNT:NAME is "sqs: NAME"."""
    parts = arn.split(":", 5)
    return f"{parts[2]}: {parts[5]}" if len(parts) == 6 else arn


def preview(event: bytes) -> str:
    text = event[:PREVIEW_BYTES].decode("utf-8", "replace")
    return readable(text) + ("…" if len(event) > PREVIEW_BYTES else "")
