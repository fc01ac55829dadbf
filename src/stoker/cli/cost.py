"""stoker cost: what the functions of an account's region would have cost on AWS."""

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from stoker.cli.client import DEFAULT_URL, Region, Url, client, console_for_tables, err, plain, told
from stoker.cli.functions import AsJson
from stoker.cli.spans import seconds
from stoker.core.metrics import BILL_SPAN_S, BILLING, start_of
from stoker.core.price_list import READ_ON, Item
from stoker.core.prices import Prices, added, prices, said

_QUERIES = 500  # of one GetMetricData
_DAY_S = 86_400
_COLUMNS = {
    "requests $": (Item.REQUESTS,),
    "duration": (Item.DURATION,),
    "init": (Item.INIT,),
    "provisioned": (Item.PROVISIONED, Item.PROVISIONED_DURATION),
    "/tmp": (Item.STORAGE,),
    "SnapStart": (Item.CACHED, Item.RESTORED),
    "streaming": (Item.STREAMED,),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one function."""

    function: str
    prices: Prices
    amounts: dict[Item, float]

    @property
    def dollars(self) -> dict[Item, float]:
        return self.prices.cost(self.amounts)


def cost(
    last: Annotated[
        str, typer.Option(help="How far back, by quarters of an hour: 30m, 2h, 3d, 1w.")
    ] = "1h",
    function: Annotated[str | None, typer.Option(help="Only this one.")] = None,
    prices_of: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day whose prices are taken.")
    ] = None,
    as_json: AsJson = False,
    endpoint_url: Url = DEFAULT_URL,
    region: Region = "us-east-1",
) -> None:
    """Print what the functions of the account and region would have cost on AWS, from what the
    server counted: requests, billed time with init, what was provisioned, /tmp beyond 512 MB,
    SnapStart, streamed answers. Without the free tier."""
    with told("cost", endpoint_url):
        back_s = seconds("last", last)
        day = prices_of.date() if prices_of else READ_ON
        amounts = _amounts(client("cloudwatch", endpoint_url, region), function, back_s)
        costs = [
            Cost(name, prices(region, architecture, day), found)
            for (name, architecture), found in sorted(amounts.items())
        ]
    if as_json:
        print(json.dumps(_as_json(costs, back_s), indent=2))
    else:
        _show(costs, last, region)


def _amounts(
    cloudwatch: Any, function: str | None, back_s: int
) -> dict[tuple[str, str], dict[Item, float]]:
    """By function and architecture."""
    asked: dict[str, Any] = {"Namespace": BILLING}
    if function:
        asked["Dimensions"] = [{"Name": "FunctionName", "Value": function}]
    pages = cloudwatch.get_paginator("list_metrics").paginate(**asked)
    metrics = [one for page in pages for one in page["Metrics"]]
    found: dict[tuple[str, str], dict[Item, float]] = {}
    for metric, amount in _sums(cloudwatch, metrics, back_s):
        if amount:
            named = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
            key = (named["FunctionName"], named["Architecture"])
            found[key] = added(found.get(key, {}), {Item(metric["MetricName"]): amount})
    return found


def _sums(
    cloudwatch: Any, metrics: list[dict[str, Any]], back_s: int
) -> Iterator[tuple[dict[str, Any], float]]:
    """Of each, from the quarter of an hour so long ago until now."""
    now = time.time()
    begun = start_of(now - back_s, BILL_SPAN_S)
    period = max(_DAY_S, 60 * math.ceil((now - begun) / 60) + 60)  # all of it at once
    for begin in range(0, len(metrics), _QUERIES):
        some = metrics[begin : begin + _QUERIES]
        queries = [
            {"Id": f"m{n}", "MetricStat": {"Metric": metric, "Period": period, "Stat": "Sum"}}
            for n, metric in enumerate(some)
        ]
        pages = cloudwatch.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, StartTime=begun, EndTime=now + 60
        )
        for page in pages:
            for result in page["MetricDataResults"]:
                yield some[int(result["Id"][1:])], sum(result["Values"])


def _as_json(costs: list[Cost], back_s: int) -> dict[str, Any]:
    return {
        "last_s": back_s,
        "functions": [
            {
                "function": one.function,
                "architecture": one.prices.architecture,
                "region": one.prices.region,
                "prices_of": one.prices.on.isoformat(),
                "prices_known": one.prices.known,
                "amounts": one.amounts,
                "dollars": one.dollars,
                "total_dollars": sum(one.dollars.values()),
            }
            for one in costs
        ],
        "total_dollars": sum(sum(one.dollars.values()) for one in costs),
    }


def _show(costs: list[Cost], last: str, region: str) -> None:
    if not costs:
        print(f"Nothing ran in {region} in the last {last}.")
        return
    columns = {
        title: items
        for title, items in _COLUMNS.items()
        if any(one.amounts.get(item) for one in costs for item in items)
    }
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("function", no_wrap=True)
    for title in ("requests", "GB-s", *columns, "on AWS"):
        table.add_column(title, justify="right", no_wrap=True)
    for one in costs:
        _row(table, one.function, one.amounts, one.dollars, columns)
    if len(costs) > 1:
        amounts: dict[Item, float] = {}
        dollars: dict[Item, float] = {}
        for one in costs:
            amounts, dollars = added(amounts, one.amounts), added(dollars, one.dollars)
        _row(table, "", amounts, dollars, columns)
    console_for_tables().print(table)
    of = costs[0].prices
    where = of.region if of.known else "us-east-1 (those of the region are not known)"
    err.print(
        f"The last {last}, at AWS's prices of {of.on} in {where}, {of.architecture},"
        " without the free tier.",
        markup=False,
    )


def _row(
    table: Table,
    name: str,
    amounts: dict[Item, float],
    dollars: dict[Item, float],
    columns: dict[str, tuple[Item, ...]],
) -> None:
    ran = (Item.DURATION, Item.INIT, Item.PROVISIONED_DURATION)
    gb_s = sum(amounts.get(item, 0.0) for item in ran)
    shown = [f"{amounts.get(Item.REQUESTS, 0):,.0f}", f"{gb_s:,.3f}"]
    shown += [said(sum(dollars.get(item, 0.0) for item in items)) for items in columns.values()]
    total = said(sum(dollars.values()))
    table.add_row(escape(plain(name)), *shown, f"[bold]{total}[/]")
