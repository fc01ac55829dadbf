"""stoker sandbox explain: how a function's sandbox is made, operation by operation."""

import json
import urllib.request
from typing import Annotated, Any

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from stoker.cli.client import console_for_tables
from stoker.config import ConfigError, load
from stoker.runtimes.found import FoundRuntime, Layout, RuntimeUnavailable, find_runtime
from stoker.sandbox.namespaces.host_files import name_servers, system_links
from stoker.sandbox.namespaces.plan import Language, explain, template_plan

MB_PER_CORE = 1769
_REFUSALS = (BotoCoreError, ClientError, RuntimeUnavailable, ConfigError, OSError, ValueError)
CLIENT = "(the runtime client and AWS's SDK, as built by the server)"

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look at sandboxes.")
err = Console(stderr=True, highlight=False, soft_wrap=True)


@app.callback()
def group() -> None:
    """Look at sandboxes."""


@app.command("explain")
def explain_command(
    function: Annotated[str, typer.Argument(help="Name or ARN.")],
    endpoint_url: Annotated[
        str, typer.Option(envvar="AWS_ENDPOINT_URL", help="The server.")
    ] = "http://127.0.0.1:4566",
    region: Annotated[
        str, typer.Option(envvar=["AWS_REGION", "AWS_DEFAULT_REGION"], help="Of the function.")
    ] = "us-east-1",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print how the sandbox of FUNCTION is made: what of this machine it sees, where, and how.

    The operations of its template come first (made once per runtime), then what is done for each
    sandbox: ahead, in stock, or at the cold start. All binds are read-only.
    """
    try:
        _check_isolates(endpoint_url)
        configuration = _configuration(function, endpoint_url, region)
        found = find_runtime(configuration["Runtime"], runtimes_dir=load().runtimes_dir)
    except _REFUSALS as refusal:
        err.print(f"[red]stoker sandbox explain:[/] {escape(str(refusal))}")
        raise typer.Exit(1) from None
    rows = explain(_template(found))
    memory_mb, tmp_mb = configuration["MemorySize"], configuration["EphemeralStorage"]["Size"]
    if as_json:
        operations = [dict(zip(("operation", "path", "detail"), row, strict=True)) for row in rows]
        facts = {"runtime": found.runtime, "memory_mb": memory_mb, "tmp_mb": tmp_mb}
        print(json.dumps({"function": function, **facts, "operations": operations}))
        return
    table = Table("operation", "path inside", "detail", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    out = console_for_tables()
    out.print(
        f"{function}: {found.runtime}, {memory_mb} MB ({memory_mb / MB_PER_CORE:.2f} of a core), "
        f"/tmp of {tmp_mb} MB\n"
    )
    out.print(table)


def _check_isolates(endpoint_url: str) -> None:
    """Raise ValueError for a server whose functions are plain processes."""
    with urllib.request.urlopen(f"{endpoint_url.rstrip('/')}/_stoker/health", timeout=10) as answer:
        kind = json.load(answer).get("sandbox")
    if kind != "namespaces":
        raise ValueError(
            "this server does not isolate: functions are plain child processes (--sandbox"
            f" {kind}); what is not enforced then is printed when it starts"
        )


def _configuration(function: str, endpoint_url: str, region: str) -> dict[str, Any]:
    """Ask the server as any client would; it verifies no signatures."""
    session = boto3.Session("stoker", "stoker", region_name=region)
    client = session.client("lambda", endpoint_url=endpoint_url)
    try:
        configuration: dict[str, Any] = client.get_function_configuration(FunctionName=function)
    finally:
        client.close()
    return configuration


def _template(found: FoundRuntime) -> list[Any]:
    if found.executable is None:
        return template_plan(None, None, system_links(), resolver=name_servers())
    prefix = str(found.prefix) if found.layout is Layout.PREFIX else ""
    return template_plan(
        Language(prefix, found.links, found.node_modules),
        CLIENT,
        system_links(),
        tuple(str(folder) for folder in found.libraries),
        name_servers(),
    )
