"""stoker extensions check: lead an extension through a scripted life, and say what it did wrong."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from stoker.cli.client import console_for_tables, plain
from stoker.cli.scripted_life import EXPECTED, CannotTry, lead
from stoker.core.extension_rules import Finding, findings

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Try extensions.")
err = Console(stderr=True, highlight=False, soft_wrap=True)


@app.callback()
def group() -> None:
    """Try extensions."""


@app.command("check")
def check(
    layer: Annotated[Path, typer.Argument(help="The zip of a layer with extensions/.")],
    frozen_s: Annotated[float, typer.Option(help="How long it is frozen.")] = 5.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run the extensions of LAYER through init, invocations, freezing, a timeout, a crash and
    spindown, in a server of their own; report what they did and which rules they broke.

    Exit status: 0 if they broke none, 1 if they did, 2 if it could not be tried.
    """
    try:
        content = layer.read_bytes()
        seen = lead(content, frozen_s=frozen_s, say=lambda step: err.print(f"  {step} …"))
    except (OSError, CannotTry, BotoCoreError, ClientError) as refusal:
        err.print(f"[red]stoker extensions check:[/] {escape(str(refusal))}")
        raise typer.Exit(2) from None
    found = findings(seen, EXPECTED)
    good = all(finding.ok for finding in found)
    if as_json:
        print(json.dumps({"ok": good, "findings": [asdict(finding) for finding in found]}))
    else:
        _show(found, good)
    raise typer.Exit(0 if good else 1)


def _show(found: list[Finding], good: bool) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for finding in found:
        mark = "[green]ok[/]" if finding.ok else "[red]no[/]"
        table.add_row(mark, escape(plain(finding.rule)), escape(plain(finding.text)))
    out = console_for_tables()
    out.print(table)
    out.print("\nIt keeps all rules." if good else "\nIt breaks a rule.")
