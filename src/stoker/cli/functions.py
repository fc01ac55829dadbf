"""stoker list, stoker describe: which functions there are, and all that is set for one."""

import json
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from stoker.cli.client import (
    DEFAULT_URL,
    Region,
    Url,
    client,
    console_for_tables,
    plain,
    told,
)
from stoker.cli.timeline import environments

out = Console(highlight=False, soft_wrap=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_ABSENT = ("ResourceNotFoundException", "ProvisionedConcurrencyConfigNotFoundException")


def list_functions(
    as_json: AsJson = False, endpoint_url: Url = DEFAULT_URL, region: Region = "us-east-1"
) -> None:
    """List the functions of the account and region."""
    with told("list", endpoint_url):
        pages = client("lambda", endpoint_url, region).get_paginator("list_functions").paginate()
        found = [one for page in pages for one in page["Functions"]]
    if as_json:
        print(json.dumps(found, indent=2))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("function", overflow="fold")  # whole, on however many lines: it is copied
    for title, justify in (
        ("runtime", "left"), ("memory", "right"), ("timeout", "right"),
        ("code", "right"), ("modified", "left"),
    ):  # fmt: skip
        table.add_column(title, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for one in found:
        table.add_row(
            escape(one["FunctionName"]), one.get("Runtime", ""), f"{one['MemorySize']} MB",
            f"{one['Timeout']} s", f"{one['CodeSize']:,} B", one["LastModified"][:19],
        )  # fmt: skip
    console_for_tables().print(table)


def describe(
    function: Annotated[str, typer.Argument(help="Name or ARN.")],
    as_json: AsJson = False,
    endpoint_url: Url = DEFAULT_URL,
    region: Region = "us-east-1",
) -> None:
    """Print what is set for FUNCTION, and what exists of it: versions, aliases, URL, event
    sources, concurrency, environments."""
    with told("describe", endpoint_url):
        found = _described(client("lambda", endpoint_url, region), function)
        name = found["Configuration"]["FunctionName"]
        found["Environments"] = environments(endpoint_url, name)
    if as_json:
        print(json.dumps(found, indent=2, default=str))
        return
    for title, what in _to_read(found).items():
        out.print(f"[bold]{title}[/]")
        for line in _lines(what):
            out.print(f"  {escape(plain(line))}")


def _described(aws: Any, function: str) -> dict[str, Any]:
    whole = aws.get_function(FunctionName=function)
    arn = whole["Configuration"]["FunctionArn"]
    found: dict[str, Any] = {"Configuration": whole["Configuration"], "Tags": whole.get("Tags")}
    found["Concurrency"] = whole.get("Concurrency")
    versions = aws.list_versions_by_function(FunctionName=arn)["Versions"]
    found["Versions"] = [one["Version"] for one in versions[1:]]
    aliases = aws.list_aliases(FunctionName=arn)["Aliases"]
    found["Aliases"] = {one["Name"]: one["FunctionVersion"] for one in aliases}
    sources = aws.list_event_source_mappings(FunctionName=arn)["EventSourceMappings"]
    found["Event sources"] = {
        one.get("EventSourceArn", one["UUID"]): one["State"] for one in sources
    }
    url = _unless_absent(aws, lambda: aws.get_function_url_config(FunctionName=arn))
    found["URL"] = url and {url["FunctionUrl"]: url["AuthType"]}
    policy = _unless_absent(aws, lambda: aws.get_policy(FunctionName=arn))
    found["Policy"] = policy and json.loads(policy["Policy"])["Statement"]
    return {title: what for title, what in found.items() if what}


def _to_read(found: dict[str, Any]) -> dict[str, Any]:
    """The same for people: in short what `stoker timeline` has at length."""
    policy = found.get("Policy", [])
    lives = found["Environments"]
    parts = {
        "Policy": {one["Sid"]: {k: v for k, v in one.items() if k != "Sid"} for one in policy},
        "Environments": [_environment(one) for one in lives],
    }
    return {title: what for title, what in {**found, **parts}.items() if what}


def _environment(one: dict[str, Any]) -> str:
    """`stoker timeline` has all of it."""
    steps = [f"{step['name']} {step['ms']:.1f} ms" for step in one["steps"]]
    facts = [one["phase"].lower() + (" and frozen" if one["frozen"] else ""), *steps]
    return f"{one['id']} of {one['version']}: {', '.join(facts)}"


def _unless_absent(aws: Any, ask: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
    try:
        return ask()
    except aws.exceptions.ClientError as refusal:
        if refusal.response["Error"]["Code"] in _ABSENT:
            return None
        raise


def _lines(what: Any) -> Iterator[str]:
    match what:
        case dict():
            for name, value in what.items():
                if isinstance(value, dict | list) and value:
                    yield f"{name}:"
                    yield from (f"  {line}" for line in _lines(value))
                elif value not in ("", [], {}):
                    yield f"{name}: {value}"
        case list():
            for item in what:
                if isinstance(item, dict | list):
                    yield json.dumps(item, default=str)
                else:
                    yield str(item)
        case _:
            yield str(what)
