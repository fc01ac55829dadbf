"""The latest invocations of each function with their events, in memory: to look at, and replay.

    Environment ──► ended() ──► Latest (core/latest.py) ──► of() ──► the console
    Invoker ──► throttled() ──► another, without events ──┘

They are what a caller sent, word for word, with whatever is secret in it: nothing of them is ever
written, logged or told to a function, and they are gone with the function, and with the server.
One that ends when its function has been deleted is nobody's, also if there is another function of
that name by then. What an invocation costs here is a tuple, and two looks into dictionaries.

Those that were throttled have a place of their own: a storm of them leaves the others there.
"""

import time
from dataclasses import dataclass, replace
from typing import NewType

from stoker.core.invocation import Invocation, Target, Way
from stoker.core.latest import OVERHEAD_BYTES, Latest
from stoker.core.model import Function, FunctionKey
from stoker.core.telemetry import Report

EACH = 100  # invocations of one function
THROTTLED = 20  # the same, of those that were throttled
THROTTLED_BYTES = 1024 * 1024  # of all functions
Name = NewType("Name", str)  # of a function, with its account and region
_Kept = tuple[Invocation, Report, float, str, bool, int]
_Throttled = tuple[Invocation, float, str, int]


@dataclass(frozen=True, slots=True)
class Ended:
    """An invocation that is over, or never began."""

    request_id: str
    way: Way
    target: Target
    invoked_arn: str
    began: float  # monotonic
    began_ms: float  # epoch
    report: Report
    error: str  # of what kind, if the function failed
    provisioned: bool
    event: bytes | None  # None: too large to be kept, or of one that was throttled
    event_bytes: int
    client_context: str
    throttled: str = ""  # why, if it did not run: AWS's Reason


class Recent:
    def __init__(self, most_bytes: int = 0, function_bytes: int = 0) -> None:
        """In all, and of one function; 0: nothing is kept."""
        self.most_bytes = most_bytes
        self.function_bytes = min(function_bytes, most_bytes)
        self._on = self.function_bytes > 0
        self._latest: Latest[Name, _Kept] = Latest(most_bytes, function_bytes, EACH)
        self._throttled: Latest[Name, _Throttled] = Latest(
            THROTTLED_BYTES, THROTTLED * OVERHEAD_BYTES, THROTTLED
        )
        self._largest = self.function_bytes - OVERHEAD_BYTES
        self._creations: dict[Name, str] = {}  # of the functions that there are

    def ended(
        self,
        name: Name,
        invocation: Invocation,
        report: Report,
        began: float,
        error: str,
        provisioned: bool,
    ) -> None:
        """`name`: name_of() the function, which must have been told of by change(). `began`:
        monotonic. The warm path."""
        if self._creations.get(name) != invocation.target.creation:
            return
        size = kept = len(invocation.event)
        if size > self._largest:
            invocation, kept = replace(invocation, event=b""), 0
        if invocation.recipient is not None:  # it holds a connection
            invocation = replace(invocation, recipient=None)
        self._latest.add(
            name,
            (invocation, report, began, error, provisioned, size),
            kept,
        )

    def throttled(self, invocation: Invocation, reason: str) -> None:
        """It was refused now."""
        name = name_of(invocation.target)
        if self._creations.get(name) == invocation.target.creation:
            size = len(invocation.event)
            kept = replace(invocation, event=b"", client_context="", recipient=None)
            self._throttled.add(name, (kept, time.monotonic(), reason, size), 0)

    def of(self, key: FunctionKey) -> list[Ended]:
        """The newest first."""
        ahead_s, name = time.time() - time.monotonic(), name_of(key)
        ran = [_shown(one, ahead_s) for one in self._latest.of(name)]
        throttled = [_shown_throttled(one, ahead_s) for one in self._throttled.of(name)]
        return (
            sorted(ran + throttled, key=lambda one: one.began, reverse=True) if throttled else ran
        )

    def change(self, key: object, now: object) -> None:
        """Of the store: a function that was made or changed, or deleted, and then has no past."""
        if not self._on or not isinstance(key, FunctionKey):
            return
        name = name_of(key)
        if isinstance(now, Function):
            self._creations[name] = now.latest.creation
        else:
            self._creations.pop(name, None)
            self._latest.forget(name)
            self._throttled.forget(name)


def name_of(key: FunctionKey | Target) -> Name:
    """A string, for it knows its own hash."""
    return Name(f"{key.account}/{key.region}/{key.name}")


def _shown(kept: _Kept, ahead_s: float) -> Ended:
    invocation, report, began, error, provisioned, size = kept
    whole = len(invocation.event) == size
    return Ended(
        request_id=invocation.request_id,
        way=invocation.way,
        target=invocation.target,
        invoked_arn=invocation.invoked_arn,
        began=began,
        began_ms=(began + ahead_s) * 1000,
        report=report,
        error=error,
        provisioned=provisioned,
        event=invocation.event if whole else None,
        event_bytes=size,
        client_context=invocation.client_context,
    )


def _shown_throttled(kept: _Throttled, ahead_s: float) -> Ended:
    invocation, at, reason, size = kept
    target, request_id = invocation.target, invocation.request_id
    return Ended(
        request_id=request_id,
        way=invocation.way,
        target=target,
        invoked_arn=invocation.invoked_arn,
        began=at,
        began_ms=(at + ahead_s) * 1000,
        report=Report(request_id, 0.0, target.memory_mb, 0),
        error="",
        provisioned=False,
        event=None,
        event_bytes=size,
        client_context="",
        throttled=reason,
    )
