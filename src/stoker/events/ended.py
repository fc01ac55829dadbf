"""Events that came to an end which somebody may want to look at, in memory: those that failed, and
those whose destination was told. With their bodies, to be sent again.

Like observe/recent.py: nothing of it is written anywhere, and it is gone with the function.
"""

from collections.abc import Callable
from dataclasses import dataclass

from stoker.core.async_events import Condition
from stoker.core.latest import Latest
from stoker.core.model import FunctionKey

EACH = 1000  # events of one function


@dataclass(frozen=True, slots=True)
class Told:
    """Who was told of it, and what came of that."""

    arn: str
    dead_letter: bool  # else a destination
    problem: str  # "": it was delivered


@dataclass(frozen=True, slots=True, eq=False)
class EndedEvent:
    number: int  # by which it is asked for
    request_id: str
    qualifier: str | None
    condition: Condition
    attempts: int
    accepted: float  # seconds of the epoch
    ended: float
    why: str  # of the last attempt, if that failed
    told: tuple[Told, ...]
    event: bytes | None  # None: too large to be kept
    event_bytes: int


class EndedEvents:
    def __init__(self, most_bytes: int = 0, function_bytes: int = 0) -> None:
        """In all, and of one function; 0: nothing is kept."""
        self.most_bytes = most_bytes
        self.function_bytes = min(function_bytes, most_bytes)
        self._latest: Latest[FunctionKey, EndedEvent] = Latest(most_bytes, function_bytes, EACH)
        self._numbers = 0

    def add(
        self, key: FunctionKey, event: bytes, made: Callable[[int, bytes | None], EndedEvent]
    ) -> None:
        """`made`: of its number, and its body if that may be kept."""
        if not self.function_bytes:
            return
        self._numbers += 1
        body = event if self._latest.fits(len(event)) else None
        self._latest.add(key, made(self._numbers, body), len(body or b""))

    def of(self, key: FunctionKey) -> list[EndedEvent]:
        """The latest first."""
        return self._latest.of(key)

    def counts(self, account: str, region: str) -> dict[str, int]:
        """How many are kept of each function that has any."""
        return {
            key.name: self._latest.count(key)
            for key in self._latest
            if (key.account, key.region) == (account, region)
        }

    def find(self, key: FunctionKey, number: int) -> EndedEvent | None:
        return next((one for one in self._latest.of(key) if one.number == number), None)

    def remove(self, key: FunctionKey, ended: EndedEvent) -> None:
        """It was sent again, or is not wanted any more."""
        self._latest.remove(key, ended)

    def change(self, key: object, now: object) -> None:
        """Of the store: a function that was deleted has no past."""
        if now is None and isinstance(key, FunctionKey):
            self._latest.forget(key)
