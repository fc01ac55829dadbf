"""Parameter mappings, and which template or response is chosen: what lies between a method and its
integration where that is no proxy.

https://docs.aws.amazon.com/apigateway/latest/developerguide/request-response-data-mappings.html
"""

from collections.abc import Mapping
from typing import Any

import orjson

from stoker.core.rest import json_path, regex
from stoker.core.rest.gateway_responses import Refused
from stoker.core.url_answers import header_name, header_value

Doc = Mapping[str, Any]
MOST_STEPS = 100_000


def valued(source: str, known: Mapping[str, Any]) -> str | None:
    """'static', context.…, stageVariables.…, method.request.… or integration.response.…, of which
    `known` has what there is."""
    if len(source) >= 2 and source.startswith("'") and source.endswith("'"):
        return source[1:-1]
    for prefix, body in (
        ("method.request.body", known.get("method.request.body")),
        ("integration.response.body", known.get("integration.response.body")),
    ):
        if source == prefix:
            return None if body is None else str(body)
        if source.startswith(prefix + "."):
            return _of_body(body, source.removeprefix(prefix + "."))
    for prefix in ("method.request", "integration.response"):
        if source.startswith(prefix + "."):
            place, _, name = source.removeprefix(prefix + ".").partition(".")
            values = (known.get(prefix) or {}).get(place.removeprefix("multivalue"), {})
            if place.endswith("header"):
                return next((v for k, v in values.items() if k.lower() == name.lower()), None)
            found = values.get(name)
            return None if found is None else str(found)
    place_: Any = known
    for name in source.split("."):
        place_ = place_.get(name) if isinstance(place_, Mapping) else None
    return None if place_ is None or isinstance(place_, Mapping | list) else str(place_)


def _of_body(body: Any, path: str) -> str | None:
    try:
        found = json_path.find(orjson.loads(body or "null"), f"$.{path}", _Pay())
    except (orjson.JSONDecodeError, json_path.BadPath, OverflowError):
        return None
    if found is None:
        return None
    return found if isinstance(found, str) else orjson.dumps(found).decode()


class _Pay:
    def __init__(self) -> None:
        self._left = MOST_STEPS

    def __call__(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise OverflowError


def requested(integration: Doc, place: str, known: Mapping[str, Any]) -> dict[str, str]:
    """What is mapped to the integration's `place`: path, querystring, header."""
    found = {}
    prefix = f"integration.request.{place}."
    for target, source in (integration.get("requestParameters") or {}).items():
        if target.startswith(prefix):
            value = valued(source, known)
            if value is not None:
                found[target.removeprefix(prefix)] = value
    return found


def request_template(integration: Doc, kind: str) -> str | None:
    """The template for a body of this media type; None: it is handed on as it is. Raise the 415
    of an integration that does not hand on."""
    templates = integration.get("requestTemplates") or {}
    if kind in templates:
        return str(templates[kind] or "")
    behavior = integration.get("passthroughBehavior", "WHEN_NO_MATCH")
    if behavior == "NEVER" or (behavior == "WHEN_NO_TEMPLATES" and templates):
        raise Refused("UNSUPPORTED_MEDIA_TYPE", "Unsupported Media Type", "BadRequestException")
    return None


def chosen(responses: Mapping[str, Doc], said: str) -> Doc | None:
    """The integration response whose pattern takes all of `said`; else the one without."""
    for one in responses.values():
        pattern = one.get("selectionPattern")
        try:
            if pattern and said and regex.read(pattern).matches(said):
                return one
        except (regex.BadRegex, regex.TooHard):
            continue
    return next((one for one in responses.values() if not one.get("selectionPattern")), None)


def response_template(response: Doc, accept: str) -> tuple[str, str] | None:
    """(media type, template): for what the client wants first, else for JSON, else the first."""
    templates = response.get("responseTemplates") or {}
    for kind in (accept.partition(",")[0].partition(";")[0].strip(), "application/json"):
        if kind in templates:
            return kind, templates[kind] or ""
    first = next(iter(templates.items()), None)
    return None if first is None else (first[0], first[1] or "")


def response_headers(response: Doc, known: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Raise url_answers.BadAnswer for what no header can be."""
    found = []
    for target, source in (response.get("responseParameters") or {}).items():
        value = valued(source, known)
        if target.startswith("method.response.header.") and value is not None:
            name = target.removeprefix("method.response.header.")
            found.append((header_name(name), header_value(name, value)))
    return found


def overridden(
    status: int, headers: list[tuple[str, str]], override: Any
) -> tuple[int, list[tuple[str, str]]]:
    """What a template has set at $context.responseOverride."""
    told = override if isinstance(override, dict) else {}
    own = told.get("status")
    if isinstance(own, str) and own.isascii() and own.isdecimal():
        own = int(own[:4])
    if isinstance(own, int) and not isinstance(own, bool) and 200 <= own <= 599:
        status = own
    header = told.get("header")
    extra = header if isinstance(header, dict) else {}
    names = {name.lower() for name in extra}
    kept = [one for one in headers if one[0].lower() not in names]
    kept += [(header_name(name), header_value(name, value)) for name, value in extra.items()]
    return status, kept
