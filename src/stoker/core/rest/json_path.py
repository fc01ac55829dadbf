"""JSONPath, as $input.json() and $input.path() take it: $.a.b[0]['c'], $..name, $.all[*], [1:3].

Filters (`[?(…)]`) are not built, and refused.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

MOST_LENGTH = 1000


class BadPath(ValueError):
    """It cannot be read: why."""


Step = tuple[str, Any]  # ("key", name), ("at", number), ("each", None), ("below", None), …

_PLAIN = re.compile(r"[^\s.\[\]'\"*?()@]+")
_INDEX = re.compile(r"\[\s*(-?\d{1,9})\s*\]", re.ASCII)
_SLICE = re.compile(r"\[\s*(-?\d{1,9})?\s*:\s*(-?\d{1,9})?\s*\]", re.ASCII)
_QUOTED = re.compile(r"\[\s*(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\")\s*\]")


def find(document: Any, path: str, pay: Callable[[], None]) -> Any:
    """What is there: the value of a path that leads to one place, else a list; None: nothing.
    `pay` is called for each place that is looked at. Raise BadPath."""
    steps = read(path)
    places = iter([document])
    for step in steps:
        places = _next(places, step, pay)
    found = list(places)
    if any(kind in ("each", "below", "slice") for kind, _ in steps):
        return found
    return found[0] if found else None


@lru_cache(maxsize=1024)
def read(path: str) -> tuple[Step, ...]:
    path = path.strip()
    if len(path) > MOST_LENGTH:
        raise BadPath(f"a path has at most {MOST_LENGTH} characters")
    at = 1 if path.startswith("$") else 0
    if at == 0:
        path = "." + path  # as AWS, which reads "a.b" as "$.a.b"
    steps: list[Step] = []
    while at < len(path):
        step, at = _read_one(path, at)
        steps += step
    return tuple(steps)


def _read_one(path: str, at: int) -> tuple[list[Step], int]:
    found: list[Step] = []
    if path.startswith("..", at):
        found.append(("below", None))
        at += 1 if path.startswith("..[", at) else 0
        at += 1
        if path.startswith("[", at):
            return found, at
    if path.startswith("[", at):
        return _read_bracket(path, at)
    if not path.startswith(".", at):
        raise BadPath(f"cannot read {path[at : at + 20]!r}")
    at += 1
    if path.startswith("*", at):
        return [*found, ("each", None)], at + 1
    name = _PLAIN.match(path, at)
    if name is None:
        raise BadPath("a name is missing")
    return [*found, ("key", name[0])], name.end()


def _read_bracket(path: str, at: int) -> tuple[list[Step], int]:
    if match := _INDEX.match(path, at):
        return [("at", int(match[1]))], match.end()
    if match := _QUOTED.match(path, at):
        name = match[1] if match[1] is not None else match[2]
        return [("key", re.sub(r"\\(.)", r"\1", name))], match.end()
    if path.startswith("[*]", at):
        return [("each", None)], at + 3
    if match := _SLICE.match(path, at):
        first, last = (int(one) if one else None for one in match.groups())
        return [("slice", slice(first, last))], match.end()
    raise BadPath(f"{path[at : at + 20]!r} is not built")


def _next(places: Iterator[Any], step: Step, pay: Callable[[], None]) -> Iterator[Any]:
    kind, what = step
    for place in places:
        pay()
        match kind:
            case "key" if isinstance(place, dict) and what in place:
                yield place[what]
            case "at" if isinstance(place, list) and -len(place) <= what < len(place):
                yield place[what]
            case "each":
                yield from _within(place)
            case "slice" if isinstance(place, list):
                yield from place[what]
            case "below":
                yield from _below(place, pay)


def _within(place: Any) -> Iterator[Any]:
    if isinstance(place, dict):
        yield from place.values()
    elif isinstance(place, list):
        yield from place


def _below(place: Any, pay: Callable[[], None]) -> Iterator[Any]:
    waiting = [place]
    while waiting:
        pay()
        one = waiting.pop()
        yield one
        waiting.extend(reversed(list(_within(one))))
