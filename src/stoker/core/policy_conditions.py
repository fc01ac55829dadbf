"""Condition, wildcards and variables of policies, for those of resources and of identities alike.

    met(operator, pairs, facts) ──► True │ False │ None: that is not understood here

What is not understood is for the caller to judge: an Allow with it must admit nobody, a Deny
with it must keep everybody out.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

Fact = str | tuple[str, ...] | None  # None: the request has no such key, and that is certain
Facts = Mapping[str, Fact]  # by keys in lower case
Judged = bool | None
Pattern = tuple[str, ...]  # characters, and these two:
ANYTHING: Final = "**"
ONE: Final = "??"

# Every request on AWS has these, so whoever does not tell them does not know them.
_ALWAYS: Final = frozenset({"aws:sourceip", "aws:currenttime", "aws:epochtime"})
_VARIABLE: Final = re.compile(r"\$\{([^{}]*)\}")
_SETS: Final = ("ForAnyValue", "ForAllValues")
_ARN_PARTS: Final = 6


def met(
    operator: str, pairs: Any, facts: Facts, *, complete: bool = True, variables: bool = False
) -> Judged:
    """`complete`: keys that `facts` does not have are not in the request; else nobody knows.
    `variables`: ${key} is read, as in documents of 2012-10-17."""
    if not isinstance(pairs, dict):
        return None
    of_set, colon, name = operator.partition(":")
    if not colon:
        of_set, name = "", operator
    elif of_set not in _SETS:
        return None
    judged = [
        _held(of_set, name, _listed(wanted), _fact(key, facts, complete), facts, variables)
        for key, wanted in pairs.items()
    ]
    if False in judged:
        return False
    return None if None in judged else True


def listed(given: Any) -> Iterator[str]:
    """One or several, as texts: JSON's booleans and numbers are written out."""
    for one in given if isinstance(given, list | tuple) else (given,):
        yield str(one).lower() if isinstance(one, bool) else str(one)


def matches(pattern: str, value: str) -> bool:
    """With AWS's wildcards: any text, any one character."""
    return _fits(pattern, value, "*", "?")


def fits(pattern: Pattern, value: str) -> bool:
    """The same of a pattern whose variables are filled in."""
    return _fits(pattern, value, ANYTHING, ONE)


def filled(text: str, facts: Facts, variables: bool) -> Pattern | None:
    """The pattern that it is for this request; None: it has a variable that has no value.
    What stands for a variable has no wildcards, ${*}, ${?} and ${$} are those characters."""
    made: list[str] = []
    at = 0
    for found in _VARIABLE.finditer(text) if variables else ():
        made += _wild(text[at : found.start()])
        value = _value(found[1], facts)
        if value is None:
            return None
        made += value
        at = found.end()
    return (*made, *_wild(text[at:]))


def _fits(pattern: Sequence[str], value: str, anything: str, single: str) -> bool:
    """In no more steps than the product of both lengths, for both sides may be hostile."""
    at = on = 0
    star, mark = -1, 0
    while on < len(value):
        if at < len(pattern) and pattern[at] == anything:
            star, mark = at, on
            at += 1
        elif at < len(pattern) and pattern[at] in (single, value[on]):
            at += 1
            on += 1
        elif star >= 0:
            mark += 1
            at, on = star + 1, mark
        else:
            return False
    return all(one == anything for one in pattern[at:])


def _wild(text: str) -> list[str]:
    return [{"*": ANYTHING, "?": ONE}.get(one, one) for one in text]


def _value(inside: str, facts: Facts) -> str | None:
    if inside in ("*", "?", "$"):
        return inside
    named, comma, default = inside.partition(",")
    key, default = named.strip().lower(), default.strip()
    known = facts.get(key)
    if isinstance(known, str):
        return known
    quoted = len(default) > 1 and default[0] == default[-1] == "'"
    return default[1:-1] if comma and quoted and key in facts and known is None else None


def _fact(key: str, facts: Facts, complete: bool) -> tuple[str, ...] | Judged:
    """Its values; None: there is no such key; False: nobody knows."""
    key = key.lower()
    if key not in facts:
        return None if complete and key not in _ALWAYS else False
    found = facts[key]
    return (found,) if isinstance(found, str) else found


def _held(
    of_set: str, name: str, wanted: list[str], values: tuple[str, ...] | Judged,
    facts: Facts, variables: bool,
) -> Judged:  # fmt: skip
    """One key of one operator."""
    if values is False or values is True:
        return None
    if name == "Null":
        absent = {"true": True, "false": False}.get(wanted[0].lower() if len(wanted) == 1 else "")
        return None if absent is None or of_set else absent is (values is None)
    plain, optional = name.removesuffix("IfExists"), name.endswith("IfExists")
    kind, negated = _POSITIVE.get(plain, (plain, False))
    compare = _COMPARE.get(kind)
    if compare is None:
        return None
    if values is None:
        return optional or of_set == "ForAllValues" or (negated and not of_set)
    if not of_set and len(values) != 1:
        return None  # several, and nothing says which of them
    patterns = [filled(one, facts, variables) for one in wanted]
    each = [_any([_compared(compare, one, value) for one in patterns]) for value in values]
    each = [said if said is None else said is not negated for said in each]
    return _any(each) if of_set == "ForAnyValue" else _all(each)


