"""Whether a request is as its method wants it, before anything is called."""

from collections.abc import Mapping
from typing import Any

import orjson

from stoker.core.rest import schemas
from stoker.core.rest.gateway_responses import Refused
from stoker.core.rest.requests import Asked, media_type

Doc = Mapping[str, Any]


def check(asked: Asked, validators: Mapping[str, Doc], models: Mapping[str, Any]) -> None:
    """Raise the 400s of the method's request validator. `models`: their schemas, read."""
    method = asked.route.method
    validator = validators.get(method.get("requestValidatorId") or "") or {}
    if validator.get("validateRequestParameters"):
        _check_parameters(asked, method)
    if validator.get("validateRequestBody"):
        _check_body(asked, method, models)


def _check_parameters(asked: Asked, method: Doc) -> None:
    missing = []
    for place, required in (method.get("requestParameters") or {}).items():
        _, _, kind, name = (*place.split(".", 3), "", "", "")[:4]
        values = asked.parameters.get(kind.removeprefix("multivalue"), {})
        found = next((v for k, v in values.items() if _same(kind, k, name)), None)
        if required and not found:
            missing.append(name)
    if missing:
        raise Refused(
            "BAD_REQUEST_PARAMETERS",
            f"Missing required request parameters: [{', '.join(missing)}]",
            "BadRequestException",
        )


def _same(kind: str, given: str, name: str) -> bool:
    return given.lower() == name.lower() if kind.endswith("header") else given == name


def _check_body(asked: Asked, method: Doc, models: Mapping[str, Any]) -> None:
    wanted = method.get("requestModels") or {}
    kind = media_type(asked.incoming.headers.get("content-type", "")) or "application/json"
    name = wanted.get(kind) or wanted.get("$default")
    if not name or name not in models:
        return
    bad = Refused("BAD_REQUEST_BODY", "Invalid request body", "BadRequestException")
    try:
        body = orjson.loads(asked.incoming.body or b"")
    except orjson.JSONDecodeError:
        raise bad from None
    if not schemas.is_valid(body, models[name], models):
        raise bad
