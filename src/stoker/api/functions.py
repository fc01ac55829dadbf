"""Functions: create, read, list, update, delete.

Nothing here touches an environment. What is asked for is checked and written; that it becomes
true is the affair of reconcilers/activation.py, which `control.changed()` wakes.
"""

import logging
from dataclasses import replace

from stoker.api import markers
from stoker.api.code import location
from stoker.api.control import Call, Caller, Control
from stoker.api.function_shapes import asked_changes, described, refuse_unbuilt
from stoker.api.identifiers import new_revision, timestamp
from stoker.api.layers import attached
from stoker.api.shapes.lambda_ import (
    CreateFunctionInput,
    DeleteFunctionInput,
    DeleteFunctionResponse,
    FunctionCode,
    FunctionCodeLocation,
    FunctionConfiguration,
    GetFunctionConfigurationInput,
    GetFunctionInput,
    GetFunctionResponse,
    ListFunctionsInput,
    ListFunctionsResponse,
    UpdateFunctionCodeInput,
    UpdateFunctionConfigurationInput,
)
from stoker.core import limits, model, validation
from stoker.core.errors import (
    CodeStorageExceededException,
    InvalidParameterValueException,
    NotImplementedException,
    PreconditionFailedException,
)
from stoker.core.model import Code, Function, FunctionKey
from stoker.core.names import LATEST, function_not_found, locate
from stoker.store.base import Transaction

log = logging.getLogger(__name__)


async def create_function(
    control: Control, call: Call[CreateFunctionInput]
) -> FunctionConfiguration:
    """Create a function. It can be invoked when its State is Active."""
    asked = call.input
    key, qualifier = _locate(call.caller, asked.function_name, None, "CreateFunction")
    validation.check_new_name(asked.function_name if qualifier else key.name)
    refuse_unbuilt(asked)
    changes = asked_changes(asked)
    code = await _package(control, asked.code, "CreateFunction")
    async with control.store.transaction() as tx:
        layers = await attached(tx, call.caller, asked.layers)
        latest = validation.created(key.name, replace(changes, layers=layers), code)
        function = model.new_function(
            key, latest, asked.tags or {}, revision=new_revision(), now=timestamp()
        )
        await tx.create_function(function)
        await _check_storage(control, tx, key)
    _tell(control, function)
    return described(function)


async def get_function(control: Control, call: Call[GetFunctionInput]) -> GetFunctionResponse:
    """The configuration, and a link to the code that is good for ten minutes."""
    key, qualifier = _locate(
        call.caller, call.input.function_name, call.input.qualifier, "GetFunction"
    )
    function = await _read(control, key, qualifier)
    return GetFunctionResponse(
        configuration=described(function, qualifier),
        code=FunctionCodeLocation(
            repository_type="S3",
            location=location(call.base_url, function.latest.code.sha256),
        ),
        tags=function.tags or None,
    )


async def get_function_configuration(
    control: Control, call: Call[GetFunctionConfigurationInput]
) -> FunctionConfiguration:
    """The configuration as last asked for; State and LastUpdateStatus say whether it is so."""
    key, qualifier = _locate(
        call.caller, call.input.function_name, call.input.qualifier, "GetFunctionConfiguration"
    )
    return described(await _read(control, key, qualifier), qualifier)


async def list_functions(control: Control, call: Call[ListFunctionsInput]) -> ListFunctionsResponse:
    """The functions of the caller's account and region by name, at most 50 at a time. As on
    AWS without their State, which GetFunction has."""
    asked = call.input
    if asked.master_region is not None:
        return ListFunctionsResponse(functions=())  # there are no replicas of edge functions here
    page = min(asked.max_items or limits.LIST_PAGE, limits.LIST_PAGE)
    async with control.store.transaction() as tx:
        found = await tx.functions(
            call.caller.account,
            call.caller.region,
            after=markers.read(asked.marker),
            limit=page + 1,
        )
    qualifier = LATEST if asked.function_version == "ALL" else None
    return ListFunctionsResponse(
        functions=tuple(described(f, qualifier, listed=True) for f in found[:page]),
        next_marker=markers.marker(found[page - 1].key.name) if len(found) > page else None,
    )


async def update_function_code(
    control: Control, call: Call[UpdateFunctionCodeInput]
) -> FunctionConfiguration:
    """Replace the code of $LATEST. The old code serves until LastUpdateStatus is Successful."""
    asked = call.input
    key, qualifier = _locate(call.caller, asked.function_name, None, "UpdateFunctionCode")
    refuse_unbuilt(asked)
    source = FunctionCode(
        zip_file=asked.zip_file, s3_bucket=asked.s3_bucket, image_uri=asked.image_uri
    )
    if asked.dry_run:
        await control.blobs.check_archive(_zip(source, "UpdateFunctionCode"))
        function = await _read(control, key, qualifier)
        _check_revision(function, asked.revision_id)
        model.check_free(function)
        return described(function)
    await _read(control, key, qualifier)  # before the work of keeping a package for nobody
    code = await _package(control, source, "UpdateFunctionCode")
    async with control.store.transaction() as tx:
        function = await _must_have(tx, key, qualifier)
        latest = validation.updated(replace(function.latest, code=code), asked_changes(asked))
        changed = await _update(tx, function, latest, asked.revision_id)
        await _check_storage(control, tx, key)
    _tell(control, changed)
    return described(changed)


