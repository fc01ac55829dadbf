"""Capacity providers, and how many environments a version asks them for: kept and shown."""

from typing import Any

from stoker.api import markers, records
from stoker.api.control import Call, Caller, Control
from stoker.api.identifiers import iso_timestamp, new_revision
from stoker.api.lookup import version_of, whole
from stoker.api.shapes.lambda_ import (
    CapacityProvider,
    CreateCapacityProviderInput,
    CreateCapacityProviderResponse,
    DeleteCapacityProviderInput,
    DeleteCapacityProviderResponse,
    FunctionScalingConfig,
    GetCapacityProviderInput,
    GetCapacityProviderResponse,
    GetFunctionScalingConfigInput,
    GetFunctionScalingConfigResponse,
    ListCapacityProvidersInput,
    ListCapacityProvidersResponse,
    ListFunctionVersionsByCapacityProviderInput,
    ListFunctionVersionsByCapacityProviderResponse,
    PutFunctionScalingConfigInput,
    PutFunctionScalingConfigResponse,
    UpdateCapacityProviderInput,
    UpdateCapacityProviderResponse,
)
from stoker.core import capacity_providers, limits
from stoker.core.capacity_providers import SCALING
from stoker.core.errors import CapacityProviderLimitExceededException
from stoker.core.model import FunctionKey
from stoker.core.names import check_owner, function_not_found
from stoker.core.resources import Kind, Resource, ResourceKey
from stoker.core.validation import check_tags
from stoker.core.versions import Version
from stoker.store.base import Transaction


async def create_capacity_provider(
    control: Control, call: Call[CreateCapacityProviderInput]
) -> CreateCapacityProviderResponse:
    """Keep one under a name that no other has. Nothing is launched."""
    key = _key(call, "CreateCapacityProvider")
    check_tags(call.input.tags or {})
    record = capacity_providers.made(records.asked(call.input), iso_timestamp())
    provider = Resource(key, new_revision(), record, call.input.tags or {})
    async with control.store.transaction() as tx:
        there = await tx.resources.of(key.account, key.region, Kind.PROVIDER, after="")
        if len(there) >= limits.CAPACITY_PROVIDERS:
            raise CapacityProviderLimitExceededException(
                f"An account can have {limits.CAPACITY_PROVIDERS} capacity providers."
            )
        if not await tx.resources.add(provider):
            raise capacity_providers.there_is_one(key)
    return CreateCapacityProviderResponse(capacity_provider=_shown(provider, "Pending"))


async def get_capacity_provider(
    control: Control, call: Call[GetCapacityProviderInput]
) -> GetCapacityProviderResponse:
    """What it says."""
    async with control.store.transaction() as tx:
        found = await _must_have(tx, _key(call, "GetCapacityProvider"))
    return GetCapacityProviderResponse(capacity_provider=_shown(found))


async def update_capacity_provider(
    control: Control, call: Call[UpdateCapacityProviderInput]
) -> UpdateCapacityProviderResponse:
    """Change what is given."""
    asked = records.asked(call.input)
    async with control.store.transaction() as tx:
        before = await _must_have(tx, _key(call, "UpdateCapacityProvider"))
        record = capacity_providers.updated(before.record, asked, iso_timestamp())
        changed = before.changed(record, revision=new_revision())
        await tx.resources.put(changed, expected=before.revision_id)
    return UpdateCapacityProviderResponse(capacity_provider=_shown(changed))


async def delete_capacity_provider(
    control: Control, call: Call[DeleteCapacityProviderInput]
) -> DeleteCapacityProviderResponse:
    """Delete it; no function can have it."""
    async with control.store.transaction() as tx:
        found = await _must_have(tx, _key(call, "DeleteCapacityProvider"))
        await tx.resources.remove(found.key)
    return DeleteCapacityProviderResponse(capacity_provider=_shown(found, "Deleting"))


