"""Attributes and resources as OpenTelemetry's protocol writes them; what is too long is cut.

Semantic conventions: https://opentelemetry.io/docs/specs/semconv/resource/faas/ and …/cloud/.
"""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Final

from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

VALUE_CHARACTERS: Final = 8192
MOST: Final = 128  # of one span or line
SCOPE: Final = InstrumentationScope(name="stoker", version=version("stoker"))
_LARGEST: Final = 2**63 - 1


def attributes(given: Mapping[str, object]) -> list[KeyValue]:
    """Those whose values can be said; of others nothing."""
    found: list[KeyValue] = []
    for name, value in given.items():
        said = any_value(value)
        if said is not None and len(found) < MOST:
            found.append(KeyValue(key=name[:VALUE_CHARACTERS], value=said))
    return found


def any_value(value: object) -> AnyValue | None:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int() if -_LARGEST <= value <= _LARGEST:
            return AnyValue(int_value=value)
        case int() | float():
            return AnyValue(double_value=float(value))
        case str():
            return AnyValue(string_value=value[:VALUE_CHARACTERS])
        case list():
            parts = [AnyValue(string_value=one) for one in value[:MOST] if isinstance(one, str)]
            return AnyValue(array_value=ArrayValue(values=parts))
        case _:
            return None


def resource(account: str, region: str, function: str, **more: object) -> Resource:
    """Whose telemetry it is: a function's, or of none."""
    told: dict[str, object] = {
        "service.name": function or "stoker",
        "cloud.provider": "aws",
        "cloud.account.id": account,
        "cloud.region": region,
    }
    if function:
        told |= {"cloud.platform": "aws_lambda", "faas.name": function}
    return Resource(attributes=attributes({k: v for k, v in (told | more).items() if v}))