async def update_function_configuration(
    control: Control, call: Call[UpdateFunctionConfigurationInput]
) -> FunctionConfiguration:
    """Change the settings of $LATEST that are given; the old ones serve until
    LastUpdateStatus is Successful."""
    asked = call.input
    key, qualifier = _locate(call.caller, asked.function_name, None, "UpdateFunctionConfiguration")
    refuse_unbuilt(asked)
    async with control.store.transaction() as tx:
        function = await _must_have(tx, key, qualifier)
        layers = await attached(tx, call.caller, asked.layers)
        changes = replace(asked_changes(asked), layers=layers)
        latest = validation.updated(function.latest, changes)
        changed = await _update(tx, function, latest, asked.revision_id)
    _tell(control, changed)
    return described(changed)


async def delete_function(
    control: Control, call: Call[DeleteFunctionInput]
) -> DeleteFunctionResponse:
    """Delete the function. Invocations that have begun are finished; its logs stay."""
    key, qualifier = _locate(
        call.caller, call.input.function_name, call.input.qualifier, "DeleteFunction"
    )
    if qualifier == LATEST:
        raise InvalidParameterValueException(
            "$LATEST version cannot be deleted without deleting the function."
        )
    async with control.store.transaction() as tx:
        function = await _must_have(tx, key, qualifier)
        await tx.delete_function(key, expected=function.revision_id)
    control.changed()
    log.info("function deleted", extra={"function": key.arn})
    return DeleteFunctionResponse(status_code=204)


def _locate(
    caller: Caller, name: str, qualifier: str | None, action: str
) -> tuple[FunctionKey, str | None]:
    ref = locate(name, qualifier, account=caller.account, region=caller.region, action=action)
    return FunctionKey(caller.account, caller.region, ref.name), ref.qualifier


async def _read(control: Control, key: FunctionKey, qualifier: str | None) -> Function:
    async with control.store.transaction() as tx:
        return await _must_have(tx, key, qualifier)


async def _must_have(tx: Transaction, key: FunctionKey, qualifier: str | None) -> Function:
    function = await tx.function(key)
    # Versions and aliases are not built yet: $LATEST is all there is.
    if function is None or qualifier not in (None, LATEST):
        raise function_not_found(key.region, key.account, key.name, qualifier)
    return function


async def _update(
    tx: Transaction, function: Function, latest: model.Configuration, revision: str | None
) -> Function:
    _check_revision(function, revision)
    changed = model.updated(function, latest, revision=new_revision(), now=timestamp())
    await tx.put_function(changed, expected=function.revision_id)
    return changed


def _check_revision(function: Function, given: str | None) -> None:
    if given is not None and given != function.revision_id:
        raise PreconditionFailedException(
            "The Revision Id provided does not match the latest Revision Id. Call the "
            "GetFunction/GetAlias API to retrieve the latest Revision Id"
        )


def _zip(source: FunctionCode, operation: str) -> bytes:
    if source.s3_bucket or source.s3_key:
        raise NotImplementedException(f"Stoker has not built S3Bucket of {operation} yet.")
    if source.image_uri:
        raise InvalidParameterValueException(
            "Please don't provide ImageUri when updating a function with packageType Zip."
        )
    if source.zip_file is None:
        raise InvalidParameterValueException("Please provide a source for function code.")
    if not source.zip_file:
        raise InvalidParameterValueException("Uploaded file must be a non-empty zip")
    validation.check_zip_size(len(source.zip_file), operation)
    return source.zip_file


async def _package(control: Control, source: FunctionCode, operation: str) -> Code:
    """Check the package and keep it. One that no function comes to own is collected later."""
    return await control.blobs.put_archive(_zip(source, operation))


async def _check_storage(control: Control, tx: Transaction, key: FunctionKey) -> None:
    usage = await tx.usage(key.account, key.region)
    if usage.code_bytes > control.settings.code_storage_bytes:
        raise CodeStorageExceededException("Code storage limit exceeded.")


def _tell(control: Control, function: Function) -> None:
    control.changed()
    facts = {"function": function.key.arn, "revision": function.revision_id}
    log.info("function changed", extra=facts)
    for setting in function.latest.kept:
        log.warning("setting has no effect", extra={**facts, "setting": setting})
