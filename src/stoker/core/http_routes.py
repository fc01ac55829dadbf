"""Routes of HTTP APIs: "GET /pets/{id}", "ANY /{proxy+}", "$default"; and which a request takes.

Documented by AWS (API Gateway developer guide, "Routes for HTTP APIs"): a path that matches without
a greedy variable comes before one with, and $default comes last. Of several that match alike, here
the one that is literal further to the front comes first, then the method before ANY.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

DEFAULT = "$default"
METHODS = frozenset({"ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_KEY = re.compile(r"([A-Z]+) (/\S*)", re.ASCII)
_VARIABLE = re.compile(r"\{([^{}/+]+)(\+?)\}")


@dataclass(frozen=True, slots=True)
class Route:
    """One route, ready to be compared with requests."""

    id: str
    key: str
    method: str  # "" for $default
    segments: tuple[str, ...]

    @property
    def greedy(self) -> bool:
        return bool(self.segments) and self.segments[-1].endswith("+}")

    @property
    def rank(self) -> tuple[bool, tuple[bool, ...], bool]:
        """The smaller, the more is it meant."""
        return (
            self.greedy,
            tuple(_variable(segment) is not None for segment in self.segments),
            self.method == "ANY",
        )


@dataclass(frozen=True, slots=True)
class Chosen:
    route: Route
    parameters: dict[str, str]  # of the path, decoded


class Routes:
    """All routes of what one deployment holds."""

    __slots__ = ("_default", "_routes")

    def __init__(self, routes: Iterable[Route]) -> None:
        listed = list(routes)
        self._default = next((one for one in listed if one.key == DEFAULT), None)
        self._routes = sorted(
            (one for one in listed if one.key != DEFAULT), key=lambda one: one.rank
        )

    def choose(self, method: str, path: str) -> Chosen | None:
        """`path`: percent-encoded, without the stage."""
        segments = _segments(path)
        for route in self._routes:
            if route.method in (method, "ANY"):
                parameters = _matched(route, segments)
                if parameters is not None:
                    return Chosen(route, parameters)
        return None if self._default is None else Chosen(self._default, {})


def read_key(id: str, key: str) -> Route | None:
    """None: that is none."""
    if key == DEFAULT:
        return Route(id, key, "", ())
    found = _KEY.fullmatch(key)
    if found is None or found[1] not in METHODS:
        return None
    segments = tuple(found[2][1:].split("/"))
    for number, segment in enumerate(segments, 1):
        if "{" not in segment and "}" not in segment:
            continue
        variable = _variable(segment)
        if variable is None or (variable[2] and number != len(segments)):
            return None
    names = [variable[1] for variable in map(_variable, segments) if variable]
    return Route(id, key, found[1], segments) if len(set(names)) == len(names) else None


def _matched(route: Route, segments: list[str]) -> dict[str, str] | None:
    wanted = route.segments
    if route.greedy and len(segments) > len(wanted):
        segments = [*segments[: len(wanted) - 1], "/".join(segments[len(wanted) - 1 :])]
    if len(segments) != len(wanted):
        return None
    parameters = {}
    for want, got in zip(wanted, segments, strict=True):
        variable = _variable(want)
        if variable is None:
            if want != got:
                return None
        elif not got:
            return None
        else:
            parameters[variable[1]] = got
    return parameters


def _segments(path: str) -> list[str]:
    return [
        unquote(one).encode("utf-8", "replace").decode()
        for one in path.removeprefix("/").split("/")
    ]


def _variable(segment: str) -> re.Match[str] | None:
    return _VARIABLE.fullmatch(segment)
