"""Capacity providers and scaling configurations of managed instances, as records.

Nothing here launches instances, so no function can have a capacity provider, and a scaling
configuration is requested and never applied.
"""

from collections.abc import Mapping
from typing import Any

from stoker.core.errors import (
    InvalidParameterValueException,
    ResourceConflictException,
    ResourceNotFoundException,
)
from stoker.core.resources import ResourceKey

SCALING = "scaling"  # of a version's setting in the store
_NOT_KEPT = frozenset({"CapacityProviderName", "Tags"})
Record = Mapping[str, Any]


def made(asked: Record, now: str) -> dict[str, Any]:
    """A new record."""
    record = {name: value for name, value in asked.items() if name not in _NOT_KEPT}
    return _checked({**record, "LastModified": now})


def updated(before: Record, asked: Record, now: str) -> dict[str, Any]:
    """The record with what is mentioned in place of what was."""
    given = {name: value for name, value in asked.items() if name not in _NOT_KEPT}
    return _checked({**before, **given, "LastModified": now})


def check_scaling(least: int | None, most: int | None) -> None:
    if least is not None and most is not None and least > most:
        raise InvalidParameterValueException(
            "MinExecutionEnvironments must be less than or equal to MaxExecutionEnvironments."
        )


def there_is_one(key: ResourceKey) -> ResourceConflictException:
    return ResourceConflictException(f"Capacity provider already exists: {key.arn}")


def none_there(key: ResourceKey) -> ResourceNotFoundException:
    return ResourceNotFoundException(f"Capacity provider not found: {key.arn}")


def _checked(record: dict[str, Any]) -> dict[str, Any]:
    wanted = record.get("InstanceRequirements", {})
    if wanted.get("AllowedInstanceTypes") and wanted.get("ExcludedInstanceTypes"):
        raise InvalidParameterValueException(
            "AllowedInstanceTypes and ExcludedInstanceTypes cannot be given together."
        )
    scaling = record.get("CapacityProviderScalingConfig", {})
    policies = scaling.get("ScalingPolicies")
    if policies and scaling.get("ScalingMode") != "Manual":
        raise InvalidParameterValueException(
            "ScalingPolicies can be given only if ScalingMode is Manual."
        )
    tags = record.get("PropagateTags", {})
    if tags.get("ExplicitTags") and tags.get("Mode") != "Explicit":
        raise InvalidParameterValueException(
            "ExplicitTags can be given only if the Mode of PropagateTags is Explicit."
        )
    return record
