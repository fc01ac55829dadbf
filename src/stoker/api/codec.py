"""Between HTTP and the typed inputs and outputs, driven by AWS's service models.

Speaks the protocols of the services that Stoker builds: rest-json (lambda) and json (all others).
`parse` raises SerializationException for what has the wrong type and AWS's validation error
for what breaks the model; operations see neither. `serialise` is its mirror.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import cache
from keyword import iskeyword
from operator import attrgetter
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs

import orjson
from botocore import xform_name
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from stoker.api import constraints
from stoker.api.shapes import (
    apigateway,
    apigatewayv2,
    application_autoscaling,
    cloudcontrol,
    cloudformation,
    cloudwatch,
    lambda_,
    logs,
    sqs,
    sts,
    xray,
)
from stoker.core.errors import SerializationException
from stoker.http.base import Headers

SHAPES: dict[str, ModuleType] = {
    "lambda": lambda_,
    "logs": logs,
    "sqs": sqs,
    "sts": sts,
    "application-autoscaling": application_autoscaling,
    "apigateway": apigateway,
    "apigatewayv2": apigatewayv2,
    "cloudformation": cloudformation,
    "cloudcontrol": cloudcontrol,
    "cloudwatch": cloudwatch,
    "xray": xray,
}

AS_IT_IS = frozenset({"string", "character", "boolean", "integer", "long", "float", "double"})
NO_NUMBERS = ("NaN", "Infinity", "-Infinity")  # how JSON says what it has no numbers for
INT_BITS = {"integer": 31, "long": 63}
MOST_REMEMBERED = 4096  # of objects whose JSON is kept; then all are forgotten
PIECE = 4 * 65536  # characters of base64 decoded at a time, so that other threads get a turn


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as the models see it."""

    labels: Mapping[str, str]  # values of the {labels} in the path, decoded
    query: str  # raw
    headers: Mapping[str, str]  # names lower-case
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Headers
    body: bytes


# ---------------------------------------------------------------------------- requests


def parse(operation: OperationModel, request: Request) -> Any:
    """The operation's typed input, complete and legal by the model."""
    shape = operation.input_shape
    if shape is None:
        return None
    fixed = _fixed(operation.http["requestUri"].partition("?")[2])
    value = _members(shape, request, fixed)
    constraints.check(operation, value)
    return _build(shape, value, SHAPES[operation.service_model.service_name], operation.name)


@cache
def _fixed(query: str) -> Mapping[str, object]:
    return parse_qs(query, keep_blank_values=True)


def parse_value(operation: OperationModel, raw: dict[str, Any]) -> Any:
    """The same of what another protocol has gathered, as JSON would have said it."""
    shape = operation.input_shape
    if shape is None:
        return None
    value = _structure(shape, raw)
    constraints.check(operation, value)
    return _build(shape, value, SHAPES[operation.service_model.service_name], operation.name)


def _members(
    shape: StructureShape, request: Request, fixed: Mapping[str, object]
) -> dict[str, Any]:
    """Gather the members from where the model puts them. `fixed`: what stands in the query of
    each such request."""
    payload = shape.serialization.get("payload")
    query = parse_qs(request.query, keep_blank_values=True)
    located = frozenset(name for name, member in shape.members.items() if _location(member))
    value: dict[str, Any] = {}
    if payload is None:
        if located != shape.members.keys():
            value = _structure(shape, _json(request.body), skip=located)
    elif isinstance(shape.members[payload], StructureShape):
        value[payload] = _structure(shape.members[payload], _json(request.body))
    else:
        needed = payload in shape.required_members  # then an empty one is one
        value[payload] = request.body if needed else request.body or None
    for name in located:
        member = shape.members[name]
        key = member.serialization.get("name", name)
        match _location(member):
            case "uri":
                value[name] = _text(member, request.labels.get(key))
            case "header":
                value[name] = _text(member, request.headers.get(key.lower()))
            case "querystring" if isinstance(member, MapShape):  # all that has no other name
                named = {one.serialization.get("name") for one in shape.members.values()} | {*fixed}
                rest = {name: found[0] for name, found in query.items() if name not in named}
                value[name] = rest or None
            case "querystring" if isinstance(member, ListShape):
                value[name] = [_text(member.member, item) for item in query.get(key, [])] or None
            case "querystring":
                value[name] = _text(member, query.get(key, [None])[0])
            case other:
                raise NotImplementedError(f"cannot read {shape.name}.{name} from {other}")
    return value


def _location(member: Shape) -> str | None:
    location: str | None = member.serialization.get("location")
    return location


def _json(body: bytes) -> Any:
    if not body:
        return {}
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise SerializationException(f"cannot read the request body as JSON: {error}") from None


