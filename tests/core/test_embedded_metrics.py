"""CloudWatch's embedded metric format."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.embedded_metrics import EVENT_BYTES, SERIES, embedded

NOW = 1_800_000_000.0


def event(
    directive: dict[str, Any] | None = None, at_ms: Any = NOW * 1000, **members: Any
) -> bytes:
    whole = {
        "Namespace": "shop",
        "Dimensions": [["tier", "kind"], []],
        "Metrics": [{"Name": "sold", "Unit": "Count"}, {"Name": "took", "Unit": "Milliseconds"}],
        **(directive or {}),
    }
    said = {"Timestamp": at_ms, "CloudWatchMetrics": [whole]}
    values = {"tier": "gold", "kind": "a", "sold": [2, 3], "took": 1.5}
    return json.dumps({"_aws": said, **values, **members}).encode()


def test_each_metric_has_its_values_under_each_set_of_dimensions() -> None:
    found = embedded(event(), NOW)
    assert [(one.name.name, one.name.unit, one.dimensions, one.values.total) for one in found] == [
        ("sold", "Count", (("kind", "a"), ("tier", "gold")), 5),
        ("sold", "Count", (), 5),
        ("took", "Milliseconds", (("kind", "a"), ("tier", "gold")), 1.5),
        ("took", "Milliseconds", (), 1.5),
    ]
    assert {(one.namespace, one.at_s) for one in found} == {("shop", NOW)}
    assert found[0].values.most == 3


def test_a_metric_without_a_value_is_left_out() -> None:
    assert {one.name.name for one in embedded(event(sold=None, took=0), NOW)} == {"took"}
    assert {one.name.name for one in embedded(event(sold=[]), NOW)} == {"took"}


@pytest.mark.parametrize(
    "message",
    [
        b"a line",
        b'{"CloudWatchMetrics"',
        b'["CloudWatchMetrics"]',
        b'{"_aws": {"CloudWatchMetrics": []}}',
        b'{"_aws": "CloudWatchMetrics"}',
        event(at_ms=None),
        event(at_ms="now"),
        event(at_ms=True),
        event(at_ms=(NOW - 15 * 86_400) * 1000),
        event(at_ms=(NOW + 3 * 3600) * 1000),
        event({"Namespace": ""}),
        event({"Namespace": 5}),
        event({"Namespace": "AWS/Lambda"}),
        event({"Namespace": "Stoker/Billing"}),
        event({"Dimensions": []}),
        event({"Dimensions": ["tier"]}),
        event({"Dimensions": [["gone"]]}),
        event({"Dimensions": [["sold"]]}),
        event({"Dimensions": [["tier"] * 31]}),
        event({"Metrics": None}),
        event({"Metrics": [{"Name": "sold"}] * 101}),
        event({"Metrics": ["sold"]}),
        event({"Metrics": [{"Name": "sold", "Unit": "Bananas"}]}),
        event({"Metrics": [{"Name": "sold", "StorageResolution": 5}]}),
        event({"Dimensions": [[]] * 30, "Metrics": [{"Name": "sold"}] * (SERIES // 30 + 1)}),
        event(sold="many"),
        event(sold=[1, True]),
        event(sold=[1] * 101),
        event(sold=1e300),
        event(tier=5),
        event(more="x" * EVENT_BYTES),
    ],
)
def test_what_is_not_as_the_specification_wants_has_none(message: bytes) -> None:
    assert embedded(message, NOW) == []


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=4),
    lambda one: (
        st.lists(one, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Namespace", "Dimensions", "Metrics", "Name", "Unit"]), one, max_size=5
        )
    ),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from(["Namespace", "Dimensions", "Metrics"]), anything), anything)
def test_no_event_does_harm(directive: dict[str, Any], value: Any) -> None:
    for one in embedded(event(directive, sold=value, tier=value), NOW):
        assert one.values.count > 0
