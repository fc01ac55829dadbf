"""What an update means for each resource, and in which order resources go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.stacks.changes import (
    Step,
    Traits,
    change,
    deletion_order,
    differing,
    removals,
    step,
)
from stoker.core.stacks.functions import UNKNOWN
from stoker.core.stacks.model import Record, Status
from stoker.core.stacks.template import Resource

FUNCTION = Traits(frozenset({"FunctionName"}))
VERSION = Traits(None)


def record(logical: str = "A", *needs: str, physical: str = "id", **properties: object) -> Record:
    return Record(
        logical, "T", Status.CREATE_COMPLETE, 0.0, physical=physical, properties=properties,
        needs=needs,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "traits", "expected"),
    [
        (None, {}, FUNCTION, Step.CREATE),
        (record(physical=""), {}, FUNCTION, Step.CREATE),
        (record(Timeout=3), {"Timeout": "3"}, FUNCTION, Step.NOTHING),
        (record(Enabled=True), {"Enabled": "true"}, FUNCTION, Step.NOTHING),
        (record(Timeout=3), {"Timeout": 4}, FUNCTION, Step.UPDATE),
        (record(Timeout=3), {}, FUNCTION, Step.UPDATE),
        (record(FunctionName="a"), {"FunctionName": "b"}, FUNCTION, Step.REPLACE),
        (record(Description="a"), {"Description": "b"}, VERSION, Step.REPLACE),
    ],
)
def test_a_property_decides_between_an_update_and_another_resource(
    before: Record | None, after: dict[str, object], traits: Traits, expected: Step
) -> None:
    assert step(before, after, traits) is expected


def test_a_change_set_says_what_it_knows() -> None:
    resource = Resource("A", "T", {})
    made = change(resource, {"FunctionName": "b", "Timeout": 4}, record(Timeout=3), FUNCTION)
    assert made is not None
    assert (made.action, made.replacement) == ("Modify", "True")
    assert made.properties == (("FunctionName", "Always"), ("Timeout", "Never"))
    perhaps = change(resource, {"FunctionName": UNKNOWN}, record(FunctionName="a"), FUNCTION)
    assert perhaps is not None
    assert perhaps.replacement == "Conditional"
    assert change(resource, {"Timeout": 3}, record(Timeout=3), FUNCTION) is None
    added = change(resource, {}, None, FUNCTION)
    assert added is not None
    assert added.action == "Add"
    assert [one.action for one in removals([record("B")], {"A": resource})] == ["Remove"]


def test_only_what_differs_is_named() -> None:
    assert differing({"a": 1, "b": [1, {"c": True}]}, {"a": "1", "b": ["1", {"c": "true"}]}) == []
    assert differing({"a": 1}, {"b": 1}) == ["a", "b"]


@given(st.dictionaries(st.sampled_from("ABCDEF"), st.sets(st.sampled_from("ABCDEFX")), min_size=1))
def test_everything_goes_once_and_nothing_before_what_needs_it(needs: dict[str, set[str]]) -> None:
    earlier = {name: {other for other in said if other < name} for name, said in needs.items()}
    records = {name: record(name, *sorted(said)) for name, said in earlier.items()}
    waves = deletion_order(records)
    gone = [name for wave in waves for name in wave]
    assert sorted(gone) == sorted(records)
    at = {name: index for index, wave in enumerate(waves) for name in wave}
    for name, said in earlier.items():
        for other in said & records.keys():
            assert at[name] < at[other]
