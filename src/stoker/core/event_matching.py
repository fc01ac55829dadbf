"""Whether a record is let through by a mapping's filters. EventBridge's language. Pure.

    {"body": {"kind": ["a", {"prefix": "b"}], "$or": [{…}, {…}]}}

All names of a pattern must suit, of a list any one matcher. An array in the record suits if any
of its elements does. Only leaves exist: for `exists`, an object counts as nothing that is there.
As AWS documents it, 300 and 300.0 are not equal ("numeric" compares numbers as such).
"""

import ipaddress
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson

Matcher = Callable[[list[Any]], bool]  # of the values at a leaf; none: nothing is there
Rule = Callable[[Any], bool]


class Filters:
    """Legal patterns (core/event_patterns.py); any one lets a record through, and so does none."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._rules = [_object(json.loads(pattern)) for pattern in patterns]

    def __bool__(self) -> bool:
        return bool(self._rules)

    def let_through(self, record: Mapping[str, Any]) -> bool:
        return not self._rules or any(rule(record) for rule in self._rules)


def read_body(body: str) -> Any:
    """What patterns see of a message: the JSON object or array that it is, else its text. So a
    pattern for text drops JSON, and one for JSON drops text, as AWS has it."""
    if body.lstrip(" \t\r\n")[:1] not in ("{", "["):
        return body
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body


def _object(pattern: Mapping[str, Any]) -> Rule:
    """Every name of it."""
    rules = [_named(name, wanted) for name, wanted in pattern.items()]
    return lambda found: all(rule(found) for rule in rules)


def _named(name: str, wanted: Any) -> Rule:
    if name == "$or":
        alternatives = [_object(one) for one in wanted]
        return lambda found: any(rule(found) for rule in alternatives)
    if isinstance(wanted, dict):
        inner = _object(wanted)
        return lambda found: any(map(inner, _objects(found.get(name))))
    matchers = [_matcher(one) for one in wanted]

    def leaf(found: Any) -> bool:
        values = _values(found[name]) if name in found else []
        return any(matcher(values) for matcher in matchers)

    return leaf


def _objects(value: Any) -> Sequence[Any]:
    """Those in which the names below may be; if there are none, these names are nowhere."""
    if isinstance(value, dict):
        return [value]
    if isinstance(value, list):
        found = [one for one in _flat(value) if isinstance(one, dict)]
        return found or [{}]
    return [{}]


def _values(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [one for one in _flat(value) if not isinstance(one, dict)]
    return [] if isinstance(value, dict) else [value]


def _flat(value: list[Any]) -> Iterator[Any]:
    """Arrays of arrays count as one; they may be nested deeper than we could call ourselves."""
    left = [iter(value)]
    while left:
        for one in left[-1]:
            if isinstance(one, list):
                left.append(iter(one))
                break
            yield one
        else:
            left.pop()


def _matcher(wanted: Any) -> Matcher:
    if not isinstance(wanted, dict):
        return _any(lambda value: _same(value, wanted))
    ((name, operand),) = wanted.items()
    if name == "exists":
        return lambda values: bool(values) is operand
    return _any(_anything_but(operand) if name == "anything-but" else _test(name, operand))


def _any(test: Rule) -> Matcher:
    return lambda values: any(map(test, values))


def _anything_but(operand: Any) -> Rule:
    """{"anything-but": "a"} | ["a", "b"] | {"prefix": "a"} | {"suffix": ["a", "b"]} | …"""
    if isinstance(operand, dict):
        ((name, more),) = operand.items()
        tests = [_test(name, one) for one in _listed(more)]
        return lambda value: not any(test(value) for test in tests)
    refused = _listed(operand)
    return lambda value: not any(_same(value, one) for one in refused)


def _listed(operand: Any) -> list[Any]:
    return operand if isinstance(operand, list) else [operand]


def _test(name: str, operand: Any) -> Rule:
    """What one value must be."""
    match name:
        case "numeric":
            return _numeric(operand)
        case "cidr":
            network = ipaddress.ip_network(operand, strict=False)
            return lambda value: _within(network, value)
        case "wildcard":
            parts = wildcard_parts(operand)
            return _of_text(lambda text: _wild(parts, text))
        case "equals-ignore-case":
            lowered = operand.lower()
            return _of_text(lambda text: text.lower() == lowered)
    at_start = name == "prefix"
    if isinstance(operand, dict):
        (bare,) = operand.values()
        small = bare.lower()
        return _of_text(
            lambda text: (
                text.lower().startswith(small) if at_start else text.lower().endswith(small)
            )
        )
    return _of_text(lambda text: text.startswith(operand) if at_start else text.endswith(operand))


def _of_text(test: Callable[[str], bool]) -> Rule:
    return lambda value: isinstance(value, str) and test(value)


def _same(value: Any, wanted: Any) -> bool:
    return type(value) is type(wanted) and bool(value == wanted)


def _numeric(operand: Sequence[Any]) -> Rule:
    bounds = list(zip(operand[::2], operand[1::2], strict=True))

    def test(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return all(_compares(value, sign, bound) for sign, bound in bounds)

    return test


def _compares(value: float, sign: str, bound: float) -> bool:
    match sign:
        case "<":
            return value < bound
        case "<=":
            return value <= bound
        case ">":
            return value > bound
        case ">=":
            return value >= bound
        case _:
            return value == bound


def _within(network: ipaddress.IPv4Network | ipaddress.IPv6Network, value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return ipaddress.ip_address(value) in network
    except ValueError:
        return False


def wildcard_parts(pattern: str) -> list[str]:
    r"""What stands between its asterisks. "\*" is an asterisk, "\\" a backslash. Raise
    ValueError for any other backslash, and for two asterisks in a row, as AWS refuses them."""
    parts, at = [""], 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            at += 1
            if pattern[at : at + 1] not in ("*", "\\"):
                raise ValueError("a backslash escapes nothing")
            parts[-1] += pattern[at]
        elif char == "*":
            if pattern[at + 1 : at + 2] == "*":
                raise ValueError("two wildcards in a row")
            parts.append("")
        else:
            parts[-1] += char
        at += 1
    return parts


def _wild(parts: Sequence[str], text: str) -> bool:
    """The first part begins, the last one ends, and the others come in between, each as early
    as it can: no way back is ever needed."""
    first, *middle = parts
    if not middle:
        return text == first
    last = middle.pop()
    at, end = len(first), len(text) - len(last)
    if at > end or not text.startswith(first) or not text.endswith(last):
        return False
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
