"""Aliases: names for versions, and how they share the invocations of one between two.

    weights {"2": 0.1} on an alias of version 1:   0 ──── 2 ──── 0.1 ──────── 1 ──────── 1

Which version an invocation gets is decided by a number that is given: `chosen`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from stoker.core.errors import InvalidParameterValueException, ResourceNotFoundException
from stoker.core.model import FunctionKey
from stoker.core.names import LATEST, function_arn
from stoker.core.versions import check_revision


@dataclass(frozen=True, slots=True)
class AliasKey:
    function: FunctionKey
    name: str

    @property
    def arn(self) -> str:
        key = self.function
        return function_arn(key.region, key.account, key.name, self.name)


@dataclass(frozen=True, slots=True)
class Alias:
    key: AliasKey
    version: str  # "$LATEST" or decimal
    revision_id: str
    description: str = ""
    weights: Mapping[str, float] = field(default_factory=dict)  # of at most one other version
    policy: str = ""  # JSON (core/policies.py)

    @property
    def versions(self) -> frozenset[str]:
        """All that it may run."""
        return frozenset((self.version, *self.weights))


def chosen(alias: Alias, number: float) -> str:
    """The version that runs, for a number from 0 up to, and without, 1."""
    for version, weight in alias.weights.items():
        if number < weight:
            return version
        number -= weight
    return alias.version


def check_routing(version: str, weights: Mapping[str, float]) -> None:
    """What can be said of an alias without looking for its versions."""
    if len(weights) > 1:
        raise InvalidParameterValueException(
            "Number of items in AdditionalVersionWeights cannot be greater than 1"
        )
    if version in weights:
        raise InvalidParameterValueException(
            f"Invalid function version {version}. Function version {version} is already included "
            "in routing configuration."
        )
    if weights and version == LATEST:
        raise InvalidParameterValueException(
            "$LATEST is not supported for an alias pointing to more than 1 version"
        )


def moved(
    alias: Alias,
    *,
    version: str | None,
    weights: Mapping[str, float] | None,
    description: str | None,
    seen: str | None,
    revision: str,
) -> Alias:
    """The alias with what is given changed. `seen`: the revision that the caller has seen."""
    check_revision(alias.revision_id, seen)
    changed = replace(
        alias,
        version=alias.version if version is None else version,
        weights=alias.weights if weights is None else weights,
        description=alias.description if description is None else description,
        revision_id=revision,
    )
    check_routing(changed.version, changed.weights)
    return changed


def alias_not_found(key: AliasKey) -> ResourceNotFoundException:
    return ResourceNotFoundException(f"Cannot find alias arn: {key.arn}")
