"""A template's text as plain data: JSON, or YAML with CloudFormation's short forms.

    !Ref Queue          -> {"Ref": "Queue"}
    !GetAtt Queue.Arn   -> {"Fn::GetAtt": ["Queue", "Arn"]}

AWS: YAML 1.1 without aliases, hash merges and the tags of binary, omap, pairs, set and timestamp
(docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html). So no text grows
when it is read, and dates stay texts. Bounds: BODY_BYTES of text, DEPTH levels.
"""

import json
import re
from typing import Any

import yaml

from stoker.core.stacks.errors import ValidationError, format_error, well_formed

BODY_BYTES = 1024 * 1024  # AWS: of a template in S3
DEPTH = 64  # AWS documents none; what is deeper is no template
INLINE_BYTES = 51_200  # AWS: of a template in the request itself

_SHORT = frozenset(
    [
        "And",
        "Base64",
        "Cidr",
        "Equals",
        "FindInMap",
        "GetAZs",
        "If",
        "ImportValue",
        "Join",
        "Length",
        "Not",
        "Or",
        "Select",
        "Split",
        "Sub",
        "ToJsonString",
        "Transform",
        "GetAtt",
        "Contains",
    ]
)
_PLAIN = frozenset(("Ref", "Condition"))
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")  # 0123 is an account's number, and no octal
_FLOAT = re.compile(r"[-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?")
_BOOL = re.compile("(?:yes|no|true|false|on|off)", re.IGNORECASE)
_TRUE = frozenset(("yes", "true", "on"))


@well_formed()
def read_template(text: str) -> dict[str, Any]:
    """Raise ValidationError."""
    if len(text.encode("utf-8", "surrogatepass")) > BODY_BYTES:
        raise ValidationError(f"A template may have at most {BODY_BYTES} bytes.")
    found = _json(text) if text.lstrip()[:1] == "{" else _yaml(text)
    if not isinstance(found, dict):
        raise format_error("unsupported structure.")
    return found


def _json(text: str) -> Any:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        if "\n" in text:  # YAML's flow style begins like that, too
            return _yaml(text)
        raise format_error(f"JSON not well-formed. ({error})") from None
    except RecursionError:
        raise _too_deep() from None
    _check_depth(found, 0)
    return found


def _check_depth(value: Any, depth: int) -> None:
    if depth > DEPTH:
        raise _too_deep()
    if isinstance(value, dict):
        for item in value.values():
            _check_depth(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check_depth(item, depth + 1)


def _yaml(text: str) -> Any:
    """By events, so that nothing is built that is not asked for."""
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        parser = loader(text)
        try:
            return _document(parser)
        finally:
            parser.dispose()
    except yaml.YAMLError as error:
        said = " ".join(str(error).split())
        raise format_error(f"YAML not well-formed. ({said[:300]})") from None
    except RecursionError:
        raise _too_deep() from None


def _document(parser: Any) -> Any:
    parser.get_event()  # the stream's start
    if not isinstance(parser.get_event(), yaml.DocumentStartEvent):
        raise format_error("unsupported structure.")
    found = _node(parser, parser.get_event(), 0)
    parser.get_event()  # the document's end
    if not isinstance(parser.get_event(), yaml.StreamEndEvent):
        raise format_error("a template is one document.")
    return found


def _node(parser: Any, event: Any, depth: int) -> Any:
    if depth > DEPTH:
        raise _too_deep()
    match event:
        case yaml.AliasEvent():
            raise format_error("YAML aliases are not allowed in CloudFormation templates")
        case yaml.ScalarEvent():
            return _tagged(event.tag, _scalar(event))
        case yaml.SequenceStartEvent():
            items = []
            while not isinstance(event_ := parser.get_event(), yaml.SequenceEndEvent):
                items.append(_node(parser, event_, depth + 1))
            return _tagged(event.tag, items)
        case _:
            return _tagged(event.tag, _mapping(parser, depth))


def _mapping(parser: Any, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while not isinstance(event := parser.get_event(), yaml.MappingEndEvent):
        if not isinstance(event, yaml.ScalarEvent):
            raise format_error("a key is a text.")
        key = event.value
        if key in found:
            raise format_error(f"Duplicate key {key!r}")
        found[key] = _node(parser, parser.get_event(), depth + 1)
    return found


def _scalar(event: Any) -> Any:
    text: str = event.value
    if event.style not in (None, "") or event.tag is not None:  # None in Python, "" in C
        return text
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if _INT.fullmatch(text):
        return int(text) if len(text) <= 18 else text
    if _FLOAT.fullmatch(text) and len(text) <= 32 and not text.isdecimal():
        return float(text)
    if _BOOL.fullmatch(text):
        return text.lower() in _TRUE
    return text


def _tagged(tag: str | None, value: Any) -> Any:
    if tag is None or tag == "!":
        return value
    name = tag.removeprefix("!")
    if tag in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
        return value
    if name in _PLAIN:
        return {name: value}
    if name not in _SHORT:
        raise format_error(f"unsupported tag {tag}")
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{name}": value}


def _too_deep() -> ValidationError:
    return format_error(f"it is nested deeper than {DEPTH} levels")
