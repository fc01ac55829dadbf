"""Reserved concurrency: what a function may always have, and never more.

Counts from the next invocation on, for all versions together; what already runs is left to
finish. 0 turns the function off.
"""

from dataclasses import replace

from stoker.api.control import Call, Control
from stoker.api.identifiers import new_revision
from stoker.api.lookup import must_have, whole
from stoker.api.shapes.lambda_ import (
    Concurrency,
    DeleteFunctionConcurrencyInput,
    GetFunctionConcurrencyInput,
    GetFunctionConcurrencyResponse,
    PutFunctionConcurrencyInput,
)
from stoker.core.concurrency import check_reservation
from stoker.core.model import Function
from stoker.core.names import LATEST
from stoker.store.base import Transaction
from stoker.store.provisioned import total


async def put_function_concurrency(
    control: Control, call: Call[PutFunctionConcurrencyInput]
) -> Concurrency:
    """Set aside part of the account's concurrency for one function."""
    asked = call.input
    key = whole(call.caller, asked.function_name, "PutFunctionConcurrency")
    amount = asked.reserved_concurrent_executions
    limits = control.settings.limits.of(key.account)
    async with control.store.transaction() as tx:
        function = await must_have(tx, key, LATEST)  # AWS says it so
        provisioned = await total(tx, key)
        check_reservation(
            amount,
            before=provisioned if function.reserved is None else function.reserved,
            provisioned=provisioned,
            left=limits.concurrency - await tx.set_aside(key.account, key.region),
            minimum=limits.unreserved_minimum,
        )
        await _put(tx, function, amount)
    return Concurrency(reserved_concurrent_executions=amount)


async def get_function_concurrency(
    control: Control, call: Call[GetFunctionConcurrencyInput]
) -> GetFunctionConcurrencyResponse:
    """What is set aside for it; nothing is said if nothing is."""
    key = whole(call.caller, call.input.function_name, "GetFunctionConcurrency")
    async with control.store.transaction() as tx:
        function = await must_have(tx, key, None)
    return GetFunctionConcurrencyResponse(reserved_concurrent_executions=function.reserved)


async def delete_function_concurrency(
    control: Control, call: Call[DeleteFunctionConcurrencyInput]
) -> None:
    """Give back what is set aside: the function shares with all others again."""
    key = whole(call.caller, call.input.function_name, "DeleteFunctionConcurrency")
    async with control.store.transaction() as tx:
        await _put(tx, await must_have(tx, key, LATEST), None)


async def _put(tx: Transaction, function: Function, amount: int | None) -> None:
    changed = replace(function, reserved=amount, revision_id=new_revision())
    await tx.put_function(changed, expected=function.revision_id)
