"""What a template says, checked as far as it can be without values.

read_template(text) ─► transforms ─► parse() ─► Template: resources in the order of need
"""

import graphlib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from stoker.core.stacks.errors import (
    ValidationError,
    format_error,
    template_error,
    well_formed,
)
from stoker.core.stacks.functions import Scope, evaluate, is_true

RESOURCES, PARAMETERS, OUTPUTS, MAPPINGS = 500, 200, 200, 200  # AWS's quotas
VERSION = "2010-09-09"
PSEUDO = frozenset(
    f"AWS::{name}"
    for name in [
        "AccountId",
        "NotificationARNs",
        "NoValue",
        "Partition",
        "Region",
        "StackId",
        "StackName",
        "URLSuffix",
    ]
)
SECTIONS = frozenset(
    [
        "AWSTemplateFormatVersion",
        "Description",
        "Metadata",
        "Parameters",
        "Rules",
        "Mappings",
        "Conditions",
        "Transform",
        "Resources",
        "Outputs",
        "Hooks",
    ]
)
ATTRIBUTES = frozenset(
    [
        "Type",
        "Properties",
        "DependsOn",
        "Condition",
        "Metadata",
        "DeletionPolicy",
        "UpdateReplacePolicy",
        "UpdatePolicy",
        "CreationPolicy",
        "Version",
    ]
)
KEEPS = ("Retain", "RetainExceptOnCreate", "Delete", "Snapshot")
IAM = "AWS::IAM::"
NAMED = ("RoleName", "UserName", "GroupName", "ManagedPolicyName", "InstanceProfileName")
CUSTOM = ("AWS::CloudFormation::CustomResource", "Custom::")
_LOGICAL = re.compile("[A-Za-z0-9]{1,255}", re.ASCII)
_VARIABLE = re.compile(r"\$\{([^!${}][^${}]*)\}")


@dataclass(frozen=True, slots=True)
class Resource:
    logical: str
    kind: str  # "AWS::SQS::Queue"
    properties: Mapping[str, Any]  # as written
    needs: frozenset[str] = frozenset()  # logical ids
    condition: str | None = None
    deletion: str = "Delete"
    replacement: str = "Delete"  # UpdateReplacePolicy
    metadata: Any = None


@dataclass(frozen=True, slots=True)
class Output:
    value: Any
    description: str | None = None
    export: Any = None
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class Template:
    description: str | None
    parameters: Mapping[str, Mapping[str, Any]]
    mappings: Mapping[str, Any]
    conditions: Mapping[str, Any]
    resources: Mapping[str, Resource]  # each behind what it needs
    outputs: Mapping[str, Output]
    rules: Mapping[str, Any] = field(default_factory=dict)

    def in_force(self, scope: Scope) -> dict[str, Resource]:
        """Those whose condition holds."""
        return {
            logical: it
            for logical, it in self.resources.items()
            if it.condition is None or is_true(it.condition, scope)
        }


def is_serverless(body: Mapping[str, Any]) -> bool:
    """Is there anything in it that the SAM transform would change?"""
    resources = body.get("Resources")
    if "Globals" in body or not isinstance(resources, Mapping):
        return True  # a malformed one is refused in the transform's own words
    return any(
        not isinstance(one, Mapping)
        or "Connectors" in one
        or str(one.get("Type")).startswith("AWS::Serverless")
        for one in resources.values()
    )


@well_formed()
def parse(body: Mapping[str, Any]) -> Template:
    """Raise ValidationError, in AWS's words as far as they are known."""
    _check_sections(body)
    resources = _resources(body)
    conditions = _section(body, "Conditions")
    named = _section(body, "Parameters").keys() | resources.keys() | PSEUDO
    outputs = {name: _output(name, it) for name, it in _section(body, "Outputs").items()}
    _check_references(resources, outputs, named, conditions)
    return Template(
        description=_description(body),
        parameters=_section(body, "Parameters"),
        mappings=_section(body, "Mappings"),
        conditions=conditions,
        resources=_ordered(resources),
        outputs=outputs,
        rules=_section(body, "Rules"),
    )


