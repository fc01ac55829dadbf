"""What templates may do with values: Java's methods of text, lists, maps and numbers.

Every result is paid for out of the run's budget, so that no template makes texts or lists that
double until the memory is full.
"""

import re
from collections.abc import Callable
from typing import Any, Protocol

from stoker.core.rest import regex
from stoker.core.rest.velocity_words import BadTemplate

MOST_STEPS = 300_000
MOST_CHARACTERS = 40_000_000  # made on the way; a body has 10 MB
MOST_NESTED = 60  # of a value


class Budget:
    def __init__(self, steps: int = MOST_STEPS, characters: int = MOST_CHARACTERS) -> None:
        self._steps = steps
        self._characters = characters

    def step(self, count: int = 1) -> None:
        self._steps -= count
        if self._steps < 0:
            raise BadTemplate("it takes too many steps")

    def characters(self, count: int) -> None:
        self._characters -= count
        if self._characters < 0:
            raise BadTemplate("it makes too much text")

    def deep(self, value: Any, depth: int = 0) -> None:
        """Pay for going through a whole value."""
        self.step()
        if depth > MOST_NESTED:
            raise BadTemplate("a value is nested too deep")
        if isinstance(value, dict):
            for one in value.values():
                self.deep(one, depth + 1)
        elif isinstance(value, list):
            for one in value:
                self.deep(one, depth + 1)
        elif isinstance(value, str):
            self.characters(len(value))


class Scripted(Protocol):
    """$input and $util: what is more than data."""

    def property(self, name: str) -> Any: ...

    def call(self, name: str, given: list[Any], budget: Budget) -> Any: ...


