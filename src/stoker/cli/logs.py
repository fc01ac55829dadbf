"""stoker logs: what a function printed, and what it prints now."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console

from stoker.cli.client import DEFAULT_URL, Region, Url, client, told, written
from stoker.cli.pricing import known_terms
from stoker.cli.spans import seconds
from stoker.core.invocation_price import Terms
from stoker.core.report_lines import reported

POLL_S = 0.5  # as `aws logs tail --follow`, but sooner
_SEEN = 20_000  # events that are remembered, so that none is printed twice

out = Console(highlight=False, soft_wrap=True)


def logs(
    function: Annotated[str, typer.Argument(help="Name or ARN.")],
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on until Ctrl-C.")] = False,
    pattern: Annotated[str, typer.Option("--filter", help="CloudWatch's filter pattern.")] = "",
    since: Annotated[str, typer.Option(help="How far back: 30s, 10m, 2h, 3d, 1w.")] = "10m",
    endpoint_url: Url = DEFAULT_URL,
    region: Region = "us-east-1",
) -> None:
    """Print the log of FUNCTION, the oldest line first; beside each REPORT, what the invocation
    would have cost on AWS."""
    try:
        with told("logs", endpoint_url):
            begun_ms = int((time.time() - seconds("since", since)) * 1000)
            aws = client("lambda", endpoint_url, region)
            found = aws.get_function_configuration(FunctionName=function)
            terms = known_terms(aws, function, region)
            group = found["LoggingConfig"]["LogGroup"]
            cloud = client("logs", endpoint_url, region)
            again = _paused if follow else _never
            for event in events(cloud, group, pattern, begun_ms, again):
                moment = datetime.fromtimestamp(event["timestamp"] / 1000)
                line = written(event["message"].rstrip("\r\n"))
                price = priced(event["message"], terms)
                out.print(f"{moment:%H:%M:%S.%f}"[:-3], line + price, markup=False)
    except KeyboardInterrupt:
        pass  # that is how --follow ends


def priced(message: str, terms: Terms | None) -> str:
    """What stands behind a REPORT."""
    measured = reported(message) if terms is not None else None
    return f"  {terms.brief(measured)}" if terms is not None and measured is not None else ""


def _paused() -> bool:
    time.sleep(POLL_S)
    return True


def _never() -> bool:
    return False


def events(
    cloud: Any, group: str, pattern: str, begun_ms: int, again: Callable[[], bool]
) -> Iterator[dict[str, Any]]:
    """Of a log group, each once. `again`: look once more? It takes the time it wants."""
    seen: OrderedDict[str, None] = OrderedDict()
    while True:
        for event in _page(cloud, group, pattern, begun_ms):
            if event["eventId"] not in seen:
                seen[event["eventId"]] = None
                begun_ms = max(begun_ms, event["timestamp"] - 5000)  # some come late
                yield event
        while len(seen) > _SEEN:
            seen.popitem(last=False)
        if not again():
            return


def _page(cloud: Any, group: str, pattern: str, begun_ms: int) -> Iterator[dict[str, Any]]:
    asked: dict[str, Any] = {"logGroupName": group, "startTime": begun_ms}
    if pattern:
        asked["filterPattern"] = pattern
    try:
        for page in cloud.get_paginator("filter_log_events").paginate(**asked):
            yield from page["events"]
    except cloud.exceptions.ResourceNotFoundException:
        return  # it has not logged yet
