"""Models of a REST API: JSON Schema, draft 4, as request validators ask it.

Known are type, enum, properties, required, additionalProperties, patternProperties, items,
additionalItems, lengths, ranges and counts, pattern, uniqueItems, multipleOf, allOf, anyOf, oneOf,
not, definitions and $ref, also to another model of the API:
https://apigateway.amazonaws.com/restapis/ID/models/NAME. `format` says nothing, as on AWS.
"""

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from stoker.core.rest import regex

MOST_STEPS = 1_000_000
MOST_DEPTH = 60
_MODEL = "/models/"
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
    "number": (int, float),
    "integer": (int,),
}


class BadSchema(ValueError):
    """What of it is not understood."""


def check_schema(schema: Any) -> None:
    """Raise BadSchema for what could not be asked later."""
    waiting = [(schema, 0)]
    while waiting:
        one, depth = waiting.pop()
        if depth > MOST_DEPTH:
            raise BadSchema("it is nested too deep")
        if not isinstance(one, dict):
            raise BadSchema("a schema is an object")
        for kind in _many(one.get("type", [])):
            if kind not in _TYPES:
                raise BadSchema(f"unknown type {kind!r}")
        for pattern in (one.get("pattern"), *_map(one, "patternProperties")):
            if pattern is not None:
                _compiled(pattern)
        waiting += [(each, depth + 1) for each in _within(one)]


def _within(schema: Mapping[str, Any]) -> Iterator[Any]:
    for name in ("properties", "patternProperties", "definitions"):
        yield from _map(schema, name).values()
    for name in ("allOf", "anyOf", "oneOf"):
        yield from _many(schema.get(name, []))
    for name in ("not", "items", "additionalProperties", "additionalItems"):
        found = schema.get(name)
        yield from (one for one in _many(found) if not isinstance(one, bool | None))


def is_valid(value: Any, schema: Any, models: Mapping[str, Any]) -> bool:
    """`models`: the API's others, by name, already read. A document that takes too long to look
    at is not valid."""
    try:
        return _Judge(schema, models).fits(value, schema, 0)
    except (_TooMuch, regex.TooHard, BadSchema):
        return False
    except (TypeError, AttributeError, OverflowError, ValueError):
        return False  # what the schema demands is none of JSON Schema's


class _TooMuch(Exception):
    pass


