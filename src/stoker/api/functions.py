"""Functions: create, read, list, update, delete.

Nothing here touches an environment. What is asked for is checked and written; that it becomes
true is the affair of reconcilers/activation.py, which `control.changed()` wakes.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from stoker.api import markers
from stoker.api.code import location
from stoker.api.code_signing import check_deployment
from stoker.api.control import Call, Caller, Control
from stoker.api.function_lists import Page
from stoker.api.function_settings import check_held
from stoker.api.function_shapes import asked_changes, described, described_version, refuse_unbuilt
from stoker.api.identifiers import new_revision, timestamp
from stoker.api.layers import attached
from stoker.api.lookup import Found, find, located, must_have
from stoker.api.packages import package
from stoker.api.roles import check_role
from stoker.api.shapes.lambda_ import (
    Concurrency,
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
from stoker.api.versions import check_storage, delete_version, publish
from stoker.core import code_signing, limits, model, validation
from stoker.core.errors import NotImplementedException
from stoker.core.model import Code, Function, FunctionKey
from stoker.core.names import LATEST
from stoker.core.versions import check_revision
from stoker.store.base import Transaction

log = logging.getLogger(__name__)

_SMALL_BYTES = 128 * 1024  # a larger package is better written once than waited for less


async def create_function(
    control: Control, call: Call[CreateFunctionInput]
) -> FunctionConfiguration:
    """Create a function. It can be invoked when its State is Active."""
    asked = call.input
    key, qualifier = located(call.caller, asked.function_name, None, "CreateFunction")
    validation.check_new_name(asked.function_name if qualifier else key.name)
    refuse_unbuilt(asked)
    validation.check_tags(asked.tags or {})
    changes = asked_changes(asked)
    await check_role(control, asked.role, call.caller.region)
    async with (
        _package(control, call.caller, asked.code, "CreateFunction") as (code, small),
        control.store.transaction() as tx,
    ):
        if small:
            await tx.packages.keep(code.sha256, small)
        layers = await attached(control, tx, call.caller, asked.layers)
        latest = validation.created(
            key.name, replace(changes, layers=layers), code, control.settings.quotas
        )
        _check_images(control, latest)
        function = model.new_function(
            key, latest, asked.tags or {}, revision=new_revision(), now=timestamp()
        )
        await tx.create_function(function)
        if asked.code_signing_config_arn:
            signing = {"arn": asked.code_signing_config_arn}
            await tx.settings.put(key, LATEST, code_signing.KIND, signing)
            await check_deployment(tx, key)
        version = LATEST
        if asked.publish:
            published, _ = await publish(tx, function)
            version = str(published.key.number)
        await check_storage(control, tx, key)
    _tell(control, function)
    # AWS shows the number, and not in the ARN (recorded by LocalStack's tests).
    return replace(described(function), version=version)


async def get_function(control: Control, call: Call[GetFunctionInput]) -> GetFunctionResponse:
    """The configuration, and a link to the code that is good for ten minutes."""
    key, qualifier = located(
        call.caller, call.input.function_name, call.input.qualifier, "GetFunction"
    )
    async with control.store.transaction() as tx:
        found = await find(tx, key, qualifier)
    running = found.version.configuration if found.version else found.function.latest
    return GetFunctionResponse(
        configuration=_described(found),
        code=FunctionCodeLocation(
            repository_type="S3", location=location(call.base_url, running.code.sha256)
        ),
        tags=found.function.tags or None,
        concurrency=(
            None
            if found.function.reserved is None
            else Concurrency(reserved_concurrent_executions=found.function.reserved)
        ),
    )


async def get_function_configuration(
    control: Control, call: Call[GetFunctionConfigurationInput]
) -> FunctionConfiguration:
    """The configuration as last asked for; State and LastUpdateStatus say whether it is so."""
    key, qualifier = located(
        call.caller, call.input.function_name, call.input.qualifier, "GetFunctionConfiguration"
    )
    async with control.store.transaction() as tx:
        return _described(await find(tx, key, qualifier))


async def list_functions(control: Control, call: Call[ListFunctionsInput]) -> ListFunctionsResponse:
    """The functions of the caller's account and region by name, at most 50 at a time; with
    FunctionVersion ALL, the versions of each behind it. As on AWS without their State, which
    GetFunction has."""
    asked = call.input
    if asked.master_region is not None:
        return ListFunctionsResponse(functions=())  # there are no replicas of edge functions here
    most = min(asked.max_items or limits.LIST_PAGE, limits.LIST_PAGE)
    every = asked.function_version == "ALL"
    page = Page(
        call.caller.account, call.caller.region, markers.read_pair(asked.marker), most, every
    )
    known = control.listed.page(page)
    if known is not None:
        return known
    async with control.store.transaction() as tx:
        answer = await _read_page(control, tx, page)
        control.listed.keep(page, answer)
    return answer


async def _read_page(control: Control, tx: Transaction, page: Page) -> ListFunctionsResponse:
    account, region, limit = page.account, page.region, page.most + 1
    functions = await tx.functions(account, region, after=page.after[0], limit=limit)
    published = (
        await tx.versions.of_all(account, region, after=page.after, limit=limit)
        if page.every
        else []
    )
    qualifier = LATEST if page.every else None
    shown = [((f.key.name, 0), control.listed.show(f, qualifier)) for f in functions]
    shown += [
        ((v.key.function.name, v.key.number), described_version(v, listed=True)) for v in published
    ]
    shown.sort(key=lambda one: one[0])
    return ListFunctionsResponse(
        functions=tuple(one for _, one in shown[: page.most]),
        next_marker=markers.pair(*shown[page.most - 1][0]) if len(shown) > page.most else None,
    )


async def update_function_code(
    control: Control, call: Call[UpdateFunctionCodeInput]
) -> FunctionConfiguration:
    """Replace the code of $LATEST. The old code serves until LastUpdateStatus is Successful."""
    asked = call.input
    key, qualifier = located(call.caller, asked.function_name, None, "UpdateFunctionCode")
    refuse_unbuilt(asked)
    source = FunctionCode(
        zip_file=asked.zip_file,
        s3_bucket=asked.s3_bucket,
        s3_key=asked.s3_key,
        s3_object_version=asked.s3_object_version,
        image_uri=asked.image_uri,
    )
    if asked.dry_run:
        archive = await package(control, call.caller, source, "UpdateFunctionCode")
        await control.blobs.check_archive(archive)
        function = await _read(control, key, qualifier)
        check_revision(function.revision_id, asked.revision_id)
        model.check_free(function)
        return described(function)
    if qualifier is not None or not control.catalog.holds(key):
        await _read(control, key, qualifier)  # before the work of keeping a package for nobody
    async with (
        _package(control, call.caller, source, "UpdateFunctionCode") as (code, small),
        control.store.transaction() as tx,
    ):
        if small:
            await tx.packages.keep(code.sha256, small)
        function = await must_have(tx, key, qualifier)
        await check_deployment(tx, key)
        latest = validation.updated(
            replace(function.latest, code=code), asked_changes(asked), control.settings.quotas
        )
        changed = await _update(tx, function, latest, asked.revision_id)
        published = (await publish(tx, changed))[0] if asked.publish else None
        await check_storage(control, tx, key)
    _tell(control, changed)
    return described(changed) if published is None else described_version(published)


async def update_function_configuration(
    control: Control, call: Call[UpdateFunctionConfigurationInput]
) -> FunctionConfiguration:
    """Change the settings of $LATEST that are given; the old ones serve until
    LastUpdateStatus is Successful."""
    asked = call.input
    key, qualifier = located(call.caller, asked.function_name, None, "UpdateFunctionConfiguration")
    refuse_unbuilt(asked)
    if asked.role is not None:
        await check_role(control, asked.role, call.caller.region)
    async with control.store.transaction() as tx:
        function = await must_have(tx, key, qualifier)
        layers = await attached(control, tx, call.caller, asked.layers)
        if layers and layers != function.latest.layers:
            await check_deployment(tx, key)
        changes = replace(asked_changes(asked), layers=layers)
        latest = validation.updated(function.latest, changes, control.settings.quotas)
        _check_images(control, latest)
        changed = await _update(tx, function, latest, asked.revision_id)
    _tell(control, changed)
    return described(changed)


def _check_images(control: Control, wanted: model.Configuration) -> None:
    """A snapshot of a runtime with threads takes a program that this machine may not have."""
    has_threads = limits.RUNTIMES[wanted.runtime].family is not limits.Family.PYTHON
    if wanted.snap_start and has_threads and (lacking := control.settings.lacks_images()):
        raise NotImplementedException(
            f"SnapStart of {wanted.runtime} is not possible here: {lacking}."
        )


async def delete_function(
    control: Control, call: Call[DeleteFunctionInput]
) -> DeleteFunctionResponse:
    """Delete the function with its versions and aliases, or the one version that is named.
    Invocations that have begun are finished; its logs stay."""
    key, qualifier = located(
        call.caller, call.input.function_name, call.input.qualifier, "DeleteFunction"
    )
    if qualifier is not None:
        await delete_version(control, key, qualifier)
        return DeleteFunctionResponse(status_code=204)
    async with control.store.transaction() as tx:
        function = await must_have(tx, key, None)
        await tx.delete_function(key, expected=function.revision_id)
    control.changed()
    log.info("function deleted", extra={"function": key.arn})
    return DeleteFunctionResponse(status_code=204)


def _described(found: Found) -> FunctionConfiguration:
    if found.version is None:
        return described(found.function, found.qualifier)
    return described_version(found.version, found.qualifier)


async def _read(control: Control, key: FunctionKey, qualifier: str | None) -> Function:
    async with control.store.transaction() as tx:
        return await must_have(tx, key, qualifier)


async def _update(
    tx: Transaction, function: Function, latest: model.Configuration, revision: str | None
) -> Function:
    check_revision(function.revision_id, revision)
    await check_held(tx, function, latest)
    changed = model.updated(function, latest, revision=new_revision(), now=timestamp())
    await tx.put_function(changed, expected=function.revision_id)
    return changed


@asynccontextmanager
async def _package(
    control: Control, caller: Caller, source: FunctionCode, operation: str
) -> AsyncIterator[tuple[Code, bytes]]:
    """Check the package and keep it; the function that owns it must be written meanwhile, and
    with it a small package, which is not on the disk yet (reconcilers/packages.py)."""
    archive = await package(control, caller, source, operation)
    small = len(archive) <= _SMALL_BYTES
    async with control.blobs.receiving(archive, kept=small) as code:
        yield code, archive if small else b""


def _tell(control: Control, function: Function) -> None:
    control.changed()
    facts = {"function": function.key.arn, "revision": function.revision_id}
    log.info("function changed", extra=facts)
    for setting in function.latest.without_effect:
        log.warning("setting has no effect", extra={**facts, "setting": setting})