async def list_capacity_providers(
    control: Control, call: Call[ListCapacityProvidersInput]
) -> ListCapacityProvidersResponse:
    """The caller's by name, at most 50 at a time; those of one State."""
    asked, caller = call.input, call.caller
    page = min(asked.max_items or limits.LIST_PAGE, limits.LIST_PAGE)
    async with control.store.transaction() as tx:
        found = await tx.resources.of(
            caller.account, caller.region, Kind.PROVIDER, after=markers.read(asked.marker)
        )
    if asked.state not in (None, "Active"):
        found = []
    return ListCapacityProvidersResponse(
        capacity_providers=tuple(_shown(one) for one in found[:page]),
        next_marker=markers.marker(found[page - 1].key.id) if len(found) > page else None,
    )


async def list_function_versions_by_capacity_provider(
    control: Control, call: Call[ListFunctionVersionsByCapacityProviderInput]
) -> ListFunctionVersionsByCapacityProviderResponse:
    """None: no function can have one here."""
    async with control.store.transaction() as tx:
        found = await _must_have(tx, _key(call, "ListFunctionVersionsByCapacityProvider"))
    return ListFunctionVersionsByCapacityProviderResponse(
        capacity_provider_arn=found.key.arn, function_versions=()
    )


async def put_function_scaling_config(
    control: Control, call: Call[PutFunctionScalingConfigInput]
) -> PutFunctionScalingConfigResponse:
    """Keep how many environments a version is to have; without any number, forget it."""
    asked = call.input
    given = asked.function_scaling_config or FunctionScalingConfig()
    least, most = given.min_execution_environments, given.max_execution_environments
    capacity_providers.check_scaling(least, most)
    key = whole(call.caller, asked.function_name, "PutFunctionScalingConfig")
    async with control.store.transaction() as tx:
        version = await _version(tx, key, asked.qualifier)
        number = str(version.key.number)
        if least is None and most is None:
            await tx.settings.remove(key, number, SCALING)
        else:
            await tx.settings.put(key, number, SCALING, {"least": least, "most": most})
    return PutFunctionScalingConfigResponse(function_state=version.state.value)


async def get_function_scaling_config(
    control: Control, call: Call[GetFunctionScalingConfigInput]
) -> GetFunctionScalingConfigResponse:
    """What was requested; it is applied to nothing here."""
    key = whole(call.caller, call.input.function_name, "GetFunctionScalingConfig")
    async with control.store.transaction() as tx:
        version = await _version(tx, key, call.input.qualifier)
        kept = await tx.settings.get(key, str(version.key.number), SCALING)
    return GetFunctionScalingConfigResponse(
        function_arn=version.key.arn,
        requested_function_scaling_config=None
        if kept is None
        else FunctionScalingConfig(
            min_execution_environments=kept["least"], max_execution_environments=kept["most"]
        ),
    )


async def _version(tx: Transaction, key: FunctionKey, qualifier: str) -> Version:
    """By number; $LATEST.PUBLISHED is the newest."""
    number = qualifier
    if not qualifier.isdecimal():
        number = str(await tx.versions.last_number(key))
    version = await version_of(tx, key, number)
    if version is None:
        raise function_not_found(key.region, key.account, key.name, qualifier)
    return version


def _key(call: Call[Any], action: str) -> ResourceKey:
    """By name or ARN."""
    name, caller = call.input.capacity_provider_name, call.caller
    if name.startswith("arn:"):
        _check_arn(caller, name, action)
    return ResourceKey(caller.account, caller.region, Kind.PROVIDER, name.rpartition(":")[2])


def _check_arn(caller: Caller, arn: str, action: str) -> None:
    _, _, _, region, account, _, _ = arn.split(":", 6)
    check_owner(arn, account, region, caller=(caller.account, caller.region), action=action)


async def _must_have(tx: Transaction, key: ResourceKey) -> Resource:
    found = await tx.resources.get(key)
    if found is None:
        raise capacity_providers.none_there(key)
    return found


def _shown(provider: Resource, state: str = "Active") -> CapacityProvider:
    facts = {**provider.record, "CapacityProviderArn": provider.key.arn, "State": state}
    shown: CapacityProvider = records.shown("CapacityProvider", facts)
    return shown
