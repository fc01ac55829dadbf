"""A trace as rows: each span under the one it belongs to, with its place in time. Pure.

Documents are strangers': what they say is text and numbers within bounds, whatever it is.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from stoker.core.xray.assembly import DEPTH, Span, end_of, mapping, start_of

ROWS: Final = 500
WIDTH: Final = 1000.0  # of the picture
THIN: Final = 2.0  # a bar that is shorter is drawn so long
FACTS, TEXT = 40, 500  # of a span, and characters of each
_REQUEST: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LAMBDA: Final = ("AWS::Lambda", "AWS::Lambda::Function")


@dataclass(frozen=True, slots=True)
class Row:
    depth: int
    name: str
    kind: str
    mood: str  # good, busy (not at its end, or throttled), bad
    said: str  # "fault"
    began_ms: float  # after the trace
    ms: float
    x: float
    length: float
    facts: tuple[tuple[str, str], ...]  # annotations, metadata, requests
    exceptions: tuple[str, ...]
    function: str = ""  # that ran here; and its request, if that is said
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Waterfall:
    rows: tuple[Row, ...]
    left_out: int
    began: float  # epoch seconds
    ms: float
    ticks: tuple[tuple[float, str], ...]  # where, and what is written there


def waterfall(segments: Iterable[Span]) -> Waterfall:
    """`segments`: documents of BatchGetTraces, subsegments within."""
    listed = list(_listed(list(segments)))
    spans = [span for span, _ in listed]
    began = min(map(start_of, spans), default=0.0)
    whole_ms = max((end_of(span) - began for span in spans), default=0.0) * 1000
    scale = WIDTH / max(whole_ms, 0.001)
    requests = _requests(spans)
    rows = tuple(_row(span, depth, began, scale, requests) for span, depth in listed[:ROWS])
    return Waterfall(rows, max(0, len(listed) - ROWS), began, whole_ms, _ticks(whole_ms))


def _listed(segments: list[Span]) -> Iterator[tuple[Span, int]]:
    """Each span once, below its parent. What hangs in a ring comes at the end."""
    below: dict[str, list[Span]] = {}
    known = {str(one.get("id")) for segment in segments for one in _within(segment)}
    tops: list[Span] = []
    for segment in sorted(segments, key=start_of):
        parent = str(segment.get("parent_id") or "")
        (below.setdefault(parent, []) if parent in known else tops).append(segment)
    seen: set[int] = set()
    for top in [*tops, *sorted(segments, key=start_of)]:
        pending = [(top, 0)]
        while pending:
            span, depth = pending.pop()
            if id(span) in seen:
                continue
            seen.add(id(span))
            yield span, depth
            under = [*_subsegments(span), *below.get(str(span.get("id")), ())]
            under.sort(key=start_of, reverse=True)
            pending += [(one, min(depth + 1, DEPTH)) for one in under]


def _within(segment: Span) -> Iterator[Span]:
    pending = [segment]
    while pending:
        span = pending.pop()
        yield span
        pending += _subsegments(span)


def _subsegments(span: Span) -> list[Span]:
    found = span.get("subsegments")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _requests(spans: list[Span]) -> dict[str, str]:
    """The request of each segment of Lambda's, and of the function's segment below it."""
    found: dict[str, str] = {}
    for span in spans:
        said = mapping(span.get("aws")).get("request_id")
        if span.get("origin") in _LAMBDA and isinstance(said, str) and _REQUEST.fullmatch(said):
            found[str(span.get("id"))] = said
    return found


def _row(span: Span, depth: int, began: float, scale: float, requests: Mapping[str, str]) -> Row:
    at_ms = (start_of(span) - began) * 1000
    ms = max(0.0, end_of(span) - start_of(span)) * 1000
    mood, said = _mood(span)
    length = min(max(ms * scale, THIN), WIDTH)
    ours = span.get("origin") in _LAMBDA
    request = requests.get(str(span.get("id"))) or requests.get(str(span.get("parent_id")), "")
    return Row(
        depth=depth,
        name=str(span.get("name", ""))[:TEXT],
        kind=_kind(span),
        mood=mood,
        said=said,
        began_ms=at_ms,
        ms=ms,
        x=min(at_ms * scale, WIDTH - length),
        length=length,
        facts=tuple(_facts(span))[:FACTS],
        exceptions=tuple(_exceptions(span))[:FACTS],
        function=str(span.get("name", ""))[:TEXT] if ours and request else "",
        request_id=request if ours else "",
    )


def _kind(span: Span) -> str:
    for said in (span.get("origin"), span.get("namespace")):
        if isinstance(said, str) and said:
            return said[:TEXT]
    return ""


def _mood(span: Span) -> tuple[str, str]:
    for word, mood in (("fault", "bad"), ("throttle", "busy"), ("error", "bad")):
        if span.get(word) is True:
            return mood, word
    return ("busy", "in progress") if span.get("in_progress") is True else ("good", "")


def _facts(span: Span) -> Iterator[tuple[str, str]]:
    for key, value in mapping(span.get("annotations")).items():
        yield key[:TEXT], _said(value)
    request, response = (
        mapping(mapping(span.get("http")).get(of)) for of in ("request", "response")
    )
    for key in ("method", "url"):
        if key in request:
            yield f"http {key}", _said(request[key])
    if "status" in response:
        yield "http status", _said(response["status"])
    for key, value in mapping(span.get("aws")).items():
        if isinstance(value, str | int | float):
            yield f"aws {key}"[:TEXT], _said(value)
    for key, value in mapping(span.get("sql")).items():
        yield f"sql {key}"[:TEXT], _said(value)
    for space, values in mapping(span.get("metadata")).items():
        yield f"metadata {space}"[:TEXT], _said(values)


def _exceptions(span: Span) -> Iterator[str]:
    """Each with its message and the topmost frames."""
    told = mapping(span.get("cause")).get("exceptions")
    for one in told if isinstance(told, list) else ():
        if not isinstance(one, dict):
            continue
        lines = [f"{_said(one.get('type', 'error'))}: {_said(one.get('message', ''))}"]
        frames = one.get("stack")
        for frame in (frames if isinstance(frames, list) else [])[:10]:
            if isinstance(frame, dict):
                place = f"{_said(frame.get('path', '?'))}:{_said(frame.get('line', '?'))}"
                lines.append(f"    {place} {_said(frame.get('label', ''))}".rstrip())
        yield "\n".join(lines)


def _said(value: Any) -> str:
    try:
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
    except TypeError:  # deeper than anybody would read
        text = "…"
    return text if len(text) <= TEXT else f"{text[:TEXT]}…"


def _ticks(whole_ms: float) -> tuple[tuple[float, str], ...]:
    """Four, at round times."""
    if whole_ms <= 0:
        return ()
    step = 10.0 ** (len(str(int(max(whole_ms, 1)))) - 1)
    step = next(
        one for one in (step / 4, step / 2, step, 2 * step, 5 * step) if 5 * one >= whole_ms
    )
    many = int(whole_ms / step)
    return tuple((n * step / whole_ms * WIDTH, f"{n * step:g}") for n in range(many + 1))
