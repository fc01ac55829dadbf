"""Tumbling windows: a function keeps a state from one batch of a window to the next. Pure.

After the developer guide's "Implementing stateful Kinesis Data Streams processing in Lambda": an
answer without `state` is a failure; at the end there is one invocation more, with
isFinalInvokeForWindow, and then the state is gone; a state of more than 1 MB ends its window early.
Where a window begins is not documented: here at multiples of its length, as in AWS's examples. Nor
is whether the last invocation has records: here it has none.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import orjson

STATE_BYTES = 1024 * 1024  # AWS: "Your state can be a maximum of 1 MB per shard"
WINDOW_ROOM_BYTES = 2048  # of an event, for all but its records and state
NO_STATE = b"{}"


@dataclass(frozen=True, slots=True)
class Window:
    start: float  # seconds of the epoch
    end: float
    state: bytes = NO_STATE  # JSON

    @classmethod
    def at(cls, moment: float, length_s: int) -> "Window":
        start = moment // length_s * length_s
        return cls(start, start + length_s)

    @property
    def is_too_large(self) -> bool:
        return len(self.state) > STATE_BYTES

    def with_state(self, state: bytes) -> "Window":
        return replace(self, state=state)

    def dump(self) -> dict[str, object]:
        return {"start": self.start, "end": self.end, "state": self.state.decode()}

    @classmethod
    def load(cls, kept: dict[str, object]) -> "Window":
        return cls(float(str(kept["start"])), float(str(kept["end"])), str(kept["state"]).encode())


def event(records: bytes, window: Window, shard: str, arn: str, *, is_final: bool) -> bytes:
    """`records`: separated by commas."""
    facts = orjson.dumps(
        {
            "window": {"start": _said(window.start), "end": _said(window.end)},
            "shardId": shard,
            "eventSourceARN": arn,
            "isFinalInvokeForWindow": is_final,
            "isWindowTerminatedEarly": is_final and window.is_too_large,
        }
    )
    return b'{"Records":[%b],"state":%b,%b' % (records, window.state, facts[1:])


def state_in(answer: bytes) -> bytes | None:
    """What the function wants to keep; None: it does not say, so it has failed."""
    try:
        said = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return None
    state = said.get("state") if isinstance(said, dict) else None
    return orjson.dumps(state) if isinstance(state, dict) else None


def _said(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"
