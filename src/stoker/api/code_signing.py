"""Whether a function's code must be signed: never, since code signing is not built. Terraform
asks this of every function."""

from typing import Any

from stoker.api.control import Call, Control
from stoker.api.lookup import located, must_have
from stoker.api.shapes.lambda_ import (
    GetFunctionCodeSigningConfigInput,
    GetFunctionCodeSigningConfigResponse,
)

ABSENT: Any = None  # AWS says neither, though its model demands both


async def get_function_code_signing_config(
    control: Control, call: Call[GetFunctionCodeSigningConfigInput]
) -> GetFunctionCodeSigningConfigResponse:
    """The configuration that the function has; as on AWS nothing is said if there is none."""
    key, qualifier = located(
        call.caller, call.input.function_name, None, "GetFunctionCodeSigningConfig"
    )
    async with control.store.transaction() as tx:
        await must_have(tx, key, qualifier)
    return GetFunctionCodeSigningConfigResponse(
        code_signing_config_arn=ABSENT, function_name=ABSENT
    )
