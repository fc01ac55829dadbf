"""An HTTP API from an OpenAPI 3 document with API Gateway's extensions, as ImportApi takes it.

    paths ─► routes, and of each its x-amazon-apigateway-integration
    components.securitySchemes ─► authorizers      security ─► which of them a route asks
    x-amazon-apigateway-cors, tags, info ─► what the API says of itself

Nothing is guessed where that would let strangers in: a security that is not understood is refused.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from stoker.core.errors import BadRequestException, NotImplementedException
from stoker.core.http_apis import DEFAULTS, TTL_S, HttpApi, Part, with_facts
from stoker.core.http_routes import DEFAULT

Record = Mapping[str, Any]
INTEGRATION = "x-amazon-apigateway-integration"
AUTHORIZER = "x-amazon-apigateway-authorizer"
ANY = "x-amazon-apigateway-any-method"
METHODS = {
    **{name: name.upper() for name in ("delete", "get", "head", "options", "patch", "post", "put")},
    ANY: "ANY",
}
SHARED = "#/components/x-amazon-apigateway-integrations/"
_IAM = {"authorizationType": "AWS_IAM"}
_OPEN = {"authorizationType": "NONE"}
# Members of an integration in OpenAPI, and in the API.
_INTEGRATION = {
    "connectionId": "connectionId",
    "connectionType": "connectionType",
    "credentials": "credentialsArn",
    "description": "description",
    "httpMethod": "integrationMethod",
    "integrationSubtype": "integrationSubtype",
    "payloadFormatVersion": "payloadFormatVersion",
    "requestParameters": "requestParameters",
    "responseParameters": "responseParameters",
    "timeoutInMillis": "timeoutInMillis",
    "tlsConfig": "tlsConfig",
    "uri": "integrationUri",
}
_AUTHORIZER = {
    "authorizerCredentials": "authorizerCredentialsArn",
    "authorizerPayloadFormatVersion": "authorizerPayloadFormatVersion",
    "authorizerResultTtlInSeconds": "authorizerResultTtlInSeconds",
    "authorizerUri": "authorizerUri",
    "enableSimpleResponses": "enableSimpleResponses",
    "jwtConfiguration": "jwtConfiguration",
}


@dataclass(frozen=True, slots=True)
class Imported:
    api: HttpApi
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Means:
    """`fit`: a part with its members as the model has them, or AWS's refusal."""

    new_id: Callable[[], str]
    fit: Callable[[Part, Record], Record]

    def added(self, api: HttpApi, part: Part, record: Record) -> tuple[HttpApi, str]:
        id = self.new_id()
        return api.add(part, id, {**self.fit(part, record), part.id: id}), id


def check_base_path(how: str | None) -> None:
    if how not in (None, "", "ignore"):
        raise NotImplementedException(
            f"Stoker does not implement basepath={how} of ImportApi yet: only ignore."
        )


def facts(document: Record) -> dict[str, Any]:
    """What the API says of itself."""
    if not str(document.get("openapi", "")).startswith("3."):
        raise BadRequestException("Invalid OpenAPI input: HTTP APIs need openapi 3.0")
    info = _object(document.get("info"), "info")
    found: dict[str, Any] = {"name": str(info.get("title") or ""), "protocolType": "HTTP"}
    found |= {name: str(info[name]) for name in ("description", "version") if info.get(name)}
    cors = document.get("x-amazon-apigateway-cors")
    if cors is not None:
        found["corsConfiguration"] = cors
    tags = document.get("tags") or []
    found["tags"] = {
        str(one["name"]): str(one["x-amazon-apigateway-tag-value"])
        for one in (tags if isinstance(tags, list) else [])
        if isinstance(one, dict) and "name" in one and "x-amazon-apigateway-tag-value" in one
    }
    return found


