"""The values of a template's parameters: given, kept from before, or by default."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stoker.core.rest import regex
from stoker.core.stacks.errors import ValidationError, format_error, well_formed

LONGEST = 4096  # AWS: bytes of a value
FROM_SSM = re.compile(r"AWS::SSM::Parameter::Value<(.+)>")
HIDDEN = "****"  # in place of a value with NoEcho
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_PLAIN = frozenset(("String", "Number", "CommaDelimitedList", "List<Number>", "List<String>"))


@dataclass(frozen=True, slots=True)
class Given:
    """One parameter as a request has it."""

    key: str
    value: str | None = None
    keep: bool = False  # UsePreviousValue


@well_formed()
def chosen(
    declared: Mapping[str, Mapping[str, Any]], given: list[Given], before: Mapping[str, str]
) -> dict[str, str]:
    """The value of each, as text. Raise ValidationError."""
    said = {one.key: one for one in given}
    unknown = sorted(said.keys() - declared.keys())
    if unknown:
        raise ValidationError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    found: dict[str, str] = {}
    for name, declaration in declared.items():
        if not isinstance(declaration, dict) or "Type" not in declaration:
            raise format_error(f"Every Parameters object must contain a Type member ({name}).")
        one = said.get(name)
        if one is not None and one.value is not None:
            found[name] = one.value
        elif one is not None and one.keep:
            if name in before:
                found[name] = before[name]
            else:
                raise ValidationError(f"Parameter {name} has no previous value (UsePreviousValue)")
        elif "Default" in declaration:
            found[name] = as_text(declaration["Default"])
    lacking = [name for name in declared if name not in found]
    if lacking:
        raise ValidationError(f"Parameters: [{', '.join(lacking)}] must have values")
    for name, value in found.items():
        _check(name, declared[name], value)
    return found


def as_text(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case list():
            return ",".join(map(as_text, value))
        case None:
            return ""
        case _:
            return str(value)


def _check(name: str, declaration: Mapping[str, Any], value: str) -> None:
    kind = str(declaration["Type"])
    if not (kind in _PLAIN or kind.startswith(("AWS::", "List<AWS::"))):
        raise format_error(f"Unrecognized parameter type: {kind}")
    if len(value.encode()) > LONGEST:
        raise ValidationError(f"Parameter {name} has more than {LONGEST} bytes")
    for one in _parts(kind, value):
        _check_one(name, declaration, kind, one)


def _check_one(name: str, declaration: Mapping[str, Any], kind: str, value: str) -> None:
    def refused(fault: str) -> ValidationError:
        said = declaration.get("ConstraintDescription")
        return ValidationError(
            f"Parameter {name} failed to satisfy constraint: {said}"
            if said
            else f"Parameter {name} {fault}"
        )

    if "Number" in kind:
        if not _NUMBER.fullmatch(value.strip()):
            raise ValidationError(
                f"Parameter value {value} for parameter name {name} is not a number"
            )
        if float(value) < float(declaration.get("MinValue", value)):
            raise refused(f"must be at least {declaration['MinValue']}")
        if float(value) > float(declaration.get("MaxValue", value)):
            raise refused(f"must be at most {declaration['MaxValue']}")
    allowed = declaration.get("AllowedValues")
    if allowed and value not in [as_text(one) for one in allowed]:
        values = ", ".join(map(as_text, allowed))
        raise refused(f"must be one of AllowedValues [{values}]")
    if len(value) < int(declaration.get("MinLength", 0)):
        raise refused(f"must contain at least {declaration['MinLength']} characters")
    if len(value) > int(declaration.get("MaxLength", LONGEST)):
        raise refused(f"must contain at most {declaration['MaxLength']} characters")
    pattern = declaration.get("AllowedPattern")
    if pattern and not _fits(str(pattern), value):
        raise refused(f"must match pattern {pattern}")


def _fits(pattern: str, value: str) -> bool:
    """Never by Python's `re`, which some patterns keep busy for years. What only that understands
    (looking around, say) is not checked."""
    try:
        return regex.read(pattern).matches(value)
    except regex.TooHard:
        raise ValidationError(f"AllowedPattern {pattern!r} takes too long") from None
    except regex.BadRegex as reason:
        _check_pattern(pattern, str(reason))
    return True


def _check_pattern(pattern: str, reason: str) -> None:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        raise format_error(
            f"AllowedPattern {pattern!r} is no regular expression: {reason}"
        ) from None


def _parts(kind: str, value: str) -> list[str]:
    return value.split(",") if is_list(kind) else [value]


def is_list(kind: str) -> bool:
    inner = FROM_SSM.fullmatch(kind)
    kind = inner[1] if inner else kind
    return kind == "CommaDelimitedList" or kind.startswith("List<")


def meant(kind: str, value: str) -> Any:
    """What Ref of it is: a list is cut."""
    if is_list(kind):
        return [part.strip() for part in value.split(",")] if value else []
    return value
