"""Every resource type that is served."""

from stoker.core.stacks.template import CUSTOM as CUSTOM_NAMES
from stoker.stacks.kinds import (
    buckets,
    formation,
    http_apis,
    iam,
    keeping,
    lambda_,
    messaging,
    rest_apis,
    schedules,
    watching,
)
from stoker.stacks.work import Kind

KINDS: dict[str, Kind] = {
    kind.name: kind
    for module in (
        buckets,
        formation,
        http_apis,
        iam,
        keeping,
        lambda_,
        messaging,
        rest_apis,
        schedules,
        watching,
    )
    for kind in module.KINDS
}


def kind_of(name: str) -> Kind:
    """Of a resource whose type was checked."""
    return formation.CUSTOM if name.startswith(CUSTOM_NAMES) else KINDS[name]
