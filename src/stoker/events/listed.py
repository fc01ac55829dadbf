"""An event as it is listed: how far it is, and why it is not further."""

from dataclasses import dataclass
from enum import StrEnum

from stoker.store.event_queue import Waiting


class Doing(StrEnum):
    RUNS = "running"
    WAITS = "waiting"
    LATER = "to be run again"

    @classmethod
    def of(cls, runs: bool, later: bool) -> "Doing":
        if runs:
            return cls.RUNS
        return cls.LATER if later else cls.WAITS


@dataclass(frozen=True, slots=True)
class Event:
    waiting: Waiting
    request_id: str
    doing: Doing
    why: str  # the last attempt came to nothing; "": not known, or there was none
