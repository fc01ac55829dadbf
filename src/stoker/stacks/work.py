"""What a resource type gets to do its work: what is wanted, and AWS's API to have it made.

    kind.create(work) ─► work.ask("sqs", "CreateQueue", …) ─► the front door, in this process
                      ─► Made(physical id, attributes)

A resource is made by its own service's API and nothing else, so it is the same as one that is
made by hand. What AWS's API calls a parameter is mostly what CloudFormation calls a property.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from stoker.core.stacks import dynamic, naming
from stoker.core.stacks.changes import Traits, differing
from stoker.core.stacks.errors import ValidationError
from stoker.neighbours.calls import Refused
from stoker.stacks.fitting import fitted

MISSING = ("NotFound", "NoSuch", "NonExistent", "DoesNotExist", "ResourceNotFound")


class Ask(Protocol):
    async def __call__(
        self, account: str, region: str, service: str, operation: str, parameters: dict[str, Any]
    ) -> dict[str, Any]:
        """Raises calls.Refused, Unreachable."""
        ...


@dataclass(frozen=True, slots=True)
class Made:
    """A resource as it now is."""

    physical: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Around:
    """What all work of a server shares."""

    ask: Ask
    invoke: Callable[[str, str, bytes], Awaitable[None]]  # (function, its caller's account, event)
    settled: Callable[[str], Awaitable[None]]  # a function or version is ready, or has failed
    answers: Any  # stacks.custom.Answers
    nested: Any  # stacks.nested.Nested


@dataclass(frozen=True, slots=True)
class Work:
    around: Around
    account: str
    region: str
    stack_id: str
    stack_name: str
    logical: str
    kind: str
    properties: Mapping[str, Any]
    exists: Callable[[str, Mapping[str, Any]], Awaitable[None]]
    cancelled: Callable[[], Awaitable[object]]  # returns when nobody wants this any more
    before: Mapping[str, Any] = field(default_factory=dict)  # the properties that it had
    physical: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    generation: int = 0
    replaced: bool = False  # the deletion is that of one that has a successor

    async def ask(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """AWS's answer. Parameters may be as a template has them: see fitting.py."""
        given = {name: value for name, value in parameters.items() if value is not None}
        fit = await fitted(service, operation, await self.resolved(given))
        return await self.around.ask(self.account, self.region, service, operation, fit)

    async def resolved(self, given: dict[str, Any]) -> dict[str, Any]:
        """With the values of dynamic references, which are kept nowhere."""
        known = {}
        for reference in set(dynamic.references(given)):
            service, operation, asked = dynamic.question(reference)
            found = await self.around.ask(self.account, self.region, service, operation, asked)
            known[reference] = dynamic.answer(reference, found)
        resolved: dict[str, Any] = dynamic.replaced(given, known) if known else given
        return resolved

    def name(self, property: str, most: int, *, lower: bool = False) -> str:
        """The name that the template gives, or one that nobody else has."""
        said = self.properties.get(property)
        return str(said) if said else self.unique(most, lower=lower)

    def unique(self, most: int, *, lower: bool = False) -> str:
        return naming.generated(
            self.stack_id, self.stack_name, self.logical, self.generation, most=most, lower=lower
        )

    def arn(self, service: str, rest: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{rest}"

    def without(self, *names: str) -> dict[str, Any]:
        """The properties, but for these."""
        return {key: value for key, value in self.properties.items() if key not in names}

    def only(self, *names: str) -> dict[str, Any]:
        return {key: value for key, value in self.properties.items() if key in names}

    def changed(self, *names: str) -> bool:
        """Is one of these other than it was?"""
        return bool(set(names).intersection(differing(self.before, self.properties)))

    def retagging(self) -> tuple[dict[str, str], list[str]]:
        """The tags that it is to have, and the keys that go; nothing where that is as it was."""
        if not self.changed("Tags"):
            return {}, []
        wanted = as_map(self.properties.get("Tags"))
        return wanted, sorted(as_map(self.before.get("Tags")).keys() - wanted.keys())

    def must(self, name: str) -> Any:
        value = self.properties.get(name)
        if value is None:
            raise ValidationError(
                f"Properties validation failed for resource {self.logical} with message:"
                f" #: required key [{name}] not found"
            )
        return value


Create = Callable[[Work], Awaitable[Made]]
Delete = Callable[[Work], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A resource type: how one is made, changed and deleted."""

    name: str
    create: Create
    delete: Delete
    update: Create | None = None  # None: each change needs another one
    replaced_by: frozenset[str] = frozenset()
    named: str | None = None  # the property that names it
    tags: str | None = "list"  # how its property Tags is written; None: it has none
    guess: Callable[[Work], str] | None = None  # its physical id, before it has been made

    @property
    def traits(self) -> Traits:
        return Traits(self.replaced_by if self.update is not None else None)


def is_missing(error: Refused) -> bool:
    """It is gone already."""
    return any(word in error.code for word in MISSING) or "does not exist" in error.message


def as_map(tags: Any) -> dict[str, str]:
    if isinstance(tags, dict):
        return tags
    return {one["Key"]: str(one.get("Value", "")) for one in tags or ()}


async def nothing(work: Work) -> None:
    """Goes with another resource."""


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())
