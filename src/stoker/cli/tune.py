"""stoker tune: how much memory a function is best given, by running it at several sizes."""

import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from stoker.cli.client import (
    DEFAULT_URL,
    Region,
    Url,
    client,
    console_for_tables,
    err,
    fail,
    plain,
    told,
)
from stoker.cli.functions import AsJson
from stoker.cli.pricing import terms_of
from stoker.cli.runs import MOST_AT_ONCE, events_of, run_well, warm_runs
from stoker.cli.trials import Trials, ended_orderly, undisturbed
from stoker.core.events_file import WeightedEvent
from stoker.core.invocation_price import Terms
from stoker.core.limits import MEMORY_MB
from stoker.core.names import parse_function_ref
from stoker.core.price_list import MILLION
from stoker.core.prices import said
from stoker.core.report_lines import Measured
from stoker.core.tuning import Size, Strategy, best, size, spread, timeout_s
from stoker.core.tuning_chart import bars, page, picture

SIZES = "128,256,512,1024,1769,3008"


@dataclass(frozen=True, slots=True)
class Plan:
    name: str
    sizes: tuple[int, ...]
    events: list[WeightedEvent]
    runs: int  # warm ones, at each size
    cold: int
    parallel: int

    def payloads(self) -> list[bytes]:
        turns = spread([event.weight for event in self.events], self.runs)
        return [self.events[turn].payload for turn in turns]


def tune(
    function: Annotated[str, typer.Argument(help="Its name.")],
    memory: Annotated[str, typer.Option(help="Sizes to try, in MB.")] = SIZES,
    events: Annotated[
        Path | None, typer.Option(help="A file with an event in each line, or -; without it: {}.")
    ] = None,
    runs: Annotated[int, typer.Option(min=1, max=10_000, help="Warm runs at each size.")] = 50,
    cold: Annotated[int, typer.Option(min=0, max=50, help="Cold starts at each size.")] = 5,
    parallel: Annotated[
        int, typer.Option(min=1, max=MOST_AT_ONCE, help="Warm runs at a time.")
    ] = 1,
    strategy: Annotated[Strategy, typer.Option(help="What counts.")] = Strategy.COST,
    apply: Annotated[bool, typer.Option("--apply", help="Give the function that size.")] = False,
    svg: Annotated[Path | None, typer.Option(help="Write the curves into this file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page into this file.")] = None,
    as_json: AsJson = False,
    endpoint_url: Url = DEFAULT_URL,
    region: Region = "us-east-1",
) -> None:
    """Run FUNCTION at each memory size, cold and warm, and say how long it took, what it would have
    cost on AWS, and which size is best.

    Versions and aliases are made for that, and removed at the end, also after Ctrl-C; $LATEST
    then has the size it had, unless another one is applied.
    """
    with told("tune", endpoint_url):
        plan = Plan(function, _sizes(memory), events_of(events), runs, cold, parallel)
        aws = client("lambda", endpoint_url, region)
        try:
            with ended_orderly():
                sizes = _tried(aws, plan, region)
        except KeyboardInterrupt:
            fail("tune", "it was ended; the function is as it was")
        chosen = best(sizes, strategy)
        title = f"{function}, {strategy}"
        if svg is not None:
            svg.write_text(picture(sizes, chosen, title))
        if html is not None:
            html.write_text(page(sizes, chosen, title))
    if as_json:
        print(json.dumps(_as_json(sizes, chosen, strategy), indent=2))
    else:
        _show(sizes, chosen, strategy)
    with told("tune", endpoint_url):
        _apply(aws, function, chosen, at_once=apply, ask=not as_json)


def _sizes(given: str) -> tuple[int, ...]:
    words = [word.strip() for word in given.split(",")]
    if not all(word.isascii() and word.isdecimal() and len(word) < 7 for word in words):
        raise ValueError(f"--memory {given}: sizes in MB, with commas between them")
    sizes = tuple(sorted({int(word) for word in words}))
    if sizes[0] not in MEMORY_MB or sizes[-1] not in MEMORY_MB:
        raise ValueError(
            f"--memory {given}: each between {MEMORY_MB.start} and {MEMORY_MB.stop - 1} MB"
        )
    return sizes


