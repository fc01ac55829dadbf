"""The guided tour of this server: which experiment runs, what came of each, and what was learned.

One runs at a time: each has the machine to itself, or its picture would show the others, too.
What came of it last is kept in memory; that it was done is kept in the store.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import Final

from stoker.api.control import Control
from stoker.api.identifiers import new_revision, timestamp
from stoker.api.inward import Inward
from stoker.api.settling import Settling
from stoker.core.errors import (
    ResourceConflictException,
    ResourceNotFoundException,
    ServiceUnavailableException,
)
from stoker.core.learning import ORDINARY
from stoker.core.resources import Kind, Resource, ResourceKey
from stoker.environment.view import EnvironmentView
from stoker.learn import room
from stoker.learn.bench import Bench, Broken
from stoker.learn.course import EXPERIMENTS
from stoker.learn.experiment import Experiment
from stoker.learn.run import Run, perform

MOST_LIVES: Final = 100  # environments of a picture

log = logging.getLogger(__name__)


class Learning:
    def __init__(self, control: Control, ask: Inward) -> None:
        self._control = control
        self._ask = ask
        self._settling = Settling(control.store)
        self._by_name = {one.name: one for one in EXPERIMENTS}
        self._runs: dict[str, Run] = {}  # the last one of each experiment
        self._task: asyncio.Task[None] | None = None  # the present one, or the last
        self._busy = ""  # the experiment that is under way
        self._closing = False

    @property
    def experiments(self) -> Sequence[Experiment]:
        """In the order of the course."""
        return EXPERIMENTS

    @property
    def region(self) -> str:
        return self._control.settings.region

    @property
    def busy(self) -> str:
        """The experiment that is under way, or nothing."""
        return self._busy

    def experiment(self, name: str) -> Experiment:
        found = self._by_name.get(name)
        if found is None:
            raise ResourceNotFoundException(f"There is no experiment {name!r}.")
        return found

    def run(self, name: str) -> Run | None:
        """The last one since the server began, or the present one."""
        return self._runs.get(name)

    def begin(self, name: str, *, keep: bool) -> Run:
        """Run it. Refused while one runs."""
        experiment = self.experiment(name)
        self._check_idle()
        began_ms = time.time() * 1000

        def lives() -> Sequence[EnvironmentView]:
            return self._lives(experiment, began_ms)

        run = self._runs[name] = Run(experiment, keep, began_ms, lives)
        self._busy = name
        self._task = asyncio.get_running_loop().create_task(self._watched(run))
        return run

    async def left(self, name: str) -> list[str]:
        """What there still is of it: it was to be kept, or the server died meanwhile."""
        experiment = self.experiment(name)
        return await room.left(self._bench(experiment), experiment)

    async def clear(self, name: str) -> None:
        """Remove what it made. Refused while one runs."""
        experiment = self.experiment(name)
        self._check_idle()
        self._busy = name
        try:
            await room.clear(self._bench(experiment), experiment, self._living(experiment))
        except Broken as error:  # somebody else invoked what it made, and that still runs
            raise ResourceConflictException(f"{name!r} is not cleaned up: {error}.") from None
        finally:
            self._busy = ""

    async def learned(self) -> dict[str, bool]:
        """By experiment that was done to the end: whether it went as it should, the last time."""
        async with self._control.store.transaction() as tx:
            kept = await tx.resources.of(ORDINARY, self.region, Kind.LEARNED, after="")
        return {one.key.id: bool(one.record["good"]) for one in kept}

    async def close(self) -> None:
        """Break off what runs, and remove what it made."""
        self._closing = True
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task})

    def _check_idle(self) -> None:
        if self._closing:
            raise ServiceUnavailableException("The server stops.")
        if self._busy:
            raise ResourceConflictException(
                f"The experiment {self._busy!r} is under way; one at a time has the machine."
            )

    async def _watched(self, run: Run) -> None:
        experiment = run.experiment
        try:
            try:
                await perform(run, self._bench(experiment), self._living(experiment))
            finally:
                if run.claims:  # whether all of it could be removed, or not
                    await self._note(experiment.name, good=run.good)
        except Exception:
            log.exception("experiment failed", extra={"experiment": experiment.name})
        finally:
            self._busy = ""
            run.over.set()

    async def _note(self, name: str, *, good: bool) -> None:
        key = ResourceKey(ORDINARY, self.region, Kind.LEARNED, name)
        async with self._control.store.transaction() as tx:
            await tx.resources.remove(key)
            await tx.resources.add(Resource(key, new_revision(), {"good": good, "at": timestamp()}))

    def _bench(self, experiment: Experiment) -> Bench:
        account, invoker = experiment.account, self._control.invoker

        def growth(function: str) -> float:
            return invoker.level(account, self.region, function).growth

        def frozen(function: str) -> bool:
            found = invoker.glance((account, self.region, function), (), math.inf, MOST_LIVES)
            return bool(found) and all(one.frozen for one in found)

        return Bench(
            self._ask,
            account,
            self.region,
            running=lambda: invoker.running(account),
            settled=self._settling.settled,
            growth=growth,
            frozen=frozen,
        )

    def _living(self, experiment: Experiment) -> Callable[[str], int]:
        """How many environments a function has."""
        at = (experiment.account, self.region)

        def living(function: str) -> int:
            return len(self._control.invoker.glance((*at, function), (), math.inf, MOST_LIVES))

        return living

    def _lives(self, experiment: Experiment, since_ms: float) -> Sequence[EnvironmentView]:
        """The environments of this run: of its functions, and not over before it began."""
        invoker, at = self._control.invoker, (experiment.account, self.region)
        names = {made.name for made in experiment.every_function}
        found = (*invoker.ended(), *invoker.glance(at, (), 0.0, MOST_LIVES))
        own = [one for one in found if one.target.key[:2] == at and one.target.name in names]
        fresh = [one for one in own if one.history and one.history[0].began_ms >= since_ms]
        return sorted(fresh, key=lambda one: one.history[0].began_ms)[:MOST_LIVES]
