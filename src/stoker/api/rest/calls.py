"""REST APIs in the store: how an operation comes to one, and what it leaves there.

A rule (core/rest/) works on a copy of the record, and says what the answer is; what it changed is
kept. Names are AWS's, as the wire has them.
"""

import copy
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson
from botocore.model import StructureShape

from stoker.api import codec, markers, services
from stoker.api.control import Call, Caller, Control
from stoker.api.identifiers import new_revision, new_short_id
from stoker.api.rest.working import worked
from stoker.core.errors import (
    BadRequestException,
    InvalidParameterValueException,
    TooManyRequestsException,
)
from stoker.core.limits import MIB
from stoker.core.resources import Kind, Resource, ResourceKey
from stoker.core.rest import accounts
from stoker.core.rest.records import Asked, Doc, Facts, not_found
from stoker.store.base import Transaction

SERVICE = "apigateway"
ACCOUNT = "account"  # the id of the record that an account has
MOST_BYTES = 8 * MIB  # ours, of all that an API consists of
PAGE, MOST = 25, 500  # AWS's, of lists
Rule = Callable[[Doc, Asked, Facts], Any]


def asked_of(call: Call[Any]) -> dict[str, Any]:
    """What is mentioned."""
    return codec.record(_operation(call).input_shape, call.input)


def shown(call: Call[Any], record: Mapping[str, Any]) -> Any:
    """The operation's answer, from a record."""
    shape = _operation(call).output_shape
    assert isinstance(shape, StructureShape)
    return codec.shaped(shape, record, SERVICE)


def _operation(call: Call[Any]) -> Any:
    name = type(call.input).__name__.removesuffix("Input")
    return services.model(SERVICE).operation_model(name)


def facts_of(caller: Caller) -> Facts:
    return Facts(caller.account, caller.region, int(time.time()), _ids())


def _ids() -> Iterator[str]:
    while True:
        yield new_short_id(10)


def api_key(caller: Caller, api_id: str) -> ResourceKey:
    return ResourceKey(caller.account, caller.region, Kind.REST_API, api_id)


def deployment_key(caller: Caller, api_id: str, deployment_id: str) -> ResourceKey:
    name = f"{api_id}/{deployment_id}"
    return ResourceKey(caller.account, caller.region, Kind.REST_DEPLOYMENT, name)


async def must_have(tx: Transaction, key: ResourceKey) -> Resource:
    found = await tx.resources.get(key)
    if found is None:
        raise not_found(key.account, key.id)
    return found


async def keep(tx: Transaction, before: Resource, doc: Doc) -> None:
    if doc != before.record:
        check_size(doc)
        changed = before.changed(doc, revision=new_revision())
        await tx.resources.put(changed, expected=before.revision_id)


def check_size(doc: Doc) -> None:
    if len(orjson.dumps(doc)) > MOST_BYTES:
        raise TooManyRequestsException(f"An API has at most {MOST_BYTES} bytes, as JSON")


async def on_api(
    control: Control, call: Call[Any], rule: Rule, api_id: str | None = None, *, size_bytes: int = 0
) -> Any:
    """Carry out a rule on the API that the call names; the answer. `size_bytes`: of what the rule
    reads."""
    asked = asked_of(call)
    async with control.store.transaction() as tx:
        found = await must_have(tx, api_key(call.caller, api_id or asked["restapi_id"]))
        doc = copy.deepcopy(dict(found.record))
        answer = await worked(lambda: rule(doc, asked, facts_of(call.caller)), size_bytes)
        await keep(tx, found, doc)
    return None if answer is None else shown(call, answer)


async def on_account(control: Control, call: Call[Any], rule: Rule) -> Any:
    """The same, on what the account has besides APIs."""
    asked, caller = asked_of(call), call.caller
    key = ResourceKey(caller.account, caller.region, Kind.REST_ACCOUNT, ACCOUNT)
    async with control.store.transaction() as tx:
        found = await tx.resources.get(key)
        doc = copy.deepcopy(dict(found.record)) if found else accounts.empty()
        answer = rule(doc, asked, facts_of(caller))
        if found:
            await keep(tx, found, doc)
        elif doc != accounts.empty():
            await tx.resources.add(Resource(key, new_revision(), doc))
    return None if answer is None else shown(call, answer)


def page(items: Mapping[str, Doc], asked: Asked) -> Doc:
    """A list, by what names each, beginning behind the position."""
    limit = asked.get("limit")
    if limit is not None and limit < 1:
        raise BadRequestException(f"Invalid limit specified: {limit}")
    size = min(limit or PAGE, MOST)
    try:
        after = markers.read(asked.get("position"))
    except InvalidParameterValueException:
        raise BadRequestException("Invalid position parameter specified") from None
    names = [name for name in sorted(items) if name > after]
    following = {"position": markers.marker(names[size - 1])} if len(names) > size else {}
    return {"item": [items[name] for name in names[:size]], **following}
