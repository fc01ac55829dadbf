"""stoker compare: two versions side by side, run in turn."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from stoker.cli.client import DEFAULT_URL, Region, Url, client, console_for_tables, plain, told
from stoker.cli.functions import AsJson
from stoker.cli.pricing import terms_of
from stoker.cli.runs import events_of, run
from stoker.core.comparison import SURE, chance
from stoker.core.invocation_price import Terms
from stoker.core.price_list import MILLION
from stoker.core.prices import said
from stoker.core.report_lines import Measured
from stoker.core.tuning import percentile, spread


@dataclass(slots=True)
class Side:
    function: str
    terms: Terms
    warm: list[Measured] = field(default_factory=list)
    cold: list[Measured] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def times(self) -> list[float]:
        return [one.duration_ms for one in self.warm]

    def summed_up(self) -> "Summary":
        """Raise ValueError if it never ran well."""
        if not self.warm:
            last = f": {self.errors[-1]}" if self.errors else ", it always starts cold"
            raise ValueError(f"{self.function} has no run that could be measured{last}")
        return Summary(
            function=self.function,
            p50_ms=median(self.times),
            p99_ms=percentile(self.times, 99),
            init_ms=median(one.before_ms for one in self.cold) if self.cold else None,
            billed_ms=median(one.billed_ms for one in self.warm),
            max_memory_mb=max(one.max_memory_mb for one in (*self.warm, *self.cold)),
            dollars=median(self.terms.dollars(one) for one in self.warm),
            runs=len(self.warm),
            cold_runs=len(self.cold),
            errors=len(self.errors),
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """Of the runs of one side that went well: of warm ones, but for init and memory."""

    function: str
    p50_ms: float
    p99_ms: float
    init_ms: float | None
    billed_ms: float
    max_memory_mb: int
    dollars: float
    runs: int
    cold_runs: int
    errors: int


_LINES: tuple[tuple[str, Callable[[Summary], str]], ...] = (
    ("duration, p50", lambda one: f"{one.p50_ms:,.2f} ms"),
    ("duration, p99", lambda one: f"{one.p99_ms:,.2f} ms"),
    ("init", lambda one: "-" if one.init_ms is None else f"{one.init_ms:,.2f} ms"),
    ("billed", lambda one: f"{one.billed_ms:,.0f} ms"),
    ("max memory", lambda one: f"{one.max_memory_mb} MB"),
    ("a million on AWS", lambda one: said(one.dollars * MILLION)),
    ("warm runs", lambda one: str(one.runs)),
    ("cold starts", lambda one: str(one.cold_runs)),
    ("errors", lambda one: str(one.errors)),
)


def compare(
    one: Annotated[str, typer.Argument(help="A function, name:version or name:alias.")],
    other: Annotated[str, typer.Argument(help="Another one.")],
    runs: Annotated[int, typer.Option(min=1, max=10_000, help="Of each.")] = 50,
    events: Annotated[
        Path | None, typer.Option(help="A file with an event in each line, or -; without it: {}.")
    ] = None,
    as_json: AsJson = False,
    endpoint_url: Url = DEFAULT_URL,
    region: Region = "us-east-1",
) -> None:
    """Run two versions in turn with the same events, and print them side by side: what an
    extension, a runtime or a change costs. Says whether the durations of warm runs differ by more
    than noise (Mann-Whitney U)."""
    with told("compare", endpoint_url):
        aws = client("lambda", endpoint_url, region)
        given = events_of(events)
        sides = [Side(name, terms_of(aws, name, region)) for name in (one, other)]
        for number, turn in enumerate(spread([event.weight for event in given], runs + 1)):
            # Who goes first changes, so that nobody always comes after the other.
            for side in sides[:: -1 if number % 2 else 1]:
                _run(aws, side, given[turn].payload)
        found = [side.summed_up() for side in sides]
    likely = chance(*(side.times for side in sides))
    if as_json:
        print(json.dumps(_as_json(found, likely), indent=2))
        return
    _show(found, likely)


def _run(aws: Any, side: Side, payload: bytes) -> None:
    ran = run(aws, side.function, payload)
    if ran.error is not None:
        side.errors.append(ran.error)
    elif ran.measured.cold:
        side.cold.append(ran.measured)
    else:
        side.warm.append(ran.measured)


def _as_json(found: list[Summary], likely: float) -> dict[str, Any]:
    return {
        "sides": [asdict(one) for one in found],
        "test": "Mann-Whitney U, two-sided",
        "p": likely,
        "differ": likely < SURE,
    }


def _show(found: list[Summary], likely: float) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    for one in found:
        table.add_column(escape(plain(one.function)), justify="right", no_wrap=True)
    for title, say in _LINES:
        table.add_row(title, *(say(one) for one in found))
    out = console_for_tables()
    out.print(table)
    out.print()
    out.print(_verdict(found[0], found[1], likely), markup=False)


def _verdict(one: Summary, other: Summary, likely: float) -> str:
    test = f"Mann-Whitney U, p = {likely:.2g}"
    if likely >= SURE:
        return f"No difference of the durations beyond noise ({test})."
    ratio = max(other.p50_ms, 0.01) / max(one.p50_ms, 0.01)
    return f"{plain(other.function)} {_said(ratio)} ({test}): more than noise."


def _said(ratio: float) -> str:
    if ratio >= 2:
        return f"takes {ratio:.1f} times as long"
    if ratio <= 0.5:
        return f"is {1 / ratio:.1f} times as fast"
    return f"is {abs(ratio - 1) * 100:.1f} % {'slower' if ratio > 1 else 'faster'}"
