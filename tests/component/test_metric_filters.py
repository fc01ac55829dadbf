"""Metric filters over a log store: what is put, what is measured of what comes, and what stays."""

from pathlib import Path
from typing import Any

import pytest

from stoker.api import logs, metric_filters
from stoker.api.shapes import logs as shapes
from stoker.core.errors import (
    InvalidOperationException,
    LimitExceededException,
    LogsResourceNotFoundException,
)
from stoker.core.metrics import Name, Source, start_of
from stoker.observe import metric_filters as filters
from stoker.observe.log_metrics import Found
from stoker.observe.logs import now_ms
from stoker.observe.metrics import Metrics
from tests.component.logs_cloud import ACCOUNT, REGION, Cloud, cloud

__all__ = ["cloud"]  # a fixture


def put(cloud: Cloud, name: str, pattern: str, value: str = "1", group: str = "g",
        metric: str = "m", **more: Any) -> None:  # fmt: skip
    transformation = shapes.MetricTransformation(
        metric_name=metric, metric_namespace="shop", metric_value=value, **more
    )
    cloud.ask(
        metric_filters.put_metric_filter,
        shapes.PutMetricFilterInput(
            log_group_name=group, filter_name=name, filter_pattern=pattern,
            metric_transformations=(transformation,),
        ),
    )  # fmt: skip


def described(cloud: Cloud, **asked: Any) -> list[str | None]:
    answer = cloud.ask(
        metric_filters.describe_metric_filters, shapes.DescribeMetricFiltersInput(**asked)
    )
    return [one.filter_name for one in answer.metric_filters or ()]


def taken(cloud: Cloud, metrics: Metrics) -> Found:
    """All that was measured until now."""
    cloud.loop.run_until_complete(cloud.store.flush())
    return metrics.take_embedded()


def following(cloud: Cloud) -> Metrics:
    metrics = Metrics()
    cloud.store.measured = metrics.embedded
    return metrics


def source(**dimensions: str) -> Source:
    return Source(ACCOUNT, REGION, "shop", tuple(sorted(dimensions.items())))


def test_what_functions_log_and_what_is_put_is_measured_in_its_minute(cloud: Cloud) -> None:
    metrics, now = following(cloud), now_ms()
    cloud.create_group()
    cloud.create_stream()
    cloud.create_group("other")
    put(cloud, "errors", "ERROR")
    put(cloud, "took", "{ $.took = * }", "$.took", metric="took", unit="Milliseconds",
        dimensions={"path": "$.path"})  # fmt: skip
    earlier = now - 600_000
    cloud.log("of a function", (earlier, "an ERROR"), (now, '{"took": 3, "path": "/a"}'))
    cloud.put((now, '{"took": 4, "path": "/a"}'), (now, '{"took": 5, "path": "/b"}'))
    cloud.log("s", (now, "ERROR elsewhere"), group="other")
    found = taken(cloud, metrics)
    shown = {
        (place.dimensions, minute, name): (values.count, values.total)
        for (place, minute), each in found.items()
        for name, values in each.items()
    }
    minute, took = start_of(now / 1000), Name("took", "Milliseconds")
    assert shown == {
        ((), start_of(earlier / 1000), Name("m")): (1, 1.0),
        ((("path", "/a"),), minute, took): (2, 7.0),
        ((("path", "/b"),), minute, took): (1, 5.0),
    }


def test_the_default_is_for_minutes_in_which_nothing_matched(cloud: Cloud) -> None:
    metrics, now = following(cloud), now_ms()
    put_at = [start_of(now / 1000) - 60 * ago for ago in (3, 2, 1)]
    cloud.create_group()
    put(cloud, "errors", "ERROR", default_value=0.0)
    cloud.log("s", (put_at[0] * 1000, "fine"), (put_at[1] * 1000, "fine"))
    cloud.log("s", (put_at[1] * 1000 + 1, "ERROR"), (put_at[1] * 1000 + 2, "fine again"))
    assert list(taken(cloud, metrics)) == [(source(), put_at[1])]
    due = cloud.store.filters.due(now / 1000)
    assert [(minute, values[Name("m")].total) for (_, minute), values in due.items()] == [
        (put_at[0], 0.0)
    ]
    assert cloud.store.filters.due(now / 1000) == {}, "once"
    cloud.log("s", (put_at[2] * 1000, "fine"))
    taken(cloud, metrics)
    assert cloud.store.filters.due(put_at[2] + 59.0) == {}, "the minute is not over"
    assert len(cloud.store.filters.due(put_at[2] + 60.0)) == 1
    cloud.log("s", ((put_at[0] - 60) * 1000, "fine"))
    taken(cloud, metrics)
    defaults = cloud.loop.run_until_complete(cloud.store.defaults())
    assert [minute for _, minute in defaults] == [put_at[0] - 60], "as metering asks for them"


