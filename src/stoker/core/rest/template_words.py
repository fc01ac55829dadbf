"""$input and $util of mapping templates.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, unquote_plus

import orjson

from stoker.core.rest import json_path
from stoker.core.rest.velocity_methods import MOST_NESTED, Budget
from stoker.core.rest.velocity_words import BadTemplate

_UNREAD = object()


class Input:
    """What comes in: the body, and on the way to the function the parameters."""

    def __init__(self, body: str, parameters: Mapping[str, Mapping[str, str]]) -> None:
        """`parameters`: of "path", "querystring" and "header"."""
        self._body = body
        self._parameters = {where: dict(found) for where, found in parameters.items()}
        self._document: Any = _UNREAD

    def property(self, name: str) -> Any:
        return self._body if name == "body" else None

    def call(self, name: str, given: list[Any], budget: Budget) -> Any:
        match name, given:
            case "params", []:
                return {where: dict(found) for where, found in self._parameters.items()}
            case "params", [str(key)]:
                return self._parameter(key)
            case "path", [str(path)]:
                return self._at(path, budget)
            case "json", [str(path)]:
                found = self._at(path, budget)
                budget.deep(found)
                return orjson.dumps("" if found is None else found).decode()
        raise BadTemplate(f"$input.{name} was called with what it does not take")

    def _parameter(self, name: str) -> str:
        """In the path, the query or the headers, in this order; "" for none, as on AWS."""
        for where in ("path", "querystring", "header"):
            found = self._parameters.get(where, {})
            if name in found:
                return found[name]
        headers = self._parameters.get("header", {})
        return next((v for k, v in headers.items() if k.lower() == name.lower()), "")

    def _at(self, path: str, budget: Budget) -> Any:
        if self._document is _UNREAD:
            self._document = _json(self._body or "{}", budget)
        try:
            return json_path.find(self._document, path, budget.step)
        except json_path.BadPath as error:
            raise BadTemplate(f"the JSONPath {path[:50]!r}: {error}") from None


class Conversions:
    def property(self, name: str) -> Any:
        return None

    def call(self, name: str, given: list[Any], budget: Budget) -> Any:
        if len(given) != 1 or (given[0] is not None and not isinstance(given[0], str)):
            raise BadTemplate(f"$util.{name} was called with what it does not take")
        text = given[0]
        if text is None:
            return None
        budget.step(4 + len(text) // 1000)
        budget.characters(2 * len(text))
        match name:
            case "escapeJavaScript":
                return _escaped(text)
            case "parseJson":
                return _json(text, budget)
            case "urlEncode":
                return quote_plus(text, safe="*-._", errors="replace")
            case "urlDecode":
                return unquote_plus(text)
            case "base64Encode":
                return base64.b64encode(text.encode("utf-8", "replace")).decode()
            case "base64Decode":
                try:
                    return base64.b64decode(text).decode("utf-8", "replace")
                except (binascii.Error, ValueError):
                    raise BadTemplate("$util.base64Decode was given what is not base64") from None
        raise BadTemplate(f"$util.{name} is not built")


_JAVASCRIPT = str.maketrans(
    {
        **{'"': '\\"', "'": "\\'", "\\": "\\\\", "/": "\\/"},
        **{"\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"},
    }
)


def _escaped(text: str) -> str:
    return "".join(
        char if " " <= char <= "~" else f"\\u{ord(char):04X}" if ord(char) < 65536 else char
        for char in text.translate(_JAVASCRIPT)
    )


def _json(text: str, budget: Budget) -> Any:
    """The parser has a bound of nesting; ours is lower."""
    try:
        found = orjson.loads(text.encode("utf-8", "replace"))
    except orjson.JSONDecodeError:
        raise BadTemplate("what should be JSON is not") from None
    _check_nesting(found)
    return found


def _check_nesting(value: Any) -> None:
    waiting = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        if depth > MOST_NESTED:
            raise BadTemplate("a value is nested too deep")
        if isinstance(one, dict):
            waiting.extend((each, depth + 1) for each in one.values())
        elif isinstance(one, list):
            waiting.extend((each, depth + 1) for each in one)
