"""Intrinsic functions: from what a template says to what is meant.

`evaluate` walks a value; what it needs to know is in a Scope. A resource that is not there yet
makes its reference UNKNOWN, and so everything that is made of it (a change set is computed so).
"""

import base64
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from stoker.core.stacks.errors import ValidationError, template_error

UNKNOWN: Final = "{{changeSet:KNOWN_AFTER_APPLY}}"  # AWS's word for it
NO_VALUE: Final = object()
LONGEST = 1024 * 1024  # of a text that functions make
MOST_MADE = 16 * 1024 * 1024  # characters that all functions of a template make together
ELEMENT = 32  # characters that an element of a list counts for, beside its own
_VARIABLE = re.compile(r"\$\{(!?)([^${}]*)\}")

Lookup = Callable[[str, str | None], Any]  # (logical id, attribute or None for Ref) -> value


def _nobody(logical: str, _attribute: str | None) -> Any:
    raise template_error(f"{logical} cannot be used here")


@dataclass(slots=True)
class Truths:
    """Of conditions, each of which is worked out once: they name each other, so that else a chain
    of them would take twice as long with each link."""

    known: dict[str, bool] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)  # and not answered yet


@dataclass(slots=True)
class Made:
    """What functions have made so far. A short text may stand for a long one in many places, and
    each stands there in full once it is sent or stored."""

    characters: int = 0

    def count(self, value: Any) -> None:
        waiting = [value]
        while waiting and self.characters <= MOST_MADE:
            match waiting.pop():
                case str(text):
                    self.characters += len(text)
                case list(items):
                    self.characters += ELEMENT * len(items)
                    waiting += items
                case dict(members):
                    self.characters += ELEMENT * len(members)
                    waiting += members.values()
        if self.characters > MOST_MADE:
            raise template_error(
                f"the functions of a template make more than {MOST_MADE} characters"
            )


@dataclass(frozen=True, slots=True)
class Scope:
    parameters: Mapping[str, Any]  # pseudo parameters, too
    mappings: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, Any] = field(default_factory=dict)  # as written, or bools
    lookup: Lookup = _nobody
    imported: Callable[[str], Any] = lambda name: _no_export(name)
    zones: tuple[str, ...] = ()
    truths: Truths = field(default_factory=Truths, compare=False, repr=False)
    made: Made = field(default_factory=Made, compare=False, repr=False)

    def looking(self, lookup: Lookup) -> "Scope":
        return replace(self, lookup=lookup)


def _no_export(name: str) -> Any:
    raise ValidationError(f"No export named {name} found.")


def evaluate(value: Any, scope: Scope) -> Any:
    """What it means. NO_VALUE where it is AWS::NoValue."""
    match value:
        case dict():
            name = function_of(value)
            if name is not None:
                found = _FUNCTIONS[name](value[name], scope)
                if name != "Fn::If":  # what it chooses was counted as it was made
                    scope.made.count(found)
                return found
            items = {key: evaluate(item, scope) for key, item in value.items()}
            return {key: item for key, item in items.items() if item is not NO_VALUE}
        case list():
            each = [evaluate(item, scope) for item in value]
            return [item for item in each if item is not NO_VALUE]
        case _:
            return value


def function_of(value: Mapping[str, Any]) -> str | None:
    """The function that this is a call of."""
    if len(value) != 1:
        return None
    (name,) = value
    if name in _FUNCTIONS:
        return name
    if isinstance(name, str) and name.startswith("Fn::"):
        raise template_error(f"unresolved or unsupported function {name}")
    return None


def is_true(condition: str, scope: Scope) -> bool:
    """A condition by its name."""
    if condition not in scope.conditions:
        raise template_error(f"Unresolved condition dependency {condition}")
    known, asked = scope.truths.known, scope.truths.asked
    if condition in known:
        return known[condition]
    if condition in asked:
        raise template_error(f"Circular dependency of conditions: {', '.join(sorted(asked))}")
    asked.add(condition)
    try:
        known[condition] = _truth(scope.conditions[condition], scope)
    except RecursionError:
        raise template_error(f"Condition {condition} depends on too many others") from None
    finally:
        asked.remove(condition)
    return known[condition]


