# Generated from botocore's model of cloudcontrol by generate_shapes.py. Do not edit.
"""AWS Cloud Control API: inputs and outputs of the operations that Stoker has built."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from stoker.api.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GetResourceInput:
    type_name: str
    type_version_id: str | None = None
    role_arn: str | None = None
    identifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceDescription:
    identifier: str | None = None
    properties: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetResourceOutput:
    type_name: str | None = None
    resource_description: ResourceDescription | None = None
