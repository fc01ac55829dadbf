"""What an experiment is: data, and a pure judge of what was observed."""

import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from stoker.core.learning import ORDINARY
from stoker.learn.answers import Outcome
from stoker.learn.bench import Bench

PYTHON: Final = f"python3.{sys.version_info.minor}"  # the one that is surely there
DOCS: Final = "https://docs.aws.amazon.com/lambda/latest/dg/"


@dataclass(frozen=True, slots=True)
class Page:
    """Of AWS's documentation."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Made:
    """A function, which is Active before the first step."""

    name: str
    source: str  # of its one file; shown to the learner
    file: str = "main.py"
    more: Mapping[str, Any] = field(default_factory=dict)  # of CreateFunction, as AWS names it

    @property
    def settings(self) -> dict[str, Any]:
        usual = {"Runtime": PYTHON, "Handler": "main.handler", "MemorySize": 128, "Timeout": 10}
        return {**usual, **self.more}


@dataclass(frozen=True, slots=True)
class Step:
    says: str
    does: Callable[[Bench], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Claim:
    """What the experiment shows, with what was observed; not `holds`: it went otherwise."""

    says: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Experiment:
    name: str
    title: str
    learns: str  # what one learns, in a few plain sentences
    on_aws: str  # what happens there
    pages: tuple[Page, ...]  # … which says so
    functions: tuple[Made, ...]
    steps: tuple[Step, ...]
    judge: Callable[[Sequence[Outcome]], Sequence[Claim]]
    account: str = ORDINARY
    later: tuple[Made, ...] = ()  # functions that a step makes
    queues: tuple[str, ...] = ()  # made by steps; removed afterwards, as the layers
    layers: tuple[str, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()  # what else is shown to the learner, by name
    differs: str = ""  # from AWS, here: time that is sped up, a limit that is smaller
    slow: bool = False  # its test takes long enough to be in the slow tier

    @property
    def every_function(self) -> tuple[Made, ...]:
        return (*self.functions, *self.later)
