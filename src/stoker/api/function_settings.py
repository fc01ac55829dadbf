"""How a function's runtime is updated, and what becomes of its recursive loops: kept and shown.

The interpreters are the machine's, so Stoker updates none. Manual takes the runtime version that
the function's logs and GetFunction name, of which there is one for each runtime; to another, which
is AWS's or another runtime's, it cannot go back.
"""

from stoker.api.control import Call, Control
from stoker.api.lookup import find, located, must_have, whole
from stoker.api.shapes.lambda_ import (
    GetFunctionRecursionConfigInput,
    GetFunctionRecursionConfigResponse,
    GetRuntimeManagementConfigInput,
    GetRuntimeManagementConfigResponse,
    PutFunctionRecursionConfigInput,
    PutFunctionRecursionConfigResponse,
    PutRuntimeManagementConfigInput,
    PutRuntimeManagementConfigResponse,
)
from stoker.core import lineage
from stoker.core.errors import InvalidParameterValueException, NotImplementedException
from stoker.core.model import Configuration, Function, FunctionKey
from stoker.core.names import LATEST, function_arn, function_not_found, runtime_version_arn
from stoker.store.base import Transaction

RUNTIME = "runtime-management"  # the kind in the store
_MANUAL = "Manual"


async def put_runtime_management_config(
    control: Control, call: Call[PutRuntimeManagementConfigInput]
) -> PutRuntimeManagementConfigResponse:
    """Say when the runtime of $LATEST or of a version is to be updated."""
    asked = call.input
    key, qualifier = located(
        call.caller, asked.function_name, asked.qualifier, "PutRuntimeManagementConfig"
    )
    manual = asked.update_runtime_on == _MANUAL
    if manual is not bool(asked.runtime_version_arn):
        raise InvalidParameterValueException(
            "RuntimeVersionArn is to be given if UpdateRuntimeOn is Manual, and only then."
        )
    async with control.store.transaction() as tx:
        running = await _version(tx, key, qualifier)
        if manual:
            _check_arn(key, running, asked.runtime_version_arn)
        kept = {"update_on": asked.update_runtime_on}
        await tx.settings.put(key, qualifier or LATEST, RUNTIME, kept)
    return PutRuntimeManagementConfigResponse(
        update_runtime_on=asked.update_runtime_on,
        function_arn=function_arn(key.region, key.account, key.name, qualifier),
        runtime_version_arn=asked.runtime_version_arn,
    )


async def get_runtime_management_config(
    control: Control, call: Call[GetRuntimeManagementConfigInput]
) -> GetRuntimeManagementConfigResponse:
    """What was said; Auto if nothing was."""
    asked = call.input
    key, qualifier = located(
        call.caller, asked.function_name, asked.qualifier, "GetRuntimeManagementConfig"
    )
    async with control.store.transaction() as tx:
        running = await _version(tx, key, qualifier)
        kept = await tx.settings.get(key, qualifier or LATEST, RUNTIME)
    update_on = str(kept["update_on"]) if kept else "Auto"
    held = runtime_version_arn(key.region, running.runtime) if update_on == _MANUAL else None
    return GetRuntimeManagementConfigResponse(
        update_runtime_on=update_on,
        function_arn=function_arn(key.region, key.account, key.name, qualifier),
        runtime_version_arn=held,
    )


async def check_held(tx: Transaction, before: Function, latest: Configuration) -> None:
    """Refuse another runtime or architecture for $LATEST while it is held to a runtime version
    (developer guide, "Rolling back a Lambda runtime version")."""
    now = before.latest
    if (latest.runtime, latest.architecture) == (now.runtime, now.architecture):
        return
    kept = await tx.settings.get(before.key, LATEST, RUNTIME)
    if kept and kept["update_on"] == _MANUAL:
        raise InvalidParameterValueException(
            "The runtime and the architecture cannot be changed while UpdateRuntimeOn of $LATEST "
            "is Manual. Change it to Auto or FunctionUpdate first."
        )


async def put_function_recursion_config(
    control: Control, call: Call[PutFunctionRecursionConfigInput]
) -> PutFunctionRecursionConfigResponse:
    """Say whether recursive loops of the function are to be stopped."""
    key = whole(call.caller, call.input.function_name, "PutFunctionRecursionConfig")
    asked = call.input.recursive_loop
    async with control.store.transaction() as tx:
        await must_have(tx, key, None)
        await tx.settings.put(key, LATEST, lineage.KIND, {"loop": asked})
    return PutFunctionRecursionConfigResponse(recursive_loop=asked)


async def get_function_recursion_config(
    control: Control, call: Call[GetFunctionRecursionConfigInput]
) -> GetFunctionRecursionConfigResponse:
    """What was said; Terminate if nothing was."""
    key = whole(call.caller, call.input.function_name, "GetFunctionRecursionConfig")
    async with control.store.transaction() as tx:
        await must_have(tx, key, None)
        kept = await tx.settings.get(key, LATEST, lineage.KIND)
    return GetFunctionRecursionConfigResponse(recursive_loop=kept["loop"] if kept else "Terminate")


async def _version(tx: Transaction, key: FunctionKey, qualifier: str | None) -> Configuration:
    """What is configured there. Aliases have no runtime of their own."""
    found = await find(tx, key, qualifier)
    if found.alias is not None:
        raise function_not_found(key.region, key.account, key.name, qualifier)
    return found.version.configuration if found.version else found.function.latest


def _check_arn(key: FunctionKey, running: Configuration, asked: str | None) -> None:
    there = runtime_version_arn(key.region, running.runtime)
    if asked != there:
        raise NotImplementedException(
            f"UpdateRuntimeOn Manual of PutRuntimeManagementConfig: of {running.runtime} there is "
            f"no version here but {there}, which is whatever this machine has."
        )
