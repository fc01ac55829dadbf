"""X-Ray's trace header, what is sampled, and the segment documents that come from inside. Pure.

    Root=1-<8 hex digits: seconds>-<24>;Parent=<16 hex digits>;Sampled=0|1[;Lineage=…]

A function whose TracingConfig is PassThrough gets its caller's header, undecided means not
sampled. With Active the function decides where its caller has not, by X-Ray's default rule, and
has a segment of its own: the Parent of what its SDK sends.
"""

import re
from dataclasses import dataclass
from typing import Final

import orjson

RESERVOIR_PER_S: Final = 1  # sampled of every second, whatever comes
FIXED_RATE: Final = 0.05  # sampled of the rest
DOCUMENT_BYTES: Final = 64 * 1024  # X-Ray: the most of a segment document
_HEADER_BYTES: Final = 256  # of a datagram's first line
_TRACE_ID: Final = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")
_SPAN_ID: Final = re.compile(r"[0-9a-f]{16}")


def fields_of(header: str) -> dict[str, str]:
    """The parts with exactly one "=", in their order; names as they came."""
    parts = (part.strip() for part in header.split(";"))
    return dict(part.split("=") for part in parts if part.count("=") == 1)


def sampled_span(header: str) -> tuple[str, str] | None:
    """The ids of the trace and of the span in it; None if it is not sampled, or names none."""
    fields = fields_of(header)
    root, span = fields.get("Root", ""), fields.get("Parent", "")
    if fields.get("Sampled") != "1" or not _TRACE_ID.fullmatch(root):
        return None
    return (root, span) if _SPAN_ID.fullmatch(span) else None


@dataclass(slots=True)
class Sampler:
    """The rule for one function: one request of every second, and 5 % of what is more."""

    second: int = -1
    left: int = 0

    def wants(self, now_s: float, chance: float) -> bool:
        """`chance` is drawn from [0, 1)."""
        if int(now_s) != self.second:
            self.second, self.left = int(now_s), RESERVOIR_PER_S
        if self.left > 0:
            self.left -= 1
            return True
        return chance < FIXED_RATE


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment document (or a subsegment's), as X-Ray's daemon takes it."""

    trace_id: str
    text: bytes  # JSON, as it came


def segment_of(datagram: bytes) -> Segment | None:
    """What a datagram holds: `{"format":"json","version":1}`, a line end, the document. None: it
    is nothing that X-Ray would keep."""
    head, line_end, text = datagram.partition(b"\n")
    if not line_end or len(head) > _HEADER_BYTES or len(text) > DOCUMENT_BYTES:
        return None
    try:
        header, document = orjson.loads(head), orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(header, dict) or header.get("format") != "json" or header.get("version") != 1:
        return None
    if not isinstance(document, dict) or not isinstance(document.get("name"), str):
        return None
    trace_id, span_id = document.get("trace_id"), document.get("id")
    if not isinstance(trace_id, str) or not isinstance(span_id, str):
        return None
    if not _TRACE_ID.fullmatch(trace_id) or not _SPAN_ID.fullmatch(span_id):
        return None
    return Segment(trace_id, text)
