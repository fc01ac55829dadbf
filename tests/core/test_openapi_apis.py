"""HTTP APIs from OpenAPI documents."""

from collections.abc import Mapping
from itertools import count
from typing import Any

import pytest

from stoker.core.errors import BadRequestException, NotImplementedException, ServiceError
from stoker.core.http_apis import HttpApi
from stoker.core.openapi_apis import Imported, Means, check_base_path, facts, imported, told

URI = "arn:aws:lambda:us-east-1:000000000000:function:f"
PROXY = {
    "x-amazon-apigateway-integration": {
        "type": "aws_proxy", "httpMethod": "POST", "uri": URI, "payloadFormatVersion": "2.0",
    }
}  # fmt: skip
JWT = {
    "type": "oauth2",
    "x-amazon-apigateway-authorizer": {
        "type": "jwt", "identitySource": "$request.header.Authorization",
        "jwtConfiguration": {"issuer": "https://i.example", "audience": ["me"]},
    },
}  # fmt: skip
FUNCTION = {
    "type": "apiKey", "name": "x", "in": "header",
    "x-amazon-apigateway-authorizer": {
        "type": "request", "identitySource": "$request.header.x, $request.querystring.y",
        "authorizerUri": URI, "authorizerPayloadFormatVersion": "2.0",
    },
}  # fmt: skip
IAM = {
    "type": "apiKey", "name": "Authorization", "in": "header",
    "x-amazon-apigateway-authtype": "awsSigv4",
}  # fmt: skip
SCHEMES = {"jwt": JWT, "function": FUNCTION, "iam": IAM, "plain": {"type": "http"}}


def document(paths: Any, **more: Any) -> dict[str, Any]:
    components = {"securitySchemes": SCHEMES}
    given = {"openapi": "3.0.1", "info": {"title": "t"}, "components": components}
    return {**given, "paths": paths, **more}


def api_of(paths: Any, **more: Any) -> Imported:
    ids = count()
    before = HttpApi({"apiId": "a", "tags": {}})
    means = Means(lambda: str(next(ids)), lambda _, record: record)
    return imported(before, document(paths, **more), means)


def routes(found: Imported) -> dict[str, Mapping[str, Any]]:
    return {one["routeKey"]: one for one in found.api.routes.values()}


def test_paths_become_routes_with_integrations_of_their_own() -> None:
    found = api_of(
        {
            "/pets/{id}": {"get": {**PROXY, "operationId": "show"}, "parameters": []},
            "/x": {"x-amazon-apigateway-any-method": PROXY, "post": {}},
            "/$default": {"x-amazon-apigateway-any-method": {**PROXY, "isDefaultRoute": True}},
        }
    )
    assert routes(found).keys() == {"GET /pets/{id}", "ANY /x", "POST /x", "$default"}
    assert routes(found)["GET /pets/{id}"]["operationName"] == "show"
    assert len(found.api.integrations) == 3
    assert found.warnings == ("POST /x has no x-amazon-apigateway-integration",)


def test_operations_may_share_an_integration() -> None:
    at = {"$ref": "#/components/x-amazon-apigateway-integrations/one"}
    shared = {"x-amazon-apigateway-integrations": {"one": next(iter(PROXY.values()))}}
    found = api_of(
        {"/a": {"get": {"x-amazon-apigateway-integration": at}, "put": {
            "x-amazon-apigateway-integration": at}}},
        components=shared,
    )  # fmt: skip
    (id,) = found.api.integrations
    assert {one["target"] for one in routes(found).values()} == {f"integrations/{id}"}


def test_security_says_which_authorizer_a_route_asks() -> None:
    found = api_of(
        {
            "/": {"get": {**PROXY, "security": [{"jwt": ["read"]}]}},
            "/f": {"get": {**PROXY, "security": [{"function": []}]}},
            "/none": {"get": {**PROXY, "security": []}},
            "/no": {"get": {**PROXY, "security": [{"NONE": []}]}},
            "/all": {"get": PROXY},
        },
        security=[{"iam": []}],
    )
    kinds = {key: one["authorizationType"] for key, one in routes(found).items()}
    assert kinds == {
        "GET /": "JWT", "GET /f": "CUSTOM", "GET /none": "NONE", "GET /no": "NONE",
        "GET /all": "AWS_IAM",
    }  # fmt: skip
    assert routes(found)["GET /"]["authorizationScopes"] == ["read"]
    asked = found.api.authorizers[routes(found)["GET /f"]["authorizerId"]]
    assert asked["identitySource"] == ["$request.header.x", "$request.querystring.y"]
    assert asked["authorizerResultTtlInSeconds"] == 300


@pytest.mark.parametrize(
    ("paths", "more"),
    [
        ([], {}),
        ({"/": []}, {}),
        ({"/": {"get": "x"}}, {}),
        ({"/a/{b": {"get": PROXY}}, {}),
        ({"/": {"get": {"x-amazon-apigateway-integration": []}}}, {}),
        ({"/": {"get": {"x-amazon-apigateway-integration": {"$ref": "#/x"}}}}, {}),
        # What would let strangers in:
        ({"/": {"get": {**PROXY, "security": "jwt"}}}, {}),
        ({"/": {"get": {**PROXY, "security": ["jwt"]}}}, {}),
        ({"/": {"get": {**PROXY, "security": [{"jwt": "read"}]}}}, {}),
        ({"/": {"get": {**PROXY, "security": [{"plain": []}]}}}, {}),
        ({"/": {"get": {**PROXY, "security": [{"none": []}]}}}, {}),
        ({"/": {"get": {**PROXY, "security": [{"jwt": []}, {"function": []}]}}}, {}),
        ({"/": {"get": PROXY}}, {"security": [{"gone": []}]}),
        ({}, {"components": {"securitySchemes": {"a": {"x-amazon-apigateway-authorizer": 1}}}}),
    ],
)
def test_what_is_not_understood_is_refused(paths: Any, more: dict[str, Any]) -> None:
    with pytest.raises(BadRequestException):
        api_of(paths, **more)


def test_what_is_not_built_is_named() -> None:
    link = {"type": "aws_proxy", "uri": URI, "connectionType": "VPC_LINK"}
    with pytest.raises(ServiceError, match="VPC links"):
        api_of({"/": {"get": {"x-amazon-apigateway-integration": link}}})
    check_base_path("ignore")
    with pytest.raises(NotImplementedException):
        check_base_path("split")


def test_an_api_says_of_itself_what_info_tags_and_cors_say() -> None:
    tag = {"name": "k", "x-amazon-apigateway-tag-value": "v"}
    cors = {"allowOrigins": ["*"]}
    given = document(
        {}, info={"title": "pets", "version": 1.0}, tags=[{"name": "x"}, tag],
        **{"x-amazon-apigateway-cors": cors},
    )  # fmt: skip
    said = facts(given)
    assert said == {
        "name": "pets", "protocolType": "HTTP", "version": "1.0", "corsConfiguration": cors,
        "tags": {"k": "v"},
    }  # fmt: skip
    before = HttpApi({"apiId": "a", "tags": {"mine": "1"}, "description": "old", "name": "n"})
    after = told(before, said).api
    assert (after["tags"], after["name"]) == ({"mine": "1", "k": "v"}, "pets")
    assert "description" not in after
    with pytest.raises(BadRequestException):
        facts({"swagger": "2.0", "info": {}})
