"""Filter patterns of event source mappings: whether one is legal. EventBridge's language.

{"body": {"kind": ["a", {"prefix": "b"}]}, "$or": [{…}, {…}]}     leaves are lists, not empty
"""

import json
from collections.abc import Mapping
from typing import Any

DEPTH = 32  # ours: of nested objects
_OPERATORS = frozenset(
    {"anything-but", "cidr", "equals-ignore-case", "exists", "numeric", "prefix", "suffix"}
    | {"wildcard"}
)


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
            return operand is not None and operand not in ([], {})
        case "prefix" | "suffix":
            return isinstance(operand, str | dict)
        case _:
            return name in _OPERATORS and isinstance(operand, str)


def _numeric(operand: Any) -> bool:
    """["<", 5] or [">", 0, "<=", 5]."""
    if not isinstance(operand, list) or len(operand) not in (2, 4):
        return False
    signs, numbers = operand[::2], operand[1::2]
    return all(sign in ("<", "<=", "=", ">", ">=") for sign in signs) and all(
        isinstance(one, int | float) and not isinstance(one, bool) for one in numbers
    )


def _no_number(text: str) -> object:
    raise ValueError(f"{text} is not of JSON")
