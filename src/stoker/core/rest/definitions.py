"""Definitions of APIs as they are written: Swagger 2 and OpenAPI 3, seen as one."""

from collections.abc import Mapping
from typing import Any

import orjson

from stoker.core.errors import BadRequestException

X = "x-amazon-apigateway-"
MOST_DEPTH = 60
Found = Mapping[str, Any]


def read(found: Any) -> "Definition":
    if not isinstance(found, dict):
        raise BadRequestException("Invalid definition: it is no object")
    version = str(found.get("swagger") or found.get("openapi") or "")
    if version != "2.0" and not version.startswith("3."):
        raise BadRequestException(
            "Invalid definition: neither swagger 2.0 nor openapi 3.x is what it says it is"
        )
    return Definition(found)


def mapping(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def listed(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []


class Definition:
    def __init__(self, found: dict[str, Any]) -> None:
        self._found = found
        self._components = mapping(found.get("components"))
        schemes = found.get("securityDefinitions") or self._components.get("securitySchemes")
        self._schemes = mapping(schemes)
        self._schemas = mapping(found.get("definitions") or self._components.get("schemas"))
        self.validator = found.get(f"{X}request-validator")

    def api(self) -> dict[str, Any]:
        """What it says of the API as a whole."""
        info = mapping(self._found.get("info"))
        policy = self._found.get(f"{X}policy")
        endpoint = mapping(self._found.get(f"{X}endpoint-configuration"))
        size = self._found.get(f"{X}minimum-compression-size")
        told = {
            "name": info.get("title"),
            "description": info.get("description"),
            "version": info.get("version"),
            "binaryMediaTypes": self._found.get(f"{X}binary-media-types"),
            "minimumCompressionSize": size if isinstance(size, int) else None,
            "apiKeySource": self._found.get(f"{X}api-key-source"),
            "policy": orjson.dumps(policy).decode() if isinstance(policy, dict) else None,
            "endpointConfiguration": {
                name: endpoint[name] for name in ("types", "vpcEndpointIds") if name in endpoint
            }
            or None,
            "disableExecuteApiEndpoint": endpoint.get("disableExecuteApiEndpoint"),
        }
        for name in ("name", "description", "version", "apiKeySource"):
            if told[name] is not None:
                told[name] = str(told[name])
        types = told["binaryMediaTypes"]
        if types is not None and not _texts(types):
            raise BadRequestException(f"Invalid definition: {X}binary-media-types")
        return {name: one for name, one in told.items() if one is not None}

    def tags(self) -> dict[str, str]:
        """Of the API: not the tags that group a definition's operations."""
        return {}

    def base_path(self) -> str:
        base = self._found.get("basePath")
        return base.rstrip("/") if isinstance(base, str) else ""

    def paths(self) -> dict[str, dict[str, Any]]:
        return {
            path: item
            for path, item in mapping(self._found.get("paths")).items()
            if path.startswith("/") and isinstance(item, dict)
        }

    def resolved(self, told: Any) -> Any:
        """What a $ref within the definition leads to."""
        for _ in range(MOST_DEPTH):
            reference = told.get("$ref") if isinstance(told, dict) else None
            if not isinstance(reference, str) or not reference.startswith("#/"):
                return told
            place: Any = self._found
            for name in reference[2:].split("/"):
                place = mapping(place).get(name.replace("~1", "/").replace("~0", "~"))
            told = place
        raise BadRequestException("Invalid definition: a $ref leads nowhere")

    def consumes(self, told: Found) -> list[str]:
        kinds = listed(told.get("consumes") or self._found.get("consumes"))
        return [one for one in kinds if isinstance(one, str)] or ["application/json"]

    # ---- models ----

    def models(self, api_id: str) -> dict[str, str]:
        """Schemas by name, as text; what they say of each other leads to the API's models."""
        return {
            name: self.schema_text(schema, api_id)
            for name, schema in self._schemas.items()
            if isinstance(schema, dict)
        }

    def model_name(self, reference: Any) -> str | None:
        if not isinstance(reference, str):
            return None
        name = reference.rpartition("/")[2]
        if name not in self._schemas and name not in ("Empty", "Error"):
            raise BadRequestException(f"Invalid definition: there is no schema {reference}")
        return name

    def schema_text(self, schema: Any, api_id: str) -> str:
        return orjson.dumps(_referring(schema, api_id)).decode()

    # ---- who may ----

    def security(self, told: Found) -> list[Any]:
        return listed(told["security"] if "security" in told else self._found.get("security"))

    def scheme(self, name: str) -> str:
        """ "authorizer", "iam", "key", or "" for what says nothing here."""
        told = mapping(self.resolved(self._schemes.get(name)))
        if isinstance(told.get(f"{X}authorizer"), dict):
            return "authorizer"
        if str(told.get(f"{X}authtype")).lower() == "awssigv4":
            return "iam"
        return "key" if told.get("type") == "apiKey" else ""

    def authorizers(self) -> dict[str, dict[str, Any]]:
        """As CreateAuthorizer would have been asked."""
        found = {}
        for name, scheme in self._schemes.items():
            told = mapping(mapping(self.resolved(scheme)).get(f"{X}authorizer"))
            if not told:
                continue
            kind = str(told.get("type", "")).upper()
            source = told.get("identitySource")
            if source is None and kind == "TOKEN":
                source = f"method.request.header.{mapping(scheme).get('name', 'Authorization')}"
            asked = {
                "name": name,
                "type": kind,
                "authType": mapping(scheme).get(f"{X}authtype"),
                "identitySource": source,
                "providerARNs": told.get("providerARNs"),
                "authorizerUri": told.get("authorizerUri"),
                "authorizerCredentials": told.get("authorizerCredentials"),
                "identityValidationExpression": told.get("identityValidationExpression"),
                "authorizerResultTtlInSeconds": told.get("authorizerResultTtlInSeconds"),
            }
            _check(asked, lists=("providerARNs",), numbers=("authorizerResultTtlInSeconds",))
            found[name] = asked
        return found

    # ---- what else there is ----

    def validators(self) -> dict[str, dict[str, bool]]:
        return {
            name: {
                "validateRequestBody": mapping(one).get("validateRequestBody") is True,
                "validateRequestParameters": mapping(one).get("validateRequestParameters") is True,
            }
            for name, one in mapping(self._found.get(f"{X}request-validators")).items()
        }

    def gateway_responses(self) -> dict[str, dict[str, Any]]:
        found = {}
        for kind, one in mapping(self._found.get(f"{X}gateway-responses")).items():
            told = mapping(one)
            status = told.get("statusCode")
            asked = {
                "statusCode": None if status is None else str(status),
                "responseParameters": told.get("responseParameters"),
                "responseTemplates": told.get("responseTemplates"),
            }
            _check(asked, maps=("responseParameters", "responseTemplates"))
            found[kind] = asked
        return found


def check_integration_members(asked: Found) -> None:
    _check(
        asked,
        maps=("requestParameters", "requestTemplates"),
        lists=("cacheKeyParameters",),
        numbers=("timeoutInMillis",),
        others=("tlsConfig", "responses", "integrationTarget"),
    )


def check_response_members(asked: Found) -> None:
    _check(asked, maps=("responseParameters", "responseTemplates"))


def _check(
    asked: Found,
    *,
    maps: tuple[str, ...] = (),
    lists: tuple[str, ...] = (),
    numbers: tuple[str, ...] = (),
    others: tuple[str, ...] = (),
) -> None:
    """Everything is of the kind that it is used as later."""
    for name, one in asked.items():
        if one is None or name in others:
            continue
        if name in maps:
            legal = isinstance(one, dict) and _texts(list(one.values()))
        elif name in lists:
            legal = _texts(one)
        elif name in numbers:
            legal = isinstance(one, int) and not isinstance(one, bool)
        else:
            legal = isinstance(one, str)
        if not legal:
            raise BadRequestException(f"Invalid definition: {name} is not what it should be")


def _texts(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(one, str) for one in found)


def _referring(schema: Any, api_id: str, depth: int = 0) -> Any:
    if depth > MOST_DEPTH:
        raise BadRequestException("Invalid definition: a schema is nested too deep")
    if isinstance(schema, list):
        return [_referring(one, api_id, depth + 1) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _referring(one, api_id, depth + 1) for name, one in schema.items()}
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith(
        ("#/definitions/", "#/components/schemas/")
    ):
        name = reference.rpartition("/")[2]
        found["$ref"] = f"https://apigateway.amazonaws.com/restapis/{api_id}/models/{name}"
    return found
