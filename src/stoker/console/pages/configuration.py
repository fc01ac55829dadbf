"""The configuration of a function, under AWS's names: all of it shown, and what is changed most."""

import json
from collections.abc import Mapping
from typing import Any

import orjson

from stoker.console.asked import Asked, Moved, Shown
from stoker.console.pages.function import page
from stoker.core.errors import InvalidParameterValueException
from stoker.neighbours.calls import Refused

_TEXTS = ("Description", "Handler", "Runtime", "Role")
_NUMBERS = ("MemorySize", "Timeout")
_CHOICES = {"TracingConfig": "Mode", "SnapStart": "ApplyOn"}  # one member each
_LEVELS = ("ApplicationLogLevel", "SystemLogLevel")  # of JSON
CHOICES = {
    "TracingConfig": ("PassThrough", "Active"),
    "SnapStart": ("None", "PublishedVersions"),
    "LogFormat": ("Text", "JSON"),
    "ApplicationLogLevel": ("", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"),
    "SystemLogLevel": ("", "DEBUG", "INFO", "WARN"),
}
_LEFT_OUT = ("ResponseMetadata", "Environment")


async def show(asked: Asked) -> Shown:
    """The form, and everything as GetFunctionConfiguration has it."""
    return await _page(asked)


async def change(asked: Asked) -> Moved | Shown:
    """UpdateFunctionConfiguration."""
    name = asked.names["name"]
    try:
        await asked.call(
            "lambda", "UpdateFunctionConfiguration", FunctionName=name, **changes(asked.form)
        )
    except Refused as refusal:
        return await _page(asked, refusal=f"{refusal.code}: {refusal.message}", status=400)
    except InvalidParameterValueException as refusal:
        return await _page(asked, refusal=refusal.message, status=400)
    return Moved(asked.where.path("functions", name, "configuration"))


async def _page(asked: Asked, refusal: str = "", status: int = 200) -> Shown:
    shown = await page(
        asked, "configuration", "function_configuration.html", status=status, refusal=refusal
    )
    about = shown.model["about"]
    variables = (about.get("Environment") or {}).get("Variables") or {}
    more = {
        "variables": lines_of(variables),
        "now": settings(about),
        "choices": CHOICES,
        "facts": facts(about),
        "given": asked.form,
    }
    return Shown(shown.template, {**shown.model, **more}, shown.title, shown.status)


def changes(form: Mapping[str, str]) -> dict[str, Any]:
    """What the form asks for, by AWS's names."""
    found: dict[str, Any] = {name: form[name] for name in _TEXTS if name in form}
    for name in _NUMBERS:
        found[name] = number(form.get(name, ""), name)
    size = number(form.get("EphemeralStorage", ""), "EphemeralStorage")
    found["EphemeralStorage"] = None if size is None else {"Size": size}
    if "Variables" in form:
        found["Environment"] = {"Variables": variables_of(form["Variables"])}
    if "Layers" in form:
        found["Layers"] = form["Layers"].split()
    if "DeadLetterConfig" in form:
        found["DeadLetterConfig"] = {"TargetArn": form["DeadLetterConfig"].strip()}
    for name, member in _CHOICES.items():
        if name in form:
            found[name] = {member: form[name]}
    if "LogFormat" in form:
        names = ("LogFormat", "LogGroup", *(_LEVELS if form["LogFormat"] == "JSON" else ()))
        given = {name: form.get(name, "").strip() for name in names}
        found["LoggingConfig"] = {name: value for name, value in given.items() if value}
    return {name: value for name, value in found.items() if value is not None}


def settings(about: Mapping[str, Any]) -> dict[str, str]:
    """The other way round, of what the form has besides texts, numbers and variables."""
    found = {name: (about.get(name) or {}).get(of) for name, of in _CHOICES.items()}
    found |= about.get("LoggingConfig") or {}
    found["DeadLetterConfig"] = (about.get("DeadLetterConfig") or {}).get("TargetArn")
    found["Layers"] = "\n".join(one["Arn"] for one in about.get("Layers") or ())
    names = (*CHOICES, "LogGroup", "DeadLetterConfig", "Layers")
    return {name: found.get(name) or "" for name in names}


def number(text: str, name: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise InvalidParameterValueException(f"{name} must be a number.")
    return int(text)


def variables_of(text: str) -> dict[str, str]:
    """NAME=value, a line each; a value may be JSON text, for what has no place on one line."""
    found = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise InvalidParameterValueException(f"Not of the form NAME=value: {line[:100]!r}")
        quoted = value.startswith('"') and value.endswith('"') and len(value) > 1
        try:
            found[name.strip()] = str(orjson.loads(value)) if quoted else value
        except orjson.JSONDecodeError:
            raise InvalidParameterValueException(
                f"The value of {name.strip()} begins and ends with a quote and is no JSON text."
            ) from None
    return found


def lines_of(variables: Mapping[str, str]) -> str:
    """The way back."""
    return "\n".join(f"{name}={_value(value)}" for name, value in sorted(variables.items()))


def _value(value: str) -> str:
    odd = value != value.strip() or value.startswith('"') or value.splitlines() != [value]
    return json.dumps(value) if odd and value else value  # of ASCII: it is one line


def facts(about: Mapping[str, Any]) -> list[tuple[str, str]]:
    """All else, in the order of the alphabet; what has parts, as JSON."""
    return [
        (name, value if isinstance(value, str) else orjson.dumps(value, default=str).decode())
        for name, value in sorted(about.items())
        if name not in _LEFT_OUT and value not in (None, [], {})
    ]
