"""How a function's runtime is updated, and what becomes of its recursive loops: kept and shown.

The interpreters are the machine's, so Stoker updates none and cannot hold one back: Manual,
which would promise that, is refused.
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
from stoker.core.model import FunctionKey
from stoker.core.names import LATEST, function_arn, function_not_found
from stoker.store.base import Transaction

RUNTIME = "runtime-management"  # the kind in the store


async def put_runtime_management_config(
    control: Control, call: Call[PutRuntimeManagementConfigInput]
) -> PutRuntimeManagementConfigResponse:
    """Say when the runtime of $LATEST or of a version is to be updated."""
    asked = call.input
    key, qualifier = located(
        call.caller, asked.function_name, asked.qualifier, "PutRuntimeManagementConfig"
    )
    if asked.update_runtime_on == "Manual":
        raise NotImplementedException(
            "Stoker has not built UpdateRuntimeOn Manual of PutRuntimeManagementConfig: the "
            "interpreter is this machine's."
        )
    if asked.runtime_version_arn is not None:
        raise InvalidParameterValueException(
            "RuntimeVersionArn can be given only if UpdateRuntimeOn is Manual."
        )
    async with control.store.transaction() as tx:
        await _check_version(tx, key, qualifier)
        kept = {"update_on": asked.update_runtime_on}
        await tx.settings.put(key, qualifier or LATEST, RUNTIME, kept)
    return PutRuntimeManagementConfigResponse(
        update_runtime_on=asked.update_runtime_on,
        function_arn=function_arn(key.region, key.account, key.name, qualifier),
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
        await _check_version(tx, key, qualifier)
        kept = await tx.settings.get(key, qualifier or LATEST, RUNTIME)
    return GetRuntimeManagementConfigResponse(
        update_runtime_on=kept["update_on"] if kept else "Auto",
        function_arn=function_arn(key.region, key.account, key.name, qualifier),
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


async def _check_version(tx: Transaction, key: FunctionKey, qualifier: str | None) -> None:
    """Aliases have no runtime of their own."""
    found = await find(tx, key, qualifier)
    if found.alias is not None:
        raise function_not_found(key.region, key.account, key.name, qualifier)
