"""InvokeAsync: the older way to send an event. 202 says that it is on the disk."""

import asyncio

from stoker.api import invocations
from stoker.api.control import Call, Control
from stoker.api.event_invocations import not_json
from stoker.api.json_check import LARGE_BYTES, complaint, complaint_about_large
from stoker.api.sampling import begun
from stoker.api.shapes.lambda_ import InvokeAsyncInput, InvokeAsyncResponse
from stoker.core import lineage, tenancy
from stoker.store.event_queue import Content


async def invoke_async(control: Control, call: Call[InvokeAsyncInput]) -> InvokeAsyncResponse:
    """The permission is that of Invoke."""
    where = invocations.address(call.caller, call.input.function_name, None)
    target = invocations.resolved(control, where)
    tenancy.check(target)  # which this operation cannot name
    event = call.input.invoke_args or b"{}"
    if len(event) < LARGE_BYTES:
        fault = complaint(event)
    else:
        fault = await asyncio.to_thread(complaint_about_large, event)
    if fault is not None:
        raise not_json(fault)
    function = (target.account, target.region, target.name)
    active = target.tracing == "Active"
    trace, _, ancestor = begun(control.sampling, function, None, active=active)
    trace, _ = lineage.advanced(trace, where.mark)
    content = Content(call.request_id, where.arn, "application/json", trace, ancestor, event)
    await control.events.keep(where.key, where.qualifier, content)
    return InvokeAsyncResponse(status=202)
