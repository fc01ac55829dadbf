"""What the operations of Application Auto Scaling have in common: names, lookups, pages."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from stoker.api import markers
from stoker.api.control import Caller
from stoker.api.identifiers import new_revision
from stoker.core.autoscaling import DIMENSION, NAMESPACE, Resource, Scaled, read_resource
from stoker.core.errors import (
    InvalidNextTokenException,
    InvalidParameterValueException,
    NotImplementedException,
    ObjectNotFoundException,
    ValidationException,
)
from stoker.core.model import FunctionKey
from stoker.core.resources import Kind, ResourceKey
from stoker.core.resources import Resource as Kept
from stoker.store.base import Transaction

PAGE = 50  # AWS's default and maximum
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found:
    """One scalable target, and as what it is kept."""

    resource: Resource
    kept: Kept
    scaled: Scaled


def resource_of(caller: Caller, namespace: str, resource_id: str, dimension: str) -> Resource:
    """What is to be scaled; 501 for all that is no provisioned concurrency."""
    if namespace != NAMESPACE:
        raise NotImplementedException(
            f"Stoker scales no resources of the namespace {namespace}: only "
            f"{NAMESPACE} is built. See docs/COMPATIBILITY.md."
        )
    if dimension != DIMENSION:
        raise ValidationException(
            "Unsupported service namespace, resource type or scalable dimension"
        )
    return read_resource(caller.account, caller.region, resource_id)


def key_of(resource: Resource) -> ResourceKey:
    function = resource.function
    return ResourceKey(function.account, function.region, Kind.SCALING, resource.id)


async def lookup(tx: Transaction, resource: Resource) -> Found | None:
    kept = await tx.resources.get(key_of(resource))
    return None if kept is None else Found(resource, kept, Scaled.load(kept.record))


async def registered(tx: Transaction, resource: Resource) -> Found:
    found = await lookup(tx, resource)
    if found is None:
        raise missing(resource, "No scalable target registered for")
    return found


async def keep(tx: Transaction, found: Found, scaled: Scaled) -> None:
    """This in place of what was found."""
    changed = found.kept.changed(scaled.dump(), revision=new_revision())
    await tx.resources.put(changed, expected=found.kept.revision_id)


async def every(
    tx: Transaction, caller: Caller, namespace: str, dimension: str | None
) -> list[Found]:
    """The caller's, by resource id; none in namespaces where nothing can be registered."""
    if namespace != NAMESPACE or dimension not in (None, DIMENSION):
        return []
    return [
        Found(
            read_resource(caller.account, caller.region, kept.key.id),
            kept,
            Scaled.load(kept.record),
        )
        for kept in await tx.resources.of(caller.account, caller.region, Kind.SCALING, after="")
    ]


def entries(
    found: Iterable[Found], resource_id: str | None, names: Collection[str] | None,
    of: Callable[[Scaled], Mapping[str, T]],
) -> list[tuple[str, Found, T]]:  # fmt: skip
    """Policies or scheduled actions of all targets, or of one; all, or those that are named. In
    the order of the names by which their list is cut into pages, which come first."""
    rows = [
        (f"{one.resource.id} {name}", one, entry)
        for one in found
        if resource_id in (None, one.resource.id)
        for name, entry in of(one.scaled).items()
        if not names or name in names
    ]
    return sorted(rows, key=lambda row: row[0])


def page(
    named: Sequence[tuple[str, T]], limit: int | None, token: str | None
) -> tuple[tuple[T, ...], str | None]:
    """Part of a list that is in the order of its names, and where it goes on."""
    most = limit or PAGE
    if not 0 < most <= PAGE:
        raise ValidationException(f"MaxResults must be between 1 and {PAGE}")
    try:
        after = markers.read(token)
    except InvalidParameterValueException:
        raise InvalidNextTokenException("The next token is not valid.") from None
    left = [(name, item) for name, item in named if name > after]
    following = markers.marker(left[most - 1][0]) if len(left) > most else None
    return tuple(item for _, item in left[:most]), following


def missing(resource: Resource, what: str, more: str = "") -> ObjectNotFoundException:
    return ObjectNotFoundException(
        f"{what} service namespace: {NAMESPACE}, resource ID: {resource.id}, scalable dimension: "
        f"{DIMENSION}{more}"
    )


def arn(function: FunctionKey, service: str, rest: str) -> str:
    return f"arn:aws:{service}:{function.region}:{function.account}:{rest}"


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
