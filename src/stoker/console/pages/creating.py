"""A new function: the form, what it asks of Lambda and IAM, and each refusal at its field.

A new role is made as AWS's console makes one: a path, a trust policy, and a policy of its own that
lets the function write to its log group. What was made for a function that is then refused is
taken away again.
"""

import asyncio
import json
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from stoker.api.roles import trust_policy
from stoker.console.asked import Asked, Moved, Shown
from stoker.console.starters import STARTERS, packed, starter
from stoker.core.errors import InvalidParameterValueException
from stoker.core.limits import RUNTIMES
from stoker.core.roles import LAMBDA, trusts
from stoker.neighbours.calls import Refused
from stoker.neighbours.neighbours import Unreachable

MOST_ROLES, MOST_LAYERS = 200, 200  # that are offered; any ARN can be typed
MOST_SLOTS = 20  # for layers of one function, whatever its quota
ROLES_PATH = "/service-role/"
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}", re.ASCII)
_MEMBER = re.compile(r"\bat '([a-zA-Z]+)")  # as AWS names it in a refusal
_HINTS = (  # words of refusals that name no member
    ("unction already exist", "FunctionName"),
    ("role", "Role"),
    ("ayer", "Layers"),
    ("tag", "Tags"),
    ("architecture", "Architectures"),
    ("runtime", "Runtime"),
)
FIELDS = (
    "FunctionName", "Description", "Runtime", "Architectures", "Role", "MemorySize", "Timeout",
    "Layers", "Tags",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """Runtimes of one language."""

    language: str
    runtimes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoleNames:
    role: str
    policy: str


async def show(asked: Asked) -> Shown:
    """The form, filled in as AWS's console has it."""
    return await _form(asked, asked.query, {})


async def roles(asked: Asked) -> Shown:
    """Those that can be chosen. The form asks for them when it is there: IAM takes its time."""
    return Shown("create_roles.html", {"roles": await _roles(asked)}, title="Roles")


async def create(asked: Asked) -> Moved | Shown:
    """Make the role, if one is wanted, and the function; lead to its code."""
    wanted, wrong = wishes(asked.form)
    begin = starter(wanted.get("Runtime", ""))
    if begin is None:
        wrong.setdefault("Runtime", "Choose one of the runtimes.")
    if wrong or begin is None:
        return await _form(asked, asked.form, wrong, status=400)
    made: RoleNames | None = None
    name = wanted["FunctionName"]
    try:
        if asked.form.get("RoleChoice") != "existing":
            made = role_names(name, uuid.uuid4().hex[:8])
            wanted["Role"] = await _make_role(asked, made, name)
        code = await asyncio.to_thread(packed, begin)
        await asked.call(
            "lambda", "CreateFunction", Handler=begin.handler, Code={"ZipFile": code}, **wanted
        )
    except (Refused, Unreachable) as refusal:
        if made is not None:
            await _unmake_role(asked, made)
        said = f"{refusal.code}: {refusal.message}" if isinstance(refusal, Refused) else ""
        said = said or f"IAM cannot be reached: {refusal}. Name an existing role."
        return await _form(asked, asked.form, {field_of(said): said}, status=400)
    return Moved(asked.where.path("functions", name, "code"))


async def _form(
    asked: Asked, given: Mapping[str, str], wrong: Mapping[str, str], status: int = 200
) -> Shown:
    runtimes, layers = await asyncio.gather(
        asyncio.to_thread(asked.control.settings.runtimes), _layers(asked)
    )
    choices = offered(runtimes)
    model = {
        "given": given,
        "wrong": wrong,
        "choices": choices,
        "chosen": given.get("Runtime") or (choices[0].runtimes[0] if choices else ""),
        "layers": layers,
        "slots": range(1, min(asked.control.settings.quotas.layers, MOST_SLOTS) + 1),
    }
    return Shown("create.html", model, title="Create function", status=status)


async def _roles(asked: Asked) -> list[str]:
    """Those that Lambda may act with. IAM is not started for the question."""
    neighbours = asked.control.neighbours
    if neighbours is None or not neighbours.has_begun("iam"):
        return []
    try:
        found = await asked.call("iam", "ListRoles", MaxItems=MOST_ROLES)
    except (Refused, Unreachable):
        return []  # an ARN can be typed
    return usable(found["Roles"])


async def _layers(asked: Asked) -> list[str]:
    """The newest version of each layer, by name."""
    found: list[str] = []
    more: dict[str, Any] = {}
    while len(found) < MOST_LAYERS:
        answer = await asked.call("lambda", "ListLayers", MaxItems=50, **more)
        found += [one["LatestMatchingVersion"]["LayerVersionArn"] for one in answer["Layers"]]
        if not answer.get("NextMarker"):
            break
        more = {"Marker": answer["NextMarker"]}
    return found[:MOST_LAYERS]


async def _make_role(asked: Asked, names: RoleNames, function: str) -> str:
    """Its ARN."""
    at = asked.where
    role = await asked.call(
        "iam", "CreateRole", Path=ROLES_PATH, RoleName=names.role,
        AssumeRolePolicyDocument=json.dumps(TRUST),
    )  # fmt: skip
    policy = await asked.call(
        "iam", "CreatePolicy", Path=ROLES_PATH, PolicyName=names.policy,
        PolicyDocument=json.dumps(log_policy(at.account, at.region, function)),
    )  # fmt: skip
    arn = policy["Policy"]["Arn"]
    await asked.call("iam", "AttachRolePolicy", RoleName=names.role, PolicyArn=arn)
    return str(role["Role"]["Arn"])


async def _unmake_role(asked: Asked, names: RoleNames) -> None:
    arn = f"arn:aws:iam::{asked.where.account}:policy{ROLES_PATH}{names.policy}"
    for operation, parameters in (
        ("DetachRolePolicy", {"RoleName": names.role, "PolicyArn": arn}),
        ("DeletePolicy", {"PolicyArn": arn}),
        ("DeleteRole", {"RoleName": names.role}),
    ):
        with suppress(Refused, Unreachable):  # it may not have come so far
            await asked.call("iam", operation, **parameters)


TRUST: Mapping[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": LAMBDA}, "Action": "sts:AssumeRole"}
    ],
}


