"""What a change set would do: the rules of a deployment, applied to what is known before it."""

from collections.abc import Mapping
from typing import Any

from stoker.core.stacks import changes
from stoker.core.stacks.changes import Step
from stoker.core.stacks.errors import ValidationError, well_formed
from stoker.core.stacks.functions import UNKNOWN, Scope, evaluate
from stoker.core.stacks.model import Change, Record, Wanted
from stoker.core.stacks.template import Template
from stoker.stacks.deployment import tagged
from stoker.stacks.kinds.served import kind_of

NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a"
    " change set."
)
NO_UPDATES = "No updates are to be performed."


@well_formed()
def planned(
    scope: Scope, template: Template, wanted: Wanted, records: Mapping[str, Record]
) -> list[Change]:
    """In the order in which they would be made. Raise ValidationError."""
    there = template.in_force(scope)
    renewed: set[str] = set()  # resources of which nothing is known before they are made
    found: list[Change] = []

    def look_up(logical: str, attribute: str | None) -> Any:
        record = records.get(logical)
        if record is None or not record.is_made or logical in renewed:
            return UNKNOWN
        if attribute is None:
            return record.physical
        return record.attributes.get(attribute, UNKNOWN)

    looking = scope.looking(look_up)
    for logical, resource in there.items():
        record = records.get(logical)
        if record is not None and record.is_made and record.kind != resource.kind:
            raise ValidationError(
                "Update of resource type is not permitted. The new template modifies resource type"
                f" of the following resources: [{logical}]"
            )
        kind = kind_of(resource.kind)
        properties: dict[str, Any] = evaluate(resource.properties, looking)
        if wanted.tags and kind.tags is not None:
            properties["Tags"] = tagged(properties.get("Tags"), wanted.tags, kind.tags)
        if changes.step(record, properties, kind.traits) in (Step.CREATE, Step.REPLACE):
            renewed.add(logical)
        change = changes.change(resource, properties, record, kind.traits)
        if change is not None:
            found.append(change)
    return found + changes.removals(records.values(), there)