def test_a_filter_makes_so_many_dimensions_in_an_hour(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filters, "PAIRS", 3)
    metrics, now = following(cloud), now_ms()
    cloud.create_group()
    put(cloud, "f", "{ $.id = * }", dimensions={"id": "$.id"})
    cloud.log("s", *((now, f'{{"id": "{number}"}}') for number in range(9)))
    cloud.log("s", (now, '{"id": "1"}'))
    found = taken(cloud, metrics)
    assert {place.dimensions[0][1] for place, _ in found} == {"0", "1", "2"}
    assert found[source(id="1"), start_of(now / 1000)][Name("m")].count == 2


def test_what_filters_look_at_at_a_time_is_bounded_by_group(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filters, "LOOKED_BYTES", 100)
    metrics, now = following(cloud), now_ms()
    for group in ("big", "small"):
        cloud.create_group(group)
        put(cloud, "f", "", group=group, metric=group)
    cloud.log("s", *((now, "x" * 60) for _ in range(2)), group="big")
    cloud.log("s", (now, "x" * 60), group="small")
    found = taken(cloud, metrics)
    assert [name.name for values in found.values() for name in values] == ["small"]


def test_filters_are_listed_changed_and_deleted(cloud: Cloud) -> None:
    for group in ("g", "h"):
        cloud.create_group(group)
        for name in ("a1", "a2", "b"):
            put(cloud, name, "x", group=group, metric=f"{name}-{group}")
    put(cloud, "b", "y", value="2")
    assert described(cloud) == ["a1", "a2", "b"] * 2
    assert described(cloud, log_group_name="g", filter_name_prefix="a") == ["a1", "a2"]
    assert described(cloud, metric_name="a2-h", metric_namespace="shop") == ["a2"]
    answer = cloud.ask(
        metric_filters.describe_metric_filters, shapes.DescribeMetricFiltersInput(limit=4)
    )
    assert described(cloud, next_token=answer.next_token) == ["a2", "b"]
    (_, _, changed) = (
        cloud.ask(
            metric_filters.describe_metric_filters,
            shapes.DescribeMetricFiltersInput(log_group_name="g"),
        ).metric_filters
        or ()
    )
    assert changed.filter_pattern == "y"
    assert changed.metric_transformations is not None
    assert changed.metric_transformations[0].metric_value == "2"
    assert [group.metric_filter_count for group in cloud.groups()] == [3, 3]
    gone = shapes.DeleteMetricFilterInput(log_group_name="g", filter_name="b")
    cloud.ask(metric_filters.delete_metric_filter, gone)
    assert isinstance(
        cloud.refusal(metric_filters.delete_metric_filter, gone), LogsResourceNotFoundException
    )
    metrics = following(cloud)
    cloud.ask(logs.delete_log_group, shapes.DeleteLogGroupInput(log_group_name="g"))
    cloud.log("s", (now_ms(), "x"))  # which makes the group anew
    assert taken(cloud, metrics) == {}
    assert described(cloud) == ["a1", "a2", "b"]


def test_a_group_has_so_many_filters_and_expressions(cloud: Cloud) -> None:
    cloud.create_group()
    for number in range(5):
        put(cloud, f"r{number}", "%x%")
    with pytest.raises(LimitExceededException):
        put(cloud, "r5", "%x%")
    for number in range(95):
        put(cloud, f"f{number}", "x")
    with pytest.raises(LimitExceededException):
        put(cloud, "more", "x")
    put(cloud, "f0", "y")
    with pytest.raises(LogsResourceNotFoundException):
        put(cloud, "f", "x", group="nowhere")
    cloud.create_group("rare", log_group_class="INFREQUENT_ACCESS")
    with pytest.raises(InvalidOperationException):
        put(cloud, "f", "x", group="rare")


def test_filters_are_there_after_the_server_was_lost(tmp_path: Path) -> None:
    """Nothing is written at the end of the first one."""
    first = Cloud(tmp_path)
    first.create_group()
    put(first, "f", "x")
    second = Cloud(tmp_path)
    metrics = following(second)
    second.log("s", (now_ms(), "x"))
    assert [place.namespace for place, _ in taken(second, metrics)] == ["shop"]
    second.close()
    first.close()
