"""A template's values as AWS's API wants them, by botocore's model of the operation.

    "30" -> 30, "true" -> True, 5 -> "5"; a policy written as an object -> its JSON;
    [{Key: a, Value: b}] -> {a: b}; RouteKey -> routeKey where the API spells it so

A property that the API does not have is refused by name, and never dropped.
"""

import asyncio
import json
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from stoker.core.stacks.errors import ValidationError
from stoker.neighbours.calls import model_of


async def fitted(service: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Raise ValidationError for what does not fit."""
    model = await asyncio.to_thread(model_of, service)
    shape = model.operation_model(operation).input_shape
    if shape is None:
        return {}
    found: dict[str, Any] = _fit(shape, parameters, "#")
    return found


def _fit(shape: Shape, value: Any, where: str) -> Any:
    match shape:
        case StructureShape():
            return _structure(shape, value, where)
        case ListShape():
            items = value if isinstance(value, list | tuple) else [value]
            return [_fit(shape.member, item, f"{where}/{at}") for at, item in enumerate(items)]
        case MapShape():
            return _map(shape, value, where)
        case _:
            return _scalar(shape, value, where)


def _structure(shape: StructureShape, value: Any, where: str) -> dict[str, Any]:
    if getattr(shape, "is_document_type", False):
        return value  # type: ignore[no-any-return]
    if not isinstance(value, dict):
        raise _mistyped(value, "an object", where)
    found = {}
    for key, item in value.items():
        name = _spelled(shape, key)
        if name is None:
            raise ValidationError(
                f"Properties validation failed with message: {where}: extraneous key [{key}] is"
                " not permitted"
            )
        if item is not None:
            found[name] = _fit(shape.members[name], item, f"{where}/{key}")
    for name in shape.required_members:
        if name not in found and not shape.members[name].metadata.get("idempotencyToken"):
            raise ValidationError(
                f"Properties validation failed with message: {where}: required key [{name}] not"
                " found"
            )
    return found


def _spelled(shape: StructureShape, key: str) -> str | None:
    """The member that is meant: services differ in their capitals."""
    if key in shape.members:
        return key
    low = key.lower()
    return next((name for name in shape.members if name.lower() == low), None)


def _map(shape: MapShape, value: Any, where: str) -> dict[str, Any]:
    if isinstance(value, list) and all(isinstance(one, dict) and "Key" in one for one in value):
        value = {one["Key"]: one.get("Value", "") for one in value}
    if not isinstance(value, dict):
        raise _mistyped(value, "a map", where)
    return {str(key): _fit(shape.value, item, f"{where}/{key}") for key, item in value.items()}


def _scalar(shape: Shape, value: Any, where: str) -> Any:
    kind = shape.type_name
    try:
        match kind:
            case "string" | "character":
                return _string(value)
            case "integer" | "long" if not isinstance(value, bool):
                return int(value)
            case "float" | "double" if not isinstance(value, bool):
                return float(value)
            case "boolean" if str(value).lower() in ("true", "false"):
                return str(value).lower() == "true"
            case "blob":
                return value if isinstance(value, bytes) else _string(value).encode()
            case "timestamp":
                return value
    except (TypeError, ValueError):
        pass
    raise _mistyped(value, f"of type {kind}", where)


def _string(value: Any) -> str:
    match value:
        case str():
            return value
        case bool():
            return str(value).lower()
        case dict() | list():
            return json.dumps(value)
        case _:
            return str(value)


def _mistyped(value: Any, wanted: str, where: str) -> ValidationError:
    shown = json.dumps(value, default=str)[:100]
    return ValidationError(
        f"Properties validation failed with message: {where}: {shown} is not {wanted}"
    )