def log_policy(account: str, region: str, function: str) -> dict[str, Any]:
    """What AWSLambdaBasicExecutionRole grants, for one function's log group: as AWS's console
    makes it. https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html"""
    logs = f"arn:aws:logs:{region}:{account}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "logs:CreateLogGroup", "Resource": f"{logs}:*"},
            {
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": [f"{logs}:log-group:/aws/lambda/{function}:*"],
            },
        ],
    }


def role_names(function: str, unique: str) -> RoleNames:
    """As AWS's console names them; a role's name has 64 characters at most."""
    return RoleNames(f"{function[:50]}-role-{unique}", f"AWSLambdaBasicExecutionRole-{unique}")


def usable(roles: Iterable[Mapping[str, Any]]) -> list[str]:
    """The ARNs of those that trust Lambda. `roles`: as ListRoles has them, decoded or not."""
    return [str(role["Arn"]) for role in roles if trusts(_trust_of(role), LAMBDA)]


def _trust_of(role: Mapping[str, Any]) -> str:
    said = role["AssumeRolePolicyDocument"]
    return json.dumps(said) if isinstance(said, dict) else trust_policy(dict(role))


def offered(runtimes: Iterable[str]) -> list[Choice]:
    """By language, the newest first. `runtimes`: what this machine has."""
    by_language: dict[str, list[str]] = {}
    for name in runtimes:
        if starter(name) is not None:
            by_language.setdefault(STARTERS[RUNTIMES[name].family].language, []).append(name)
    order = [one.language for one in STARTERS.values()]
    return [
        Choice(language, tuple(sorted(by_language[language], key=_release, reverse=True)))
        for language in order
        if language in by_language
    ]


def _release(runtime: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", runtime)]


def wishes(form: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Parameters of CreateFunction by AWS's names, without code; and what is wrong, by field."""
    wrong: dict[str, str] = {}
    name = form.get("FunctionName", "").strip()
    if not _NAME.fullmatch(name):
        wrong["FunctionName"] = "A name has 1 to 64 letters, digits, hyphens and underscores."
    found: dict[str, Any] = {"FunctionName": name, "Runtime": form.get("Runtime", "").strip()}
    if described := form.get("Description", "").strip():
        found["Description"] = described
    if architecture := form.get("Architectures", "").strip():
        found["Architectures"] = [architecture]
    if form.get("RoleChoice") == "existing":
        found["Role"] = form.get("Role", "").strip()
        if not found["Role"].startswith("arn:"):
            wrong["Role"] = "Name an existing role by its ARN, or choose a new one."
    for field in ("MemorySize", "Timeout"):
        text = form.get(field, "").strip()
        if text.isascii() and text.isdecimal() and len(text) < 10:
            found[field] = int(text)
        elif text:
            wrong[field] = "This must be a whole number."
    slots = (form.get(f"Layer{number}", "").strip() for number in range(1, MOST_SLOTS + 1))
    if layers := [arn for arn in slots if arn]:
        found["Layers"] = layers
    try:
        if tags := tags_of(form.get("Tags", "")):
            found["Tags"] = tags
    except InvalidParameterValueException as refusal:
        wrong["Tags"] = refusal.message
    return found, wrong


def tags_of(text: str) -> dict[str, str]:
    """NAME=value, a line each; a name alone has an empty value."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if line.strip():
            name, _, value = line.partition("=")
            if not name.strip() or name.strip() in found:
                raise InvalidParameterValueException(
                    f"Each line is NAME=value, with a name of its own: {line[:100]!r}"
                )
            found[name.strip()] = value.strip()
    return found


def field_of(refusal: str, fields: Sequence[str] = FIELDS) -> str:
    """At which field it is shown; "" for the head of the form."""
    by_member = {name.lower(): name for name in fields}
    for member in _MEMBER.findall(refusal):
        if member.lower() in by_member:
            return by_member[member.lower()]
    return next((field for hint, field in _HINTS if hint in refusal and field in fields), "")
