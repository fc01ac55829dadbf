"""Filters of event source mappings, by AWS's examples and against a naive model."""

import fnmatch
import ipaddress
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stoker.core.event_matching import Filters, read_body
from stoker.core.event_patterns import is_legal


def passes(pattern: Any, record: Any) -> bool:
    text = json.dumps(pattern)
    assert is_legal(text)
    return Filters([text]).let_through(record)


@pytest.mark.parametrize(
    ("matcher", "yes", "no"),
    [
        ("a", ["a", ["b", "a"], [["a"]]], ["b", "A", 1, None, [], {"a": "a"}]),
        (300, [300, [1, 300]], [300.0, "300", 301, True]),
        (1, [1], [True, 1.0]),
        (None, [None, [None]], ["", 0, [], {}]),
        ("", [""], [None, "a"]),
        (True, [True], [1, "true", False]),
        ({"prefix": "ab"}, ["ab", "abc", ["x", "abc"]], ["a", "Abc", 1, None]),
        ({"prefix": {"equals-ignore-case": "aB"}}, ["ABc", "ab"], ["a", "xab"]),
        ({"suffix": ".png"}, [".png", "a.png"], ["png", "a.PNG"]),
        ({"suffix": {"equals-ignore-case": ".pNg"}}, ["a.PNG"], ["a.pn"]),
        ({"equals-ignore-case": "Ab"}, ["ab", "AB"], ["abc", 1]),
        ({"wildcard": "a*c"}, ["ac", "abc", "aXcc"], ["a", "abcd", "bac"]),
        ({"wildcard": "*a*"}, ["a", "xay"], ["", "b"]),
        ({"wildcard": "a\\*"}, ["a*"], ["ab", "a\\"]),
        ({"wildcard": "ab*ba"}, ["abba", "ab-ba"], ["aba"]),
        ({"numeric": ["=", 5]}, [5, 5.0, [1, 5]], [4, "5", True]),
        ({"numeric": [">", 0, "<=", 5]}, [5, 0.1], [0, 5.1, None]),
        ({"numeric": [">=", 1, "<", 2]}, [1], [2]),
        ({"cidr": "10.0.0.0/24"}, ["10.0.0.255"], ["10.0.1.0", "10.0.0", 1, "::1"]),
        ({"cidr": "2001:db8::/32"}, ["2001:db8::1"], ["2001:db9::1", "10.0.0.1"]),
        ({"anything-but": "a"}, ["b", 1, None, ["a", "b"]], ["a", [], {}]),
        ({"anything-but": ["a", "b"]}, ["c"], ["a", "b"]),
        ({"anything-but": [1, 2]}, [3, "1"], [1, 2]),
        ({"anything-but": {"prefix": "a"}}, ["b"], ["ab"]),
        ({"anything-but": {"prefix": ["a", "b"]}}, ["c"], ["ab", "ba"]),
        ({"anything-but": {"suffix": "a"}}, ["ab"], ["ba"]),
        ({"anything-but": {"equals-ignore-case": ["a", "B"]}}, ["c"], ["A", "b"]),
        ({"anything-but": {"wildcard": "*/lib/*"}}, ["/a/b"], ["/usr/lib/x"]),
        ({"exists": True}, ["a", None, 0, [1]], [{}, {"a": 1}, []]),
        ({"exists": False}, [{"a": 1}, []], ["a", None]),
    ],
)
def test_a_matcher_lets_through_what_aws_says(matcher: Any, yes: list[Any], no: list[Any]) -> None:
    for value in yes:
        assert passes({"x": [matcher]}, {"x": value}), value
    for value in no:
        assert not passes({"x": [matcher]}, {"x": value}), value
    absent = isinstance(matcher, dict) and matcher.get("exists") is False
    assert passes({"x": [matcher]}, {"y": 1}) is absent
    assert passes({"w": {"x": [matcher]}}, {"w": 5}) is absent