def _check_sections(body: Mapping[str, Any]) -> None:
    unknown = [name for name in body if name not in SECTIONS]
    if unknown:
        raise ValidationError(f"Invalid template property or properties [{', '.join(unknown)}]")
    if "Hooks" in body:
        raise format_error("Stoker does not serve Hooks.")
    version = body.get("AWSTemplateFormatVersion", VERSION)
    if str(version) != VERSION:
        raise format_error(f"Template format version {version} is not supported.")
    for name, most in (
        ("Resources", RESOURCES), ("Parameters", PARAMETERS),
        ("Outputs", OUTPUTS), ("Mappings", MAPPINGS),
    ):  # fmt: skip
        if len(_section(body, name)) > most:
            raise format_error(f"Number of {name.lower()} exceeds {most}.")


def _section(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = body.get(name) or {}
    if not isinstance(found, dict):
        raise format_error(f"{name} must be an object.")
    return found


def _description(body: Mapping[str, Any]) -> str | None:
    said = body.get("Description")
    if said is not None and not isinstance(said, str):
        raise format_error("Description must be a text.")
    return said


def _resources(body: Mapping[str, Any]) -> dict[str, Resource]:
    said = _section(body, "Resources")
    if not said:
        raise format_error("At least one Resources member must be defined.")
    return {logical: _resource(logical, it, said.keys()) for logical, it in said.items()}


def _resource(logical: str, said: Any, known: Collection[str]) -> Resource:
    where = f"[/Resources/{logical}]"
    if not _LOGICAL.fullmatch(logical):
        raise format_error(f"Resource name {logical} is non alphanumeric.")
    if not isinstance(said, dict):
        raise format_error(f"{where} resource definition is malformed")
    kind = said.get("Type")
    if not isinstance(kind, str):
        raise format_error(f"{where} Every Resources object must contain a Type member.")
    unknown = [name for name in said if name not in ATTRIBUTES]
    if unknown:
        raise ValidationError(f"Invalid template resource property '{unknown[0]}'")
    properties = said.get("Properties") or {}
    if not isinstance(properties, dict):
        raise format_error(f"{where} Properties must be an object.")
    after = said.get("DependsOn") or []
    after = [after] if isinstance(after, str) else after
    lacking = [str(name) for name in after if name not in known]
    if lacking:
        raise format_error(
            f"Unresolved resource dependencies [{', '.join(lacking)}] in the Resources block of"
            " the template"
        )
    policies = {}
    for name in ("DeletionPolicy", "UpdateReplacePolicy"):
        policies[name] = said.get(name, "Delete")
        if policies[name] not in KEEPS:
            raise format_error(f"Unrecognized {name} {policies[name]!r} for resource {logical}")
    condition = said.get("Condition")
    needed = {name for name in named_by(properties) if name in known}
    return Resource(
        logical, kind, properties, frozenset(needed | set(after)) - {logical},
        condition if isinstance(condition, str) else None,
        policies["DeletionPolicy"], policies["UpdateReplacePolicy"], said.get("Metadata"),
    )  # fmt: skip


def _output(name: str, said: Any) -> Output:
    if not isinstance(said, dict) or said.get("Value") is None:
        raise format_error(f"Output {name} must have a Value.")
    export = said.get("Export") or {}
    if not isinstance(export, dict):
        raise format_error(f"The Export of output {name} must be an object.")
    return Output(said["Value"], said.get("Description"), export.get("Name"), said.get("Condition"))


def named_by(value: Any) -> Iterator[str]:
    """Whatever Ref, Fn::GetAtt and Fn::Sub name."""
    match value:
        case {"Ref": str(name)} if len(value) == 1:
            yield name
        case {"Fn::GetAtt": [str(name), *rest]} if len(value) == 1:
            yield name
            yield from named_by(rest)
        case {"Fn::GetAtt": str(text)} if len(value) == 1:
            yield text.partition(".")[0]
        case {"Fn::Sub": said} if len(value) == 1:
            yield from _named_in_text(said)
        case dict():
            for item in value.values():
                yield from named_by(item)
        case list():
            for item in value:
                yield from named_by(item)


def _named_in_text(said: Any) -> Iterator[str]:
    match said:
        case str(text):
            own: dict[str, Any] = {}
        case [str(text), dict(own)]:
            yield from named_by(own)
        case _:
            return
    for found in _VARIABLE.finditer(text):
        name = found[1].strip()
        if name not in own:
            yield name if name.startswith("AWS::") else name.partition(".")[0]


def _check_references(
    resources: Mapping[str, Resource], outputs: Mapping[str, Output],
    named: Collection[str], conditions: Mapping[str, Any],
) -> None:  # fmt: skip
    lacking = sorted(
        {name for it in resources.values() for name in named_by(it.properties)}.difference(named)
    )
    if lacking:
        raise format_error(
            f"Unresolved resource dependencies [{', '.join(lacking)}] in the Resources block of"
            " the template"
        )
    parts = [part for it in outputs.values() for part in (it.value, it.export)]
    lacking = sorted({name for part in parts for name in named_by(part)}.difference(named))
    if lacking:
        raise format_error(
            f"Unresolved resource dependencies [{', '.join(lacking)}] in the Outputs block of the"
            " template"
        )
    asked = [it.condition for it in resources.values()]
    asked += [it.condition for it in outputs.values()]
    for condition in asked:
        if condition is not None and condition not in conditions:
            raise format_error(f"Unresolved condition dependency {condition}")


def _ordered(resources: Mapping[str, Resource]) -> dict[str, Resource]:
    order = graphlib.TopologicalSorter({name: it.needs for name, it in resources.items()})
    try:
        return {name: resources[name] for name in order.static_order()}
    except graphlib.CycleError as cycle:
        raise ValidationError(
            f"Circular dependency between resources: [{', '.join(sorted(set(cycle.args[1])))}]"
        ) from None


def check_kinds(resources: Mapping[str, Resource], served: Collection[str]) -> None:
    """Refuse types that nothing here makes, by name, with what is served. Of resources whose
    condition holds: templates for many have some that nobody asks for."""
    unknown = sorted(
        {
            it.kind
            for it in resources.values()
            if it.kind not in served and not it.kind.startswith(CUSTOM)
        }
    )
    if unknown:
        raise format_error(
            f"Unrecognized resource types: [{', '.join(unknown)}]. Stoker serves"
            f" {', '.join(sorted(served))} and Custom::*"
        )


def check_rules(template: Template, scope: Scope) -> None:
    """Raise where an assertion of the section Rules fails."""
    for name, rule in template.rules.items():
        if not isinstance(rule, dict) or not isinstance(rule.get("Assertions", []), list):
            raise format_error(f"Rule {name} is malformed.")
        if "RuleCondition" in rule and not evaluate(rule["RuleCondition"], scope):
            continue
        for assertion in rule.get("Assertions", []):
            if not isinstance(assertion, dict):
                raise format_error(f"Rule {name} is malformed.")
            if not evaluate(assertion.get("Assert"), scope):
                said = assertion.get("AssertDescription", f"an assertion of rule {name} failed")
                raise template_error(f"Rule {name}: {said}")


def capabilities_of(template: Template) -> list[str]:
    """What a caller must say that the template may do, once its transforms are done."""
    kinds = [it for it in template.resources.values() if it.kind.startswith(IAM)]
    if any(name in it.properties for it in kinds for name in NAMED):
        return ["CAPABILITY_NAMED_IAM"]
    return ["CAPABILITY_IAM"] if kinds else []
