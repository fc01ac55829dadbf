"""The queries of one GetMetricData: each is a metric, or an expression that speaks of others."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from stoker.api.shapes import cloudwatch as shapes
from stoker.core.metric_errors import InvalidByModel
from stoker.core.metric_math import Line, Lines, Steps, named, wants_metrics, worked_out

LONGEST_CHAIN = 20  # of expressions that speak of expressions


@dataclass(slots=True)
class Questions:
    """Each metric is read once, and only if somebody wants it."""

    queries: Mapping[str, shapes.MetricDataQuery]
    read: Callable[[shapes.MetricDataQuery], Awaitable[Line]]
    _found: dict[str, Line | Lines] = field(default_factory=dict)
    _under_way: list[str] = field(default_factory=list)
    _steps: Steps = field(default_factory=Steps)

    async def lines(self, query: shapes.MetricDataQuery) -> list[Line]:
        """What the query has to show, with its labels. Raise InvalidByModel."""
        found = await self._value(query)
        if isinstance(found, Line):
            return [found]
        prefix = f"{query.label} " if query.label else ""
        return [
            Line(prefix + one.label, one.period_s, one.points, one.start, one.end) for one in found
        ]

    async def _value(self, query: shapes.MetricDataQuery) -> Line | Lines:
        found = self._found.get(query.id)
        if found is None:
            found = await (
                self.read(query) if query.expression is None else self._worked_out(query)
            )
            self._found[query.id] = found
        return found

    async def _worked_out(self, query: shapes.MetricDataQuery) -> Line | Lines:
        expression = query.expression or ""
        where = f"Error in expression '{query.id}'"
        if query.id in self._under_way:
            raise InvalidByModel(f"{where}: Circular reference")
        if len(self._under_way) >= LONGEST_CHAIN:
            raise InvalidByModel(f"{where}: More than {LONGEST_CHAIN} expressions of each other")
        self._under_way.append(query.id)
        known = {
            id_: await self._value(self.queries[id_])
            for id_ in named(expression)
            if id_ in self.queries
        }
        metrics: dict[str, Line] = {}
        if wants_metrics(expression):
            for id_, each in self.queries.items():
                line = await self._value(each) if each.expression is None else None
                if isinstance(line, Line):
                    metrics[id_] = line
        self._under_way.pop()
        found = worked_out(query.id, expression, known, metrics, self._steps)
        if isinstance(found, Line):
            label = query.label or query.id
            return Line(label, found.period_s, found.points, found.start, found.end)
        return found
