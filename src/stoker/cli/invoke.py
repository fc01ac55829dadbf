"""stoker invoke: run a function once, see its answer and its log."""

import base64
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from stoker.cli.client import DEFAULT_URL, Region, Url, client, err, fail, told, written
from stoker.cli.pricing import price_line


def invoke(
    function: Annotated[str, typer.Argument(help="Name, name:qualifier, or ARN.")],
    event: Annotated[
        str,
        typer.Option("-e", "--event", help="A file with the event, - for standard input, or JSON."),
    ] = "{}",
    later: Annotated[
        bool,
        typer.Option("--async", help="Queue the event (InvocationType Event); print no answer."),
    ] = False,
    tenant_id: Annotated[
        str, typer.Option(help="For whom, of a function with tenant isolation.")
    ] = "",
    log: Annotated[
        bool, typer.Option(help="Print the end of the log, and the price, on standard error.")
    ] = True,
    endpoint_url: Url = DEFAULT_URL,
    region: Region = "us-east-1",
) -> None:
    """Invoke FUNCTION. Its answer goes to standard output as it is, its log to standard error, and
    what the invocation would have cost on AWS; the exit status is 1 if the function failed."""
    with told("invoke", endpoint_url):
        payload = _event(event)
        kind: dict[str, Any] = {"InvocationType": "Event"} if later else {}
        if log and not later:
            kind["LogType"] = "Tail"
        if tenant_id:
            kind["TenantId"] = tenant_id
        aws = client("lambda", endpoint_url, region)
        answer = aws.invoke(FunctionName=function, Payload=payload, **kind)
        body = answer["Payload"].read()
    tail = base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")
    for line in tail.splitlines():
        err.print(written(line), markup=False)
    if later:
        err.print(f"accepted, request {answer['ResponseMetadata']['RequestId']}")
        return
    sys.stdout.buffer.write(body + (b"\n" if sys.stdout.isatty() else b""))
    sys.stdout.flush()
    price = price_line(aws, function, region, tail, answer["ResponseMetadata"]["RequestId"])
    if price:
        err.print(price, markup=False)
    if answer.get("FunctionError"):
        fail("invoke", f"the function failed ({answer['FunctionError']})")


def _event(given: str) -> bytes:
    """The event's bytes. Raise OSError or ValueError if there is none."""
    if given == "-":
        return sys.stdin.buffer.read()
    if given.lstrip()[:1] in ("{", "[", '"') or given.strip() in ("null", "true", "false"):
        return given.encode()
    if given.strip().lstrip("-").replace(".", "", 1).isdecimal() and not Path(given).exists():
        return given.encode()
    return Path(given).read_bytes()
