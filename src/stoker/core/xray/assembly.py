"""A trace put together from the documents that came of it, in whatever order. Pure.

    segment ◄─ subsegments within its document
       ▲  ▲─── subsegments that came by themselves, under whichever span they name as parent
       └── segments of other services, whose parent is a span of this one (they stay segments)

Documents are strangers': whatever is deeper than DEPTH, or hangs in a ring, is left out.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from stoker.core.xray.documents import time_of

Span = dict[str, Any]  # a segment or subsegment, as its document says it
DEPTH: Final = 50


@dataclass(frozen=True, slots=True)
class Trace:
    id: str
    segments: tuple[Span, ...]  # by the time at which they began
    began: float
    ended: float
    partial: bool  # something of it is in progress

    @property
    def duration_s(self) -> float:
        return self.ended - self.began

    @property
    def root(self) -> Span:
        """The segment that all others come from; the first if several could be it."""
        first = [one for one in self.segments if not one.get("parent_id")]
        if not first:
            known = {str(span.get("id")) for segment in self.segments for span in spans(segment)}
            first = [one for one in self.segments if str(one["parent_id"]) not in known]
        return (first or self.segments)[0]


def assembled(trace_id: str, texts: Iterable[bytes]) -> Trace | None:
    """None: there is nothing of it. The documents are such as `documents.glance` takes."""
    whole: list[Span] = []
    parts: list[Span] = []
    known: dict[str, Span] = {}
    for text in texts:
        document = orjson.loads(text)
        (parts if document.get("type") == "subsegment" else whole).append(document)
        for span in _pruned(document):
            if isinstance(span.get("id"), str):
                known[span["id"]] = span
    for part in parts:
        parent = known.get(str(part.get("parent_id")))
        if parent is None:
            whole.append(part)  # what it belongs to has not come
        else:
            parent.setdefault("subsegments", []).append(part)
    for segment in whole:
        _pruned(segment)
        for span in spans(segment):
            if "subsegments" in span:
                span["subsegments"].sort(key=start_of)
    if not whole:
        return None
    whole.sort(key=start_of)
    every = [span for segment in whole for span in spans(segment)]
    return Trace(
        trace_id,
        tuple(whole),
        start_of(whole[0]),
        max(map(end_of, every)),
        any(segment.get("in_progress") is True for segment in whole),
    )


def spans(segment: Span) -> Iterator[Span]:
    """It and all below it."""
    pending = [segment]
    while pending:
        span = pending.pop()
        yield span
        pending += span.get("subsegments", ())


def start_of(span: Span) -> float:
    return time_of(span, "start_time") or 0.0


def end_of(span: Span) -> float:
    """Of one in progress: when it began."""
    ended = time_of(span, "end_time")
    return start_of(span) if ended is None else ended


def mapping(value: object) -> dict[str, Any]:
    """What a document has in this place, if it is what should be there."""
    return value if isinstance(value, dict) else {}


def _pruned(document: Span) -> list[Span]:
    """All its spans, when what cannot be one is cut off."""
    found: list[Span] = []
    pending = [(document, 1)]
    while pending:
        span, depth = pending.pop()
        found.append(span)
        if "subsegments" not in span:
            continue
        below = span["subsegments"]
        kept = [one for one in below if isinstance(one, dict)] if isinstance(below, list) else []
        if depth >= DEPTH or not kept:
            del span["subsegments"]
            continue
        span["subsegments"] = kept
        pending += [(one, depth + 1) for one in kept]
    return found
