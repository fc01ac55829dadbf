"""stoker doctor: what isolation this machine has, and what to do about what is missing."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from stoker.cli.client import console_for_tables
from stoker.cli.machine import Finding, survey
from stoker.config import ConfigError, load
from stoker.core.limits import RUNTIMES, Family
from stoker.runtimes.criu import NAME as CRIU
from stoker.runtimes.criu import find_criu
from stoker.runtimes.found import RuntimeUnavailable, find_runtime
from stoker.runtimes.javascript_sdk import NAME as SDK
from stoker.runtimes.javascript_sdk import find_sdk

AT_ONCE = 4  # interpreters that are asked


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what isolation this machine has, and what to do about what is missing.

    Exits 1 if `stoker serve` could not isolate functions here.
    """
    findings = survey() + _runtimes()
    isolates = all(finding.ok for finding in findings if finding.needed)
    if as_json:
        print(json.dumps({"isolates": isolates, "findings": [asdict(f) for f in findings]}))
    else:
        _show(findings, isolates)
    raise typer.Exit(0 if isolates else 1)


def _runtimes() -> list[Finding]:
    """The interpreter behind each of Lambda's runtimes that Stoker runs."""
    try:
        runtimes_dir = load().runtimes_dir
    except ConfigError:
        runtimes_dir = None  # `stoker serve` will complain about it
    names = [
        name
        for name, runtime in RUNTIMES.items()
        if not runtime.blocked and runtime.family is not Family.OTHER
    ]
    with ThreadPoolExecutor(AT_ONCE) as pool:  # each asks an interpreter for its version
        findings = list(pool.map(lambda name: _runtime(name, runtimes_dir), names))
    return [*findings, javascript_sdk(runtimes_dir), criu(runtimes_dir)]


def _runtime(name: str, runtimes_dir: Path | None) -> Finding:
    try:
        found = find_runtime(name, runtimes_dir=runtimes_dir)
    except RuntimeUnavailable:
        remedy = f"`stoker runtimes install {name}`"
        return Finding(name, False, False, "no interpreter", remedy)
    where = f"{found.version}, {found.executable}" if found.executable else "works"
    return Finding(name, True, False, where)


def javascript_sdk(runtimes_dir: Path | None) -> Finding:
    """AWS has it in every Node.js."""
    sdk = find_sdk(runtimes_dir)
    if sdk is not None:
        return Finding(SDK, True, False, f"{sdk.version}, {sdk.modules}")
    found = "not there: Node.js functions must bring @aws-sdk/… themselves"
    return Finding(SDK, False, False, found, f"`stoker runtimes install {SDK}`")


def criu(runtimes_dir: Path | None) -> Finding:
    """What SnapStart of Java takes."""
    found = find_criu(runtimes_dir)
    if found is not None:
        return Finding(CRIU, True, False, f"{found.version}, {found.program}")
    lack = "not there: no SnapStart of Java"
    return Finding(CRIU, False, False, lack, f"`stoker runtimes install {CRIU}`")


def _show(findings: list[Finding], isolates: bool) -> None:
    out = console_for_tables()
    table = Table("", "", "found", "what to do", box=None, pad_edge=False)
    for finding in findings:
        mark = "[green]ok[/]" if finding.ok else "[red]no[/]" if finding.needed else "[yellow]-[/]"
        table.add_row(mark, finding.name, finding.found, "" if finding.ok else finding.remedy)
    out.print(table)
    out.print()
    if isolates:
        out.print("`stoker serve` isolates functions on this machine.")
    else:
        out.print(
            "`stoker serve` cannot isolate functions on this machine as it is.\n"
            "`stoker serve --sandbox process` runs them as plain processes, for development."
        )
