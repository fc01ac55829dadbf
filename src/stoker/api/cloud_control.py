"""Cloud Control: a resource read by its type and identifier, whoever made it.

Types of services that are not ours, and all that would change a resource, are a typed 501.
"""

from functools import partial
from typing import Any

import orjson

from stoker.api.control import Call, Caller, Control
from stoker.api.shapes.cloudcontrol import GetResourceInput, GetResourceOutput, ResourceDescription
from stoker.api.stacks import stacks_of
from stoker.core.cloud_control_errors import (
    DoesNotAnswer,
    InvalidRequestException,
    ResourceNotFoundException,
)
from stoker.core.errors import NotImplementedException
from stoker.neighbours.calls import Refused
from stoker.neighbours.neighbours import Unreachable
from stoker.stacks.kinds.reading import READABLE
from stoker.stacks.work import is_missing


async def get_resource(control: Control, call: Call[GetResourceInput]) -> GetResourceOutput:
    """Its properties, as a template would have them, and what is read-only."""
    asked = call.input
    if asked.type_version_id is not None:
        raise NotImplementedException("Stoker has no private types: TypeVersionId is not built.")
    kind = READABLE.get(asked.type_name)
    if kind is None:
        raise NotImplementedException(
            f"Stoker does not read {asked.type_name} by Cloud Control. It reads"
            f" {', '.join(sorted(READABLE))}."
        )
    try:
        found = await kind.read(partial(_ask, control, call.caller), asked.identifier)
    except Refused as refusal:
        if is_missing(refusal):
            raise ResourceNotFoundException(asked.type_name, asked.identifier) from None
        raise InvalidRequestException(refusal.message) from None
    except Unreachable as failure:
        raise DoesNotAnswer(str(failure)) from None
    if found is None:
        raise ResourceNotFoundException(asked.type_name, asked.identifier)
    shown = ResourceDescription(
        identifier=found[kind.identifier], properties=orjson.dumps(found).decode()
    )
    return GetResourceOutput(type_name=asked.type_name, resource_description=shown)


async def _ask(
    control: Control, caller: Caller, service: str, operation: str, /, **parameters: Any
) -> dict[str, Any]:
    ask = stacks_of(control).ask
    return await ask(caller.account, caller.region, service, operation, parameters)
