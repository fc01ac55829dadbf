"""Authorizers, models, request validators and gateway responses of a REST API."""

import json
import re
from typing import Any

from stoker.core.errors import BadRequestException, ConflictException
from stoker.core.function_uris import is_function_uri
from stoker.core.rest import gateway_responses, patches, regex
from stoker.core.rest.records import Asked, Doc, Facts, check_room, found, kept
from stoker.core.rest.schemas import BadSchema, check_schema

_AUTHORIZER_MEMBERS = (
    *("name", "type", "providerARNs", "authType", "authorizerUri", "authorizerCredentials"),
    *("identitySource", "identityValidationExpression", "authorizerResultTtlInSeconds"),
)
_SOURCE = re.compile(r"method\.request\.(header|querystring)\.\S+|context\.\S+|stageVariables\.\S+")
DEFAULT_TTL_S, MOST_TTL_S = 300, 3600


def add_authorizer(doc: Doc, asked: Asked, facts: Facts) -> Doc:
    check_room(doc, "authorizers")
    authorizer = kept(asked, _AUTHORIZER_MEMBERS)
    if authorizer.get("type") != "COGNITO_USER_POOLS":
        authorizer.setdefault("authType", "custom")
    authorizer.setdefault("authorizerResultTtlInSeconds", DEFAULT_TTL_S)
    _check_authorizer(doc, authorizer)
    authorizer["id"] = facts.short()
    doc["authorizers"][authorizer["id"]] = authorizer
    return authorizer


def _check_authorizer(doc: Doc, authorizer: Doc) -> None:
    name, kind = authorizer.get("name"), authorizer.get("type")
    if any(
        one["name"] == name and one["id"] != authorizer.get("id")
        for one in doc["authorizers"].values()
    ):
        raise BadRequestException(
            "Authorizer name must be unique. Authorizer with name "
            f"{name} already exists in this RestApi"
        )
    if kind not in ("TOKEN", "REQUEST", "COGNITO_USER_POOLS"):
        raise BadRequestException("Invalid authorizer type specified")
    ttl = authorizer.get("authorizerResultTtlInSeconds", DEFAULT_TTL_S)
    if not 0 <= ttl <= MOST_TTL_S:
        raise BadRequestException(
            f"The authorizer result TTL must be between 0 and {MOST_TTL_S} seconds"
        )
    if kind == "COGNITO_USER_POOLS":
        _check_expression(authorizer)
        return
    if not is_function_uri(authorizer.get("authorizerUri") or ""):
        raise BadRequestException(
            "Invalid Authorizer URI: "
            + str(authorizer.get("authorizerUri"))
            + ". Authorizer URI should be a valid API Gateway ARN that represents a Lambda function"
            " invocation."
        )
    sources = [one.strip() for one in (authorizer.get("identitySource") or "").split(",")]
    if not any(sources) and (kind == "TOKEN" or ttl > 0):
        raise BadRequestException("Identity source is required for this authorizer")
    for source in filter(None, sources):
        if not _SOURCE.fullmatch(source):
            raise BadRequestException(f"Invalid identity source: {source}")
    _check_expression(authorizer)


def _check_expression(authorizer: Doc) -> None:
    try:
        regex.read(authorizer.get("identityValidationExpression") or "")
    except regex.BadRegex as error:
        raise BadRequestException(f"The identity validation expression: {error}") from None


def update_authorizer(doc: Doc, key: str, operations: list[Asked]) -> Doc:
    before = found(doc, "authorizers", key, "Authorizer")
    changed = patches.patched(before, patches.AUTHORIZER, operations)
    _check_authorizer(doc, changed)
    doc["authorizers"][key] = changed
    return changed


# ---- models ----


def add_model(doc: Doc, asked: Asked, facts: Facts) -> Doc:
    check_room(doc, "models")
    model = kept(asked, ("name", "description", "schema", "contentType"))
    if not re.fullmatch(r"[a-zA-Z0-9]+", model.get("name") or "", re.ASCII):
        raise BadRequestException("Model name must be alphanumeric: " + str(model.get("name")))
    if model["name"] in doc["models"]:
        raise ConflictException("Model name already exists for this REST API")
    _check_model(model)
    model["id"] = facts.short()
    doc["models"][model["name"]] = model
    return model


def _check_model(model: Doc) -> None:
    if not model.get("schema") or model.get("contentType") != "application/json":
        return
    try:
        schema: Any = json.loads(model["schema"])
        check_schema(schema)
    except RecursionError:
        raise BadRequestException("Model schema is nested too deep") from None
    except (ValueError, BadSchema) as error:
        raise BadRequestException(f"Invalid model schema specified. {error}") from None


def update_model(doc: Doc, name: str, operations: list[Asked]) -> Doc:
    before = found(doc, "models", name, "Model")
    changed = patches.patched(before, patches.MODEL, operations)
    _check_model(changed)
    doc["models"][name] = changed
    return changed


# ---- request validators ----


def add_validator(doc: Doc, asked: Asked, facts: Facts) -> Doc:
    check_room(doc, "requestValidators")
    validator = {
        "id": facts.short(),
        "validateRequestBody": False,
        "validateRequestParameters": False,
        **kept(asked, ("name", "validateRequestBody", "validateRequestParameters")),
    }
    doc["requestValidators"][validator["id"]] = validator
    return validator


def update_validator(doc: Doc, key: str, operations: list[Asked]) -> Doc:
    before = found(doc, "requestValidators", key, "Request Validator")
    changed = patches.patched(before, patches.VALIDATOR, operations)
    doc["requestValidators"][key] = changed
    return changed


# ---- gateway responses ----


def put_gateway_response(doc: Doc, kind: str, asked: Asked) -> Doc:
    _check_type(kind)
    response = {
        "responseType": kind,
        "defaultResponse": False,
        "responseParameters": {},
        "responseTemplates": {"application/json": gateway_responses.DEFAULT_BODY},
        **kept(asked, ("statusCode", "responseParameters", "responseTemplates")),
    }
    doc["gatewayResponses"][kind] = response
    return response


def gateway_response(doc: Doc, kind: str) -> Doc:
    """The API's own, or how it is by default."""
    _check_type(kind)
    own: Doc | None = doc["gatewayResponses"].get(kind)
    return own or gateway_responses.by_default(kind)


def all_gateway_responses(doc: Doc) -> list[Doc]:
    return [gateway_response(doc, kind) for kind in sorted(gateway_responses.STATUSES)]


def update_gateway_response(doc: Doc, kind: str, operations: list[Asked]) -> Doc:
    before = {**gateway_response(doc, kind), "defaultResponse": False}
    changed = patches.patched(before, patches.GATEWAY_RESPONSE, operations)
    doc["gatewayResponses"][kind] = changed
    return changed


def _check_type(kind: str) -> None:
    if kind not in gateway_responses.STATUSES:
        raise BadRequestException(f"Invalid gateway response type specified: {kind}")


def removed(doc: Doc, part: str, key: str, noun: str) -> None:
    found(doc, part, key, noun)
    del doc[part][key]
