"""Dynamic references: values that a template names, and that are read when they are needed.

{{resolve:ssm:NAME[:VERSION]}}                       a parameter of SSM's
{{resolve:ssm-secure:NAME[:VERSION]}}                the same, decrypted
{{resolve:secretsmanager:ID:SecretString:KEY:STAGE:VERSION}}
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from stoker.core.stacks.errors import ValidationError

_REFERENCE = re.compile(r"\{\{resolve:(ssm|ssm-secure|secretsmanager):([^{}]+)\}\}")
_SECRET = re.compile(r"(arn:aws:secretsmanager:[^:]*:[^:]*:secret:[^:]+|[^:]+)(?::(.*))?")


def references(value: Any) -> Iterator[str]:
    """All that stand in a value."""
    match value:
        case str():
            yield from (found[0] for found in _REFERENCE.finditer(value))
        case dict():
            for item in value.values():
                yield from references(item)
        case list():
            for item in value:
                yield from references(item)


def question(reference: str) -> tuple[str, str, dict[str, Any]]:
    """The operation that knows: service, name, parameters."""
    found = _REFERENCE.fullmatch(reference)
    assert found is not None
    kind, said = found[1], found[2]
    if kind != "secretsmanager":
        return "ssm", "GetParameter", {"Name": said, "WithDecryption": kind == "ssm-secure"}
    id, parts = _secret(said)
    asked = {"SecretId": id}
    if len(parts) > 2 and parts[2]:
        asked["VersionStage"] = parts[2]
    if len(parts) > 3 and parts[3]:
        asked["VersionId"] = parts[3]
    return "secretsmanager", "GetSecretValue", asked


def answer(reference: str, found: Mapping[str, Any]) -> str:
    """What it says, of the operation's answer."""
    if "Parameter" in found:
        return str(found["Parameter"]["Value"])
    parsed = _REFERENCE.fullmatch(reference)
    assert parsed is not None
    _, parts = _secret(parsed[2])
    text = str(found.get("SecretString", ""))
    key = parts[1] if len(parts) > 1 else ""
    if not key:
        return text
    try:
        return str(json.loads(text)[key])
    except (ValueError, LookupError, TypeError):
        raise ValidationError(f"Could not find the key {key} in the secret of {reference}") from (
            None
        )


def replaced(value: Any, known: Mapping[str, str]) -> Any:
    match value:
        case str():
            return _REFERENCE.sub(lambda found: known[found[0]], value)
        case dict():
            return {key: replaced(item, known) for key, item in value.items()}
        case list():
            return [replaced(item, known) for item in value]
        case _:
            return value


def _secret(said: str) -> tuple[str, list[str]]:
    """The secret's id, and SecretString, key, stage and version as far as they are said."""
    found = _SECRET.fullmatch(said)
    assert found is not None
    return found[1], (found[2] or "").split(":")