def _compared(
    compare: Callable[[Pattern, str], Judged], pattern: Pattern | None, value: str
) -> Judged:
    return None if pattern is None else compare(pattern, value)


def _any(judged: list[Judged]) -> Judged:
    return True if True in judged else None if None in judged else False


def _all(judged: list[Judged]) -> Judged:
    return False if False in judged else None if None in judged else True


def _listed(given: Any) -> list[str]:
    return list(listed(given))


def _plain(pattern: Pattern) -> str:
    """As it was written, where wildcards have no meaning."""
    return "".join({ANYTHING: "*", ONE: "?"}.get(one, one) for one in pattern)


def _arn(pattern: Pattern, value: str) -> bool:
    """Part by part, so that no wildcard goes beyond its own; a lone one is all there is."""
    parts: list[list[str]] = [[]]
    for one in pattern:
        if one == ":" and len(parts) < _ARN_PARTS:
            parts.append([])
        else:
            parts[-1].append(one)
    values = value.split(":", _ARN_PARTS - 1)
    if len(parts) == 1:
        return fits(pattern, value)
    return len(parts) == len(values) == _ARN_PARTS and all(
        fits(tuple(part), one) for part, one in zip(parts, values, strict=True)
    )


def _numbers(holds: Callable[[Decimal, Decimal], bool]) -> Callable[[Pattern, str], Judged]:
    def compare(wanted: Pattern, value: str) -> Judged:
        try:
            return holds(Decimal(value), Decimal(_plain(wanted)))
        except InvalidOperation:
            return None

    return compare


def _moments(holds: Callable[[datetime, datetime], bool]) -> Callable[[Pattern, str], Judged]:
    def compare(wanted: Pattern, value: str) -> Judged:
        try:
            return holds(_moment(value), _moment(_plain(wanted)))
        except (ValueError, OverflowError, OSError):
            return None

    return compare


def _moment(text: str) -> datetime:
    """ISO 8601, or seconds since 1970."""
    if re.fullmatch(r"\d{1,12}", text, re.ASCII):
        return datetime.fromtimestamp(int(text), UTC)
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _address(wanted: Pattern, value: str) -> Judged:
    try:
        network = ipaddress.ip_network(_plain(wanted), strict=False)
        return ipaddress.ip_address(value) in network
    except ValueError:
        return None


def _bool(wanted: Pattern, value: str) -> bool:
    return _plain(wanted).lower() == value.lower()


_COMPARE: Final[dict[str, Callable[[Pattern, str], Judged]]] = {
    "StringEquals": lambda wanted, value: _plain(wanted) == value,
    "StringEqualsIgnoreCase": lambda wanted, value: _plain(wanted).lower() == value.lower(),
    "StringLike": fits,
    "ArnEquals": _arn,
    "ArnLike": _arn,
    "Bool": _bool,
    "BinaryEquals": lambda wanted, value: _plain(wanted) == value,
    "IpAddress": _address,
    "NumericEquals": _numbers(lambda value, wanted: value == wanted),
    "NumericLessThan": _numbers(lambda value, wanted: value < wanted),
    "NumericLessThanEquals": _numbers(lambda value, wanted: value <= wanted),
    "NumericGreaterThan": _numbers(lambda value, wanted: value > wanted),
    "NumericGreaterThanEquals": _numbers(lambda value, wanted: value >= wanted),
    "DateEquals": _moments(lambda value, wanted: value == wanted),
    "DateLessThan": _moments(lambda value, wanted: value < wanted),
    "DateLessThanEquals": _moments(lambda value, wanted: value <= wanted),
    "DateGreaterThan": _moments(lambda value, wanted: value > wanted),
    "DateGreaterThanEquals": _moments(lambda value, wanted: value >= wanted),
}
_POSITIVE: Final = {
    "StringNotEquals": ("StringEquals", True),
    "StringNotEqualsIgnoreCase": ("StringEqualsIgnoreCase", True),
    "StringNotLike": ("StringLike", True),
    "ArnNotEquals": ("ArnEquals", True),
    "ArnNotLike": ("ArnLike", True),
    "NotIpAddress": ("IpAddress", True),
    "NumericNotEquals": ("NumericEquals", True),
    "DateNotEquals": ("DateEquals", True),
}
