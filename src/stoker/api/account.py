"""GetAccountSettings."""

from stoker.api.control import Call, Control
from stoker.api.shapes.lambda_ import (
    AccountLimit,
    AccountUsage,
    GetAccountSettingsInput,
    GetAccountSettingsResponse,
)


async def get_account_settings(
    control: Control, call: Call[GetAccountSettingsInput]
) -> GetAccountSettingsResponse:
    """What the caller's account may have in this region, and what it has."""
    async with control.store.transaction() as tx:
        usage = await tx.usage(call.caller.account, call.caller.region)
        reserved = await tx.set_aside(call.caller.account, call.caller.region)
    concurrency = control.settings.limits.of(call.caller.account).concurrency
    quotas = control.settings.quotas
    return GetAccountSettingsResponse(
        account_limit=AccountLimit(
            total_code_size=quotas.code_storage_bytes,
            code_size_unzipped=quotas.unzipped_bytes,
            code_size_zipped=quotas.zip_bytes,
            concurrent_executions=concurrency,
            unreserved_concurrent_executions=concurrency - reserved,
        ),
        account_usage=AccountUsage(
            total_code_size=usage.code_bytes, function_count=usage.functions
        ),
    )