def test_names_are_all_needed_and_matchers_any() -> None:
    pattern = {"a": [1, 2], "b": {"c": ["x"]}}
    assert passes(pattern, {"a": 2, "b": {"c": "x"}, "more": 1})
    assert not passes(pattern, {"a": 2, "b": {"c": "y"}})
    assert not passes(pattern, {"a": 2})


def test_or_is_between_patterns_and_beside_names() -> None:
    pattern = {"a": [1], "$or": [{"b": [2]}, {"c": {"d": [3]}}]}
    assert passes(pattern, {"a": 1, "b": 2})
    assert passes(pattern, {"a": 1, "c": {"d": 3}})
    assert not passes(pattern, {"a": 1, "b": 3})
    assert not passes(pattern, {"a": 2, "b": 2})


def test_names_below_an_array_are_looked_for_in_one_of_its_objects() -> None:
    pattern = {"a": {"b": [1], "c": [2]}}
    assert passes(pattern, {"a": [{"b": 2}, {"b": 1, "c": 2}]})
    assert not passes(pattern, {"a": [{"b": 1}, {"c": 2}]})


def test_a_body_is_json_if_it_is_an_object_or_an_array() -> None:
    text, inside = {"body": ["x"]}, {"body": {"x": [1]}}
    assert passes(text, {"body": read_body("x")})
    assert passes(inside, {"body": read_body(' {"x": 1}')})
    assert not passes(inside, {"body": read_body("x")})
    assert not passes(text, {"body": read_body('{"x": 1}')})
    assert not passes(inside, {"body": read_body('{"x": 1')})
    assert passes({"eventSource": ["aws:sqs"]}, {"body": "x", "eventSource": "aws:sqs"})


def test_one_of_several_filters_is_enough_and_none_lets_all_through() -> None:
    several = Filters(['{"a": [1]}', '{"a": [2]}'])
    assert several.let_through({"a": 2})
    assert not several.let_through({"a": 3})
    assert Filters([]).let_through({"a": 3})


def test_a_hostile_body_costs_little() -> None:
    deep = read_body("[" * 1000 + "1" + "]" * 1000)
    assert passes({"body": [1]}, {"body": deep})
    assert isinstance(read_body("[" * 100_000), str)
    wild = {"body": [{"wildcard": "*a" * 100 + "b"}]}
    assert not passes(wild, {"body": "a" * 1_000_000})


@pytest.mark.parametrize(
    "matcher",
    [
        {"cidr": "10.0.0.0/33"},
        {"cidr": 1},
        {"wildcard": "a**b"},
        {"wildcard": "a\\b"},
        {"wildcard": "a\\"},
        {"prefix": {"suffix": "a"}},
        {"prefix": {"equals-ignore-case": 1}},
        {"prefix": 1},
        {"anything-but": {"numeric": ["=", 1]}},
        {"anything-but": {"prefix": []}},
        {"anything-but": {"prefix": "a", "suffix": "b"}},
        {"anything-but": ["a", 1]},
        {"anything-but": [["a"]]},
        {"numeric": ["=", True]},
        {"exists": 1},
        {"unheard-of": "a"},
    ],
)
def test_what_is_not_of_the_language_is_not_legal(matcher: Any) -> None:
    assert not is_legal(json.dumps({"a": [matcher]}))


