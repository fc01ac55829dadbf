"""One run of an experiment: what was done and observed so far, and how it ended.

    clear ─► make the functions ─► each step ─► judge ─► clear, unless it is to be kept

Whatever happens to it, it ends, and says how.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from stoker.core.errors import ServiceError
from stoker.environment.view import EnvironmentView
from stoker.learn import room
from stoker.learn.answers import Outcome
from stoker.learn.bench import Bench, Broken
from stoker.learn.experiment import Claim, Experiment
from stoker.neighbours.calls import Refused
from stoker.neighbours.neighbours import Unreachable

MOST_S: Final = 300.0
CLEARING_S: Final = 15.0
BROKEN_OFF: Final = "it was broken off"


@dataclass(slots=True)
class Run:
    experiment: Experiment
    keep: bool  # what it makes stays, to look at
    began_ms: float  # epoch
    lives: Callable[[], Sequence[EnvironmentView]]  # of its environments, now
    doing: str = ""  # what it does now
    outcomes: list[Outcome] = field(default_factory=list)  # of the steps that are done
    claims: tuple[Claim, ...] = ()
    failed: str = ""  # why it could not be done to the end
    took_ms: float = 0.0  # all of it, once it is over
    seen: Sequence[EnvironmentView] = ()  # its environments, once it is over
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def good(self) -> bool:
        """It was done to the end, and all was as it should be."""
        return bool(self.claims) and all(claim.holds for claim in self.claims)

    @property
    def environments(self) -> Sequence[EnvironmentView]:
        return self.seen if self.over.is_set() else self.lives()


async def perform(run: Run, bench: Bench, living: Callable[[str], int]) -> None:
    """Do it. What cannot be done is said in `run.failed`; what we did not think of is raised."""
    experiment, begun = run.experiment, time.monotonic()
    try:
        async with asyncio.timeout(MOST_S):
            await _performed(run, bench, living)
    except (Refused, Unreachable, ServiceError, Broken) as error:
        run.failed = str(error)
    except TimeoutError:
        run.failed = f"it took more than {MOST_S:.0f} seconds"
    finally:
        if not run.claims and not run.failed:
            run.failed = BROKEN_OFF
        try:
            if not run.keep:
                run.doing = "Cleaning up"
                async with asyncio.timeout(CLEARING_S):
                    await room.clear(bench, experiment, living)
        finally:
            run.seen = run.lives()
            run.took_ms = (time.monotonic() - begun) * 1000
            run.doing = ""


async def _performed(run: Run, bench: Bench, living: Callable[[str], int]) -> None:
    experiment = run.experiment
    run.doing = "Removing what an earlier run left"
    await room.clear(bench, experiment, living)
    for made in experiment.functions:
        run.doing = f"Making the function {made.name}"
        await room.make(bench, made)
    for step in experiment.steps:
        run.doing = step.says
        run.outcomes.append(await step.does(bench))
    run.claims = tuple(experiment.judge(run.outcomes))