def _truth(value: Any, scope: Scope) -> bool:
    match value:
        case bool():
            return value
        case {"Condition": str(name)} if len(value) == 1:
            return is_true(name, scope)
        case {"Fn::And": list(parts)}:
            return all(_truth(part, scope) for part in parts)
        case {"Fn::Or": list(parts)}:
            return any(_truth(part, scope) for part in parts)
        case {"Fn::Not": [part]}:
            return not _truth(part, scope)
        case {"Fn::Equals": [left, right]}:
            return bool(_word(evaluate(left, scope)) == _word(evaluate(right, scope)))
        case {"Fn::Contains": [several, one]}:
            return _word(evaluate(one, scope)) in map(_word, _list(evaluate(several, scope)))
        case _:
            raise template_error(f"{_shown(value)} is not a condition")


def _word(value: Any) -> Any:
    """True, "true" and 1, "1" are the same to CloudFormation."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case _:
            return value


def _list(value: Any) -> list[Any]:
    return value.split(",") if isinstance(value, str) else value


def _ref(name: Any, scope: Scope) -> Any:
    if name == "AWS::NoValue":
        return NO_VALUE
    name = _text(name, "Ref")
    if name in scope.parameters:
        return scope.parameters[name]
    return scope.lookup(name, None)


def _get_att(value: Any, scope: Scope) -> Any:
    match value:
        case str() if "." in value:
            logical, _, attribute = value.partition(".")
        case [str(logical), attribute]:
            attribute = evaluate(attribute, scope)
        case [str(logical), *parts] if all(isinstance(part, str) for part in parts):
            attribute = ".".join(parts)
        case _:
            raise template_error("every Fn::GetAtt object must name a resource and an attribute")
    return scope.lookup(logical, _text(attribute, "Fn::GetAtt"))


def _sub(value: Any, scope: Scope) -> Any:
    match value:
        case str(text):
            own: dict[str, Any] = {}
        case [str(text), dict(own)]:
            own = {name: evaluate(item, scope) for name, item in own.items()}
        case _:
            raise template_error(
                "One or more Fn::Sub intrinsic functions don't specify expected arguments"
            )
    unknown, size = False, len(text)

    def put(found: re.Match[str]) -> str:
        nonlocal unknown, size
        if found[1]:
            return f"${{{found[2]}}}"
        name = found[2].strip()
        if name in own:
            it = own[name]
        elif "." in name and name not in scope.parameters:
            it = _get_att(name, scope)
        else:
            it = _ref(name, scope)
        unknown = unknown or _is_unknown(it)
        word = _joined([it], "", "Fn::Sub")
        size += len(word)
        _check_length(size)
        return word

    made = _VARIABLE.sub(put, text)
    return UNKNOWN if unknown else made


def _join(value: Any, scope: Scope) -> Any:
    match value:
        case [str(between), items]:
            found = evaluate(items, scope)
        case _:
            raise template_error("every Fn::Join object requires two parameters")
    if _is_unknown(found):
        return UNKNOWN
    if isinstance(found, str):
        found = found.split(",")
    if not isinstance(found, list):
        raise template_error("the second parameter of Fn::Join is a list")
    return UNKNOWN if any(map(_is_unknown, found)) else _joined(found, between, "Fn::Join")


def _joined(items: list[Any], between: str, where: str) -> str:
    words = []
    for item in items:
        if isinstance(item, dict | list) and not (
            isinstance(item, list) and all(isinstance(one, str) for one in item)
        ):
            raise template_error(f"{where} takes texts only")
        if isinstance(item, list):
            _check_length(sum(map(len, item)) + len(item))
        words.append(",".join(item) if isinstance(item, list) else str(_word(item)))
    if sum(map(len, words)) + len(between) * len(words) > LONGEST:
        raise template_error(f"{where} makes a text of more than {LONGEST} characters")
    return between.join(words)


def _check_length(size: int) -> None:
    if size > LONGEST:
        raise template_error(f"a function makes a text of more than {LONGEST} characters")


def _select(value: Any, scope: Scope) -> Any:
    match value:
        case [index, items]:
            number, found = evaluate(index, scope), evaluate(items, scope)
        case _:
            raise template_error("Fn::Select requires a list argument with two elements")
    if _is_unknown(found):
        return UNKNOWN
    try:
        position = int(number)
        if position < 0:
            raise IndexError
        return _list(found)[position]
    except (ValueError, TypeError, IndexError):
        raise template_error(f"Fn::Select cannot select nonexistent value at index {number}") from (
            None
        )


def _split(value: Any, scope: Scope) -> Any:
    match value:
        case [str(at), text] if at:
            found = evaluate(text, scope)
        case _:
            raise template_error("every Fn::Split object requires two parameters")
    if _is_unknown(found):
        return UNKNOWN
    return _text(found, "Fn::Split").split(at)


def _find_in_map(value: Any, scope: Scope) -> Any:
    match value:
        case [_, _, _] | [_, _, _, _]:
            name, first, second = (evaluate(part, scope) for part in value[:3])
        case _:
            raise template_error("every Fn::FindInMap object requires three parameters")
    if _is_unknown(name) or _is_unknown(first) or _is_unknown(second):
        return UNKNOWN
    try:
        return scope.mappings[name][_word(first)][_word(second)]
    except (KeyError, TypeError):
        if len(value) == 4 and isinstance(value[3], dict) and "DefaultValue" in value[3]:
            return evaluate(value[3]["DefaultValue"], scope)
        raise template_error(f"Unable to get mapping for {name}::{first}::{second}") from None


def _if(value: Any, scope: Scope) -> Any:
    match value:
        case [str(condition), yes, no]:
            return evaluate(yes if is_true(condition, scope) else no, scope)
        case _:
            raise template_error("Fn::If requires a list argument with three elements")


def _condition(value: Any, scope: Scope) -> Any:
    """Conditions stand in lists of policies, too: there it is a word like any other."""
    if isinstance(value, str) and value in scope.conditions:
        return is_true(value, scope)
    return {"Condition": evaluate(value, scope)}


def _base64(value: Any, scope: Scope) -> Any:
    found = evaluate(value, scope)
    if _is_unknown(found):
        return UNKNOWN
    return base64.b64encode(_text(found, "Fn::Base64").encode()).decode()


def _zones(value: Any, scope: Scope) -> Any:
    return [f"{evaluate(value, scope) or scope.parameters['AWS::Region']}{zone}" for zone in "abc"]


def _import(value: Any, scope: Scope) -> Any:
    return scope.imported(_text(evaluate(value, scope), "Fn::ImportValue"))


def _cidr(value: Any, scope: Scope) -> Any:
    match [evaluate(part, scope) for part in value] if isinstance(value, list) else value:
        case [str(block), count, *bits]:
            pass
        case _:
            raise template_error("Fn::Cidr requires a block and a count")
    try:
        network = ipaddress.ip_network(block, strict=False)
        size = network.max_prefixlen - int(bits[0] if bits else 8)
        number = int(count)
        if not 1 <= number <= 256:  # AWS's bound
            raise ValueError
        subnets = network.subnets(new_prefix=size)
        return [str(next(subnets)) for _ in range(number)]
    except (ValueError, StopIteration):
        raise template_error(f"Fn::Cidr cannot cut {count} blocks out of {block}") from None


def _length(value: Any, scope: Scope) -> Any:
    found = evaluate(value, scope)
    if _is_unknown(found):
        return UNKNOWN
    if not isinstance(found, list | str):
        raise template_error("Fn::Length takes a list")
    return len(_list(found))


def _to_json(value: Any, scope: Scope) -> Any:
    found = evaluate(value, scope)
    text = json.dumps(found, separators=(",", ":"))
    _check_length(len(text))
    return UNKNOWN if UNKNOWN in text else text


def _boolean(name: str) -> Callable[[Any, Scope], Any]:
    return lambda value, scope: _truth({name: value}, scope)


def _is_unknown(value: Any) -> bool:
    return isinstance(value, str) and UNKNOWN in value


def _text(value: Any, where: str) -> str:
    if isinstance(value, bool | int | float):
        return str(_word(value))
    if not isinstance(value, str):
        raise template_error(f"{where} takes a text, and not {_shown(value)}")
    return value


def _shown(value: Any) -> str:
    return json.dumps(value, default=str)[:200]


_FUNCTIONS: dict[str, Callable[[Any, Scope], Any]] = {
    "Ref": _ref,
    "Condition": _condition,
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::FindInMap": _find_in_map,
    "Fn::If": _if,
    "Fn::Base64": _base64,
    "Fn::GetAZs": _zones,
    "Fn::ImportValue": _import,
    "Fn::Cidr": _cidr,
    "Fn::Length": _length,
    "Fn::ToJsonString": _to_json,
    **{name: _boolean(name) for name in ("Fn::And", "Fn::Or", "Fn::Not", "Fn::Equals")},
    "Fn::Contains": _boolean("Fn::Contains"),
}
