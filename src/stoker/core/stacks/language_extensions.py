"""The transform AWS::LanguageExtensions, as far as it must be done ahead.

    Fn::ForEach::Loop: [Name, [A, B], {"Queue${Name}": {...}}]
    DeletionPolicy: {"Ref": "Keep"}
    {"Ref": {"Fn::Sub": "Queue${Stage}"}}, {"Fn::GetAtt": [{"Fn::Sub": "Queue${Stage}"}, "Arn"]}

Its other functions (Fn::Length, Fn::ToJsonString, a default in Fn::FindInMap) need no transform:
core/stacks/functions.py has them.
"""

import re
from collections.abc import Mapping
from typing import Any

from stoker.core.stacks.errors import ValidationError, template_error
from stoker.core.stacks.functions import NO_VALUE, Scope, evaluate

NAME = "AWS::LanguageExtensions"
PREFIX = "Fn::ForEach::"
MOST = 20_000  # parts that all loops together make
MOST_CHARACTERS = (
    4 * 1024 * 1024
)  # of all texts, while it is worked on (AWS: some buffer over 1 MB)
POLICIES = ("DeletionPolicy", "UpdateReplacePolicy")
_NAMED = re.compile(r"[$&]\{([A-Za-z0-9]+)\}")


def unrolled(body: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """The template without loops, and with policies that are words. Raise ValidationError."""
    made = _Loops(scope).written_out(dict(body), {})
    assert isinstance(made, dict)
    resources = made.get("Resources")
    for resource in resources.values() if isinstance(resources, dict) else ():
        for name in POLICIES:
            if isinstance(resource, dict) and isinstance(resource.get(name), dict):
                found = evaluate(resource.pop(name), scope)
                resource |= {} if found is NO_VALUE else {name: found}
    return made


class _Loops:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._parts = 0
        self._characters = 0

    def written_out(self, value: Any, names: Mapping[str, str]) -> Any:
        self._count(1)
        match value:
            case {"Ref": str(name)} if name in names:
                return names[name]
            case {"Ref": dict(said)} if len(value) == 1:
                return {"Ref": self._meant(said, names)}
            case {"Fn::GetAtt": [dict(said), *rest]} if len(value) == 1:
                return {"Fn::GetAtt": [self._meant(said, names), *self.written_out(rest, names)]}
            case dict():
                return self._written_out_dict(value, names)
            case list():
                return [self.written_out(item, names) for item in value]
            case str():
                return self._put(value, names)
            case _:
                return value

    def _meant(self, said: dict[str, Any], names: Mapping[str, str]) -> str:
        """The logical id that a function makes, so that it is known who needs whom."""
        found = evaluate(self.written_out(said, names), self._scope)
        if not isinstance(found, str):
            raise template_error("a function in Ref or Fn::GetAtt has to make a text")
        self._grow(len(found))
        return found

    def _written_out_dict(self, value: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, item in value.items():
            if key.startswith(PREFIX):
                found.update(self._loop(key, item, names))
            else:
                found[self._put(key, names)] = self.written_out(item, names)
        return found

    def _loop(self, key: str, said: Any, names: Mapping[str, str]) -> dict[str, Any]:
        match said:
            case [str(name), several, dict(body)]:
                items = evaluate(self.written_out(several, names), self._scope)
            case _:
                raise template_error(f"{key} takes a name, a list and an object")
        if isinstance(items, str):
            items = items.split(",")
        if not isinstance(items, list) or not all(isinstance(one, str) for one in items):
            raise template_error(f"the list of {key} is one of texts")
        self._count(len(items))  # also of a loop that makes nothing
        found: dict[str, Any] = {}
        for item in items:
            found.update(self._written_out_dict(body, {**names, name: item}))
        return found

    def _put(self, text: str, names: Mapping[str, str]) -> str:
        """The names of the loops around, in a key or a text; other variables stay."""
        self._grow(len(text))
        if not names:
            return text

        def one(found: re.Match[str]) -> str:
            if found[1] not in names:
                return found[0]
            word = names[found[1]]
            self._grow(len(word))
            return re.sub("[^A-Za-z0-9]", "", word) if found[0][0] == "&" else word

        return _NAMED.sub(one, text)

    def _count(self, parts: int) -> None:
        self._parts += parts
        if self._parts > MOST:
            raise template_error(f"Fn::ForEach makes more than {MOST} parts")

    def _grow(self, characters: int) -> None:
        self._characters += characters
        if self._characters > MOST_CHARACTERS:
            raise ValidationError("Transformation data limit exceeded")  # AWS's words
