"""Requests and answers, with botocore as the judge: it writes what we read and reads what we
write, for every operation in the table."""

import json
import re
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import unquote

import botocore.parsers
import botocore.serialize
import pytest
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stoker.api import codec, constraints, query, services
from stoker.api.codec import Request, attribute
from stoker.core.errors import ServiceError
from stoker.core.invocation import RequestId

BUILT = [
    (service, name)
    for service, module in codec.SHAPES.items()
    for name in services.model(service).operation_names
    if hasattr(module, f"{name}Input")
]

INVOKES = {("lambda", "Invoke"), ("lambda", "InvokeWithResponseStream")}
STREAMS = {("logs", "StartLiveTail")}  # api/streamed.py answers that, api/invocations.py those
ANSWERED = [row for row in BUILT if row not in INVOKES | STREAMS]

VISIBLE = st.characters(codec="utf-8", exclude_categories=["C", "Z"])
BASIC = st.characters(codec="utf-8", exclude_categories=["C", "Z"], max_codepoint=0xFFFD)
every_operation = pytest.mark.parametrize(("service", "name"), BUILT, ids=lambda part: part)
patient = settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def operation_of(service: str, name: str) -> OperationModel:
    return services.model(service).operation_model(name)


def legal(shape: Shape) -> st.SearchStrategy[Any]:
    """Values that meet every constraint of the model."""
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max", 1000)
    match shape:
        case StructureShape():
            members = {name: legal_member(member) for name, member in shape.members.items()}
            if shape.is_tagged_union:  # just one of them
                return st.one_of(st.fixed_dictionaries({k: v}) for k, v in members.items())
            required = {name: members.pop(name) for name in shape.required_members}
            return st.fixed_dictionaries(required, optional=members)
        case ListShape():
            return st.lists(legal(shape.member), min_size=low, max_size=min(low + 2, high))
        case MapShape():
            keys, values = legal(shape.key), legal(shape.value)
            return st.dictionaries(keys, values, min_size=low, max_size=min(low + 2, high))
        case _:
            return legal_scalar(shape)


def legal_member(shape: Shape) -> st.SearchStrategy[Any]:
    in_query = shape.serialization.get("location") == "querystring"
    if in_query and isinstance(shape, ListShape):
        # A query says nothing of a list without items.
        return st.lists(legal(shape.member), min_size=1, max_size=3)
    if in_query and isinstance(shape, MapShape):
        taken = frozenset(("mode", "failonwarnings", "basepath"))  # fixed, or other members
        keys = legal(shape.key).filter(lambda key: key and key not in taken)
        return st.dictionaries(keys, legal(shape.value), min_size=1, max_size=3)
    if shape.serialization.get("location") == "uri":
        return legal(shape).filter(bool)  # nothing is no part of a path
    return legal(shape)


def legal_scalar(shape: Shape) -> st.SearchStrategy[Any]:
    limits = shape.metadata
    match shape.type_name:
        case "string":
            return legal_text(shape)
        case "integer" | "long" if shape.serialization.get("location") == "statusCode":
            return st.integers(200, 204)
        case "integer" | "long":
            bits = codec.INT_BITS[shape.type_name]
            return st.integers(limits.get("min", -(2**bits)), limits.get("max", 2**bits - 1))
        case "float" | "double":
            return st.floats(
                limits.get("min"), limits.get("max"), allow_nan=False, allow_infinity=False
            )
        case "boolean":
            return st.booleans()
        case "blob":
            return st.binary(max_size=300)
        case "timestamp":
            moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1))
            return moments.map(lambda moment: moment.replace(microsecond=0, tzinfo=UTC))
        case other:
            raise AssertionError(f"no strategy for {other}")


def legal_text(shape: Shape) -> st.SearchStrategy[str]:
    limits = shape.metadata
    if "enum" in limits:
        return st.sampled_from(limits["enum"])
    low, high = limits.get("min", 0), limits.get("max", 1000)
    if "pattern" not in limits:
        return st.text(VISIBLE, min_size=low, max_size=min(high, low + 40))
    return patterned(limits["pattern"], low, high)


@cache  # making one is most of what these tests cost
def patterned(pattern: str, low: int, high: int) -> st.SearchStrategy[str]:
    pattern = pattern.removeprefix("^").removesuffix("$")
    if "\\uD7FF" in pattern:  # nearly everything: a strategy of that takes seconds to make
        # AWS writes "\\u10000" for what lies beyond four digits, and means something else by that.
        some = BASIC if "\\u10000" in pattern else VISIBLE
        return st.text(some, min_size=low, max_size=min(high, low + 40))
    for letter, members in (("L", "a-zé"), ("Z", " "), ("N", "0-9")):
        pattern = pattern.replace(rf"\p{{{letter}}}", members)
    pattern = pattern.replace(r"\p{Print}", "[ -~]")
    pattern = pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
    text = st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True)
    return text.filter(lambda value: low <= len(value) <= high and "\n" not in value)


def request_of(operation: OperationModel, parameters: dict[str, Any]) -> Request:
    """What boto3 would send."""
    protocol = operation.service_model.resolved_protocol
    serializer = botocore.serialize.create_serializer(protocol, include_validation=True)
    made = serializer.serialize_to_request(parameters, operation)
    path, _, search = made["url_path"].partition("?")
    template = operation.http["requestUri"].partition("?")[0]
    labels = dict(
        zip(
            re.findall(r"\{([\w-]+)\+?\}", template),
            map(
                unquote, re.fullmatch(re.sub(r"\{[\w-]+\+?\}", "([^/]+)", template), path).groups()
            ),  # type: ignore[union-attr]
            strict=True,
        )
    )
    if made["query_string"]:
        search = botocore.compat.urlencode(made["query_string"], doseq=True)
    headers = {name.lower(): str(value) for name, value in made["headers"].items()}
    body = made["body"] or b""
    if isinstance(body, dict):  # a form
        body = botocore.compat.urlencode(body).encode()
    return Request(labels, search, headers, body)


