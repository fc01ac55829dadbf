"""The macros that a template asks for: all of it (Transform), or a part (Fn::Transform).

    Transform: AWS::Serverless-2016-10-31
    Resources:
      Fn::Transform: {Name: AWS::Include, Parameters: {Location: s3://bucket/queues.yaml}}
      Own: {Type: AWS::SQS::Queue}

AWS::Include puts what lies in S3 in its own place, beside whatever stands there. AWS: of a part's
macros the innermost comes first, then those of the whole template in their order; a snippet
includes nothing itself (docs.aws.amazon.com: transform-aws-include). Which of two equal keys AWS
takes is not documented: they are refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from stoker.core.stacks.errors import ValidationError, format_error
from stoker.core.stacks.functions import Scope, evaluate
from stoker.core.stacks.text import BODY_BYTES, read_template

INCLUDE = "AWS::Include"
FUNCTION = "Fn::Transform"
SECTION = "Transform"
MOST = 500  # includes in one template
BAD_PLACE = "The location parameter is not a valid S3 uri."  # AWS's words
BAD_SNIPPET = "The specified S3 object's content should be valid Yaml/JSON."  # AWS's, too


@dataclass(frozen=True, slots=True)
class Macro:
    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


def of_all(body: Mapping[str, Any]) -> list[Macro]:
    """Those of the whole template, in their order. Raise ValidationError."""
    return _macros(body.get(SECTION))


def of_parts(body: Any) -> list[Macro]:
    """Those of parts of it. Raise ValidationError."""
    return [one for said in _said_of_parts(body) for one in _macros(said)]


def local_includes(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The parameters of each include that names a file: the template is not packaged yet."""
    for said in (body.get(SECTION), *_said_of_parts(body)):
        for one in said if isinstance(said, list) else [said]:
            match one:
                case {"Name": "AWS::Include", "Parameters": {"Location": str(place)} as parameters}:
                    if not place.startswith("s3://"):
                        yield parameters


def _said_of_parts(body: Any) -> Iterator[Any]:
    waiting = [body]
    while waiting:
        match waiting.pop():
            case dict(members):
                if FUNCTION in members:
                    yield members[FUNCTION]
                waiting += [item for key, item in members.items() if key != FUNCTION]
            case list(items):
                waiting += items


def transforms_of(body: Mapping[str, Any]) -> list[str]:
    """The names of all of them, each once. Raise ValidationError."""
    return list(dict.fromkeys(one.name for one in (*of_all(body), *of_parts(body))))


def _macros(said: Any) -> list[Macro]:
    several = said if isinstance(said, list) else [said] if said else []
    return [_macro(one) for one in several]


def _macro(said: Any) -> Macro:
    name = said.get("Name") if isinstance(said, dict) else said
    if not isinstance(name, str):
        raise format_error("a Transform is named by a text.")
    parameters = said.get("Parameters") or {} if isinstance(said, dict) else {}
    if not isinstance(parameters, dict):
        raise format_error(f"the Parameters of {name} must be an object.")
    return Macro(name, parameters)


def failed(why: str) -> ValidationError:
    return ValidationError(f"{SECTION} {INCLUDE} failed with: {why}")


def check_size(characters: int) -> None:
    if characters > BODY_BYTES:
        raise failed(f"the snippets of a template have at most {BODY_BYTES} characters")


def places(body: Mapping[str, Any], scope: Scope) -> list[str]:
    """Where the snippets lie that a template includes, each once. Raise ValidationError, also of
    other macros than AWS::Include for a part of a template."""
    if of_parts(body.get("Parameters")):
        raise format_error(f"{FUNCTION} cannot be used in the Parameters section.")
    parts = of_parts(body)
    for one in parts:
        if one.name.startswith("AWS::") and one.name != INCLUDE:
            raise format_error(f"{one.name} is a transform of a whole template only.")
        if one.name != INCLUDE:
            raise ValidationError(f"No transform named {one.name} found.")
    every = [*parts, *(one for one in of_all(body) if one.name == INCLUDE)]
    if len(every) > MOST:
        raise failed(f"a template includes at most {MOST} snippets")
    return list(dict.fromkeys(_place(one, scope) for one in every))


def _place(macro: Macro, scope: Scope) -> str:
    location = evaluate(macro.parameters.get("Location"), scope)
    if not isinstance(location, str) or not location.startswith("s3://"):
        raise failed(BAD_PLACE)
    return location


def included(
    body: Mapping[str, Any], scope: Scope, texts: Mapping[str, str]
) -> dict[str, Any]:  # fmt: skip
    """The template with its snippets (`texts`, by `places`). Raise ValidationError."""
    return _Including(scope, texts).whole(body)


class _Including:
    def __init__(self, scope: Scope, texts: Mapping[str, str]) -> None:
        self._scope = scope
        self._texts = texts
        self._snippets = {place: _snippet(text) for place, text in texts.items()}
        self._characters = 0

    def whole(self, body: Mapping[str, Any]) -> dict[str, Any]:
        found = self.part({key: item for key, item in body.items() if key != SECTION})
        assert isinstance(found, dict)
        every = of_all(body)
        for one in every:
            if one.name == INCLUDE:
                found = self._with(found, one)
        rest = [one.name for one in every if one.name != INCLUDE]
        return {SECTION: rest, **found} if rest else found

    def part(self, value: Any) -> Any:
        match value:
            case dict():
                found = {
                    key: self.part(item) for key, item in value.items() if key != FUNCTION
                }  # fmt: skip
                for one in _macros(value.get(FUNCTION)):
                    found = self._with(found, one)
                return found
            case list():
                return [self.part(item) for item in value]
            case _:
                return value

    def _with(self, there: dict[str, Any], macro: Macro) -> dict[str, Any]:
        place = _place(macro, self._scope)
        self._characters += len(self._texts[place])  # as often as it stands there
        check_size(self._characters)
        snippet = self._snippets[place]
        twice = sorted(there.keys() & snippet.keys())
        if twice:
            raise failed(f"{place} and the place where it is included both have {', '.join(twice)}")
        return {**there, **snippet}


def _snippet(text: str) -> dict[str, Any]:
    try:
        found = read_template(text)
    except ValidationError as error:
        raise failed(f"{BAD_SNIPPET} ({error.message})") from None
    if of_parts(found):
        raise failed(f"{BAD_SNIPPET} A snippet cannot include another.")
    return found