def _tried(aws: Any, plan: Plan, region: str) -> list[Size]:
    if parse_function_ref(plan.name).qualifier is not None:
        raise ValueError(f"{plan.name}: a version has its size for good; name the function alone")
    trials = Trials(aws, plan.name)
    memory_mb = trials.begin()["MemorySize"]
    try:
        terms = terms_of(aws, plan.name, region)
        return _measured(aws, plan, trials, terms)
    finally:
        with undisturbed():
            trials.end(memory_mb)


def _measured(aws: Any, plan: Plan, trials: Trials, terms: Terms) -> list[Size]:
    payloads = plan.payloads()
    colds: dict[int, list[Measured]] = {memory_mb: [] for memory_mb in plan.sizes}
    # Size after size and not one size at a time: what follows on the same is no new version.
    rounds = plan.cold if len(plan.sizes) > 1 else 1
    for number in range(max(1, rounds)):
        for memory_mb in plan.sizes:
            alias = trials.version(memory_mb)
            payload = payloads[number % len(payloads)]
            measured = run_well(aws, f"{plan.name}:{alias}", payload)
            if measured.cold and plan.cold:
                colds[memory_mb].append(measured)
        err.print(f"  cold starts, {number + 1} of {max(1, rounds)} …", style="dim")
    found = []
    for memory_mb in plan.sizes:
        alias = f"{plan.name}:{trials.alias(memory_mb)}"
        err.print(f"  {memory_mb} MB …", style="dim")
        warm = warm_runs(aws, alias, payloads, plan.parallel)
        billed = replace(terms.billed, memory_mb=memory_mb)
        found.append(size(memory_mb, warm, colds[memory_mb], replace(terms, billed=billed)))
    return found


def _as_json(sizes: list[Size], chosen: Size, strategy: Strategy) -> dict[str, Any]:
    return {
        "strategy": strategy,
        "memory_mb": chosen.memory_mb,
        "timeout_s": timeout_s(chosen),
        "sizes": [asdict(one) for one in sizes],
    }


def _show(sizes: list[Size], chosen: Size, strategy: Strategy) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("memory", "warm", "p99", "cold", "init", "used", "a million on AWS"):
        table.add_column(title, justify="right", no_wrap=True)
    for one in sizes:
        table.add_row(
            f"{'[green]' if one is chosen else ''}{one.memory_mb} MB", _ms(one.warm_ms),
            _ms(one.p99_ms), _ms(one.cold_ms), _ms(one.init_ms), f"{one.max_memory_mb} MB",
            said(one.dollars * MILLION),
        )  # fmt: skip
    out = console_for_tables()
    out.print(table)
    out.print()
    for line in bars(sizes, chosen):
        out.print(line, markup=False)
    out.print()
    out.print(
        f"{strategy}: [bold]{chosen.memory_mb} MB[/]; a timeout of {timeout_s(chosen)} s would be"
        " p99 and 30 %"
    )


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f} ms"


def _apply(aws: Any, function: str, chosen: Size, *, at_once: bool, ask: bool) -> None:
    more: dict[str, int] = {}
    if not at_once:
        if not (ask and sys.stdin.isatty() and sys.stdout.isatty()):
            return
        timeout = timeout_s(chosen)
        err.print(
            f"a: give it {chosen.memory_mb} MB   t: and a timeout of {timeout} s   any other key: "
            "leave it"
        )
        key = typer.getchar()
        if key not in ("a", "t"):
            return
        more = {"Timeout": timeout} if key == "t" else {}
    Trials(aws, function).resize(chosen.memory_mb, **more)
    err.print(f"[green]set[/] {escape(plain(function))} to {chosen.memory_mb} MB")
