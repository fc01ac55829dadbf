"""REST APIs from definitions: Swagger 2 and OpenAPI 3 with API Gateway's extensions, as JSON or
YAML (read as CloudFormation's templates are: without aliases, at most 1 MB).

    paths ─► resources and methods      x-amazon-apigateway-integration ─► integrations
    definitions, components.schemas ─► models      securityDefinitions ─► authorizers

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson

from stoker.core.errors import BadRequestException, GatewayNotFoundException
from stoker.core.rest import definitions, methods, parts, records
from stoker.core.rest.definitions import Definition
from stoker.core.rest.records import Doc, Facts
from stoker.core.stacks.errors import ValidationError
from stoker.core.stacks.text import read_template

X = definitions.X
MOST_BYTES = 6 * 1024**2  # AWS: of a definition
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", f"{X}any-method")
_PLACES = {"path": "path", "query": "querystring", "header": "header"}


@dataclass(frozen=True, slots=True)
class Options:
    fail_on_warnings: bool = False
    parameters: Mapping[str, str] = field(
        default_factory=dict
    )  # basepath, endpointConfigurationTypes


def imported(body: bytes, options: Options, facts: Facts) -> tuple[Doc, list[str]]:
    """A new API, and what of the definition says nothing here."""
    definition = _definition(body)
    doc = records.created(_api(definition, options), facts, definition.tags())
    warnings = _build(doc, definition, options, facts)
    return doc, warnings


def put(doc: Doc, body: bytes, mode: str, options: Options, facts: Facts) -> list[str]:
    """Merge it into the API, or with mode "overwrite" have it in place of what there is."""
    definition = _definition(body)
    api = _api(definition, options)
    if mode == "overwrite":
        root = doc["api"]["rootResourceId"]
        fresh = records.created(api, facts, doc["api"]["tags"])
        for part in records.PARTS:
            doc[part] = fresh[part]
        doc["resources"] = {root: {"id": root, "path": "/"}}
        for name in ("binaryMediaTypes", "policy", "minimumCompressionSize", "description"):
            doc["api"].pop(name, None)
    records.check_api(api)
    doc["api"] |= api
    return _build(doc, definition, options, facts)


def _definition(body: bytes) -> Definition:
    if len(body) > MOST_BYTES:
        raise BadRequestException(f"A definition has at most {MOST_BYTES} bytes")
    try:
        text = body.decode()
        found = orjson.loads(body) if text.lstrip()[:1] == "{" else read_template(text)
    except (UnicodeDecodeError, orjson.JSONDecodeError):
        raise BadRequestException("Unable to parse the definition: it is not JSON") from None
    except ValidationError as error:
        raise BadRequestException(f"Unable to parse the definition: {error.message}") from None
    return definitions.read(found)


def _api(definition: Definition, options: Options) -> Doc:
    api = definition.api()
    types = options.parameters.get("endpointConfigurationTypes")
    if types:
        api["endpointConfiguration"] = {
            **(api.get("endpointConfiguration") or {}),
            "types": types.split(","),
        }
    if not api.get("name"):
        raise BadRequestException("Invalid definition: info.title is missing")
    return api


def _build(doc: Doc, definition: Definition, options: Options, facts: Facts) -> list[str]:
    for name, schema in definition.models(doc["api"]["id"]).items():
        doc["models"].pop(name, None)
        asked = {"name": name, "schema": schema, "contentType": "application/json"}
        parts.add_model(doc, asked, facts)
    validators = {one["name"]: one["id"] for one in doc["requestValidators"].values()}
    for name, flags in definition.validators().items():
        if name not in validators:
            validators[name] = parts.add_validator(doc, {**flags, "name": name}, facts)["id"]
    authorizers = {one["name"]: one["id"] for one in doc["authorizers"].values()}
    for name, asked in definition.authorizers().items():
        old = doc["authorizers"].pop(authorizers.get(name), None)
        new = parts.add_authorizer(doc, asked, facts)
        if old is not None:  # methods may have it
            del doc["authorizers"][new["id"]]
            new["id"] = old["id"]
            doc["authorizers"][new["id"]] = new
        authorizers[name] = new["id"]
    for kind, asked in definition.gateway_responses().items():
        parts.put_gateway_response(doc, kind, asked)
    builder = _Builder(doc, definition, facts, validators, authorizers)
    base = definition.base_path() if options.parameters.get("basepath") == "prepend" else ""
    for path, item in definition.paths().items():
        resource = builder.resource(f"{base}{path}")
        for name in _METHODS:
            if isinstance(item.get(name), dict):
                builder.method(resource, name, item[name], item.get("parameters"))
    if builder.warnings and options.fail_on_warnings:
        raise BadRequestException("Warnings found during import: " + "; ".join(builder.warnings))
    return builder.warnings


class _Builder:
    def __init__(
        self, doc: Doc, definition: Definition, facts: Facts,
        validators: Mapping[str, str], authorizers: Mapping[str, str],
    ) -> None:  # fmt: skip
        self._doc = doc
        self._definition = definition
        self._facts = facts
        self._validators = validators
        self._authorizers = authorizers
        self.warnings: list[str] = []

    def resource(self, path: str) -> str:
        """Its ID; what is missing above it is made."""
        at: str = self._doc["api"]["rootResourceId"]
        for part in filter(None, path.split("/")):
            below = (
                one["id"]
                for one in self._doc["resources"].values()
                if one.get("parentId") == at and one["pathPart"] == part
            )
            at = next(below, None) or records.add_resource(self._doc, at, part, self._facts)["id"]
        return at

    def method(self, resource: str, name: str, told: Doc, shared: Any) -> None:
        name = "ANY" if name.startswith(X) else name.upper()
        with suppress(GatewayNotFoundException):
            methods.remove_method(self._doc, resource, name)
        asked: Doc = {
            "operationName": told.get("operationId"),
            "requestParameters": dict(self._parameters(told, shared)) or None,
            "requestModels": self._request_models(told, shared) or None,
            **self._security(told),
        }
        validator = told.get(f"{X}request-validator", self._definition.validator)
        if isinstance(validator, str) and validator in self._validators:
            asked["requestValidatorId"] = self._validators[validator]
        elif validator:
            self.warnings.append(f"{name}: there is no request validator {validator}")
        method = methods.put_method(self._doc, resource, name, asked)
        for status, response in definitions.mapping(told.get("responses")).items():
            if status.isdecimal():
                answer = self._response(definitions.mapping(self._definition.resolved(response)))
                methods.put_response(method, status, answer)
        self._integration(method, resource, told.get(f"{X}integration"))

    def _parameters(self, told: Doc, shared: Any) -> Iterator[tuple[str, bool]]:
        for one in self._given(told, shared):
            place = _PLACES.get(str(one.get("in")))
            if place and isinstance(one.get("name"), str):
                yield f"method.request.{place}.{one['name']}", bool(one.get("required"))

    def _given(self, told: Doc, shared: Any) -> Iterator[Doc]:
        for one in [*definitions.listed(shared), *definitions.listed(told.get("parameters"))]:
            found = self._definition.resolved(one)
            if isinstance(found, dict):
                yield found

    def _request_models(self, told: Doc, shared: Any) -> dict[str, str]:
        found: dict[str, str] = {}
        content = definitions.mapping(
            definitions.mapping(self._definition.resolved(told.get("requestBody"))).get("content")
        )
        for kind, body in content.items():
            if model := self._model(definitions.mapping(body).get("schema")):
                found[kind] = model
        for one in self._given(told, shared):
            if one.get("in") == "body" and (model := self._model(one.get("schema"))):
                for kind in self._definition.consumes(told):
                    found[kind] = model
        return found

    def _model(self, schema: Any) -> str | None:
        """The name of the model; one is made for a schema that has none."""
        if not isinstance(schema, dict) or not schema:
            return None
        name = self._definition.model_name(schema.get("$ref"))
        if name:
            return name
        text = self._definition.schema_text(schema, self._doc["api"]["id"])
        asked = {
            "name": f"MODEL{self._facts.short()}",
            "schema": text,
            "contentType": "application/json",
        }
        return str(parts.add_model(self._doc, asked, self._facts)["name"])

    def _security(self, told: Doc) -> Doc:
        found: Doc = {"authorizationType": "NONE"}
        own = definitions.mapping(told.get(f"{X}auth")).get("type")
        if own:
            found["authorizationType"] = str(own).upper()
            return found
        for demand in self._definition.security(told):
            for name, scopes in definitions.mapping(demand).items():
                match self._definition.scheme(name):
                    case "key":
                        found["apiKeyRequired"] = True
                    case "iam":
                        found["authorizationType"] = "AWS_IAM"
                    case "authorizer":
                        authorizer = self._doc["authorizers"][self._authorizers[name]]
                        cognito = authorizer["type"] == "COGNITO_USER_POOLS"
                        found["authorizationType"] = authorizer["type"] if cognito else "CUSTOM"
                        found["authorizerId"] = authorizer["id"]
                        if cognito and scopes:
                            found["authorizationScopes"] = list(scopes)
                    case _:
                        self.warnings.append(f"the security scheme {name} says nothing here")
        return found

    def _response(self, told: Doc) -> Doc:
        headers = definitions.mapping(told.get("headers"))
        models: dict[str, str] = {}
        for kind, body in definitions.mapping(told.get("content")).items():
            if model := self._model(definitions.mapping(body).get("schema")):
                models[kind] = model
        if model := self._model(told.get("schema")):
            models["application/json"] = model
        return {
            "responseParameters": {f"method.response.header.{name}": False for name in headers}
            or None,
            "responseModels": models or None,
        }

    def _integration(self, method: Doc, resource: str, told: Any) -> None:
        if not isinstance(told, dict):
            return
        asked = {**told, "type": str(told.get("type", "")).upper()}
        for name in ("passthroughBehavior", "contentHandling", "connectionType"):
            if isinstance(told.get(name), str):
                asked[name] = told[name].upper()
        if isinstance(told.get("timeoutInMillis"), str) and told["timeoutInMillis"].isdecimal():
            asked["timeoutInMillis"] = int(told["timeoutInMillis"])
        definitions.check_integration_members(asked)
        integration = methods.put_integration(method, resource, asked)
        for pattern, one in definitions.mapping(told.get("responses")).items():
            response = dict(definitions.mapping(one))
            status = str(response.pop("statusCode", "200"))
            definitions.check_response_members(response)
            if isinstance(response.get("contentHandling"), str):
                response["contentHandling"] = response["contentHandling"].upper()
            if pattern != "default":
                response["selectionPattern"] = pattern
            methods.put_integration_response(integration, status, response)
