"""stoker learn: an experiment of the guided tour, in the terminal."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer
from rich.console import Console
from rich.markup import escape

from stoker.cli.client import DEFAULT_URL, Url, fail, written
from stoker.cli.functions import AsJson

ROUTE = "/_stoker/learn"
PATIENCE_S = 60.0
_ROWS = 8  # answers of a step that are printed
_LONG = 160  # so much of an answer


def learn(
    name: Annotated[
        str | None, typer.Argument(help="The experiment; without it, all are listed.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave what it makes, to look at in the console.")
    ] = False,
    as_json: AsJson = False,
    endpoint_url: Url = DEFAULT_URL,
) -> None:
    """Run an experiment of the guided tour on the server: print its steps as they are done, what
    each observed, and what that shows. The exit status is 1 if it went otherwise than it should."""
    try:
        address, course = _course(endpoint_url)
        if name is None:
            _list(course["experiments"], as_json=as_json)
            return
        good = _run(f"{address}/{quote(name, safe='')}", course["token"], keep, as_json)
    except urllib.error.HTTPError as refusal:
        with refusal:
            fail("learn", _why(refusal, name or ""))
    except (OSError, ValueError) as error:
        fail("learn", f"cannot ask {endpoint_url}: {error}")
    if not good:
        raise typer.Exit(1)


def _why(refusal: urllib.error.HTTPError, name: str) -> str:
    match refusal.code:
        case 404:
            return f"there is no experiment {name!r}; `stoker learn` lists them"
        case 409:
            return "another experiment is under way; one at a time has the machine"
        case _:
            return f"the server refused it ({refusal.code})"


def _list(experiments: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(experiments, indent=2))
        return
    out = Console(highlight=False, soft_wrap=True)
    widest = max(len(one["name"]) for one in experiments)
    for one in experiments:
        mark = {None: " ", True: "[green]✓[/]", False: "[red]✗[/]"}[one["learned"]]
        out.print(f"{mark} {one['name']:{widest}}  [dim]{escape(one['title'])}[/]")


def _run(address: str, token: str, keep: bool, as_json: bool) -> bool:
    """Whether it went as it should."""
    out = Console(highlight=False, soft_wrap=True, quiet=as_json)
    form = {"token": token, **({"keep": "yes"} if keep else {})}
    with _open(address, urlencode(form).encode()):
        pass
    about = _told(address)
    out.print(f"[bold]{escape(about['title'])}[/]\n{escape(about['learns'])}")
    if about["differs"]:
        out.print(f"[dim]{escape(about['differs'])}[/]")
    printed = 0
    for _ in _news(address):
        run = _told(address)["run"]
        for outcome in run["outcomes"][printed:]:
            _step(out, printed + 1, about["steps"][printed], outcome)
            printed += 1
    if as_json:
        print(json.dumps(run, indent=2))
        return bool(run["good"])
    out.print()
    for claim in run["claims"]:
        mark = "[green]✓[/]" if claim["holds"] else "[red]✗ not so:[/]"
        out.print(f"{mark} {escape(written(claim['says']))}")
    if run["failed"]:
        out.print(f"[red]It could not be done to the end:[/] {escape(written(run['failed']))}")
    for page in about["pages"]:
        out.print(f"[dim]{escape(page['title'])}: {page['url']}[/]")
    return bool(run["good"])


def _step(out: Console, number: int, says: str, outcome: dict[str, Any]) -> None:
    out.print(f"\n[bold]{number}.[/] {escape(says)}")
    for answer in outcome["answers"][:_ROWS]:
        out.print(f"   {_answer(answer)}")
    if len(outcome["answers"]) > _ROWS:
        out.print(f"   [dim]and {len(outcome['answers']) - _ROWS} more[/]")
    for name, value in outcome["facts"].items():
        out.print(f"   [dim]{escape(name)}[/] {_short(value)}")


def _answer(answer: dict[str, Any]) -> str:
    said = _short(answer["payload"])
    if answer["error"]:
        said = f"[red]{escape(answer['error'])}[/] {said if not answer['message'] else ''}"
        said += escape(written(answer["message"]))
    took = ""
    if answer["duration_ms"] is not None:
        init = f"init {answer['init_ms']:.1f} ms, " if answer["init_ms"] is not None else ""
        took = f" [dim]({init}{answer['duration_ms']:.1f} ms, billed {answer['billed_ms']} ms)[/]"
    return f"{_short(answer['event'])} → {said}{took}"


def _short(value: Any) -> str:
    text = written(value if isinstance(value, str) else json.dumps(value))
    return escape(text if len(text) <= _LONG else text[:_LONG] + "…")


def _news(address: str) -> Iterator[None]:
    """Each time something was done, and at last when all is. Raise ConnectionError if nobody
    will say when that is."""
    known = b""
    with _open(f"{address}/follow") as stream:
        over = False
        for line in stream:
            over = over or line.strip() == b"event: over"
            if line.startswith(b"data:") and (over or line != known):
                known = line
                yield
    if not over:
        raise ConnectionError("the server ended before the experiment did")


def _course(endpoint_url: str) -> tuple[str, dict[str, Any]]:
    """Where it is, and what it has."""
    if not endpoint_url.startswith(("http://", "https://")):
        raise ValueError("it is no http or https address")
    try:
        with _open(f"{endpoint_url.rstrip('/')}{ROUTE}/told") as answer:
            return answer.geturl().removesuffix("/told"), json.load(answer)
    except urllib.error.HTTPError as refusal:
        with refusal:
            raise ValueError(f"that server has no guided tour: {refusal}") from refusal


def _told(address: str) -> Any:
    with _open(f"{address}/told") as answer:
        return json.load(answer)


def _open(url: str, form: bytes | None = None) -> Any:
    return urllib.request.urlopen(url, form, timeout=PATIENCE_S)
