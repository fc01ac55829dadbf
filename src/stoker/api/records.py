"""Requests as records of the store, and records as answers: JSON under AWS's member names."""

from collections.abc import Mapping
from typing import Any

from botocore.model import StructureShape

from stoker.api import codec, services


def asked(value: Any, service: str = "lambda") -> dict[str, Any]:
    """What an operation's input says: `<Operation>Input`, without what it does not mention."""
    operation = type(value).__name__.removesuffix("Input")
    shape = services.model(service).operation_model(operation).input_shape
    assert isinstance(shape, StructureShape)
    return codec.record(shape, value)


def shown(name: str, record: Mapping[str, Any], service: str = "lambda") -> Any:
    """The generated class of that name."""
    shape = services.shape(service, name)
    assert isinstance(shape, StructureShape)
    return codec.shaped(shape, record, service)
