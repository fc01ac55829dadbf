"""Code signing configurations, which function has which, and what they do to a deployment."""

import logging
from typing import Any

from stoker.api import markers, records
from stoker.api.control import Call, Control
from stoker.api.identifiers import iso_timestamp, new_revision, random_digits
from stoker.api.lookup import located, must_have, whole
from stoker.api.shapes.lambda_ import (
    CodeSigningConfig,
    CreateCodeSigningConfigInput,
    CreateCodeSigningConfigResponse,
    DeleteCodeSigningConfigInput,
    DeleteCodeSigningConfigResponse,
    DeleteFunctionCodeSigningConfigInput,
    GetCodeSigningConfigInput,
    GetCodeSigningConfigResponse,
    GetFunctionCodeSigningConfigInput,
    GetFunctionCodeSigningConfigResponse,
    ListCodeSigningConfigsInput,
    ListCodeSigningConfigsResponse,
    ListFunctionsByCodeSigningConfigInput,
    ListFunctionsByCodeSigningConfigResponse,
    PutFunctionCodeSigningConfigInput,
    PutFunctionCodeSigningConfigResponse,
    UpdateCodeSigningConfigInput,
    UpdateCodeSigningConfigResponse,
)
from stoker.core import code_signing, limits
from stoker.core.code_signing import KIND, key_of
from stoker.core.model import FunctionKey
from stoker.core.names import LATEST
from stoker.core.resources import Kind, Resource, ResourceKey
from stoker.core.validation import check_tags
from stoker.store.base import Transaction

log = logging.getLogger(__name__)

ABSENT: Any = None  # AWS says neither, though its model demands both


async def create_code_signing_config(
    control: Control, call: Call[CreateCodeSigningConfigInput]
) -> CreateCodeSigningConfigResponse:
    """Say whose signatures are trusted, and whether code without one is refused."""
    check_tags(call.input.tags or {})
    record = code_signing.made(records.asked(call.input), iso_timestamp())
    name = f"csc-{random_digits()[: code_signing.ID_DIGITS]}"
    key = ResourceKey(call.caller.account, call.caller.region, Kind.SIGNING, name)
    configuration = Resource(key, new_revision(), record, call.input.tags or {})
    async with control.store.transaction() as tx:
        await tx.resources.add(configuration)
    return CreateCodeSigningConfigResponse(code_signing_config=_shown(configuration))


async def get_code_signing_config(
    control: Control, call: Call[GetCodeSigningConfigInput]
) -> GetCodeSigningConfigResponse:
    """What it says."""
    async with control.store.transaction() as tx:
        found = await _must_have(tx, call)
    return GetCodeSigningConfigResponse(code_signing_config=_shown(found))


async def update_code_signing_config(
    control: Control, call: Call[UpdateCodeSigningConfigInput]
) -> UpdateCodeSigningConfigResponse:
    """Change what is given. It counts from the next deployment on."""
    asked = records.asked(call.input)
    async with control.store.transaction() as tx:
        before = await _must_have(tx, call)
        record = code_signing.updated(before.record, asked, iso_timestamp())
        changed = before.changed(record, revision=new_revision())
        await tx.resources.put(changed, expected=before.revision_id)
    return UpdateCodeSigningConfigResponse(code_signing_config=_shown(changed))


async def delete_code_signing_config(
    control: Control, call: Call[DeleteCodeSigningConfigInput]
) -> DeleteCodeSigningConfigResponse:
    """Delete it, unless a function has it."""
    async with control.store.transaction() as tx:
        found = await _must_have(tx, call)
        if await _functions(tx, found.key):
            raise code_signing.in_use(found.key.arn)
        await tx.resources.remove(found.key)
    return DeleteCodeSigningConfigResponse()


async def list_code_signing_configs(
    control: Control, call: Call[ListCodeSigningConfigsInput]
) -> ListCodeSigningConfigsResponse:
    """The caller's, at most 50 at a time."""
    page = min(call.input.max_items or limits.LIST_PAGE, limits.LIST_PAGE)
    after = markers.read(call.input.marker)
    account, region = call.caller.account, call.caller.region
    async with control.store.transaction() as tx:
        found = await tx.resources.of(account, region, Kind.SIGNING, after=after)
    return ListCodeSigningConfigsResponse(
        code_signing_configs=tuple(map(_shown, found[:page])),
        next_marker=markers.marker(found[page - 1].key.id) if len(found) > page else None,
    )


