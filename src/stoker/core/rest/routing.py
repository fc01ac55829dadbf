"""Which resource of a REST API a path leads to: {id} takes one part of it, {proxy+} all that is
left. What is spelled out comes before what is variable, and that before what takes everything; the
first that has the method is it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

Doc = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Route:
    resource: Doc
    method: Doc
    parameters: Mapping[str, str]  # of the path, decoded


@dataclass(slots=True)
class _Place:
    resource: Doc | None = None
    plain: "dict[str, _Place]" = field(default_factory=dict)
    variable: "tuple[str, _Place] | None" = None
    greedy: tuple[str, Doc] | None = None


class Router:
    def __init__(self, resources: Mapping[str, Doc]) -> None:
        self._root = _Place()
        for resource in resources.values():
            self._add(resource)

    def _add(self, resource: Doc) -> None:
        place = self._root
        for part in _parts(resource["path"]):
            if part.startswith("{") and part.endswith("+}"):
                place.greedy = (part[1:-2], resource)
                return
            if part.startswith("{"):
                if place.variable is None:
                    place.variable = (part[1:-1], _Place())
                place = place.variable[1]
            else:
                place = place.plain.setdefault(part, _Place())
        place.resource = resource

    def match(self, method: str, path: str) -> Route | None:
        """`path`: without the stage, percent-encoded. A slash at its end makes no difference."""
        for resource, parameters in _leads(self._root, _parts(path), {}):
            methods = resource.get("resourceMethods") or {}
            found = methods.get(method) or methods.get("ANY")
            if found is not None:
                return Route(resource, found, parameters)
        return None


def _parts(path: str) -> list[str]:
    inner = path.strip("/")
    return inner.split("/") if inner else []


def _leads(
    place: _Place, parts: list[str], found: dict[str, str]
) -> Iterator[tuple[Doc, dict[str, str]]]:
    """As deep as an API has resources, and two ways at each step at most."""
    if not parts:
        if place.resource is not None:
            yield place.resource, found
        return
    first, rest = parts[0], parts[1:]
    below = place.plain.get(first) or place.plain.get(unquote(first))
    if below is not None:
        yield from _leads(below, rest, found)
    if place.variable is not None and first:
        name, below = place.variable
        yield from _leads(below, rest, {**found, name: unquote(first)})
    if place.greedy is not None:
        name, resource = place.greedy
        yield resource, {**found, name: unquote("/".join(parts))}
