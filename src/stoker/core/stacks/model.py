"""The nouns: a stack, what it has made, what happened to it, and what it may become.

REVIEW_IN_PROGRESS ──change set──┐
                 CreateStack ────┴► CREATE_IN_PROGRESS ─► CREATE_COMPLETE
                                       └► ROLLBACK_IN_PROGRESS ─► ROLLBACK_COMPLETE
UPDATE_IN_PROGRESS ─► UPDATE_COMPLETE_CLEANUP_IN_PROGRESS ─► UPDATE_COMPLETE
   └► UPDATE_ROLLBACK_IN_PROGRESS ─► …_CLEANUP_IN_PROGRESS ─► UPDATE_ROLLBACK_COMPLETE
DELETE_IN_PROGRESS ─► DELETE_COMPLETE │ DELETE_FAILED
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """Of stacks and resources."""

    REVIEW_IN_PROGRESS = "REVIEW_IN_PROGRESS"
    CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
    CREATE_COMPLETE = "CREATE_COMPLETE"
    CREATE_FAILED = "CREATE_FAILED"
    ROLLBACK_IN_PROGRESS = "ROLLBACK_IN_PROGRESS"
    ROLLBACK_COMPLETE = "ROLLBACK_COMPLETE"
    ROLLBACK_FAILED = "ROLLBACK_FAILED"
    UPDATE_IN_PROGRESS = "UPDATE_IN_PROGRESS"
    UPDATE_COMPLETE_CLEANUP_IN_PROGRESS = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    UPDATE_COMPLETE = "UPDATE_COMPLETE"
    UPDATE_FAILED = "UPDATE_FAILED"
    UPDATE_ROLLBACK_IN_PROGRESS = "UPDATE_ROLLBACK_IN_PROGRESS"
    UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
    UPDATE_ROLLBACK_COMPLETE = "UPDATE_ROLLBACK_COMPLETE"
    UPDATE_ROLLBACK_FAILED = "UPDATE_ROLLBACK_FAILED"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"
    DELETE_COMPLETE = "DELETE_COMPLETE"
    DELETE_FAILED = "DELETE_FAILED"
    DELETE_SKIPPED = "DELETE_SKIPPED"  # of resources

    @property
    def is_under_way(self) -> bool:
        return self.endswith("_IN_PROGRESS") and self is not Status.REVIEW_IN_PROGRESS


# A stack in one of these can be updated. AWS: UPDATE_FAILED is one with --disable-rollback.
UPDATABLE = frozenset(
    {
        Status.CREATE_COMPLETE,
        Status.UPDATE_COMPLETE,
        Status.UPDATE_ROLLBACK_COMPLETE,
        Status.CREATE_FAILED,
        Status.UPDATE_FAILED,
    }
)
KIND_OF_STACK = "AWS::CloudFormation::Stack"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a stack is to be: all that CreateStack or a change set says."""

    template: str = ""  # as given
    body: Mapping[str, Any] = field(default_factory=dict)  # after transforms
    parameters: Mapping[str, str] = field(default_factory=dict)
    resolved: Mapping[str, str] = field(default_factory=dict)  # of those that name SSM's
    tags: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    notification_arns: tuple[str, ...] = ()
    role_arn: str | None = None
    processed: int = 0  # bytes of `body`, where transforms have made it


@dataclass(frozen=True, slots=True)
class Record:
    """One resource as it is, or as it was last seen."""

    logical: str
    kind: str
    status: Status
    updated: float
    physical: str = ""  # what Ref says
    properties: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)  # what Fn::GetAtt says
    needs: tuple[str, ...] = ()
    reason: str = ""
    deletion: str = "Delete"
    replacement: str = "Delete"
    metadata: Any = None
    generation: int = 0  # how often it was replaced: makes its next name another one

    @property
    def is_made(self) -> bool:
        return bool(self.physical)


@dataclass(frozen=True, slots=True)
class Shown:
    """An output."""

    key: str
    value: str
    description: str | None = None
    export: str | None = None


@dataclass(frozen=True, slots=True)
class Stack:
    id: str  # its ARN
    account: str
    region: str
    name: str
    status: Status
    created: float
    wanted: Wanted
    reason: str = ""
    description: str | None = None
    updated: float | None = None
    deleted: float | None = None
    outputs: tuple[Shown, ...] = ()
    on_failure: str = "ROLLBACK"  # or DELETE, DO_NOTHING
    timeout_s: float | None = None
    protected: bool = False  # EnableTerminationProtection
    parent: str | None = None
    root: str | None = None
    change_set: str | None = None  # the last one that was carried out
    before: Mapping[str, Record] | None = None  # while it is updated: what it had
    was: Wanted | None = None  # and what it was to be
    was_outputs: tuple[Shown, ...] = ()
    leftovers: tuple[Record, ...] = ()  # replaced, and still to be deleted
    imports: tuple[str, ...] = ()  # names of exports that it uses
    was_imports: tuple[str, ...] = ()  # and, while it is updated, that it used
    at: float = 0.0  # of its status


@dataclass(frozen=True, slots=True)
class Event:
    id: str
    at: float
    logical: str
    physical: str
    kind: str
    status: Status
    reason: str = ""
    properties: str = ""  # JSON
    token: str = ""


_BEGUN = frozenset({Status.CREATE_IN_PROGRESS, Status.UPDATE_IN_PROGRESS})


def first_failure(stack: str, events: Iterable[Event]) -> str:
    """Why the latest deployment of this stack (its id) failed: the first failure is the cause of
    the others, what was cancelled among them. "" if nothing failed."""
    reason = ""
    for event in events:
        if event.physical == stack and event.status in _BEGUN:
            reason = ""
        elif not reason and event.status.endswith("_FAILED"):
            reason = event.reason
    return reason


_GOING = frozenset({Status.DELETE_IN_PROGRESS, Status.ROLLBACK_IN_PROGRESS})
_LEFT = frozenset(  # what is deleted after it goes on where it was
    {Status.DELETE_FAILED, Status.ROLLBACK_FAILED, Status.ROLLBACK_COMPLETE, *_GOING}
)
_GONE = frozenset({Status.DELETE_COMPLETE, Status.DELETE_SKIPPED})


def gone_with(stack: str, events: Iterable[Event]) -> dict[str, Record]:
    """The resources that a deleted stack (its id) had at its end, as they were last seen."""
    found: dict[str, Record] = {}
    last = ""
    for event in events:
        if event.physical == stack and event.kind == KIND_OF_STACK:
            if event.status in _GOING and last not in _LEFT:
                found.clear()
            last = event.status
        elif event.status in _GONE:
            found[event.logical] = Record(
                event.logical, event.kind, event.status, event.at, event.physical,
                reason=event.reason,
            )  # fmt: skip
    return found


@dataclass(frozen=True, slots=True)
class Change:
    """What a change set would do to one resource."""

    action: str  # Add, Modify, Remove
    logical: str
    kind: str
    physical: str = ""
    replacement: str = ""  # True, False, Conditional; of Modify
    properties: tuple[tuple[str, str], ...] = ()  # (name, RequiresRecreation)
    scope: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeSet:
    id: str
    name: str
    stack: str  # its id
    created: float
    kind: str  # CREATE, UPDATE
    wanted: Wanted
    changes: tuple[Change, ...] = ()
    status: str = "CREATE_COMPLETE"
    reason: str = ""
    execution: str = "AVAILABLE"
    description: str | None = None
    on_failure: str | None = None
    token: str = ""
