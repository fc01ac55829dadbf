"""stoker doctor: what isolation this machine has, and what to do about what is missing."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from stoker.cli.machine import Finding, survey


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what isolation this machine has, and what to do about what is missing.

    Exits 1 if `stoker serve` could not isolate functions here.
    """
    findings = survey()
    isolates = all(finding.ok for finding in findings if finding.needed)
    if as_json:
        print(json.dumps({"isolates": isolates, "findings": [asdict(f) for f in findings]}))
    else:
        _show(findings, isolates)
    raise typer.Exit(0 if isolates else 1)


def _show(findings: list[Finding], isolates: bool) -> None:
    out = Console(highlight=False)
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
