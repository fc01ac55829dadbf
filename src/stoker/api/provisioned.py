"""Provisioned concurrency: environments of a version or an alias that are initialised ahead.

They are being made when PutProvisionedConcurrencyConfig has answered (IN_PROGRESS); READY when
as many as requested have been initialised; FAILED if an init failed, until the next Put. What
exceeds them runs on demand.
"""

import time
from datetime import UTC, datetime
from typing import Any

from stoker.api import markers
from stoker.api.control import Call, Control
from stoker.api.lookup import find, located, must_have, whole
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
from stoker.core.aliases import Alias
from stoker.core.errors import (
    InvalidParameterValueException,
    ProvisionedConcurrencyConfigNotFoundException,
    ResourceConflictException,
)
from stoker.core.model import FunctionKey
from stoker.core.names import LATEST, function_arn
from stoker.core.provisioned import KIND, Progress, Provision
from stoker.store.provisioned import kept, provide, unpublished


async def put_provisioned_concurrency_config(
    control: Control, call: Call[PutProvisionedConcurrencyConfigInput]
) -> PutProvisionedConcurrencyConfigResponse:
    """Ask for so many; environments that are there already are kept."""
    asked = call.input
    key, qualifier = _located(call, "PutProvisionedConcurrencyConfig")
    if qualifier == LATEST:
        raise unpublished()
    limits_here = control.settings.limits.of(key.account)
    async with control.store.transaction() as tx:
        found = await find(tx, key, qualifier)
        before = await kept(tx, key, qualifier)
        if before is not None and _is_under_way(control, key, qualifier, before, found.alias):
            raise ResourceConflictException(
                "The operation cannot be performed at this time. An update is in progress for "
                f"resource: {function_arn(key.region, key.account, key.name, qualifier)}"
            )
        amount = asked.provisioned_concurrent_executions
        now = await provide(
            tx, found.function, qualifier, found.alias, amount, limits_here, time.time()
        )
    return PutProvisionedConcurrencyConfigResponse(
        requested_provisioned_concurrent_executions=now.requested,
        available_provisioned_concurrent_executions=0,
        allocated_provisioned_concurrent_executions=0,
        status=Progress.IN_PROGRESS,
        last_modified=_time(now),
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
        asked = await kept(tx, key, qualifier)
    if asked is None:
        raise ProvisionedConcurrencyConfigNotFoundException(
            "No Provisioned Concurrency Config found for this function"
        )
    status, allocated, reason = control.invoker.progress(key, qualifier, asked, found.alias)
    return GetProvisionedConcurrencyConfigResponse(
        requested_provisioned_concurrent_executions=asked.requested,
        available_provisioned_concurrent_executions=allocated,
        allocated_provisioned_concurrent_executions=allocated,
        status=status,
        status_reason=reason,
        last_modified=_time(asked),
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
        one = Provision.load(record)
        status, allocated, reason = control.invoker.progress(
            key, qualifier, one, aliases.get(qualifier)
        )
        items.append(
            ProvisionedConcurrencyConfigListItem(
                function_arn=function_arn(key.region, key.account, key.name, qualifier),
                requested_provisioned_concurrent_executions=one.requested,
                available_provisioned_concurrent_executions=allocated,
                allocated_provisioned_concurrent_executions=allocated,
                status=status,
                status_reason=reason,
                last_modified=_time(one),
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


def _located(call: Call[Any], action: str) -> tuple[FunctionKey, str]:
    key, qualifier = located(call.caller, call.input.function_name, call.input.qualifier, action)
    return key, qualifier or LATEST


def _is_under_way(
    control: Control, key: FunctionKey, qualifier: str, asked: Provision, alias: Alias | None
) -> bool:
    return control.invoker.progress(key, qualifier, asked, alias)[0] is Progress.IN_PROGRESS


def _time(asked: Provision) -> str:
    return datetime.fromtimestamp(asked.modified, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def _wrong_qualifier() -> InvalidParameterValueException:
    return InvalidParameterValueException(
        "The function resource provided must be an alias or a published version."
    )
