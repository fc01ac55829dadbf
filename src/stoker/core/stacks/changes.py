"""What an update means for each resource: nothing, a change in place, or another one instead.

Decided by the property: KINDS says for each type whose change needs a new resource. The same
rules serve a change set, where some values are not known yet, and the update itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from stoker.core.stacks.functions import UNKNOWN
from stoker.core.stacks.model import Change, Record
from stoker.core.stacks.template import Resource


class Step(Enum):
    NOTHING = auto()
    CREATE = auto()
    UPDATE = auto()
    REPLACE = auto()


@dataclass(frozen=True, slots=True)
class Traits:
    """Of a resource type: properties whose change needs a new resource; None: every change."""

    replaced_by: frozenset[str] | None


def step(before: Record | None, properties: Mapping[str, Any], traits: Traits) -> Step:
    """What has to be done so that a resource has these properties."""
    if before is None or not before.is_made:
        return Step.CREATE
    changed = differing(before.properties, properties)
    if not changed:
        return Step.NOTHING
    if traits.replaced_by is None or traits.replaced_by.intersection(changed):
        return Step.REPLACE
    return Step.UPDATE


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The properties whose values differ, by name."""
    names = before.keys() | after.keys()
    return sorted(name for name in names if plain(before.get(name)) != plain(after.get(name)))


def plain(value: Any) -> Any:
    """`true` and "true", 30 and "30" are the same to CloudFormation: texts."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case _:
            return value


def change(
    resource: Resource, properties: Mapping[str, Any], before: Record | None, traits: Traits
) -> Change | None:
    """The same for a change set: `properties` may hold what is known after it only."""
    if before is None or not before.is_made:
        return Change("Add", resource.logical, resource.kind)
    changed = differing(before.properties, properties)
    other = before.metadata != resource.metadata
    if not changed and not other:
        return None
    details = []
    worst = "False"
    for name in changed:
        needs = "Never"
        if traits.replaced_by is None or name in traits.replaced_by:
            needs = "Conditionally" if has_unknown(properties.get(name)) else "Always"
        details.append((name, needs))
        if needs == "Always":
            worst = "True"
        elif needs == "Conditionally" and worst == "False":
            worst = "Conditional"
    scope = ("Properties",) * bool(changed) + ("Metadata",) * other
    return Change(
        "Modify", resource.logical, resource.kind, before.physical, worst, tuple(details), scope
    )


def removals(there: Iterable[Record], wanted: Mapping[str, Resource]) -> list[Change]:
    return [
        Change("Remove", it.logical, it.kind, it.physical)
        for it in there
        if it.logical not in wanted
    ]


def has_unknown(value: Any) -> bool:
    match value:
        case str():
            return UNKNOWN in value
        case dict():
            return any(map(has_unknown, value.values()))
        case list():
            return any(map(has_unknown, value))
        case _:
            return False


def deletion_order(records: Mapping[str, Record]) -> list[frozenset[str]]:
    """Waves: each can go when those before are gone. What needs others goes first."""
    waiting = {name: set(it.needs).intersection(records) - {name} for name, it in records.items()}
    waves = []
    while waiting:
        needed = set().union(*waiting.values())
        wave = frozenset(waiting.keys() - needed) or frozenset(waiting)
        waves.append(wave)
        for name in wave:
            del waiting[name]
    return waves
