"""Functions behind custom resources: how they are asked, and where they send what they have made.

The address is the whole credential, as that of the presigned URL is which AWS gives.
"""

from stoker.api.control import Control
from stoker.api.identifiers import new_request_id
from stoker.api.sampling import begun
from stoker.core import lineage, tenancy
from stoker.core.model import FunctionKey
from stoker.core.names import parse_function_ref
from stoker.core.stacks.errors import ValidationError
from stoker.http.base import Exchange
from stoker.stacks.custom import PATH as PATH  # of all such addresses
from stoker.store.event_queue import Content


async def take(control: Control, exchange: Exchange) -> None:
    """Answer a request to such an address: PUT, once, a small JSON."""
    word = exchange.target.removeprefix(PATH).partition("?")[0]
    broken = exchange.truncated or exchange.oversized
    if control.stacks is None or exchange.method != "PUT" or broken:
        return exchange.respond(405 if exchange.method != "PUT" else 400, [])
    try:
        taken = control.stacks.answers.take(word, exchange.body)
    except ValueError as error:
        return exchange.respond(400, [("Content-Type", "text/plain")], str(error).encode())
    return exchange.respond(200 if taken else 403, [])


async def invoke(control: Control, arn: str, account: str, event: bytes) -> None:
    """Queue an event for a function of that account. Raise ServiceError."""
    ref = parse_function_ref(arn)
    key = FunctionKey(ref.account or "", ref.region or "", ref.name)
    if key.account != account:
        raise ValidationError(f"{arn} is another account's")
    target = control.catalog.resolve(key.account, key.region, key.name, ref.qualifier)
    tenancy.check(target)
    trace, _, ancestor = begun(
        control.sampling, (key.account, key.region, key.name), None,
        active=target.tracing == "Active",
    )  # fmt: skip
    trace, _ = lineage.advanced(trace, lineage.mark(key.arn))
    content = Content(new_request_id(), arn, "application/json", trace, ancestor, event)
    await control.events.keep(key, ref.qualifier, content)
