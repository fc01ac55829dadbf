"""Provisioned concurrency: environments of a version or an alias that are initialised ahead.

They are being made when PutProvisionedConcurrencyConfig has answered (IN_PROGRESS); READY when
as many as requested have been initialised; FAILED if an init failed, until the next Put. What
exceeds them runs on demand.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stoker.api import markers
from stoker.api.control import Call, Control
from stoker.api.lookup import Found, find, located, must_have, whole
from stoker.api.shapes.lambda_ import (
    DeleteProvisionedConcurrencyConfigInput,
    GetProvisionedConcurrencyConfigInput,
    GetProvisionedConcurrencyConfigResponse,
    ListProvisionedConcurrencyConfigsInput,
    ListProvisionedConcurrencyConfigsResponse,
    ProvisionedConcurrencyConfigListItem,
    PutProvisionedConcurrencyConfigInput,
    PutProvisionedConcurrencyConfigResponse,
)
from stoker.core import limits
from stoker.core.aliases import Alias, AliasKey
from stoker.core.concurrency import check_provision
from stoker.core.errors import (
    InvalidParameterValueException,
    ProvisionedConcurrencyConfigNotFoundException,
    ResourceConflictException,
)
from stoker.core.model import FunctionKey
from stoker.core.names import LATEST, function_arn
from stoker.core.provisioned import KIND, Progress, Provision, asks, progress
from stoker.store.base import Transaction


@dataclass(frozen=True, slots=True)
class _Shown:
    status: Progress
    allocated: int
    reason: str | None


async def put_provisioned_concurrency_config(
    control: Control, call: Call[PutProvisionedConcurrencyConfigInput]
) -> PutProvisionedConcurrencyConfigResponse:
    """Ask for so many; environments that are there already are kept."""
    asked = call.input
    key, qualifier = _located(call, "PutProvisionedConcurrencyConfig")
    if qualifier == LATEST:
        raise _unpublished()
    async with control.store.transaction() as tx:
        found = await find(tx, key, qualifier)
        await _check_owner(tx, key, qualifier, found)
        before = await _kept(tx, key, qualifier)
        if before is not None and _look(control, key, qualifier, before, found.alias).status is (
            Progress.IN_PROGRESS
        ):
            raise ResourceConflictException(
                "The operation cannot be performed at this time. An update is in progress for "
                f"resource: {function_arn(key.region, key.account, key.name, qualifier)}"
            )
        mine = before.requested if before else 0
        settings = control.settings
        check_provision(
            asked.provisioned_concurrent_executions,
            others=await total_provisioned(tx, key) - mine,
            before=mine,
            reserved=found.function.reserved,
            left=settings.concurrent_executions - await tx.set_aside(key.account, key.region),
            minimum=settings.unreserved_minimum,
        )
        kept = Provision(asked.provisioned_concurrent_executions, _after(before))
        await tx.settings.put(key, qualifier, KIND, kept.dump())
    control.changed()
    return PutProvisionedConcurrencyConfigResponse(
        requested_provisioned_concurrent_executions=kept.requested,
        available_provisioned_concurrent_executions=0,
        allocated_provisioned_concurrent_executions=0,
        status=Progress.IN_PROGRESS,
        last_modified=_time(kept),
    )


async def get_provisioned_concurrency_config(
    control: Control, call: Call[GetProvisionedConcurrencyConfigInput]
) -> GetProvisionedConcurrencyConfigResponse:
    """What was asked for, and how far that has come."""
    key, qualifier = _located(call, "GetProvisionedConcurrencyConfig")
    if qualifier == LATEST:
        raise _wrong_qualifier()
    async with control.store.transaction() as tx:
        found = await find(tx, key, qualifier)
        kept = await _kept(tx, key, qualifier)
    if kept is None:
        raise ProvisionedConcurrencyConfigNotFoundException(
            "No Provisioned Concurrency Config found for this function"
        )
    shown = _look(control, key, qualifier, kept, found.alias)
    return GetProvisionedConcurrencyConfigResponse(
        requested_provisioned_concurrent_executions=kept.requested,
        available_provisioned_concurrent_executions=shown.allocated,
        allocated_provisioned_concurrent_executions=shown.allocated,
        status=shown.status,
        status_reason=shown.reason,
        last_modified=_time(kept),
    )


async def list_provisioned_concurrency_configs(
    control: Control, call: Call[ListProvisionedConcurrencyConfigsInput]
) -> ListProvisionedConcurrencyConfigsResponse:
    """Of all versions and aliases of a function, at most 50 at a time."""
    asked = call.input
    key = whole(call.caller, asked.function_name, "ListProvisionedConcurrencyConfigs")
    page = min(asked.max_items or limits.LIST_PAGE, limits.LIST_PAGE)
    after = markers.read(asked.marker)
    async with control.store.transaction() as tx:
        await must_have(tx, key, None)
        found = await tx.settings.of(key, KIND, after=after, limit=page + 1)
        aliases = {alias.key.name: alias for alias in await tx.aliases.of(key)}
    items = []
    for qualifier, record in found[:page]:
        kept = Provision.load(record)
        shown = _look(control, key, qualifier, kept, aliases.get(qualifier))
        items.append(
            ProvisionedConcurrencyConfigListItem(
                function_arn=function_arn(key.region, key.account, key.name, qualifier),
                requested_provisioned_concurrent_executions=kept.requested,
                available_provisioned_concurrent_executions=shown.allocated,
                allocated_provisioned_concurrent_executions=shown.allocated,
                status=shown.status,
                status_reason=shown.reason,
                last_modified=_time(kept),
            )
        )
    return ListProvisionedConcurrencyConfigsResponse(
        provisioned_concurrency_configs=tuple(items),
        next_marker=markers.marker(found[page - 1][0]) if len(found) > page else None,
    )


async def delete_provisioned_concurrency_config(
    control: Control, call: Call[DeleteProvisionedConcurrencyConfigInput]
) -> None:
    """Release them: those that work finish what they have. There need not be any, as on AWS."""
    key, qualifier = _located(call, "DeleteProvisionedConcurrencyConfig")
    if qualifier == LATEST:
        raise _wrong_qualifier()
    async with control.store.transaction() as tx:
        await find(tx, key, qualifier)
        await tx.settings.remove(key, qualifier, KIND)
    control.changed()


async def total_provisioned(tx: Transaction, key: FunctionKey) -> int:
    """What all versions and aliases of the function have."""
    total, after, page = 0, "", limits.LIST_PAGE
    while found := await tx.settings.of(key, KIND, after=after, limit=page):
        total += sum(Provision.load(record).requested for _, record in found)
        after = found[-1][0]
    return total


def _located(call: Call[Any], action: str) -> tuple[FunctionKey, str]:
    key, qualifier = located(call.caller, call.input.function_name, call.input.qualifier, action)
    return key, qualifier or LATEST


async def _kept(tx: Transaction, key: FunctionKey, qualifier: str) -> Provision | None:
    record = await tx.settings.get(key, qualifier, KIND)
    return None if record is None else Provision.load(record)


async def _check_owner(tx: Transaction, key: FunctionKey, qualifier: str, found: Found) -> None:
    """A version's environments are asked for by itself, or by aliases of it."""
    if found.alias is None:
        for alias in await tx.aliases.of(key):
            if qualifier in alias.versions and await _kept(tx, key, alias.key.name):
                raise ResourceConflictException(
                    "Version is pointed by a Provisioned Concurrency alias"
                )
        return
    if LATEST in found.alias.versions:
        raise _unpublished()
    for version in found.alias.versions:
        if await _kept(tx, key, version):
            raise ResourceConflictException(
                "Alias can't be used for Provisioned Concurrency configuration on an already "
                "Provisioned version"
            )


