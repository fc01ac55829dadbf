"""Keeps the environments that are provisioned: as many as are asked for, of every version.

What is decided is decided in core/provisioned.py. Whoever has room for an environment again,
calls look().
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from stoker.core.invocation import Target
from stoker.core.pool import Begin, Key, Pool, Slot
from stoker.core.provisioned import INIT_FAILED, Ask, Fill, State
from stoker.environment.environment import Environment

log = logging.getLogger(__name__)
Wanted = tuple[Ask, ...]
W = TypeVar("W")


@dataclass(frozen=True, slots=True)
class Use:
    """Of what is provisioned for a version and ready."""

    running: int
    ready: int
    used_at: float  # the end of the latest invocation, of the monotonic clock


class Fills:
    def __init__(
        self,
        pool: Pool[Environment, W],
        begin: Callable[[Begin[Environment], Target], None],
        retire: Callable[[Slot[Environment]], None],
    ) -> None:
        """`begin`: make the environment; settled() or gone() follows. `retire`: end one that
        has been taken out of the pool."""
        self._provision = pool.provision
        self._doom = pool.doom
        self._begin = begin
        self._retire = retire
        self._fills: dict[Key, Fill[Slot[Environment]]] = {}
        self._targets: dict[Key, Target] = {}
        self._looking = False
        self._later: asyncio.TimerHandle | None = None
        self.short = False  # somebody waits for room

    def provide(self, wanted: Mapping[Target, Wanted]) -> None:
        """From now on these are asked for, and no others."""
        asked: dict[Key, tuple[Target, Wanted]] = {
            target.key: (target, asks) for target, asks in wanted.items()
        }
        for key, (target, asks) in asked.items():
            self._targets[key] = target
            self._fills.setdefault(key, Fill()).ask(asks)
        for key in self._fills.keys() - asked.keys():
            self._fills[key].ask(())
        self.look()

    def states(self) -> dict[Key, State]:
        """Of every version that is asked for, or has something left, by Target.key."""
        return {key: fill.state for key, fill in self._fills.items()}

    def uses(self) -> dict[Key, Use]:
        """Of every version that has some ready."""
        return {
            key: Use(
                sum(slot.in_use for slot in fill.ready),
                len(fill.ready),
                max(slot.used_at for slot in fill.ready),
            )
            for key, fill in self._fills.items()
            if fill.ready
        }

    def settled(self, slot: Slot[Environment], *, failed: bool) -> None:
        """Its init is over; or (`failed`) nothing runs in it any more. It is idle in a moment."""
        fill = self._fills[slot.key]
        if not failed:
            fill.became_ready(slot)
            asyncio.get_running_loop().call_soon(self.look)  # the next may start
            return
        never_ran = slot in fill.starting
        fill.gone(slot, INIT_FAILED if never_ran else "")
        self._doom(slot)
        if never_ran:
            target = self._targets[slot.key]
            facts = {"function": target.name, "version": target.version, "reason": INIT_FAILED}
            log.warning("provisioning failed", extra=facts)
        else:
            asyncio.get_running_loop().call_soon(self.look)

    def gone(self, slot: Slot[Environment], reason: str) -> None:
        """It is dead, or was never made. look() follows."""
        fill = self._fills.get(slot.key)
        if fill is not None:
            fill.gone(slot, reason if slot in fill.starting else "")

    def look(self) -> None:
        """Begin what is missing, and end what is too much."""
        if self._looking:
            return  # what is ended now is looked at below
        self._looking = True
        try:
            self._look()
        finally:
            self._looking = False

    def _look(self) -> None:
        self.short = False
        for fill in self._fills.values():
            for slot in fill.surplus():
                fill.gone(slot)
                if self._doom(slot):
                    self._retire(slot)
        now = time.monotonic()
        for key, fill in self._fills.items():
            target = self._targets[key]
            while fill.may_begin(now):
                begin = self._provision(key, target.memory_mb, now)
                if begin is None:
                    self.short = True
                    break
                fill.begun(begin.slot, now)
                self._begin(begin, target)
        for key in [key for key, fill in self._fills.items() if fill.over]:
            del self._fills[key], self._targets[key]
        waits = [wait_s for fill in self._fills.values() if (wait_s := fill.wait_s(now))]
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if waits:
            self._later = asyncio.get_running_loop().call_later(min(waits), self.look)