def said(value: Any) -> Any:
    """Without what a form cannot say: lists and structures that have nothing in them."""
    match value:
        case dict():
            found = {key: said(item) for key, item in value.items()}
            return {key: item for key, item in found.items() if item not in ([], {})}
        case list():
            return [one for one in map(said, value) if one not in ([], {})]
        case _:
            return value


def plain(shape: Shape, value: Any) -> Any:
    """A dataclass back to what boto3 takes, without absent members."""
    match shape:
        case StructureShape():
            assert is_dataclass(value)
            found = {name: getattr(value, attribute(name)) for name in shape.members}
            return {k: plain(shape.members[k], v) for k, v in found.items() if v is not None}
        case ListShape():
            assert isinstance(value, tuple)
            return [plain(shape.member, item) for item in value]
        case MapShape():
            assert isinstance(value, Mapping)
            return {key: plain(shape.value, item) for key, item in value.items()}
        case _:
            return value


def absent(parameters: dict[str, Any], shape: StructureShape) -> dict[str, Any]:
    """An empty body or header and no body or header look the same on the wire."""
    empty = {
        name
        for name, member in shape.members.items()
        if parameters.get(name) in (b"", "", [])
        and name not in shape.required_members
        and (name == shape.serialization.get("payload") or member.serialization.get("location"))
    }
    return {name: value for name, value in parameters.items() if name not in empty}


@every_operation
@given(data=st.data())
@patient
def test_what_botocore_sends_is_read_as_it_was_meant(
    service: str, name: str, data: st.DataObject
) -> None:
    operation = operation_of(service, name)
    parameters = absent(data.draw(legal(operation.input_shape)), operation.input_shape)
    request = request_of(operation, parameters)
    if operation.service_model.metadata["protocol"] == "query":
        value, parameters = query.parse(operation, request, "/"), said(parameters)
        assert said(plain(operation.input_shape, value)) == parameters
        return
    value = codec.parse(operation, request)
    assert type(value).__name__ == f"{name}Input"
    assert plain(operation.input_shape, value) == parameters


@pytest.mark.parametrize(("service", "name"), ANSWERED, ids=lambda part: part)
@given(data=st.data())
@patient
def test_what_we_answer_is_read_by_botocore_as_it_was_meant(
    service: str, name: str, data: st.DataObject
) -> None:
    operation = operation_of(service, name)
    shape = operation.output_shape
    wanted = data.draw(legal(shape)) if shape else {}
    output = codec._build(shape, wanted, codec.SHAPES[service]) if shape else None
    protocol = operation.service_model.resolved_protocol
    if protocol == "query":
        answer = query.serialise(operation, output, RequestId("an-id"))
    else:
        answer = codec.serialise(operation, output)
    parser = botocore.parsers.create_parser(protocol)
    got = parser.parse(
        {
            "status_code": answer.status,
            "headers": botocore.compat.HTTPHeaders.from_dict(dict(answer.headers)),
            "body": answer.body,
        },
        shape,
    )
    del got["ResponseMetadata"]
    if shape:
        located = {k for k, v in shape.members.items() if v.serialization.get("location")}
        for told in {"StatusCode", "Status"} & located:
            wanted = {told: operation.http["responseCode"], **wanted}
        got = {k: v for k, v in got.items() if k not in located or v != ""}
        wanted = {k: v for k, v in wanted.items() if k not in located or v != ""}
        if answer.status == 204:  # nothing but headers can follow
            wanted = {k: v for k, v in wanted.items() if k in located}
    assert got == wanted


words = st.text(max_size=5)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)


@every_operation
@given(data=st.data())
@patient
def test_any_json_is_an_input_or_a_refusal(service: str, name: str, data: st.DataObject) -> None:
    operation = operation_of(service, name)
    shape = operation.input_shape
    names = st.sampled_from(sorted(shape.members) or ["Nothing"])
    documents = st.dictionaries(names, json_values, max_size=4) | json_values
    body = data.draw(documents.map(json.dumps).map(str.encode) | st.binary(max_size=30))
    labels = {member: data.draw(st.text(min_size=1)) for member in shape.members}
    headers = {f"x-amz-{member.lower()}": data.draw(st.text()) for member in shape.members}
    search = "&".join(f"{member}={data.draw(st.text(max_size=4))}" for member in shape.members)
    try:
        codec.parse(operation, Request(labels, search, headers, body))
    except ServiceError as refusal:
        assert refusal.status == 400 and refusal.message


@every_operation
def test_every_pattern_of_a_built_operation_is_really_checked(service: str, name: str) -> None:
    pending: list[Shape] = [operation_of(service, name).input_shape]
    while pending:
        shape = pending.pop()
        match shape:
            case StructureShape():
                pending += shape.members.values()
            case ListShape():
                pending.append(shape.member)
            case MapShape():
                pending += [shape.key, shape.value]
        if "pattern" in shape.metadata:
            assert constraints._compiled(shape.metadata["pattern"]) is not None, shape.name
