"""GetAccountSettings."""

from stoker.api.control import Call, Control
from stoker.api.shapes.lambda_ import (
    AccountLimit,
    AccountUsage,
    GetAccountSettingsInput,
    GetAccountSettingsResponse,
)
from stoker.core import limits


async def get_account_settings(
    control: Control, call: Call[GetAccountSettingsInput]
) -> GetAccountSettingsResponse:
    """What the caller's account may have in this region, and what it has."""
    async with control.store.transaction() as tx:
        usage = await tx.usage(call.caller.account, call.caller.region)
        reserved = await tx.set_aside(call.caller.account, call.caller.region)
    concurrency = control.settings.concurrent_executions
    return GetAccountSettingsResponse(
        account_limit=AccountLimit(
            total_code_size=control.settings.code_storage_bytes,
            code_size_unzipped=limits.UNZIPPED_BYTES,
            code_size_zipped=limits.ZIP_BYTES,
            concurrent_executions=concurrency,
            unreserved_concurrent_executions=concurrency - reserved,
        ),
        account_usage=AccountUsage(
            total_code_size=usage.code_bytes, function_count=usage.functions
        ),
    )