def _value(shape: Shape, raw: Any) -> Any:
    """One JSON value as the model's type."""
    if raw is None:
        return None
    match shape.type_name:
        case "structure":
            return _structure(shape, raw)
        case "list":
            if not isinstance(raw, list):
                raise SerializationException("Expected list or null")
            return [_value(shape.member, item) for item in raw]
        case "map":
            if not isinstance(raw, dict):
                raise SerializationException("Expected map or null")
            return {key: _value(shape.value, item) for key, item in raw.items()}
        case "string" | "character" if isinstance(raw, str):
            return raw
        case "boolean" if isinstance(raw, bool):
            return raw
        case "integer" | "long" if isinstance(raw, int | float) and not isinstance(raw, bool):
            return _integer(shape, raw)
        case "float" | "double" if isinstance(raw, int | float) and not isinstance(raw, bool):
            return float(raw)
        case "float" | "double" if raw in NO_NUMBERS:
            return float(raw)
        case "timestamp" if isinstance(raw, int | float) and not isinstance(raw, bool):
            return _moment(raw)
        case "blob" if isinstance(raw, str):
            return _bytes(raw)
    raise _mistyped(shape, raw)


def _structure(shape: Shape, raw: Any, skip: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Members by AWS's names. What the model does not know is ignored, as AWS does."""
    if not isinstance(raw, dict):
        raise _mistyped(shape, raw)
    return {
        name: _value(member, raw.get(member.serialization.get("name", name)))
        for name, member in shape.members.items()
        if name not in skip
    }


def _integer(shape: Shape, raw: float) -> int:
    bits = INT_BITS[shape.type_name]
    if not -(2**bits) <= raw < 2**bits:
        raise SerializationException(f"{raw} is out of range of {_java(shape)}")
    return int(raw)  # AWS cuts fractions off, too


def _moment(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        raise SerializationException(f"{seconds} is out of range of a Timestamp") from None


def _bytes(text: str) -> bytes:
    try:
        pieces = [
            binascii.a2b_base64(text[start : start + PIECE], strict_mode=True)
            for start in range(0, len(text), PIECE)
        ]
    except ValueError:  # binascii.Error, or characters beyond ASCII
        raise SerializationException("STRING_VALUE is not base64 and cannot be a Blob") from None
    return b"".join(pieces)


def _text(shape: Shape, text: str | None) -> Any:
    """A value of the path, the query or a header."""
    if text is None:
        return None
    try:
        match shape.type_name:
            case "integer" | "long":
                return _integer(shape, int(text))
            case "float" | "double":
                return float(text)
            case "boolean":
                return {"true": True, "false": False}[text.lower()]
            case "timestamp" if _location(shape) == "header":
                return parsedate_to_datetime(text)
            case "timestamp":
                return datetime.fromisoformat(text)
            case _:
                return text
    except (ValueError, KeyError):
        raise _mistyped(shape, text) from None


def _mistyped(shape: Shape, raw: Any) -> SerializationException:
    match raw:
        case dict():
            return SerializationException("Start of structure or map found where not expected.")
        case list():
            return SerializationException("Start of list found where not expected")
        case bool():
            found = "TRUE_VALUE" if raw else "FALSE_VALUE"
        case str():
            found = "STRING_VALUE"
        case None:
            found = "NULL_VALUE"
        case _:
            found = "NUMBER_VALUE"
    return SerializationException(f"{found} can not be converted to {_java(shape)}")


def _java(shape: Shape) -> str:
    name = {"structure": shape.name}.get(shape.type_name, shape.type_name.capitalize())
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"


def _build(shape: Shape, value: Any, module: ModuleType, operation: str = "") -> Any:
    """The generated dataclasses; `operation` only at the top."""
    if value is None:
        return None
    match shape:
        case StructureShape():
            kind = getattr(module, f"{operation}Input" if operation else shape.name)
            return kind(
                **{
                    attribute: _build(member, value.get(name), module)
                    for name, attribute, member in plan(shape, kind)
                }
            )
        case ListShape():
            return tuple(_build(shape.member, item, module) for item in value)
        case MapShape():
            return {key: _build(shape.value, item, module) for key, item in value.items()}
        case _:
            return value


@cache
def plan(shape: StructureShape, kind: Any) -> tuple[tuple[str, str, Shape], ...]:
    """(AWS's name, attribute, shape) of each member that the generated class has; a newer
    botocore may know more than the class."""
    known = {field.name for field in fields(kind)}
    members = ((name, attribute(name), member) for name, member in shape.members.items())
    return tuple(entry for entry in members if entry[1] in known)


def attribute(member: str) -> str:
    """The attribute of the generated classes for a member of AWS's model."""
    name = str(xform_name(member))
    return f"{name}_" if iskeyword(name) else name


# ----------------------------------------------------------------------------- records


def record(shape: StructureShape, value: Any) -> dict[str, Any]:
    """A generated class as JSON under AWS's member names, to be kept."""
    found: dict[str, Any] = plain(shape, value)
    return found


def shaped(shape: StructureShape, record: Mapping[str, Any], service: str) -> Any:
    """The generated class of a shape, from what was kept; what the shape does not know is left
    out."""
    return _build(shape, _structure(shape, record), SHAPES[service])


# --------------------------------------------------------------------------- responses


def serialise(operation: OperationModel, output: Any) -> Response:
    """The answer to a successful call, but for the headers that every answer has."""
    metadata = operation.service_model.metadata
    status = int(operation.http.get("responseCode", 200))
    shape = operation.output_shape
    if "json" in metadata.get("protocols", [metadata["protocol"]]):
        content_type = f"application/x-amz-json-{metadata['jsonVersion']}"
        body = b"" if shape is None else orjson.dumps(plain(shape, output))
        return Response(status, [("Content-Type", content_type)], body)
    headers: Headers = []
    if shape is None:
        return Response(status, headers, b"")
    in_body: dict[str, Any] = {}
    payload = shape.serialization.get("payload")
    body = b""
    kind: Any = type(output)
    for name, attr, member in plan(shape, kind):
        value = getattr(output, attr)
        key = member.serialization.get("name", name)
        if value is None:
            continue
        if _location(member) == "statusCode":
            status = value
        elif _location(member) == "header":
            headers.append((key, _header(member, value)))
        elif name != payload:
            in_body[key] = plain(member, value)
        else:
            body = orjson.dumps(plain(member, value)) if is_dataclass(value) else _raw(value)
    if payload is None and status != 204:
        body = orjson.dumps(in_body)
    if body:
        headers.append(("Content-Type", "application/json"))
    return Response(status, headers, body)


def remember(shape: Shape, value: Any) -> None:
    """The JSON of this very object goes into many answers: it is worked out now, and once."""
    assert value != (), "there is one empty tuple, and it is everybody's"
    if len(_remembered) >= MOST_REMEMBERED:
        _remembered.clear()
    _remembered[id(value)] = value, orjson.Fragment(orjson.dumps(plain(shape, value)))


def remembers(value: Any) -> bool:
    return id(value) in _remembered


def plain(shape: Shape, value: Any) -> Any:
    """What JSON can say; absent members are left out."""
    match shape.type_name:
        case "structure" | "list" if (known := _remembered.get(id(value))) is not None:
            return known[1]
        case "structure":
            kind: Any = type(value)
            keys, read, nested = _said(shape, kind)
            found = {
                key: item for key, item in zip(keys, read(value), strict=True) if item is not None
            }
            for key, member in nested:
                if key in found:
                    found[key] = plain(member, found[key])
            return found
        case "list":
            return [plain(shape.member, item) for item in value]
        case "map":
            return {key: plain(shape.value, item) for key, item in value.items()}
        case "blob":
            return base64.b64encode(value).decode()
        case "timestamp":
            return _timestamp(shape.serialization.get("timestampFormat", "unixTimestamp"), value)
        case _:
            return value


_remembered: dict[int, tuple[Any, orjson.Fragment]] = {}  # the object stays, so its id is its own


@cache
def _said(
    shape: StructureShape, kind: Any
) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]], tuple[tuple[str, Shape], ...]]:
    """The members' names in JSON; what reads all their values at once, since a list of functions
    has thousands; and names and shapes of those whose values are not JSON already."""
    members = [
        (member.serialization.get("name", name), attribute_name, member)
        for name, attribute_name, member in plan(shape, kind)
    ]
    nested = [(key, member) for key, _, member in members if member.type_name not in AS_IT_IS]
    return tuple(key for key, _, _ in members), _reader([a for _, a, _ in members]), tuple(nested)


def _reader(attributes: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(attributes) < 2:  # attrgetter gives one value bare, and takes no less
        return lambda value: tuple(getattr(value, name) for name in attributes)
    return attrgetter(*attributes)


def _header(shape: Shape, value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case datetime():
            return str(_timestamp(shape.serialization.get("timestampFormat", "rfc822"), value))
        case _:
            return str(value)


def _timestamp(form: str, moment: datetime) -> str | float:
    match form:
        case "rfc822":
            return format_datetime(moment.astimezone(UTC), usegmt=True)
        case "iso8601":
            return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        case _:
            return moment.timestamp()


def _raw(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