TEXT = st.text("ab.*", max_size=4)
NUMBER = st.integers(-3, 3) | st.sampled_from([0.5, 1.0])
SCALAR = TEXT | NUMBER | st.booleans() | st.none()
WILD = st.lists(st.sampled_from(["a", "b", "."]), min_size=1, max_size=2).map("*".join)
MATCHER = st.one_of(
    SCALAR,
    st.booleans().map(lambda one: {"exists": one}),
    TEXT.map(lambda one: {"prefix": one}),
    TEXT.map(lambda one: {"suffix": one}),
    TEXT.map(lambda one: {"prefix": {"equals-ignore-case": one.upper()}}),
    TEXT.map(lambda one: {"suffix": {"equals-ignore-case": one.upper()}}),
    TEXT.map(lambda one: {"equals-ignore-case": one.upper()}),
    WILD.map(lambda one: {"wildcard": one}),
    st.tuples(st.sampled_from(["<", "<=", "=", ">", ">="]), NUMBER).map(
        lambda one: {"numeric": [*one]}
    ),
    (TEXT | NUMBER | st.lists(TEXT, min_size=1, max_size=3)).map(lambda one: {"anything-but": one}),
    st.tuples(st.sampled_from(["prefix", "suffix"]), TEXT).map(
        lambda one: {"anything-but": dict([one])}
    ),
)
NAME = st.sampled_from("xyz")
PATTERN = st.recursive(
    st.lists(MATCHER, min_size=1, max_size=3),
    lambda inner: st.one_of(
        st.dictionaries(NAME, inner, min_size=1, max_size=2),
        st.tuples(
            st.dictionaries(NAME, inner, max_size=1),
            st.lists(st.dictionaries(NAME, inner, min_size=1, max_size=2), min_size=2, max_size=2),
        ).map(lambda one: {**one[0], "$or": one[1]}),
    ),
    max_leaves=6,
).filter(lambda one: isinstance(one, dict))
VALUE = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAME, inner, max_size=3),
    max_leaves=8,
)
RECORD = st.dictionaries(NAME, VALUE, max_size=3)


def alternatives(pattern: dict[str, Any]) -> list[dict[str, Any]]:
    """The same without "$or": one of these must suit, each name in its own place."""
    found: list[dict[str, Any]] = [{}]
    for name, wanted in pattern.items():
        if name == "$or":
            more = [each for one in wanted for each in alternatives(one)]
        elif isinstance(wanted, dict):
            more = [{name: each} for each in alternatives(wanted)]
        else:
            more = [{name: wanted}]
        found = [{"all": [one, each]} if one else each for one in found for each in more]
    return found


def naive(pattern: dict[str, Any], record: Any) -> bool:
    """One pattern without alternatives, looked up anew for every name."""
    if "all" in pattern:
        return all(naive(one, record) for one in pattern["all"])
    ((name, wanted),) = pattern.items()
    value = record.get(name, [])
    flat = flattened(value)
    if isinstance(wanted, dict):
        return any(naive(wanted, one) for one in [e for e in flat if isinstance(e, dict)] or [{}])
    leaves = [one for one in flat if not isinstance(one, dict)]
    for one in wanted:
        if isinstance(one, dict) and "exists" in one:
            if one["exists"] == (len(leaves) > 0):
                return True
        elif any(suits(one, leaf) for leaf in leaves):
            return True
    return False


def flattened(value: Any) -> list[Any]:
    if not isinstance(value, list):
        return [value]
    return [each for one in value for each in flattened(one)]


def suits(matcher: Any, value: Any) -> bool:
    if not isinstance(matcher, dict):
        return json.dumps(matcher) == json.dumps(value)
    ((name, operand),) = matcher.items()
    if name == "anything-but":
        if isinstance(operand, dict):
            return not suits(operand, value)
        return all(
            not suits(one, value) for one in (operand if isinstance(operand, list) else [operand])
        )
    if name == "numeric":
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        sign = "==" if operand[0] == "=" else operand[0]
        return bool(eval(f"({value!r}) {sign} ({operand[1]!r})"))
    if not isinstance(value, str):
        return False
    if name == "wildcard":
        return fnmatch.fnmatchcase(value.replace("*", "!"), operand)
    if name == "cidr":
        return ipaddress.ip_address(value) in ipaddress.ip_network(operand)
    if isinstance(operand, dict):
        operand, value = operand["equals-ignore-case"].lower(), value.lower()
    if name == "equals-ignore-case":
        return bool(value.lower() == operand.lower())
    places = list(range(len(operand))) if name == "prefix" else list(range(-len(operand), 0))
    return len(operand) <= len(value) and all(value[at] == operand[at] for at in places)


@settings(max_examples=150)
@given(PATTERN, RECORD)
def test_filters_decide_as_a_naive_model_does(pattern: dict[str, Any], record: Any) -> None:
    try:
        expected = any(naive(one, record) for one in alternatives(pattern))
    except ValueError:
        return
    assert passes(pattern, record) is expected
