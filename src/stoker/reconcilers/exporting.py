"""What is seen of functions, on its way out: who tells the export of what.

Tracing ── segments, LogStore ── lines, Metrics ── what begins ──► Export
Metrics.totals(), concurrency, environments ── each interval ──► Export
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Final

from stoker.core.metrics import GAUGES, Source, own_name
from stoker.core.otlp import LOGS, METRICS
from stoker.core.statistics import Statistic
from stoker.invoke.invoker import Invoker
from stoker.observe.logs import LogStore
from stoker.observe.metrics import Metrics
from stoker.observe.otlp.export import Export
from stoker.observe.otlp.frames import Function, Gauge, Numbers, Reading
from stoker.observe.traces import Kept

PORTION: Final = 100  # functions, before others have their turn
MOST_GAUGES: Final = 20_000


class Exporting:
    """`run()` until cancelled; `flush()` is the last thing, too."""

    def __init__(
        self,
        export: Export,
        *,
        metrics: Metrics,
        logs: LogStore,
        invoker: Invoker,
        interval_s: float,
    ) -> None:
        self.export = export
        if export.wants(LOGS):
            logs.exported, metrics.began = export.lines, export.began
        self._metrics = metrics
        self._invoker = invoker
        self._interval_s = interval_s
        self._since_ns = time.time_ns()
        self._gauged: dict[tuple[Source, str], float] = {}  # the most since the last time

    def spans(self, taken: list[Kept]) -> None:
        """Segments that came."""
        self.export.spans(
            [
                (one.owner.account, one.owner.region, one.owner.function, one.segment.text)
                for one in taken
            ]
        )

    def gauge(self, source: Source, name: str, value: float) -> None:
        """Concurrency, as it was in some minute."""
        key = (source, name)
        if name in GAUGES and (key in self._gauged or len(self._gauged) < MOST_GAUGES):
            self._gauged[key] = max(value, self._gauged.get(key, 0.0))

    async def run(self, counted: Callable[[], Awaitable[None]]) -> None:
        """`counted`: bring up to date what is told."""
        while self.export.wants(METRICS):
            await asyncio.sleep(self._interval_s)
            await counted()
            await self.flush()

    async def flush(self) -> None:
        """Hand over what there is."""
        if not self.export.wants(METRICS):
            return
        now_ns = time.time_ns()
        functions = iter(list(self._metrics.totals()))
        while portion := list(islice(functions, PORTION)):
            for function in portion:
                self._tell(function, now_ns)
            await asyncio.sleep(0)
        self._tell_gauges(now_ns)

    def _tell(self, function: Function, now_ns: int) -> None:
        readings: list[Reading] = [
            (name, own_name(name).unit, _numbers(statistic))
            for name, statistic in self._metrics.totals().get(function, {}).items()
            if name not in GAUGES
        ]
        if readings:
            self.export.readings((function, readings, [], self._since_ns, now_ns))

    def _tell_gauges(self, now_ns: int) -> None:
        gauged, self._gauged = self._gauged, {}
        by_function: dict[Function | None, list[Gauge]] = {None: list(self._own())}
        for (source, name), value in gauged.items():
            said = dict(source.dimensions)
            function = (source.account, source.region, said.get("FunctionName", ""))
            told = (("aws.lambda.resource", said["Resource"]),) if "Resource" in said else ()
            by_function.setdefault(function, []).append((name, told, value))
        for whose, gauges in by_function.items():
            if gauges:
                self.export.readings((whose, [], gauges, self._since_ns, now_ns))

    def _own(self) -> list[Gauge]:
        phases = Counter(str(view.phase) for view in self._invoker.environments())
        return [
            ("stoker.environments", (("phase", phase),), float(count))
            for phase, count in sorted(phases.items())
        ]


def _numbers(one: Statistic) -> Numbers:
    return one.count, one.total, one.least, one.most, one.sizes
