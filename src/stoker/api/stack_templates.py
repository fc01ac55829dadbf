"""CloudFormation: templates, as they were given, and what they ask for."""

from typing import Any

import orjson

from stoker.api.change_sets import change_set_of
from stoker.api.control import Call, Control
from stoker.api.shapes import cloudformation as shapes
from stoker.api.stack_views import find
from stoker.api.stacks import stacks_of, template_text
from stoker.core.stacks.errors import ValidationError
from stoker.core.stacks.macros import FUNCTION, transforms_of
from stoker.core.stacks.model import Wanted
from stoker.core.stacks.parameters import as_text
from stoker.core.stacks.template import IAM, NAMED, parse
from stoker.core.stacks.text import read_template

SERVERLESS = "AWS::Serverless::"
_REASON = "The following resource(s) require capabilities: "


async def get_template(
    control: Control, call: Call[shapes.GetTemplateInput]
) -> shapes.GetTemplateOutput:
    """As it was given; or as its transforms made it (TemplateStage Processed)."""
    asked = call.input
    if asked.change_set_name is not None:
        wanted = change_set_of(control, call.caller, asked).wanted
    elif asked.stack_name is not None:
        wanted = find(control, call.caller, asked.stack_name).stack.wanted
    else:
        raise ValidationError("StackName is required if ChangeSetName is not specified.")
    body = wanted.template
    if asked.template_stage == "Processed" and _is_transformed(wanted):
        body = orjson.dumps(dict(wanted.body)).decode()
    return shapes.GetTemplateOutput(template_body=body, stages_available=("Original", "Processed"))


async def validate_template(
    control: Control, call: Call[shapes.ValidateTemplateInput]
) -> shapes.ValidateTemplateOutput:
    """Read it, and say what it wants to be told."""
    stacks = stacks_of(control)
    text = await template_text(stacks, call.caller, call.input, None)
    body = await stacks.preparing.body(text)
    transforms = transforms_of(body)
    if not transforms:
        parse(body)
    needed, reason = _capabilities(body, transforms)
    return shapes.ValidateTemplateOutput(
        parameters=tuple(
            shapes.TemplateParameter(
                parameter_key=name,
                default_value=as_text(it["Default"]) if "Default" in it else None,
                no_echo=_no_echo(it),
                description=it.get("Description"),
            )
            for name, it in _declared(body).items()
        ),
        description=body.get("Description"),
        capabilities=needed or None,
        capabilities_reason=reason,
        declared_transforms=tuple(transforms) or None,
    )


async def get_template_summary(
    control: Control, call: Call[shapes.GetTemplateSummaryInput]
) -> shapes.GetTemplateSummaryOutput:
    """Of a template, or of the one that a stack has."""
    asked, stacks = call.input, stacks_of(control)
    if asked.stack_name is not None:
        text = find(control, call.caller, asked.stack_name).stack.wanted.template
    else:
        text = await template_text(stacks, call.caller, asked, None)
    body = await stacks.preparing.body(text)
    transforms = transforms_of(body)
    needed, reason = _capabilities(body, transforms)
    kinds = _kinds(body)
    return shapes.GetTemplateSummaryOutput(
        parameters=tuple(
            shapes.ParameterDeclaration(
                parameter_key=name,
                default_value=as_text(it["Default"]) if "Default" in it else None,
                parameter_type=str(it.get("Type")),
                no_echo=_no_echo(it),
                description=it.get("Description"),
                parameter_constraints=shapes.ParameterConstraints(
                    allowed_values=tuple(map(as_text, it["AllowedValues"]))
                    if isinstance(it.get("AllowedValues"), list)
                    else None
                ),
            )
            for name, it in _declared(body).items()
        ),
        description=body.get("Description"),
        capabilities=needed or None,
        capabilities_reason=reason,
        resource_types=tuple(sorted(kinds)),
        version=str(body.get("AWSTemplateFormatVersion", "2010-09-09")),
        metadata=orjson.dumps(body["Metadata"]).decode() if body.get("Metadata") else None,
        declared_transforms=tuple(transforms) or None,
    )


def _declared(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    said = body.get("Parameters") or {}
    if not isinstance(said, dict) or not all(isinstance(it, dict) for it in said.values()):
        raise ValidationError("Template format error: Every Parameters member must be an object.")
    return said


def _no_echo(said: dict[str, Any]) -> bool:
    return str(said.get("NoEcho", "false")).lower() == "true"


def _resources(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    said = body.get("Resources") or {}
    if not isinstance(said, dict):
        raise ValidationError("Template format error: Resources must be an object.")
    return {name: it for name, it in said.items() if isinstance(it, dict) and name != FUNCTION}


def _kinds(body: dict[str, Any]) -> set[str]:
    return {str(it["Type"]) for it in _resources(body).values() if "Type" in it}


def _capabilities(
    body: dict[str, Any], transforms: list[str]
) -> tuple[tuple[str, ...], str | None]:
    """What must be said that it may do, and because of what."""
    found = _resources(body)
    iam = [name for name, it in found.items() if str(it.get("Type")).startswith(IAM)]
    roles = [name for name, it in found.items() if str(it.get("Type")).startswith(SERVERLESS)]
    named = any(key in (found[name].get("Properties") or {}) for name in iam for key in NAMED)
    needed = []
    if iam or roles:
        needed.append("CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM")
    if transforms:
        needed.append("CAPABILITY_AUTO_EXPAND")
    because = sorted({str(found[name].get("Type")) for name in (*iam, *roles)})
    return tuple(needed), f"{_REASON}[{', '.join(because)}]" if because else None


def _is_transformed(wanted: Wanted) -> bool:
    return bool(transforms_of(read_template(wanted.template)))