def call(value: Any, name: str, given: list[Any], budget: Budget) -> Any:
    """What the method answers; None where there is no such method, as Velocity has it."""
    match value:
        case str():
            methods: dict[str, Method] = _TEXT
        case bool():
            methods = {}
        case int() | float():
            methods = _NUMBER
        case dict():
            methods = _MAP
        case list():
            methods = _LIST
        case _:
            methods = {}
    method = methods.get(name) or _ANY.get(name)
    if method is None or value is None:
        return None
    budget.step(4 + (len(value) // 1000 if isinstance(value, str) else 0))
    try:
        found = method(value, given, budget)
    except (IndexError, TypeError, AttributeError, KeyError, ValueError, OverflowError) as error:
        if isinstance(error, BadTemplate):
            raise
        raise BadTemplate(f"{name}() was called with what it does not take") from None
    except regex.TooHard as error:
        raise BadTemplate(str(error)) from None
    if isinstance(found, str):
        budget.characters(len(found))
    elif isinstance(found, list):
        budget.step(len(found))
    return found


def shown(value: Any, budget: Budget, depth: int = 0) -> str:
    """As Java's toString() has it: {a=1, b=[x, y]}."""
    match value:
        case None:
            text = "null"
        case bool():
            text = "true" if value else "false"
        case str():
            text = value
        case int() | float():
            text = _decimal(value)
        case dict():
            budget.deep(value, depth)
            pairs = (f"{key}={shown(one, budget, depth + 1)}" for key, one in value.items())
            text = "{" + ", ".join(pairs) + "}"
        case list():
            budget.deep(value, depth)
            text = "[" + ", ".join(shown(one, budget, depth + 1) for one in value) + "]"
        case _:
            text = ""
    budget.characters(len(text))
    return text


def detached(value: Any, budget: Budget) -> Any:
    """Not the very thing it is put into: a value that holds itself has no end."""
    if isinstance(value, dict | list):
        budget.deep(value)
        return _copied(value)
    return value


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(one) for key, one in value.items()}
    return [_copied(one) for one in value] if isinstance(value, list) else value


def _decimal(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    text = repr(value)
    return text.replace("e+", "E").replace("e", "E").replace("inf", "Infinity")


Method = Callable[[Any, list[Any], Budget], Any]


def _text_of(given: Any) -> str:
    if not isinstance(given, str):
        raise TypeError
    return given


def _replaced(text: str, given: list[Any], budget: Budget) -> str:
    old, new = _text_of(given[0]), _text_of(given[1])
    budget.characters(len(text) + text.count(old) * len(new))
    return text.replace(old, new)


def _compiled(source: Any) -> regex.Regex:
    try:
        return regex.read(_text_of(source))
    except regex.BadRegex as error:
        raise BadTemplate(f"the regular expression {source[:50]!r}: {error}") from None


_PLAIN = re.compile(r"(?:[^\\^$.|?*+()\[\]{}]|\\[^a-zA-Z0-9])*")


def _plain(source: Any) -> str | None:
    """The text, if the expression means just that."""
    if _PLAIN.fullmatch(_text_of(source)) and source:
        return re.sub(r"\\(.)", r"\1", source)
    return None


def _replaced_all(text: str, given: list[Any], budget: Budget) -> str:
    source, new = given[0], _text_of(given[1])
    plain = _plain(source)
    if plain is not None and "\\" not in new and "$" not in new:
        return _replaced(text, [plain, new], budget)
    return _substituted(text, source, new, budget, most=len(text) + 1)


def _replaced_first(text: str, given: list[Any], budget: Budget) -> str:
    return _substituted(text, given[0], _text_of(given[1]), budget, most=1)


def _substituted(text: str, source: Any, new: str, budget: Budget, *, most: int) -> str:
    found: list[str] = []
    behind = 0
    for count, span in enumerate(_compiled(source).spans(text, budget.step)):
        if count >= most:
            break
        budget.step(2)
        piece = _filled(new, span)
        budget.characters(len(piece))
        found += (text[behind : span.start], piece)
        behind = span.end
    return "".join((*found, text[behind:]))


def _filled(new: str, span: regex.Span) -> str:
    def value(found: re.Match[str]) -> str:
        return found[1] or span.group(int(found[2]))

    return re.sub(r"\\(.)|\$(\d)", value, new, flags=re.DOTALL)


def _split(text: str, given: list[Any], budget: Budget) -> list[str]:
    """Empty texts at the end are left out, as Java does."""
    budget.characters(len(text))
    plain = _plain(given[0])
    if plain is not None:
        parts = text.split(plain)
    else:
        parts, behind = [], 0
        for span in _compiled(given[0]).spans(text, budget.step):
            if span.end > span.start:
                parts.append(text[behind : span.start])
                behind = span.end
        parts.append(text[behind:])
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return parts


def _substring(text: str, given: list[Any], _: Budget) -> str:
    start = int(given[0])
    end = int(given[1]) if len(given) > 1 else len(text)
    if not 0 <= start <= end <= len(text):
        raise IndexError
    return text[start:end]


_TEXT: dict[str, Method] = {
    "length": lambda text, _, __: len(text),
    "isEmpty": lambda text, _, __: not text,
    "substring": _substring,
    "contains": lambda text, given, _: _text_of(given[0]) in text,
    "startsWith": lambda text, given, _: text.startswith(_text_of(given[0])),
    "endsWith": lambda text, given, _: text.endswith(_text_of(given[0])),
    "indexOf": lambda text, given, _: text.find(_text_of(given[0])),
    "lastIndexOf": lambda text, given, _: text.rfind(_text_of(given[0])),
    "replace": _replaced,
    "replaceAll": _replaced_all,
    "replaceFirst": _replaced_first,
    "split": _split,
    "matches": lambda text, given, budget: _compiled(given[0]).matches(text, budget.step),
    "toLowerCase": lambda text, _, __: text.lower(),
    "toUpperCase": lambda text, _, __: text.upper(),
    "trim": lambda text, _, __: text.strip(),
    "concat": lambda text, given, _: text + _text_of(given[0]),
    "charAt": lambda text, given, _: text[int(given[0])],
    "equalsIgnoreCase": lambda text, given, _: text.lower() == _text_of(given[0]).lower(),
    "compareTo": lambda text, given, _: (text > given[0]) - (text < given[0]),
    "get": lambda text, given, _: None,
}


def _parsed(given: list[Any]) -> int:
    text = _text_of(given[0])
    if not re.fullmatch(r"[+-]?\d{1,19}", text, re.ASCII):
        raise ValueError
    return int(text)


_NUMBER: dict[str, Method] = {
    "parseInt": lambda _, given, __: _parsed(given),  # "#set($Integer = 0) $Integer.parseInt(…)"
    "parseLong": lambda _, given, __: _parsed(given),
    "valueOf": lambda _, given, __: _parsed(given),
    "parseDouble": lambda _, given, __: float(_text_of(given[0])[:40]),
    "intValue": lambda number, _, __: int(number),
    "longValue": lambda number, _, __: int(number),
    "doubleValue": lambda number, _, __: float(number),
    "compareTo": lambda number, given, _: (number > given[0]) - (number < given[0]),
}


def _put(owner: dict[str, Any], given: list[Any], budget: Budget) -> Any:
    budget.step()
    before = owner.get(_text_of(given[0]))
    owner[given[0]] = detached(given[1], budget)
    return "" if before is None else before


def _put_all(owner: dict[str, Any], given: list[Any], budget: Budget) -> str:
    owner.update(detached(given[0], budget))
    return ""


def _has(owner: dict[str, Any], given: list[Any], budget: Budget) -> bool:
    budget.deep(owner)
    return given[0] in owner.values()


_MAP: dict[str, Method] = {
    "get": lambda owner, given, _: owner.get(given[0]) if isinstance(given[0], str) else None,
    "getOrDefault": lambda owner, given, _: owner.get(given[0], given[1]),
    "put": _put,
    "putAll": _put_all,
    "remove": lambda owner, given, _: owner.pop(_text_of(given[0]), None),
    "containsKey": lambda owner, given, _: isinstance(given[0], str) and given[0] in owner,
    "containsValue": lambda owner, given, budget: _has(owner, given, budget),
    "keySet": lambda owner, _, __: list(owner),
    "values": lambda owner, _, __: list(owner.values()),
    "entrySet": lambda owner, _, __: [{"key": k, "value": v} for k, v in owner.items()],
    "getKey": lambda owner, _, __: owner.get("key"),  # of an entry
    "getValue": lambda owner, _, __: owner.get("value"),
    "size": lambda owner, _, __: len(owner),
    "isEmpty": lambda owner, _, __: not owner,
}


def _add(owner: list[Any], given: list[Any], budget: Budget) -> bool:
    budget.step()
    if len(given) > 1:
        owner.insert(int(given[0]), detached(given[1], budget))
    else:
        owner.append(detached(given[0], budget))
    return True


def _add_all(owner: list[Any], given: list[Any], budget: Budget) -> bool:
    owner.extend(detached(given[0], budget))
    return True


def _set(owner: list[Any], given: list[Any], budget: Budget) -> Any:
    at = int(given[0])
    before, owner[at] = owner[at], detached(given[1], budget)
    return before


def _found_at(owner: list[Any], given: list[Any], budget: Budget) -> int:
    budget.deep(owner)
    return owner.index(given[0]) if given[0] in owner else -1


_LIST: dict[str, Method] = {
    "get": lambda owner, given, _: owner[int(given[0])],
    "set": _set,
    "add": _add,
    "addAll": _add_all,
    "remove": lambda owner, given, _: owner.pop(int(given[0])),
    "contains": lambda owner, given, budget: _found_at(owner, given, budget) >= 0,
    "indexOf": _found_at,
    "subList": lambda owner, given, _: owner[int(given[0]) : int(given[1])],
    "iterator": lambda owner, _, __: owner,
    "size": lambda owner, _, __: len(owner),
    "isEmpty": lambda owner, _, __: not owner,
}


def _is_equal(value: Any, given: list[Any], budget: Budget) -> bool:
    budget.deep(value)
    return type(value) is type(given[0]) and bool(value == given[0])


_ANY: dict[str, Method] = {
    "toString": lambda value, _, budget: shown(value, budget),
    "equals": _is_equal,
}