async def list_functions_by_code_signing_config(
    control: Control, call: Call[ListFunctionsByCodeSigningConfigInput]
) -> ListFunctionsByCodeSigningConfigResponse:
    """The functions that have it, by name."""
    page = min(call.input.max_items or limits.LIST_PAGE, limits.LIST_PAGE)
    after = markers.read(call.input.marker)
    async with control.store.transaction() as tx:
        keys = await _functions(tx, (await _must_have(tx, call)).key)
    found = [key for key in keys if key.name > after]
    return ListFunctionsByCodeSigningConfigResponse(
        function_arns=tuple(key.arn for key in found[:page]),
        next_marker=markers.marker(found[page - 1].name) if len(found) > page else None,
    )


async def put_function_code_signing_config(
    control: Control, call: Call[PutFunctionCodeSigningConfigInput]
) -> PutFunctionCodeSigningConfigResponse:
    """Have the function's code judged by a configuration from its next deployment on."""
    arn = call.input.code_signing_config_arn
    key = whole(call.caller, call.input.function_name, "PutFunctionCodeSigningConfig")
    async with control.store.transaction() as tx:
        await configured(tx, arn, key)
        await must_have(tx, key, None)
        await tx.settings.put(key, LATEST, KIND, {"arn": arn})
    return PutFunctionCodeSigningConfigResponse(code_signing_config_arn=arn, function_name=key.name)


async def get_function_code_signing_config(
    control: Control, call: Call[GetFunctionCodeSigningConfigInput]
) -> GetFunctionCodeSigningConfigResponse:
    """The configuration that the function has; as on AWS nothing is said if there is none."""
    key, qualifier = located(
        call.caller, call.input.function_name, None, "GetFunctionCodeSigningConfig"
    )
    async with control.store.transaction() as tx:
        await must_have(tx, key, qualifier)
        kept = await tx.settings.get(key, LATEST, KIND)
    return GetFunctionCodeSigningConfigResponse(
        code_signing_config_arn=kept["arn"] if kept else ABSENT,
        function_name=key.name if kept else ABSENT,
    )


async def delete_function_code_signing_config(
    control: Control, call: Call[DeleteFunctionCodeSigningConfigInput]
) -> None:
    """Judge the function's code no more. As on AWS, it need not have been."""
    key = whole(call.caller, call.input.function_name, "DeleteFunctionCodeSigningConfig")
    async with control.store.transaction() as tx:
        await must_have(tx, key, None)
        await tx.settings.remove(key, LATEST, KIND)


async def configured(tx: Transaction, arn: str, function: FunctionKey) -> Resource:
    """The configuration that a function is to have."""
    key = key_of(arn)
    found = await tx.resources.get(key)
    if found is None or (key.account, key.region) != (function.account, function.region):
        raise code_signing.none_for_function(arn)
    return found


async def check_deployment(tx: Transaction, function: FunctionKey) -> None:
    """Judge new code of the function, or a new layer."""
    kept = await tx.settings.get(function, LATEST, KIND)
    if kept is None:
        return
    arn = str(kept["arn"])
    configuration = await configured(tx, arn, function)
    code_signing.check_deployment(configuration, function)
    facts = {"function": function.arn, "code_signing_config": arn}
    log.warning("code without a signature that can be verified", extra=facts)


async def _functions(tx: Transaction, key: ResourceKey) -> list[FunctionKey]:
    """Those that have it, by name."""
    every = await tx.settings.every(KIND)
    return sorted(
        (function for function, _, kept in every if kept["arn"] == key.arn),
        key=lambda function: function.name,
    )


async def _must_have(tx: Transaction, call: Call[Any]) -> Resource:
    arn = call.input.code_signing_config_arn
    key = key_of(arn)
    found = await tx.resources.get(key)
    if found is None or (key.account, key.region) != (call.caller.account, call.caller.region):
        raise code_signing.none_there(arn)
    return found


def _shown(found: Resource) -> CodeSigningConfig:
    key = found.key
    facts = {**found.record, "CodeSigningConfigId": key.id, "CodeSigningConfigArn": key.arn}
    shown: CodeSigningConfig = records.shown("CodeSigningConfig", facts)
    return shown