async def check_move(tx: Transaction, before: Alias, after: Alias) -> None:
    """Refuse to move an alias that has provisioned concurrency to where that cannot follow."""
    key: AliasKey = before.key
    if before.versions == after.versions or not await _kept(tx, key.function, key.name):
        return
    if LATEST in after.versions:
        raise _unpublished()
    crowded = len(before.versions) > 1 and not after.versions <= before.versions
    for version in after.versions - before.versions:
        crowded |= await _kept(tx, key.function, version) is not None
    if crowded:
        raise InvalidParameterValueException(
            "Invalid alias configuration for Provisioned Concurrency"
        )


def _look(
    control: Control, key: FunctionKey, qualifier: str, kept: Provision, alias: Alias | None
) -> _Shown:
    versions = asks(qualifier, kept, alias)
    states = [control.invoker.provided(key, version) for version in versions]
    return _Shown(*progress(qualifier, kept, states))


def _after(before: Provision | None) -> float:
    """Now, and later than before: whether an answer is to this or to that must be known."""
    now = time.time()
    return now if before is None else max(now, before.modified + 0.001)


def _time(kept: Provision) -> str:
    return datetime.fromtimestamp(kept.modified, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def _unpublished() -> InvalidParameterValueException:
    return InvalidParameterValueException(
        "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
    )


def _wrong_qualifier() -> InvalidParameterValueException:
    return InvalidParameterValueException(
        "The function resource provided must be an alias or a published version."
    )
