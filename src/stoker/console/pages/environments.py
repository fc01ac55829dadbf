"""Environments, live: what each did and does, on a line of time that moves."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass

import orjson

from stoker.console import lives, processes
from stoker.console.asked import Asked, Shown, Streamed
from stoker.console.pricing import second_of
from stoker.core.errors import ResourceNotFoundException
from stoker.environment.view import EnvironmentView
from stoker.invoke.invoker import Invoker

TICK_S = 0.1
SHARE = 0.02  # of the server's time, at most, for all pages together
SILENCE_S = 10.0  # then something is said, so that we hear when nobody is there
MOST = 100  # environments of a page
CPU_MB = 1769  # AWS: so much memory is one core


@dataclass(slots=True)
class _Pace:
    """How often the open pages may look: seldom enough for whoever invokes."""

    readers: int = 0
    cost_s: float = 0.0

    def wait_s(self, took_s: float) -> float:
        self.cost_s += (took_s - self.cost_s) / 4
        return max(TICK_S, self.cost_s * self.readers / SHARE)


_PACE = _Pace()
_LOOKS: OrderedDict[str, "Spent"] = OrderedDict()  # the latest of each environment, of few
_MOST_LOOKS = 100


@dataclass(frozen=True, slots=True)
class Spent:
    """Cpu time that the processes of an environment had used, at a moment."""

    at: float  # monotonic
    cpu_s: Mapping[int, float]  # by process


def busy(before: Spent | None, now: Spent) -> float | None:
    """How many cores were used in between; None: there is no knowing."""
    if before is None or now.at - before.at < 0.1:
        return None
    used = sum(max(0.0, one - before.cpu_s.get(pid, 0.0)) for pid, one in now.cpu_s.items())
    return used / (now.at - before.at)


@dataclass(frozen=True, slots=True)
class Step:
    """Of a cold start: a bar as long as its share."""

    name: str
    ms: float
    began: float  # of 1000
    length: float


async def show(asked: Asked) -> Shown:
    """The page; what is on it comes by follow()."""
    where, function = asked.where, asked.query.get("function", "")
    names = sorted(asked.control.catalog.names(where.account, where.region))[:1000]
    model = {"function": function, "names": names}
    return Shown("environments.html", model, title="Environments")


async def follow(asked: Asked) -> Streamed:
    """Events `lives`: environments that changed, and how high the water stands."""
    return Streamed(_follow(asked, asked.query.get("function", "")))


async def _follow(asked: Asked, function: str) -> AsyncGenerator[tuple[str, str], None]:
    control, follower = asked.control, lives.Follower()
    place = (asked.where.account, asked.where.region)
    at = (*place, function) if function else place
    known, spoke = b"", time.monotonic()
    _PACE.readers += 1
    try:
        while True:
            began = time.perf_counter()
            now_ms = time.time() * 1000
            since_ms = follower.until_ms - 1000 * TICK_S
            living = control.invoker.glance(at, follower.states, since_ms, MOST)
            ended = [v for v in control.invoker.ended() if v.target.key[: len(at)] == at]
            told = follower.news(living, ended, now_ms)
            throttled = {
                name: many
                for (*owner, name), many in control.metrics.throttles.items()
                if tuple(owner) == place and function in ("", name)
            }
            water = lives.level(control.invoker.level(*place, function), function, throttled)
            found = orjson.dumps(water)
            if told or found != known or time.monotonic() - spoke > SILENCE_S:
                known, spoke = found, time.monotonic()
                said = {"now": now_ms, "lives": told, "water": water}
                yield "lives", orjson.dumps(said).decode()
            await asyncio.sleep(_PACE.wait_s(time.perf_counter() - began))
    finally:
        _PACE.readers -= 1


async def inspect(asked: Asked) -> Shown:
    """One environment: processes, limits, what each party waits for, and its cold start."""
    view = _find(asked.control.invoker, asked, asked.names["id"])
    seen = await asyncio.to_thread(processes.look, view.pids)
    spent = Spent(time.monotonic(), {one.pid: one.cpu_s for one in seen})
    before, _LOOKS[view.id] = _LOOKS.pop(view.id, None), spent
    while len(_LOOKS) > _MOST_LOOKS:
        _LOOKS.popitem(last=False)
    target = view.target
    model = {
        "view": view,
        "phase": lives.phase_of(view),
        "seen": seen,
        "steps": steps(view.steps),
        "limit_bytes": target.memory_mb * 2**20,
        "cores": target.memory_mb / CPU_MB,
        "busy": busy(before, spent) if seen else None,
        "price": second_of(target),
        "past": list(reversed(lives.bars(view.history)))[:20],
    }
    return Shown("environment.html", model, title=f"Environment {view.id[:12]}")


def steps(taken: Sequence[tuple[str, float]]) -> list[Step]:
    """One after the other, as shares of the whole."""
    whole = sum(ms for _, ms in taken) or 1.0
    found, began = [], 0.0
    for name, ms in taken:
        length = max(ms / whole * 1000, 3.0)
        found.append(Step(name, ms, min(began, 997.0), length))
        began += ms / whole * 1000
    return found


def _find(invoker: Invoker, asked: Asked, name: str) -> EnvironmentView:
    place = (asked.where.account, asked.where.region)
    for view in (*invoker.environments(), *reversed(invoker.ended())):
        if view.id == name and (view.target.account, view.target.region) == place:
            return view
    raise ResourceNotFoundException(f"There is no environment {name} here, nor was there lately.")
