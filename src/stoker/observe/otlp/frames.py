"""What goes from the server to the process that exports, and back. Both are of one build.

    length (4 bytes), marshal of (signal, how many, what)      the first one: the destination
    back: lines of JSON, what became of it

marshal, since it is the quickest that there is for tuples of text, bytes and numbers; what comes
from inside environments is only ever a value in it.
"""

import marshal
from collections.abc import Iterable, Iterator
from typing import Any, Final

from stoker.core.otlp import Destination

LENGTH_BYTES: Final = 4
FRAME_BYTES: Final = 8 * 1024 * 1024
PORTION_BYTES: Final = 1024 * 1024  # of what can be divided,
PORTION: Final = 2000  # and so many things
CONTEXT: Final = "context"  # of invocations that begin: (request id, trace header) each

Function = tuple[str, str, str]  # account, region, name
SpanPart = tuple[str, str, str, bytes]  # account, region, function, segment document
LogPart = tuple[str, str, str, str, list[int], list[bytes]]  # ..., group, stream, times, lines
Numbers = tuple[float, float, float, float, dict[int, float] | None]  # Statistic's
Reading = tuple[str, str, Numbers]  # metric, unit, values
Gauge = tuple[str, tuple[tuple[str, str], ...], float]  # metric, attributes, value
MetricPart = tuple[Function | None, list[Reading], list[Gauge], int, int]  # ..., since, now (ns)


def packed(signal: str, items: int, what: Any) -> bytes:
    """One frame."""
    body = marshal.dumps((signal, items, what))
    return len(body).to_bytes(LENGTH_BYTES, "little") + body


def portions(sizes: Iterable[int]) -> Iterator[slice]:
    """Which of the things of these sizes go together; one that is too large goes alone."""
    first = size = end = 0
    for at, one in enumerate(sizes):
        if at > first and (size + one > PORTION_BYTES or at - first == PORTION):
            yield slice(first, at)
            first, size = at, 0
        size, end = size + one, at + 1
    if end > first:
        yield slice(first, end)


def unpacked(body: bytes) -> tuple[str, int, Any]:
    """The same, without its length."""
    signal, items, what = marshal.loads(body)
    return signal, items, what


def of_destination(destination: Destination) -> bytes:
    told = (destination.endpoint, destination.headers, tuple(destination.signals))
    return packed("", 0, told)


def to_destination(what: Any) -> Destination:
    endpoint, headers, signals = what
    return Destination(endpoint, headers, frozenset(signals))
