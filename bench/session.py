"""What every measure works with: the peers, the book it writes into, and how hard to try."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from bench.client import BadAnswer
from bench.install import Peers
from bench.machine import QUIET, wait_until_quiet
from bench.processes import CannotStart
from bench.series import Book
from bench.systems import System

# What a peer may do to us: its measure is left out then, with its words.
Broken = (BadAnswer, CannotStart, OSError, RuntimeError, BotoCoreError, ClientError)


@dataclass(frozen=True, slots=True)
class Effort:
    rounds: int = 5
    warm_calls: int = 3000  # per system and round, at most
    warm_s: float = 2.0  # the same, at most
    rested_calls: int = 150
    load_s: int = 3
    cold_starts: int = 12  # per round
    boto3_cold_starts: int = 4
    environments: int = 20  # weighed together
    weighings: int = 5  # of systems with a process of their own per function
    burst: int = 100
    churn_s: float = 6.0
    churn_functions: int = 1200
    messages: int = 5000  # through a mapping, per round
    patience_s: float = 15.0  # to wait for a quiet machine, each time


QUICK = Effort(
    rounds=3,
    warm_calls=1000,
    warm_s=0.7,
    rested_calls=60,
    load_s=1,
    cold_starts=5,
    boto3_cold_starts=2,
    environments=10,
    weighings=2,
    churn_s=3.0,
    churn_functions=800,
    messages=1000,
    patience_s=1.0,
)


@dataclass(slots=True)
class Session:
    peers: Peers
    folder: Path  # for data, logs and whatever systems write
    book: Book
    effort: Effort
    say: Callable[[str], None]

    def rounds(self, title: str) -> Iterator[int]:
        for number in range(self.effort.rounds):
            self.say(f"{title}: round {number + 1} of {self.effort.rounds}")
            yield number

    def quiet(self) -> float:
        """Wait, within bounds, until the machine is quiet; its idle share."""
        idle = wait_until_quiet(self.effort.patience_s)
        if idle < QUIET:
            self.say(f"  the machine is only {idle:.0%} idle; measuring all the same")
        return idle

    @contextmanager
    def running(self, systems: Sequence[System]) -> Iterator[list[System]]:
        """Start what can be started. The list shrinks when give_up() is called."""
        alive: list[System] = []
        try:
            for system in systems:
                self.say(f"  starting {system.name}")
                try:
                    system.start()
                except Broken as error:
                    system.stop()
                    self.leave_out(system.name, error)
                else:
                    alive.append(system)
            yield alive
        finally:
            for system in systems:
                system.stop()

    def leave_out(self, what: str, why: object) -> None:
        text = " ".join(str(why).split())[-400:] or type(why).__name__
        self.book.missing.setdefault(what, text)
        self.say(f"  left out: {what}: {text[:160]}")
