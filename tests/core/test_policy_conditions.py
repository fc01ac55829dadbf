"""Conditions, wildcards and variables of policies."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.policy_conditions import Facts, filled, fits, met

ARN = "arn:aws:lambda:us-east-1:111111111111:function:f"
FACTS: Facts = {
    "text": "Ab",
    "number": "10",
    "moment": "2026-11-22T12:00:00+00:00",
    "arn": ARN,
    "flag": "true",
    "address": "10.1.2.3",
    "several": ("a", "b"),
    "none": None,
    "aws:principaltag/team": "blue*",
}


@pytest.mark.parametrize(
    ("operator", "pairs", "said"),
    [
        ("StringEquals", {"TEXT": "Ab"}, True),
        ("StringEquals", {"text": "ab"}, False),
        ("StringEquals", {"text": "A?"}, False),
        ("StringEquals", {"text": ["x", "Ab"]}, True),
        ("StringEqualsIgnoreCase", {"text": "aB"}, True),
        ("StringNotEquals", {"text": ["x", "Ab"]}, False),
        ("StringLike", {"text": "A*"}, True),
        ("StringNotLike", {"text": "A*"}, False),
        ("NumericEquals", {"number": 10}, True),
        ("NumericLessThan", {"number": "10"}, False),
        ("NumericLessThanEquals", {"number": "10.0"}, True),
        ("NumericGreaterThan", {"number": "9"}, True),
        ("NumericGreaterThanEquals", {"number": "11"}, False),
        ("NumericNotEquals", {"number": "11"}, True),
        ("NumericEquals", {"number": "ten"}, None),
        ("NumericEquals", {"text": "1"}, None),
        ("DateLessThan", {"moment": "2026-11-22T12:00:01Z"}, True),
        ("DateGreaterThan", {"moment": "2026-11-22T12:00:01Z"}, False),
        ("DateEquals", {"moment": "1795348800"}, True),
        ("DateNotEquals", {"moment": "1795348800"}, False),
        ("DateLessThanEquals", {"moment": "some day"}, None),
        ("Bool", {"flag": True}, True),
        ("Bool", {"flag": "False"}, False),
        ("IpAddress", {"address": "10.1.0.0/16"}, True),
        ("NotIpAddress", {"address": ["10.1.0.0/16", "10.2.0.0/16"]}, False),
        ("IpAddress", {"address": "everywhere"}, None),
        ("ArnLike", {"arn": "arn:aws:lambda:*:*:function:*"}, True),
        ("ArnLike", {"arn": "arn:aws:*:function:f"}, False),  # a wildcard keeps to its part
        ("ArnEquals", {"arn": ARN}, True),
        ("ArnNotLike", {"arn": "arn:aws:sns:*:*:*"}, True),
        ("Null", {"none": "true"}, True),
        ("Null", {"text": True}, False),
        ("Null", {"text": "maybe"}, None),
        ("BinaryEquals", {"text": "Ab"}, True),
        ("StringSounds", {"text": "Ab"}, None),
        ("ForMost:StringEquals", {"several": "a"}, None),
        ("StringEquals", {"several": "a"}, None),  # which of them?
        ("ForAnyValue:StringEquals", {"several": "a"}, True),
        ("ForAnyValue:StringEquals", {"several": ["x", "y"]}, False),
        ("ForAnyValue:StringNotEquals", {"several": ["a", "b"]}, False),
        ("ForAllValues:StringEquals", {"several": ["a", "b", "c"]}, True),
        ("ForAllValues:StringEquals", {"several": "a"}, False),
        ("ForAllValues:StringEquals", {"none": "a"}, True),
        ("ForAnyValue:StringEquals", {"none": "a"}, False),
        ("StringEquals", {"none": "a"}, False),
        ("StringNotEquals", {"none": "a"}, True),
        ("StringEqualsIfExists", {"none": "a"}, True),
        ("StringEqualsIfExists", {"text": "a"}, False),
        ("StringEquals", {"text": "Ab", "number": "9"}, False),
        ("StringEquals", {}, True),
        ("StringEquals", ["no", "pairs"], None),
    ],
)
def test_an_operator_is_met_or_not_or_not_understood(
    operator: str, pairs: Any, said: bool | None
) -> None:
    assert met(operator, pairs, FACTS, complete=False) is said


@pytest.mark.parametrize("operator", ["StringEquals", "StringNotEqualsIfExists", "Null"])
def test_what_nobody_told_is_absent_only_if_all_was_told(operator: str) -> None:
    pairs = {"strange": "true"}
    assert met(operator, pairs, {}, complete=False) is None
    assert met(operator, pairs, {}) is not None
    assert met(operator, {"aws:SourceIp": "true"}, {}) is None  # every request has one


@pytest.mark.parametrize(
    ("text", "value", "said"),
    [
        ("a-${text}", "a-Ab", True),
        ("a-${TEXT}-*", "a-Ab-x", True),
        ("${aws:PrincipalTag/team}", "blue*", True),
        ("${aws:PrincipalTag/team}", "blues", False),  # what stands for it has no wildcards
        ("${*}", "*", True),
        ("${*}", "x", False),
        ("${?}${$}", "?$", True),
        ("${none, 'nobody'}", "nobody", True),
        ("${none}", "", None),
        ("${strange}", "", None),
        ("${strange, 'nobody'}", "nobody", None),
        ("${several}", "a", None),
        ("${unfinished", "${unfinished", True),
    ],
)
def test_variables_stand_for_what_is_known_of_the_request(
    text: str, value: str, said: bool | None
) -> None:
    pattern = filled(text, FACTS, variables=True)
    assert (None if pattern is None else fits(pattern, value)) is said
    assert met("StringLike", {"k": text}, {**FACTS, "k": value}, variables=True) is said


def test_variables_are_text_in_documents_that_are_older_than_they_are() -> None:
    pattern = filled("${text}", FACTS, variables=False)
    assert pattern is not None
    assert fits(pattern, "${text}")
    assert not fits(pattern, "Ab")


def test_all_of_three_values_are_judged_as_the_tables_of_truth_say() -> None:
    """Each of two conditions of one operator may be met, not met, and not understood."""
    facts: Facts = {"met": "x", "not": "y"}
    for first, second in product(("met", "not", "strange"), repeat=2):
        said = met("StringEquals", {first: "x", second + " ": "x"}, facts, complete=False)
        assert said is (False if first == "not" else None)
        said = met("StringEquals", {first: "x", second: "x"}, facts, complete=False)
        both = {first, second}
        assert said is (False if "not" in both else None if "strange" in both else True)


@given(st.text("ab*?", max_size=8), st.text("ab*", max_size=8))
def test_a_value_with_wildcards_matches_itself_alone(pattern: str, value: str) -> None:
    made = filled("${v}", {"v": pattern}, variables=True)
    assert made is not None
    assert fits(made, value) is (pattern == value)
