"""Aliases: create, read, list, move, delete. Triggers and callers that name an alias follow it
at once when it is moved."""

import logging
from collections.abc import Mapping

from stoker.api import markers
from stoker.api.control import Call, Control
from stoker.api.identifiers import new_revision
from stoker.api.lookup import find, must_have, version_of, whole
from stoker.api.shapes.lambda_ import (
    AliasConfiguration,
    AliasRoutingConfiguration,
    CreateAliasInput,
    DeleteAliasInput,
    GetAliasInput,
    ListAliasesInput,
    ListAliasesResponse,
    UpdateAliasInput,
)
from stoker.core import limits
from stoker.core.aliases import Alias, AliasKey, alias_not_found, check_routing, moved
from stoker.core.names import function_not_found
from stoker.store.base import Transaction
from stoker.store.provisioned import check_move

log = logging.getLogger(__name__)


async def create_alias(control: Control, call: Call[CreateAliasInput]) -> AliasConfiguration:
    """Name a version, or $LATEST; with weights, let another version have a share."""
    asked = call.input
    function = whole(call.caller, asked.function_name, "CreateAlias")
    key = AliasKey(function, asked.name)
    weights = _weights(asked.routing_config) or {}
    check_routing(asked.function_version, weights)
    alias = Alias(key, asked.function_version, new_revision(), asked.description or "", weights)
    async with control.store.transaction() as tx:
        await _check_versions(tx, alias)
        await tx.aliases.add(alias)
    log.info("alias created", extra={"alias": key.arn, "version": alias.version})
    return _shown(alias)


async def get_alias(control: Control, call: Call[GetAliasInput]) -> AliasConfiguration:
    """What it leads to."""
    function = whole(call.caller, call.input.function_name, "GetAlias")
    async with control.store.transaction() as tx:
        return _shown(await _must_have(tx, AliasKey(function, call.input.name)))


async def list_aliases(control: Control, call: Call[ListAliasesInput]) -> ListAliasesResponse:
    """A function's aliases by name, at most 50 at a time; those that run a given version."""
    asked = call.input
    function = whole(call.caller, asked.function_name, "ListAliases")
    page = min(asked.max_items or limits.LIST_PAGE, limits.LIST_PAGE)
    after = markers.read(asked.marker)
    async with control.store.transaction() as tx:
        await must_have(tx, function, None)
        aliases = await tx.aliases.of(function)
    version = asked.function_version
    found = [
        alias
        for alias in aliases
        if alias.key.name > after and (version is None or version in alias.versions)
    ]
    return ListAliasesResponse(
        aliases=tuple(map(_shown, found[:page])),
        next_marker=markers.marker(found[page - 1].key.name) if len(found) > page else None,
    )


async def update_alias(control: Control, call: Call[UpdateAliasInput]) -> AliasConfiguration:
    """Move the alias, or change what is given of it. Invocations that have begun are finished
    by the version that they began with."""
    asked = call.input
    function = whole(call.caller, asked.function_name, "UpdateAlias")
    async with control.store.transaction() as tx:
        alias = await _must_have(tx, AliasKey(function, asked.name))
        changed = moved(
            alias,
            version=asked.function_version,
            weights=_weights(asked.routing_config),
            description=asked.description,
            seen=asked.revision_id,
            revision=new_revision(),
        )
        await _check_versions(tx, changed)
        await check_move(tx, alias, changed)
        await tx.aliases.put(changed, expected=alias.revision_id)
    log.info("alias changed", extra={"alias": changed.key.arn, "version": changed.version})
    return _shown(changed)


async def delete_alias(control: Control, call: Call[DeleteAliasInput]) -> None:
    """Delete the name; versions stay. As on AWS, there need not be one."""
    function = whole(call.caller, call.input.function_name, "DeleteAlias")
    key = AliasKey(function, call.input.name)
    async with control.store.transaction() as tx:
        await must_have(tx, function, None)
        await tx.aliases.remove(key)
    log.info("alias deleted", extra={"alias": key.arn})


async def _must_have(tx: Transaction, key: AliasKey) -> Alias:
    alias = await tx.aliases.alias(key)
    if alias is None:
        raise alias_not_found(key)
    return alias


async def _check_versions(tx: Transaction, alias: Alias) -> None:
    """An alias leads to versions that there are, never to another alias."""
    function = alias.key.function
    await find(tx, function, alias.version)
    for number in alias.weights:
        if await version_of(tx, function, number) is None:
            raise function_not_found(function.region, function.account, function.name, number)


def _weights(asked: AliasRoutingConfiguration | None) -> Mapping[str, float] | None:
    """None: not mentioned. A share of nothing is kept and shown, as on AWS."""
    return None if asked is None else asked.additional_version_weights or {}


def _shown(alias: Alias) -> AliasConfiguration:
    return AliasConfiguration(
        alias_arn=alias.key.arn,
        name=alias.key.name,
        function_version=alias.version,
        description=alias.description,
        routing_config=(
            AliasRoutingConfiguration(additional_version_weights=alias.weights)
            if alias.weights
            else None
        ),
        revision_id=alias.revision_id,
    )
