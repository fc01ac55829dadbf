"""What a caller is told whose request does not fit AWS's model."""

import base64
from typing import Any

import orjson
import pytest
from botocore.model import OperationModel

from stoker.api import codec, constraints, services
from stoker.api.codec import Request
from stoker.core.errors import (
    InvalidParameterException,
    SerializationException,
    ServiceError,
    ValidationException,
)


def operation_of(service: str, name: str) -> OperationModel:
    return services.model(service).operation_model(name)


def refused(service: str, name: str, body: dict[str, Any] | bytes, **labels: str) -> ServiceError:
    payload = body if isinstance(body, bytes) else orjson.dumps(body)
    with pytest.raises(ServiceError) as refusal:
        codec.parse(operation_of(service, name), Request(labels, "", {}, payload))
    return refusal.value


GOOD = {
    "FunctionName": "f",
    "Role": "arn:aws:iam::000000000000:role/r",
    "Code": {"ZipFile": "UEsFBg=="},
}


def test_one_broken_constraint_is_told_in_aws_words() -> None:
    refusal = refused("lambda", "CreateFunction", {**GOOD, "MemorySize": 64})
    assert isinstance(refusal, ValidationException)
    assert refusal.message == (
        "1 validation error detected: Value '64' at 'memorySize' failed to satisfy constraint:"
        " Member must have value greater than or equal to 128"
    )


def test_several_broken_constraints_are_joined() -> None:
    body = {"FunctionName": "f", "Timeout": 0, "PackageType": "Tar"}
    refusal = refused("lambda", "CreateFunction", body)
    assert refusal.message == (
        "4 validation errors detected:"
        " Value null at 'role' failed to satisfy constraint: Member must not be null;"
        " Value null at 'code' failed to satisfy constraint: Member must not be null;"
        " Value '0' at 'timeout' failed to satisfy constraint:"
        " Member must have value greater than or equal to 1;"
        " Value 'Tar' at 'packageType' failed to satisfy constraint:"
        " Member must satisfy enum value set: [Zip, Image]"
    )


def test_a_name_that_breaks_the_pattern_is_told_the_pattern() -> None:
    refusal = refused("lambda", "GetFunction", b"", FunctionName="a b")
    name = operation_of("lambda", "GetFunction").input_shape.members["FunctionName"]
    assert refusal.message == (
        "1 validation error detected: Value 'a b' at 'functionName' failed to satisfy constraint:"
        f" Member must satisfy regular expression pattern: {name.metadata['pattern']}"
    )


def test_constraints_on_elements_are_told_at_the_list() -> None:
    refusal = refused("lambda", "CreateFunction", {**GOOD, "Architectures": ["z80"]})
    assert refusal.message == (
        "1 validation error detected: Value '[z80]' at 'architectures' failed to satisfy"
        " constraint: Member must satisfy constraint: [Member must satisfy enum value set:"
        " [x86_64, arm64], Member must not be null]"
    )


def test_constraints_on_keys_are_told_at_the_map_and_secrets_are_not_repeated() -> None:
    variables = {"Variables": {"1": "s3cret"}}
    refusal = refused("lambda", "CreateFunction", {**GOOD, "Environment": variables})
    assert refusal.message.startswith(
        "1 validation error detected: Value at 'environment.variables' failed to satisfy"
        " constraint: Map keys must satisfy constraint: ["
    )
    assert "s3cret" not in refusal.message


def test_an_element_of_a_list_of_structures_is_told_by_its_number() -> None:
    events = [{"timestamp": 1, "message": "a"}, {"timestamp": 2, "message": ""}]
    body = {"logGroupName": "g", "logStreamName": "s", "logEvents": events}
    refusal = refused("logs", "PutLogEvents", body)
    assert isinstance(refusal, InvalidParameterException), "CloudWatch Logs' own name for it"
    assert refusal.message == (
        "1 validation error detected: Value '' at 'logEvents.2.member.message' failed to satisfy"
        " constraint: Member must have length greater than or equal to 1"
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({**GOOD, "MemorySize": "128"}, "STRING_VALUE can not be converted to an Integer"),
        ({**GOOD, "Description": 5}, "NUMBER_VALUE can not be converted to a String"),
        ({**GOOD, "MemorySize": True}, "TRUE_VALUE can not be converted to an Integer"),
        ({**GOOD, "Publish": "yes"}, "STRING_VALUE can not be converted to a Boolean"),
        ({**GOOD, "Layers": "l"}, "Expected list or null"),
        ({**GOOD, "Tags": []}, "Expected map or null"),
        ({**GOOD, "Description": {}}, "Start of structure or map found where not expected."),
        ({**GOOD, "Code": {"ZipFile": "!"}}, "not base64"),
        ({**GOOD, "Code": {"ZipFile": "é"}}, "not base64"),
        ({**GOOD, "MemorySize": 2**40}, "out of range"),
        (b"{", "cannot read the request body"),
        (b"[]", "Start of list"),
    ],
)
def test_a_value_of_the_wrong_type_is_a_serialization_exception(
    body: dict[str, Any] | bytes, words: str
) -> None:
    refusal = refused("lambda", "CreateFunction", body)
    assert isinstance(refusal, SerializationException)
    assert words in refusal.message


def test_unknown_members_are_ignored() -> None:
    body = orjson.dumps({**GOOD, "Colour": "red"})
    value = codec.parse(operation_of("lambda", "CreateFunction"), Request({}, "", {}, body))
    assert value.function_name == "f"


def test_a_large_zip_is_decoded_piece_by_piece_and_whole() -> None:
    zip_file = bytes(range(256)) * 8192
    body = orjson.dumps({**GOOD, "Code": {"ZipFile": base64.b64encode(zip_file).decode()}})
    value = codec.parse(operation_of("lambda", "CreateFunction"), Request({}, "", {}, body))
    assert value.code.zip_file == zip_file


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ("stage", True),
        ("größe", True),
        ("環境", True),
        ("a٣", True),
        ("a\u00a0b", True),
        ("a!b", False),
        ("a→b", False),
    ],
)
def test_classes_of_unicode_characters_are_understood(value: str, fits: bool) -> None:
    pattern = r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]+)$"
    assert constraints.matches(pattern, value) is fits