def imported(before: HttpApi, document: Record, means: Means) -> Imported:
    """`before`, with the routes, integrations and authorizers of the document and no others."""
    api = replace(before, routes={}, integrations={}, authorizers={})
    components = _object(document.get("components", {}), "components")
    schemes = _object(components.get("securitySchemes", {}), "securitySchemes")
    asked: dict[str, Record] = {}  # what a route says that has this security
    for name, scheme in schemes.items():
        found = _authorizer(name, _object(scheme, name))
        if found is None:
            continue
        if "authorizerType" not in found:
            asked[name] = found
            continue
        api, id = means.added(api, Part.AUTHORIZER, found)
        kind = "JWT" if found["authorizerType"] == "JWT" else "CUSTOM"
        asked[name] = {"authorizationType": kind, "authorizerId": id}
    warnings: list[str] = []
    shared: dict[str, str] = {}
    for key, operation in _operations(document):
        route: dict[str, Any] = {"routeKey": key, "apiKeyRequired": False}
        if isinstance(operation.get("operationId"), str):
            route["operationName"] = operation["operationId"]
        security = operation.get("security", document.get("security"))
        route |= _security(key, security, asked)
        given = operation.get(INTEGRATION)
        if given is None:
            warnings.append(f"{key} has no {INTEGRATION}")
        else:
            api, id = _integrated(api, _object(given, key), components, shared, means)
            route["target"] = f"integrations/{id}"
        api, _ = means.added(api, Part.ROUTE, route)
    return Imported(api, tuple(warnings))


def told(api: HttpApi, given: Record) -> HttpApi:
    """With these facts in place of those that an import says; its own stay."""
    kept = {
        name: one
        for name, one in api.api.items()
        if name not in ("corsConfiguration", "description", "version")
    }
    return with_facts(api, {**kept, **given, "tags": {**kept["tags"], **given["tags"]}})


def _operations(document: Record) -> Iterator[tuple[str, Record]]:
    for path, item in _object(document.get("paths", {}), "paths").items():
        for name, operation in _object(item, path).items():
            method = METHODS.get(name.lower())
            if method is None:
                continue  # parameters, summary, extensions
            found = _object(operation, f"{path} {name}")
            default = path.removeprefix("/") == DEFAULT
            yield (DEFAULT if default else f"{method} {path}"), found


def _integrated(
    api: HttpApi,
    given: Record,
    components: Record,
    shared: dict[str, str],
    means: Means,
) -> tuple[HttpApi, str]:
    """`shared`: those that several operations refer to, with their IDs."""
    at = str(given.get("$ref", ""))
    if at:
        if at in shared:
            return api, shared[at]
        listed = components.get("x-amazon-apigateway-integrations") or {}
        given = _object(_object(listed, SHARED).get(at.removeprefix(SHARED)), at)
    record = {
        **DEFAULTS[Part.INTEGRATION],
        **{to: given[name] for name, to in _INTEGRATION.items() if given.get(name) is not None},
        "integrationType": str(given.get("type", "")).upper(),
    }
    api, id = means.added(api, Part.INTEGRATION, record)
    if at:
        shared[at] = id
    return api, id


def _authorizer(name: str, scheme: Record) -> dict[str, Any] | None:
    """None: a scheme that says nothing to API Gateway."""
    if str(scheme.get("x-amazon-apigateway-authtype", "")).lower() == "awssigv4":
        return dict(_IAM)
    if AUTHORIZER not in scheme:
        return None
    given = _object(scheme[AUTHORIZER], name)
    sources = given.get("identitySource") or []
    if isinstance(sources, str):
        sources = [one.strip() for one in sources.split(",")]
    found = {to: given[at] for at, to in _AUTHORIZER.items() if given.get(at) is not None}
    kind = {"jwt": "JWT", "request": "REQUEST"}.get(str(given.get("type", "")).lower())
    if kind is None:
        raise BadRequestException(f"Authorizer {name} must be of type jwt or request")
    if kind == "REQUEST" and sources:
        found.setdefault("authorizerResultTtlInSeconds", TTL_S)
    return {**found, "authorizerType": kind, "identitySource": sources, "name": name}


def _security(key: str, given: Any, asked: Mapping[str, Record]) -> Record:
    """What a route says of who may pass."""
    listed = given or []
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise BadRequestException(f"security of {key} must be a list of objects")
    named = [(name, scopes) for one in listed for name, scopes in one.items() if name != "NONE"]
    if not named:
        return _OPEN
    if len(named) > 1:
        raise BadRequestException(f"{key} has more than one security: an HTTP API has one")
    name, scopes = named[0]
    found = asked.get(name)
    if found is None:
        raise BadRequestException(f"security {name} of {key} is no authorizer")
    wanted = _texts(scopes, key)
    return {**found, "authorizationScopes": wanted} if wanted else found


def _texts(given: Any, where: str) -> list[str]:
    listed = given or []
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise BadRequestException(f"Invalid OpenAPI input: {where} must be a list of texts")
    return listed


def _object(given: Any, where: str) -> Record:
    if not isinstance(given, dict):
        raise BadRequestException(f"Invalid OpenAPI input: {where} must be an object")
    return given
