"""What AWS's model demands of an input, and the words in which AWS says that it is not met.

    2 validation errors detected: Value null at 'role' failed to satisfy constraint: Member must
    not be null; Value '64' at 'memorySize' failed to satisfy constraint: Member must have value
    greater than or equal to 128

Values come decoded (str, int, bytes, list, dict by AWS's member names), None where absent.
"""

import re
import unicodedata
import warnings
from collections.abc import Iterator, Sized
from functools import lru_cache
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from stoker.core.errors import (
    BadRequestException,
    InvalidParameterException,
    ServiceError,
    ValidationException,
)
from stoker.core.metric_errors import InvalidByModel
from stoker.core.queue_errors import MissingParameter
from stoker.core.stacks.errors import ValidationError
from stoker.core.xray.errors import InvalidRequestException

NOT_NULL = "Member must not be null"

# API Gateway's model says lengths of texts in nothing but the names of shapes. They may be empty:
# that is how an update ends what was there.
_LENGTHS = re.compile(r"(?:String|Uri)WithLengthBetween\d+And(\d+)")

# AWS checks these after the model, with messages of its own: Runtime is the operation's part.
LEFT_TO_OPERATIONS = frozenset({"Runtime", "QueueAttributeName", "MessageSystemAttributeName"})


def check(operation: OperationModel, value: dict[str, Any]) -> None:
    """Raise if `value` is not a legal input of the operation."""
    complaints = list(structure_complaints(operation.input_shape, value))
    if not complaints:
        return
    if operation.service_model.service_name == "sqs":
        raise _of_sqs(operation, value)
    count = len(complaints)
    message = f"{count} validation error{'s' * (count > 1)} detected: {'; '.join(complaints)}"
    raise _kind(operation)(message)


def structure_complaints(
    shape: StructureShape, value: dict[str, Any], path: str = ""
) -> Iterator[str]:
    """Every way in which `value` breaks the model, in the model's order."""
    for name, member in shape.members.items():
        where = f"{path}.{_lower_first(name)}" if path else _lower_first(name)
        found = value.get(name)
        if found is not None:
            yield from _complaints(member, found, where)
        elif name in shape.required_members:
            yield f"Value null at '{where}' failed to satisfy constraint: {NOT_NULL}"


def _of_sqs(operation: OperationModel, value: dict[str, Any]) -> ServiceError:
    """SQS has words of its own; its model demands nothing but presence."""
    for name in operation.input_shape.required_members:
        if value.get(name) is None:
            return MissingParameter(f"The request must contain the parameter {name}.")
    return MissingParameter("The request must contain all parameters of its parts.")


def _kind(operation: OperationModel) -> type[ServiceError]:
    """CloudWatch Logs and API Gateway have their own names for it; most have none."""
    if operation.service_model.service_name == "cloudwatch":
        return InvalidByModel
    if operation.service_model.service_name == "cloudformation":
        return ValidationError
    if operation.service_model.service_name == "xray":
        return InvalidRequestException
    declared = {shape.name for shape in operation.error_shapes}
    if "BadRequestException" in declared:
        return BadRequestException
    if "InvalidParameterException" in declared and "ValidationException" not in declared:
        return InvalidParameterException
    return ValidationException


def _complaints(shape: Shape, value: Any, path: str) -> Iterator[str]:
    for demand in _broken(shape, value):
        yield _sentence(shape, value, path, demand)
    match shape:
        case StructureShape():
            yield from structure_complaints(shape, value, path)
        case ListShape(member=StructureShape() as member):
            for number, item in enumerate(value, 1):
                if item is not None:
                    yield from structure_complaints(member, item, f"{path}.{number}.member")
        case MapShape(value=StructureShape() as member):
            for key, item in value.items():
                if item is not None:
                    yield from structure_complaints(member, item, f"{path}.{key}.member")


