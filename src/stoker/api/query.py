"""AWS's older protocol: forms come in, XML goes out. STS speaks it, SQS and CloudWatch besides.

    Action=SendMessageBatch&SendMessageBatchRequestEntry.1.Id=a&….1.MessageAttribute.1.Name=…

SQS's model of today says that lists and maps are flattened, but no longer what their parts are
called; that follows from their shapes' names. Lists that are not flattened have `.member.` in
between.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from stoker.api import codec
from stoker.api.codec import Request, Response
from stoker.core.errors import SerializationException
from stoker.core.invocation import RequestId

_NAMESPACE = "http://queue.amazonaws.com/doc/2012-11-05/"
FIELDS = 1000  # of one form
MANY_FIELDS = {"cloudwatch": 20_000}  # a thousand values with their dimensions
DEPTH = 10
_MAPS = {
    "QueueAttributeMap": ("Attribute", "Name", "Value"),
    "MessageSystemAttributeMap": ("Attribute", "Name", "Value"),
    "MessageBodyAttributeMap": ("MessageAttribute", "Name", "Value"),
    "MessageBodySystemAttributeMap": ("MessageSystemAttribute", "Name", "Value"),
    "TagMap": ("Tag", "Key", "Value"),
}
ENTRY = ("entry", "key", "value")  # of a map that is not flattened
_LISTS = {"MessageSystemAttributeList": "MessageSystemAttributeName"}
_UNSPEAKABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # in XML

Tree = dict[str, Any]  # by the parts of names between dots; leaves are strings


def parse(operation: OperationModel, request: Request, path: str) -> Any:
    """The typed input. A queue may also be named by the path that the form is sent to."""
    form = parse_qsl(request.query, keep_blank_values=True)
    form += parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    most = MANY_FIELDS.get(operation.service_model.service_name, FIELDS)
    if len(form) > most:
        raise SerializationException(f"A form may have {most} fields.")
    tree: Tree = {}
    for name, value in form:
        _plant(tree, name.split("."), value)
    shape = operation.input_shape
    raw = _structure(shape, tree) if shape is not None else {}
    if shape is not None and "QueueUrl" in shape.members and path.strip("/"):
        raw.setdefault("QueueUrl", path)
    return codec.parse_value(operation, raw)


def serialise(operation: OperationModel, output: Any, request_id: RequestId) -> Response:
    name, shape = operation.name, operation.output_shape
    result = ""
    if shape is not None:
        plain = codec.plain(shape, output)
        result = f"<{name}Result>{_members(shape, plain)}</{name}Result>"
    namespace = operation.service_model.metadata.get("xmlNamespace", _NAMESPACE)
    text = (
        f'<?xml version="1.0"?>\n<{name}Response xmlns="{namespace}">{result}'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        f"</{name}Response>"
    )
    return Response(200, [("Content-Type", "text/xml")], text.encode())


def _plant(tree: Tree, parts: list[str], value: str) -> None:
    for part in parts[:-1][:DEPTH]:
        branch = tree.setdefault(part, {})
        if not isinstance(branch, dict):
            raise SerializationException(f"{'.'.join(parts)} is said twice, and differently.")
        tree = branch
    tree.setdefault(parts[-1], value)


def _value(shape: Shape, found: Any) -> Any:
    """As JSON would have said it."""
    match shape:
        case StructureShape():
            return _structure(shape, _tree(shape, found))
        case _ if not isinstance(found, str):
            raise SerializationException(f"{shape.name} is one value.")
    try:
        match shape.type_name:
            case "integer" | "long":
                return int(found)
            case "float" | "double":
                return float(found)
            case "timestamp":
                return _seconds(found)
            case "boolean":
                return {"true": True, "false": False}[found.lower()]
            case _:
                return found
    except (ValueError, KeyError):
        raise SerializationException(f"{found!r} is not of type {shape.type_name}") from None


def _seconds(text: str) -> float:
    """Who says no zone means UTC."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _structure(shape: StructureShape, tree: Tree) -> dict[str, Any]:
    raw: dict[str, Any] = {}
    for name, member in shape.members.items():
        match member:
            case ListShape():
                items = _numbered(_listed(name, member, tree))
                if items:
                    raw[name] = [_value(member.member, item) for item in items]
            case MapShape():
                part, key, value = _MAPS.get(member.name, ENTRY)
                there = tree if member.name in _MAPS else _branch(tree, name)
                pairs = [_tree(member, item) for item in _numbered(there.get(part))]
                if pairs:
                    raw[name] = {
                        _value(member.key, pair.get(key, "")): _value(
                            member.value, pair.get(value, "")
                        )
                        for pair in pairs
                    }
            case _ if name in tree:
                raw[name] = _value(member, tree[name])
    return raw


def _listed(name: str, member: ListShape, tree: Tree) -> Any:
    if member.serialization.get("flattened"):
        return tree.get(_item(member))
    return _branch(tree, name).get("member")


def _branch(tree: Tree, name: str) -> Tree:
    found = tree.get(name)
    return found if isinstance(found, dict) else {}


def _numbered(found: Any) -> list[Any]:
    """The items of `Name.1`, `Name.2` …, in their order."""
    if not isinstance(found, dict):
        return []
    numbers = sorted(int(key) for key in found if key.isascii() and key.isdecimal())
    return [found[str(number)] for number in numbers if str(number) in found]


def _tree(shape: Shape, found: Any) -> Tree:
    if not isinstance(found, dict):
        raise SerializationException(f"{shape.name} has parts.")
    return found


def _item(shape: ListShape) -> str:
    return _LISTS.get(shape.name, str(shape.name).removesuffix("List"))


def _members(shape: StructureShape, plain: Mapping[str, Any]) -> str:
    text = []
    for name, member in shape.members.items():
        if name not in plain:
            continue
        value = plain[name]
        match member:
            case ListShape() if member.serialization.get("flattened"):
                text += [_element(_item(member), member.member, item) for item in value]
            case ListShape():
                items = "".join(_element("member", member.member, item) for item in value)
                text.append(f"<{name}>{items}</{name}>")
            case MapShape():
                part, key, word = _MAPS.get(member.name, ENTRY)
                pairs = ""
                for each, item in value.items():
                    inner = _element(key, member.key, each) + _element(word, member.value, item)
                    pairs += f"<{part}>{inner}</{part}>"
                text.append(pairs if member.name in _MAPS else f"<{name}>{pairs}</{name}>")
            case _:
                text.append(_element(name, member, value))
    return "".join(text)


def _element(name: str, shape: Shape, value: Any) -> str:
    match shape:
        case StructureShape():
            inner = _members(shape, value)
        case _ if isinstance(value, bool):
            inner = str(value).lower()
        case _ if shape.type_name == "timestamp":
            moment = datetime.fromtimestamp(value, UTC)
            unit = "milliseconds" if moment.microsecond else "seconds"
            inner = moment.isoformat(timespec=unit).removesuffix("+00:00") + "Z"
        case _:
            inner = escape(_UNSPEAKABLE.sub("?", str(value)), {"\r": "&#13;"})
    return f"<{name}>{inner}</{name}>"
