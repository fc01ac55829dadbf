"""What the server says AWS would have billed."""

import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

from stoker.core.metrics import BILLING
from stoker.core.price_list import Item
from tests.running import START_S, StokerProcess


def billed_amount(server: StokerProcess, function: str, item: Item) -> float:
    """How much of it, of a function of the last hours, as soon as there is some."""
    now = datetime.now(UTC)
    with closing(server.client("cloudwatch")) as cloudwatch:
        (metric,) = _metrics(cloudwatch, function, item)
        found = cloudwatch.get_metric_statistics(
            **metric,
            Period=86_400,
            StartTime=now - timedelta(hours=2),
            EndTime=now + timedelta(hours=2),
            Statistics=["Sum"],
        )
    total: float = sum(point["Sum"] for point in found["Datapoints"])
    return total


def _metrics(cloudwatch: object, function: str, item: Item) -> list[dict[str, object]]:
    end = time.monotonic() + START_S
    named = [{"Name": "FunctionName", "Value": function}]
    while True:
        found: list[dict[str, object]] = cloudwatch.list_metrics(  # type: ignore[attr-defined]
            Namespace=BILLING, MetricName=item, Dimensions=named
        )["Metrics"]
        if found:
            return found
        assert time.monotonic() < end, f"no {item} of {function}"
        time.sleep(0.05)