class _Judge:
    def __init__(self, root: Any, models: Mapping[str, Any]) -> None:
        self._root = root
        self._models = models
        self._steps = MOST_STEPS

    def fits(self, value: Any, schema: Any, depth: int) -> bool:
        self._steps -= 1
        if self._steps < 0 or depth > MOST_DEPTH:
            raise _TooMuch
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, dict):
            raise BadSchema
        reference = schema.get("$ref")
        if isinstance(reference, str):
            return self._referred(value, reference, depth)
        return (
            self._plain(value, schema)
            and self._of_kind(value, schema, depth)
            and self._combined(value, schema, depth)
        )

    def _referred(self, value: Any, reference: str, depth: int) -> bool:
        if _MODEL in reference:
            model = self._models.get(reference.rpartition(_MODEL)[2].partition("#")[0])
            if model is None:
                raise BadSchema
            other = _Judge(model, self._models)
            other._steps = self._steps
            found = other.fits(value, model, depth + 1)
            self._steps = other._steps
            return found
        if not reference.startswith("#"):
            raise BadSchema
        place = self._root
        for name in filter(None, reference[1:].split("/")):
            name = name.replace("~1", "/").replace("~0", "~")
            if not isinstance(place, dict) or name not in place:
                raise BadSchema
            place = place[name]
        return self.fits(value, place, depth + 1)

    def _plain(self, value: Any, schema: Mapping[str, Any]) -> bool:
        kinds = list(_many(schema.get("type", [])))
        if kinds and not any(_is(value, kind) for kind in kinds):
            return False
        if "enum" in schema:
            self._steps -= len(schema["enum"])
            return any(_equal(value, one) for one in schema["enum"])
        return True

    def _of_kind(self, value: Any, schema: Mapping[str, Any], depth: int) -> bool:
        match value:
            case dict():
                return self._object(value, schema, depth)
            case list():
                return self._array(value, schema, depth)
            case str():
                return self._text(value, schema)
            case int() | float() if not isinstance(value, bool):
                return _number(value, schema)
        return True

    def _object(self, value: Mapping[str, Any], schema: Mapping[str, Any], depth: int) -> bool:
        if not _counted(len(value), schema, "minProperties", "maxProperties"):
            return False
        if any(name not in value for name in schema.get("required") or ()):
            return False
        named, patterns = _map(schema, "properties"), _map(schema, "patternProperties")
        other = schema.get("additionalProperties", True)
        for name, one in value.items():
            fitting = [named[name]] if name in named else []
            fitting += [
                rule
                for text, rule in patterns.items()
                if _compiled(text).search(name, pay=self._pay)
            ]
            if not all(self.fits(one, rule, depth + 1) for rule in fitting):
                return False
            if not fitting and other is not True and not self.fits(one, other, depth + 1):
                return False
        return True

    def _array(self, value: list[Any], schema: Mapping[str, Any], depth: int) -> bool:
        if not _counted(len(value), schema, "minItems", "maxItems"):
            return False
        items = schema.get("items", True)
        behind = schema.get("additionalItems", True)
        for at, one in enumerate(value):
            rule = items
            if isinstance(items, list):
                rule = items[at] if at < len(items) else behind
            if rule is not True and not self.fits(one, rule, depth + 1):
                return False
        if schema.get("uniqueItems"):
            return len({self._frozen(one, depth) for one in value}) == len(value)
        return True

    def _frozen(self, value: Any, depth: int) -> Hashable:
        """The same for what is equal, so that a long array is not compared with itself."""
        self._pay(1)
        if depth > MOST_DEPTH:
            raise _TooMuch
        match value:
            case dict():
                return frozenset((name, self._frozen(it, depth + 1)) for name, it in value.items())
            case list():
                return tuple(self._frozen(it, depth + 1) for it in value)
            case bool():
                return (bool, value)  # True is 1, else
            case _:
                scalar: Hashable = value
                return scalar

    def _text(self, value: str, schema: Mapping[str, Any]) -> bool:
        if not _counted(len(value), schema, "minLength", "maxLength"):
            return False
        pattern = schema.get("pattern")
        return pattern is None or _compiled(pattern).search(value, pay=self._pay) is not None

    def _pay(self, steps: int) -> None:
        self._steps -= steps
        if self._steps < 0:
            raise _TooMuch

    def _combined(self, value: Any, schema: Mapping[str, Any], depth: int) -> bool:
        def fitting(name: str) -> list[bool]:
            return [self.fits(value, one, depth + 1) for one in _many(schema[name])]

        return (
            ("allOf" not in schema or all(fitting("allOf")))
            and ("anyOf" not in schema or any(fitting("anyOf")))
            and ("oneOf" not in schema or sum(fitting("oneOf")) == 1)
            and ("not" not in schema or not self.fits(value, schema["not"], depth + 1))
        )


def _is(value: Any, kind: Any) -> bool:
    if isinstance(value, bool) and kind != "boolean":
        return False
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES.get(kind, ()))


def _equal(left: Any, right: Any) -> bool:
    return bool(left == right) and isinstance(left, bool) is isinstance(right, bool)


def _number(value: float, schema: Mapping[str, Any]) -> bool:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and (value < least or (schema.get("exclusiveMinimum") and value == least)):
        return False
    if most is not None and (value > most or (schema.get("exclusiveMaximum") and value == most)):
        return False
    step = schema.get("multipleOf")
    return not step or bool(value % step == 0)


def _counted(count: int, schema: Mapping[str, Any], least: str, most: str) -> bool:
    return bool(schema.get(least, 0) <= count <= schema.get(most, count))


def _compiled(pattern: Any) -> regex.Regex:
    if not isinstance(pattern, str):
        raise BadSchema("a pattern is text")
    try:
        return regex.read(pattern)
    except regex.BadRegex as error:
        raise BadSchema(f"the pattern {pattern[:50]!r}: {error}") from None


def _many(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [found]


def _map(schema: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = schema.get(name)
    return found if isinstance(found, dict) else {}
