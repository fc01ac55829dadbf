"""Filter patterns of event source mappings: whether one is legal. EventBridge's language; what one
lets through is in core/event_matching.py.

{"body": {"kind": ["a", {"prefix": "b"}]}, "$or": [{…}, {…}]}     leaves are lists, not empty
"""

import ipaddress
import json
from collections.abc import Mapping
from typing import Any

from stoker.core.event_matching import wildcard_parts

DEPTH = 32  # ours: of nested objects


def is_legal(pattern: str | None) -> bool:
    """As AWS judges it when a mapping is made."""
    try:
        document = json.loads(pattern or "", parse_constant=_no_number)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and bool(document) and _legal(document, DEPTH)


def _legal(document: Mapping[str, Any], depth: int) -> bool:
    if not depth:
        return False
    for name, value in document.items():
        if name == "$or":
            if not _alternatives(value, depth):
                return False
        elif isinstance(value, dict):
            if not value or not _legal(value, depth - 1):
                return False
        elif not (isinstance(value, list) and value and all(map(_matcher, value))):
            return False
    return True


def _alternatives(value: Any, depth: int) -> bool:
    return (
        isinstance(value, list)
        and len(value) > 1
        and all(isinstance(one, dict) and one and _legal(one, depth - 1) for one in value)
    )


def _matcher(value: Any) -> bool:
    if not isinstance(value, dict):
        return not isinstance(value, list)
    if len(value) != 1:
        return False
    ((name, operand),) = value.items()
    match name:
        case "exists":
            return isinstance(operand, bool)
        case "numeric":
            return _numeric(operand)
        case "anything-but":
            return _anything_but(operand)
        case "prefix" | "suffix" if isinstance(operand, dict):
            return list(operand) == ["equals-ignore-case"] and _text(*operand.values())
        case _:
            return _of_text(name, operand)


def _anything_but(operand: Any) -> bool:
    """A value, values of one kind, or of one matcher of text one operand or several."""
    if isinstance(operand, dict):
        if len(operand) != 1:
            return False
        ((name, more),) = operand.items()
        several = more if isinstance(more, list) else [more]
        return bool(several) and name != "cidr" and all(_of_text(name, one) for one in several)
    if isinstance(operand, list):
        return bool(operand) and (all(map(_text, operand)) or all(map(_number, operand)))
    return _text(operand) or _number(operand)


def _of_text(name: str, operand: Any) -> bool:
    if not _text(operand):
        return False
    try:
        match name:
            case "cidr":
                ipaddress.ip_network(operand, strict=False)
            case "wildcard":
                wildcard_parts(operand)
            case _:
                return name in ("prefix", "suffix", "equals-ignore-case")
    except ValueError:
        return False
    return True


def _text(operand: Any) -> bool:
    return isinstance(operand, str)


def _number(operand: Any) -> bool:
    return isinstance(operand, int | float) and not isinstance(operand, bool)


def _numeric(operand: Any) -> bool:
    """["<", 5] or [">", 0, "<=", 5]."""
    if not isinstance(operand, list) or len(operand) not in (2, 4):
        return False
    signs, numbers = operand[::2], operand[1::2]
    return all(sign in ("<", "<=", "=", ">", ">=") for sign in signs) and all(map(_number, numbers))


def _no_number(text: str) -> object:
    raise ValueError(f"{text} is not of JSON")
