"""stoker timeline: what the environments of a function did, phase by phase, as bars."""

import http
import json
import math
import urllib.error
import urllib.request
from typing import Annotated, Any
from urllib.parse import urlencode

import typer
from rich.console import Console
from rich.markup import escape

from stoker.cli.client import plain

ROUTE = "/_stoker/api/environments"
PATIENCE_S = 10.0
_DEAD = "Dead"
_SNAPSHOT = "Snapshot"  # what copies of a version with SnapStart are taken from
_PHASES = {"Reinit": "INIT again"}  # the others are shown by their own names
_CELLS_PER_DECADE = 6
_LONGEST = 40

err = Console(stderr=True, highlight=False, soft_wrap=True)


class NoFunction(ValueError):
    """The server has no such function, and remembers none."""


def timeline(
    function: Annotated[str, typer.Argument(help="Name or ARN.")],
    endpoint_url: Annotated[
        str, typer.Option(envvar="AWS_ENDPOINT_URL", help="The server.")
    ] = "http://127.0.0.1:4566",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print what each environment of FUNCTION did, living or ended lately: its phases, in them the
    part of the runtime, of the function's own code and of each extension, and what each does now.

    Bars grow with the logarithm of the time: six cells for each factor of ten above 0.1 ms.
    """
    try:
        living, ended = _ask(endpoint_url, _name(function))
    except NoFunction as refusal:
        err.print(f"[red]stoker timeline:[/] {escape(plain(str(refusal)))}")
        raise typer.Exit(1) from None
    except (OSError, ValueError) as refusal:
        err.print(f"[red]stoker timeline:[/] cannot ask {endpoint_url}: {escape(str(refusal))}")
        raise typer.Exit(1) from None
    if as_json:
        print(json.dumps({"environments": living, "ended": ended}))
        return
    if not living:
        print(f"{function} has no environment now.", end="\n\n")
    for environment in ended + living:
        print("\n".join(lines(environment)), end="\n\n")


def lines(environment: dict[str, Any]) -> list[str]:
    """One environment, as the terminal shows it."""
    phase = environment["phase"]
    state = "Frozen" if environment["frozen"] and phase != _SNAPSHOT else phase
    reason = environment.get("reason")
    head = f"{environment['id']} {environment['version']}: "
    shown = [head + (f"ENDED, {plain(reason)}" if reason else _phase(state))]
    if environment["initialization"] != "on-demand":
        shown[0] += f", {environment['initialization']}"
    for one in environment["parties"]:
        shown.append(f"{'':12}  {_party(one['party'])} {plain(one['does'])}")
    phases = [span for span in environment["phases"] if span["phase"] != _DEAD]
    for span in phases:
        shown.append(_row(_phase(span["phase"]), span, phases[0]["began_ms"]))
        shown += [
            _row("  " + _party(part["party"]), part, phases[0]["began_ms"])
            for part in span.get("parts", ())
        ]
    return shown


def bar(ms: float) -> str:
    """At least one cell; six more for each factor of ten above 0.1 ms."""
    cells = 1 + round(_CELLS_PER_DECADE * math.log10(max(ms, 0.1) / 0.1))
    return "█" * min(cells, _LONGEST)


def _row(name: str, span: dict[str, Any], origin_ms: float) -> str:
    after_s = (span["began_ms"] - origin_ms) / 1000
    return f"{after_s:10.3f} s  {name[:24]:24} {span['ms']:12.3f} ms  {bar(span['ms'])}"


def _phase(name: str) -> str:
    return _PHASES.get(name, name.upper())


def _party(name: str) -> str:
    return plain(name.replace("extension:", "extension ", 1))


def _name(function: str) -> str:
    """Of "name", "name:version", "account:function:name" or an ARN."""
    before, colon, after = function.rpartition("function:")
    return (after if before or colon else function).partition(":")[0]


def environments(endpoint_url: str, name: str) -> list[dict[str, Any]]:
    """What the server says of the function's living ones. Raises OSError or ValueError."""
    return _ask(endpoint_url, name)[0]


def _ask(endpoint_url: str, name: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Those that live, and those that ended lately."""
    if not endpoint_url.startswith(("http://", "https://")):
        raise ValueError("it is no http or https address")
    url = f"{endpoint_url.rstrip('/')}{ROUTE}?{urlencode({'function': name})}"
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
            found = json.load(answer)
    except urllib.error.HTTPError as refusal:
        if refusal.code != http.HTTPStatus.NOT_FOUND:
            raise
        raise NoFunction(f"there is no function {name} on {endpoint_url}") from None
    return found["environments"], found["ended"]
