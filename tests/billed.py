"""What the server says AWS would have billed."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from stoker.core.metrics import BILLING
from stoker.core.price_list import Item
from tests.faults.scene import until
from tests.running import StokerProcess


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


def _metrics(cloudwatch: Any, function: str, item: Item) -> list[dict[str, object]]:
    named = [{"Name": "FunctionName", "Value": function}]

    def listed() -> list[dict[str, object]]:
        found: list[dict[str, object]] = cloudwatch.list_metrics(
            Namespace=BILLING, MetricName=item, Dimensions=named
        )["Metrics"]
        return found

    return until(listed, bool)