def _broken(shape: Shape, value: Any) -> Iterator[str]:
    """The demands of this shape, not of the structures within, that `value` does not meet."""
    yield from (text for text, met in _demands(shape, value) if not met)
    match shape:
        case ListShape():
            if not all(_meets(shape.member, item) for item in value):
                yield f"Member must satisfy constraint: [{_every_demand(shape.member)}]"
        case MapShape():
            if not all(_meets(shape.key, key) for key in value):
                yield f"Map keys must satisfy constraint: [{_every_demand(shape.key)}]"
            if not all(_meets(shape.value, item) for item in value.values()):
                yield f"Map value must satisfy constraint: [{_every_demand(shape.value)}]"


def _meets(shape: Shape, value: Any) -> bool:
    return value is not None and not any(True for _ in _broken(shape, value))


def _every_demand(shape: Shape) -> str:
    return ", ".join([*(text for text, _ in _demands(shape, None)), NOT_NULL])


def _demands(shape: Shape, value: Any) -> Iterator[tuple[str, bool]]:
    """(AWS's words, is it met); with value None only the words count."""
    limits: dict[str, Any] = shape.metadata
    said = _LENGTHS.fullmatch(shape.name)
    if said is not None:
        limits = {"max": int(said[1]), **limits}
    numeric = shape.type_name in ("integer", "long", "float", "double")
    noun = "value" if numeric else "length"
    size = len(value) if isinstance(value, Sized) else value
    if "max" in limits:
        words = f"Member must have {noun} less than or equal to {limits['max']}"
        yield words, size is None or size <= limits["max"]
    if "min" in limits:
        words = f"Member must have {noun} greater than or equal to {limits['min']}"
        yield words, size is None or size >= limits["min"]
    if "pattern" in limits:
        yield (
            f"Member must satisfy regular expression pattern: {limits['pattern']}",
            (value is None or matches(limits["pattern"], value)),
        )
    if "enum" in limits and shape.name not in LEFT_TO_OPERATIONS:
        yield (
            f"Member must satisfy enum value set: [{', '.join(limits['enum'])}]",
            (value is None or value in limits["enum"]),
        )


def _sentence(shape: Shape, value: Any, path: str, demand: str) -> str:
    secret = shape.metadata.get("sensitive") or shape.type_name == "blob"
    shown = "" if secret else f" '{_shown(value)}'"
    return f"Value{shown} at '{path}' failed to satisfy constraint: {demand}"


def _shown(value: Any) -> str:
    """As Java prints it."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case list():
            return f"[{', '.join(map(_shown, value))}]"
        case dict():
            return f"{{{', '.join(f'{key}={_shown(item)}' for key, item in value.items())}}}"
        case _:
            return str(value)


def _lower_first(name: str) -> str:
    return name[:1].lower() + name[1:]


def matches(pattern: str, value: str) -> bool:
    """Does the whole value match a pattern of the model (Java's syntax)?

    Python's `re` has no `\\p{L}`. Where a pattern speaks of such classes, characters beyond
    ASCII are replaced by an ASCII one of their class before matching.
    """
    compiled = _compiled(pattern)
    if compiled is None:
        return True
    if "\\p{" in pattern and not value.isascii():
        value = "".join(_ascii_of_class(character) for character in value)
    return compiled.fullmatch(value) is not None


# Characters of more than 16 bits, as Java writes a range of them, and as Python does.
BEYOND_JAVA, BEYOND = r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF"
CLASSES = {"L": "a-zA-Z", "N": "0-9", "Z": " "}  # the ones that AWS's models use


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """None if Python cannot express it: then the operation itself must judge the value."""
    text = pattern.replace(r"\p{Print}", r"[\x20-\x7e]").replace(BEYOND_JAVA, BEYOND)
    text = re.sub(r"\\p\{([A-Z])\}", lambda found: CLASSES.get(found[1], found[0]), text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "possible nested set": Java means it literally, too
            return re.compile(text, re.ASCII)
    except re.error:
        return None


def _ascii_of_class(character: str) -> str:
    if character.isascii():
        return character
    category = unicodedata.category(character)[0]
    return {"L": "a", "N": "0", "Z": " "}.get(category, character)
