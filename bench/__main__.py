"""Measure Stoker and its peers side by side: `make bench`, or

    .venv/bin/python -m bench [--quick] [--only NAME]...

Exit status 0 if every gate that was judged holds, else 1.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown

from bench import (
    burst,
    churn,
    cold,
    console,
    control,
    dev,
    events,
    export,
    extended,
    layers,
    memory,
    metrics_size,
    names,
    runtimes,
    snap_start,
    storm,
    throughput,
    tools,
    warm,
)
from bench.gates import GATES, judge
from bench.install import BUILD, HERE, install
from bench.machine import profile
from bench.report import Run, commit, write
from bench.series import Book
from bench.session import QUICK, Broken, Effort, Session

MEASURES: dict[str, Callable[[Session], None]] = {
    "warm": warm.measure,
    "throughput": throughput.measure,
    "cold": cold.measure,
    "layers": layers.measure,
    "runtimes": runtimes.measure,
    "memory": memory.measure,
    "metrics-size": metrics_size.measure,
    "burst": burst.measure,
    "churn": churn.measure,
    "extended": extended.measure,
    "control": control.measure,
    "events": events.measure,
    "export": export.measure,
    "console": console.measure,
    "dev": dev.measure,
    "storm": storm.measure,
    "snap-start": snap_start.measure,
    "tools": tools.measure,
}
# Left out of a run of everything: what they measure, and why.
WHEN_ASKED = {
    "tools": ((names.SAM_DEPLOY, names.CDK_DEPLOY), "takes ten minutes: only when asked for"),
}

screen = Console(highlight=False)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(MEASURES), metavar="NAME",
                        help="one of " + ", ".join(MEASURES) + "; may be repeated")  # fmt: skip
    parser.add_argument("--quick", action="store_true",
                        help="fewer rounds; results go to build/bench/results")  # fmt: skip
    given = parser.parse_args()
    chosen = given.only or [name for name in MEASURES if name not in WHEN_ASKED]
    partial = bool(given.quick or given.only)
    book = Book()
    if not given.only:
        for name, (measured, why) in WHEN_ASKED.items():
            book.missing.update(dict.fromkeys(measured, f"{why} (--only {name})"))
    run = Run(
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=commit(),
        machine=profile(),
        options=(" --quick" if given.quick else "") + "".join(f" --only {n}" for n in chosen)
        if partial
        else "",
    )
    screen.print("[bold]peers[/]")
    peers = install(lambda text: screen.print(f"  {text}"))
    book.missing.update(peers.missing)
    # Not in /tmp: environments have a /tmp of their own, over what is there.
    with tempfile.TemporaryDirectory(prefix="run-", dir=BUILD) as folder:
        Path(folder).chmod(0o755)  # a server that gave up root reads its code there
        session = Session(
            peers, Path(folder), book, QUICK if given.quick else Effort(), screen.print
        )
        for name in chosen:
            screen.print(f"[bold]{name}[/]")
            try:
                MEASURES[name](session)
            except Broken as error:  # what the others found is worth keeping
                session.leave_out(name, f"{type(error).__name__}: {error}")
    page = write(book, run, BUILD / "results" if partial else HERE / "results")
    screen.print(Markdown(page.read_text()))
    screen.print(f"written to {page}")
    return int(any(judge(book, gate).passed is False for gate in GATES))


if __name__ == "__main__":
    sys.exit(main())
