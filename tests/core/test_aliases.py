"""What an alias may be, and which version a number chooses."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.aliases import Alias, AliasKey, check_routing, chosen, moved
from stoker.core.errors import InvalidParameterValueException, PreconditionFailedException
from stoker.core.model import FunctionKey

KEY = AliasKey(FunctionKey("000000000000", "us-east-1", "f"), "live")


def alias(version: str = "1", weights: Mapping[str, float] = {}) -> Alias:
    return Alias(KEY, version, "r", weights=weights)


@pytest.mark.parametrize(
    ("weights", "number", "version"),
    [
        ({}, 0.0, "1"),
        ({}, 0.999, "1"),
        ({"2": 0.1}, 0.0, "2"),
        ({"2": 0.1}, 0.099, "2"),
        ({"2": 0.1}, 0.1, "1"),
        ({"2": 0.0}, 0.0, "1"),
        ({"2": 1.0}, 0.999999, "2"),
    ],
)
def test_a_number_below_the_weight_chooses_the_other_version(
    weights: Mapping[str, float], number: float, version: str
) -> None:
    assert chosen(alias(weights=weights), number) == version


@given(weight=st.floats(0, 1), steps=st.integers(1, 500))
def test_each_version_gets_its_share_of_evenly_spread_numbers(weight: float, steps: int) -> None:
    hits = sum(chosen(alias(weights={"2": weight}), step / steps) == "2" for step in range(steps))
    assert abs(hits / steps - weight) <= 1 / steps + 1e-9


@pytest.mark.parametrize(
    ("version", "weights", "message"),
    [
        (
            "1",
            {"2": 0.1, "3": 0.1},
            "Number of items in AdditionalVersionWeights cannot be greater than 1",
        ),
        (
            "1",
            {"1": 0.1},
            "Invalid function version 1. Function version 1 is already included in routing "
            "configuration.",
        ),
        (
            "$LATEST",
            {"1": 0.1},
            "$LATEST is not supported for an alias pointing to more than 1 version",
        ),
    ],
)
def test_routing_that_aws_refuses_is_refused_in_its_words(
    version: str, weights: Mapping[str, float], message: str
) -> None:
    with pytest.raises(InvalidParameterValueException) as refusal:
        check_routing(version, weights)
    assert refusal.value.message == message


def change(before: Alias, **given: object) -> Alias:
    asked: dict[str, object] = {"version": None, "weights": None, "description": None, "seen": None}
    return moved(before, **{**asked, **given}, revision="new")  # type: ignore[arg-type]


def test_what_is_not_given_stays() -> None:
    before = Alias(KEY, "1", "r", "d", {"2": 0.5})
    assert change(before) == Alias(KEY, "1", "new", "d", {"2": 0.5})
    assert change(before, version="3") == Alias(KEY, "3", "new", "d", {"2": 0.5})
    assert change(before, weights={}, description="") == Alias(KEY, "1", "new", "", {})


def test_a_move_onto_the_version_that_has_a_share_is_refused() -> None:
    with pytest.raises(InvalidParameterValueException, match="Invalid function version 2"):
        change(alias(weights={"2": 0.5}), version="2")


def test_who_has_seen_another_revision_changes_nothing() -> None:
    assert change(alias(), seen="r").revision_id == "new"
    with pytest.raises(PreconditionFailedException, match="GetFunction/GetAlias"):
        change(alias(), seen="older")
