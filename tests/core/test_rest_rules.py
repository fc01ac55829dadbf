"""REST APIs' pure parts: routes, models, answers, policies of authorizers, patches."""

import itertools
import json
from typing import Any

import pytest

from stoker.core.errors import BadRequestException, ServiceError
from stoker.core.rest import (
    answers,
    authorizers,
    deployments,
    imports,
    methods,
    patches,
    records,
    schemas,
)
from stoker.core.rest.gateway_responses import Refused
from stoker.core.rest.grants import MOST, Grants
from stoker.core.rest.records import Doc, Facts
from stoker.core.rest.routing import Router
from stoker.core.url_answers import BadAnswer

ARN = "arn:aws:execute-api:r:1:api/dev/GET/pets/7"


def facts() -> Facts:
    return Facts("1", "r", 7, (f"{number:06d}0000" for number in itertools.count()))


def api(**given: Any) -> Doc:
    return records.created({"name": "a", **given}, facts(), {})


# ---- routes ----


@pytest.mark.parametrize(
    ("method", "path", "resource", "parameters"),
    [
        ("GET", "/", "/", {}),
        ("GET", "/pets", "/pets", {}),
        ("GET", "/pets/", "/pets", {}),
        ("GET", "/pets/7", "/pets/{id}", {"id": "7"}),
        ("GET", "/pets/a%2Fb", "/pets/{id}", {"id": "a/b"}),
        ("GET", "/pets/all", "/pets/all", {}),
        ("POST", "/pets/all", "/{rest+}", {"rest": "pets/all"}),
        ("GET", "/pets/7/x", "/{rest+}", {"rest": "pets/7/x"}),
        ("DELETE", "/a%20b/c", "/{rest+}", {"rest": "a b/c"}),
        ("POST", "/", None, {}),
    ],
)
def test_a_path_leads_to_the_most_precise_resource_that_has_the_method(
    method: str, path: str, resource: str | None, parameters: dict[str, str]
) -> None:
    router = Router({
        name: {"path": name, "resourceMethods": {kind: {"httpMethod": kind}}}
        for name, kind in {
            "/": "GET", "/pets": "GET", "/pets/{id}": "GET", "/pets/all": "GET", "/{rest+}": "ANY",
        }.items()
    })  # fmt: skip
    found = router.match(method, path)
    assert (found and found.resource["path"]) == resource
    assert found is None or found.parameters == parameters


# ---- answers ----


@pytest.mark.parametrize(
    "payload",
    [
        "{", "null", '"text"', "[]", '{"statusCode": "x"}', '{"statusCode": 99}', '{"a": 1}',
        '{"body": {}}', '{"cookies": []}', '{"headers": []}', '{"multiValueHeaders": {"b": {}}}',
        '{"headers": {"a b": "c"}}', '{"headers": {"a": "b\\r\\nc: d"}}', '{"headers": 1}',
        json.dumps({"multiValueHeaders": {"a": ["b"] * 1001}}),
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_refused(payload: str) -> None:
    with pytest.raises(BadAnswer):
        answers.proxied(payload.encode(), decode=False)


def test_nothing_of_an_answer_is_needed_and_lists_of_values_win() -> None:
    head, body = answers.proxied(b"{}", decode=False)
    assert (head.status, head.headers, body) == (200, [("Content-Type", "application/json")], b"")
    told = {
        "statusCode": "404", "headers": {"A": "1", "b": True, "c": None, "content-type": "x/y"},
        "multiValueHeaders": {"a": ["2", 3]}, "body": "aGk=", "isBase64Encoded": True,
    }  # fmt: skip
    head, body = answers.proxied(json.dumps(told).encode(), decode=True)
    assert (head.status, body) == (404, b"hi")
    assert head.headers == [("b", "true"), ("content-type", "x/y"), ("a", "2"), ("a", "3")]
    assert answers.proxied(json.dumps(told).encode(), decode=False)[1] == b"aGk="


# ---- models ----

SCHEMA = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 2, "pattern": "^[a-z]+$"},
        "age": {"type": "integer", "minimum": 0, "exclusiveMaximum": True, "maximum": 9},
        "tags": {"type": "array", "items": {"enum": ["a", 1]}, "uniqueItems": True, "maxItems": 2},
        "more": {"$ref": "https://apigateway.amazonaws.com/restapis/x/models/Other"},
        "self": {"$ref": "#"},
        "one": {"oneOf": [{"type": "number"}, {"type": "integer"}]},
        "not": {"not": {"type": "null"}, "anyOf": [{"type": "null"}, {"type": ["string", "null"]}]},
    },
    "patternProperties": {"^x-": {"type": "boolean"}},
    "additionalProperties": False,
}
OTHER = {"definitions": {"n": {"multipleOf": 3}}, "$ref": "#/definitions/n"}


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        ({"name": "ab"}, True), ({}, False), ([], False), ({"name": "a"}, False),
        ({"name": "AB"}, False), ({"name": "ab", "age": 8}, True),
        ({"name": "ab", "age": 9}, False),
        ({"name": "ab", "age": 1.5}, False), ({"name": "ab", "age": 1.0}, True),
        ({"name": "ab", "age": True}, False), ({"name": "ab", "tags": ["a", 1]}, True),
        ({"name": "ab", "tags": [True]}, False), ({"name": "ab", "tags": ["a", "a"]}, False),
        ({"name": "ab", "x-a": True}, True), ({"name": "ab", "x-a": 1}, False),
        ({"name": "ab", "y": 1}, False), ({"name": "ab", "more": 6}, True),
        ({"name": "ab", "more": 7}, False), ({"name": "ab", "self": {"name": "cd"}}, True),
        ({"name": "ab", "self": {"name": 1}}, False), ({"name": "ab", "one": 1.5}, True),
        ({"name": "ab", "one": 1}, False), ({"name": "ab", "not": "x"}, True),
        ({"name": "ab", "not": None}, False), ({"name": "ab", "not": 1}, False),
    ],
)  # fmt: skip
def test_a_body_is_as_its_model_says(value: Any, valid: bool) -> None:
    assert schemas.is_valid(value, SCHEMA, {"Other": OTHER}) is valid


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (1, {"$ref": "#"}),
        (1, {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}),
        ([0] * 5000, {"uniqueItems": True}),
        ([[n, *range(400)] for n in range(3000)], {"uniqueItems": True}),
        ("a" * 60_000, {"pattern": "(.*)(.*)(.*)[^a]b"}),
        (["a" * 1000] * 5000, {"items": {"pattern": "a*b"}}),
        (1, {"minimum": "x"}), ("a", {"minLength": []}), ({}, {"required": 5}), (1, {"enum": 5}),
        (1, "text"), (1, {"$ref": "http://elsewhere/"}),
    ],
)  # fmt: skip
def test_a_model_that_takes_for_ever_or_is_none_takes_nothing(value: Any, schema: Any) -> None:
    assert not schemas.is_valid(value, schema, {})


@pytest.mark.parametrize(
    ("items", "unique"),
    [
        (list(range(5000)), True), ([1, 1.0], False), ([1, True], True), ([[1], [True]], True),
        ([{"a": [1], "b": 2}, {"b": 2, "a": [1]}], False), ([{"a": 1}, [["a", 1]]], True),
        ([None, 0, "", [], {}, False], True),
    ],
)  # fmt: skip
def test_equal_items_are_found_in_arrays_of_any_length(items: Any, unique: bool) -> None:
    assert schemas.is_valid(items, {"uniqueItems": True}, {}) is unique


def test_what_is_nested_too_deep_is_not_compared() -> None:
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    assert not schemas.is_valid([deep, deep], {"uniqueItems": True}, {})


# ---- authorizers ----


def granted(*statements: Any, **more: Any) -> authorizers.Granted:
    answer = {"principalId": "p", "policyDocument": {"Statement": list(statements)}, **more}
    return authorizers.read(json.dumps(answer).encode())


def statement(effect: str, resource: Any, action: Any = "execute-api:Invoke", **more: Any) -> Any:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


@pytest.mark.parametrize(
    ("statements", "passes"),
    [
        ([statement("Allow", ARN)], True), ([statement("Allow", "*", "execute-api:*")], True),
        ([statement("Allow", ["x", "arn:aws:execute-api:*:*:*/*/GET/pets/?"])], True),
        ([statement("Allow", ARN.replace("GET", "POST"))], False), ([], False),
        ([statement("Allow", ARN, "lambda:*")], False),
        ([statement("Allow", "*"), statement("Deny", ARN)], False),
        ([statement("Allow", "*", Condition={"StringEquals": {}})], False),
        ([statement("Allow", "*"), statement("Deny", "*", Condition={"Bool": {}})], False),
        ([{"Effect": "Allow", "NotAction": "x", "Resource": "*"}], False),
        ([statement("Allow", "*"), {"Effect": "Deny", "NotResource": "x"}], False),
    ],
)  # fmt: skip
def test_a_policy_lets_pass(statements: list[Any], passes: bool) -> None:
    found = granted(*statements)
    if passes:
        authorizers.check(found, ARN)
        return
    with pytest.raises(Refused) as refused:
        authorizers.check(found, ARN)
    assert (refused.value.status, refused.value.kind) == (403, "ACCESS_DENIED")


@pytest.mark.parametrize(
    "answer",
    [
        {}, {"principalId": 1}, {"principalId": "p"}, {"principalId": "p", "policyDocument": []},
        {"principalId": "p", "policyDocument": {"Statement": ["x"]}}, [], None,
        {"principalId": "p", "policyDocument": {"Statement": []}, "context": []},
        {"principalId": "p", "policyDocument": {"Statement": []}, "context": {"a": []}},
        {"principalId": "p" * 70_000, "policyDocument": {"Statement": []}},
    ],
)  # fmt: skip
def test_what_is_no_answer_of_an_authorizer_is_a_500(answer: Any) -> None:
    with pytest.raises(Refused) as refused:
        authorizers.read(json.dumps(answer).encode())
    assert (refused.value.status, refused.value.message) == (500, None)


def test_what_authorizers_found_is_text_and_kept_within_a_bound() -> None:
    found = granted(context={"n": 1, "b": True, "t": "x", "none": None})
    assert found.shown == {"principalId": "p", "n": "1", "b": "true", "t": "x"}
    grants = Grants()
    for number in range(MOST + 1):
        grants.put(("api", "dev", "a", (str(number),)), found, until=10.0)
    assert grants.get(("api", "dev", "a", ("0",)), 0.0) is None
    assert grants.get(("api", "dev", "a", ("1",)), 9.9) is found
    assert grants.get(("api", "dev", "a", ("1",)), 10.0) is None
    grants.forget("api", "dev")
    assert grants.get(("api", "dev", "a", ("2",)), 0.0) is None


# ---- what the owner works on ----


def test_patches_change_what_they_name_and_nothing_else() -> None:
    stage = {
        "stageName": "dev", "deploymentId": "d", "variables": {"a": "1"}, "tracingEnabled": False,
    }  # fmt: skip
    doc = {**api(), "stages": {"dev": stage}, "deployments": {"d": {}, "e": {}}}
    operations = [
        {"op": "replace", "path": "/variables/b~1c", "value": "x"},
        {"op": "replace", "path": "/tracingEnabled", "value": "true"},
        {"op": "replace", "path": "/deploymentId", "value": "e"},
        {"op": "replace", "path": "/~1pets/GET/logging/loglevel", "value": "INFO"},
        {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "5"},
        {"op": "remove", "path": "/variables/a"},
    ]
    with pytest.raises(BadRequestException):  # b/c is no name of a variable
        deployments.update_stage(doc, "dev", operations, 8)
    operations[0]["path"] = "/variables/b"
    changed = deployments.update_stage(doc, "dev", operations, 8)
    assert changed["variables"] == {"b": "x"}
    assert (changed["tracingEnabled"], changed["deploymentId"]) == (True, "e")
    assert changed["methodSettings"] == {
        "pets/GET": {"loggingLevel": "INFO"}, "*/*": {"throttlingRateLimit": 5.0},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("operation", "after"),
    [
        ({"op": "add", "path": "/binaryMediaTypes/image~1png"}, ["a/b", "image/png"]),
        ({"op": "remove", "path": "/binaryMediaTypes/a~1b"}, []),
        ({"op": "replace", "path": "/binaryMediaTypes/a~1b", "value": "c/d"}, ["c/d"]),
        ({"op": "add", "path": "/binaryMediaTypes/-", "value": "c/d"}, ["a/b", "c/d"]),
    ],
)
def test_elements_of_lists_are_named_in_the_path(operation: Any, after: list[str]) -> None:
    record = {"binaryMediaTypes": ["a/b"]}
    changed = patches.patched(record, patches.REST_API, [operation])
    assert changed["binaryMediaTypes"] == after
    assert record == {"binaryMediaTypes": ["a/b"]}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/id", "value": "x"}, {"op": "replace", "path": "", "value": "x"},
        {"op": "move", "path": "/name"}, {"op": "replace", "path": "/name/x", "value": "y"},
        {"op": "replace", "path": "/minimumCompressionSize", "value": "x"},
        {"op": "replace", "path": "/disableExecuteApiEndpoint", "value": "perhaps"},
    ],
)  # fmt: skip
def test_nothing_else_can_be_patched(operation: Any) -> None:
    with pytest.raises(BadRequestException):
        patches.patched({}, patches.REST_API, [operation])


def test_an_empty_size_is_none() -> None:
    asked = [{"op": "replace", "path": "/minimumCompressionSize", "value": ""}]
    assert patches.patched({"minimumCompressionSize": 5}, patches.REST_API, asked) == {}


def test_resources_have_one_name_and_one_variable_each() -> None:
    doc, told = api(), facts()
    root = doc["api"]["rootResourceId"]
    pets = records.add_resource(doc, root, "pets", told)
    one = records.add_resource(doc, pets["id"], "{id}", told)
    for part in ("{other}", "{rest+}", "a b", "", "{a"):
        with pytest.raises(BadRequestException):
            records.add_resource(doc, pets["id"], part, told)
    with pytest.raises(ServiceError, match="already has this name"):
        records.add_resource(doc, root, "pets", told)
    renamed = [{"op": "replace", "path": "/pathPart", "value": "dogs"}]
    records.update_resource(doc, pets["id"], renamed)
    assert doc["resources"][one["id"]]["path"] == "/dogs/{id}"
    into_itself = [{"op": "replace", "path": "/parentId", "value": one["id"]}]
    with pytest.raises(BadRequestException, match="cyclical"):
        records.update_resource(doc, pets["id"], into_itself)
    records.remove_resource(doc, pets["id"])
    assert list(doc["resources"]) == [root]


def test_what_cannot_be_served_is_not_deployed() -> None:
    doc, told = api(), facts()
    with pytest.raises(BadRequestException, match="doesn't contain any methods"):
        deployments.deployed(doc, {}, told)
    root = doc["api"]["rootResourceId"]
    methods.put_method(doc, root, "GET", {"authorizationType": "NONE"})
    with pytest.raises(BadRequestException, match="No integration defined"):
        deployments.deployed(doc, {}, told)


YAML = """
openapi: 3.0.1
info: {title: pets, version: 1.0}
components:
  schemas:
    Pet: {type: object, required: [name]}
paths:
  /pets/{id}:
    parameters:
      - {in: path, name: id, required: true}
    post:
      operationId: feed
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}}
      responses: {200: {description: fed}}
      x-amazon-apigateway-integration:
        type: mock
        passthroughBehavior: never
        requestTemplates:
          application/json: |
            {"statusCode": 200}
        responses: {default: {statusCode: 200}}
"""


def test_a_definition_may_be_yaml() -> None:
    doc, warnings = imports.imported(YAML.encode(), imports.Options(), facts())
    assert (doc["api"]["name"], doc["api"]["version"], warnings) == ("pets", "1.0", [])
    (leaf,) = (one for one in doc["resources"].values() if one["path"] == "/pets/{id}")
    method = leaf["resourceMethods"]["POST"]
    assert method["requestParameters"] == {"method.request.path.id": True}
    assert (method["requestModels"], method["operationName"]) == (
        {"application/json": "Pet"},
        "feed",
    )
    integration = method["methodIntegration"]
    assert (integration["type"], integration["passthroughBehavior"]) == ("MOCK", "NEVER")
    assert integration["integrationResponses"]["200"] == {"statusCode": "200"}
    assert list(method["methodResponses"]) == ["200"]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"\xff",
        b"a: [", b"a: &b 1\nc: *b", b"swagger: 2.0", b"{}", b'{"swagger": "1.2"}',
        b'{"swagger": "2.0"}',
        b'{"swagger": "2.0", "info": {"title": "x"}, "paths": {"/a": {"get": {"parameters":'
        b' [{"$ref": "#/a"}], "x-amazon-apigateway-integration": {"type": 5}}}}}',
        b'{"openapi": "3.0.1", "info": {"title": "x"}, "paths": {"/b": {"get": {"requestBody":'
        b' {"content": {"a/b": {"schema": {"$ref": "#/components/schemas/None"}}}}}}}}',
        b'{"swagger": "2.0", "info": {"title": "x"}, "definitions": {"A b": {}}}',
        b'{"swagger": "2.0", "info": {"title": "x"}, "definitions": {"A": {"pattern": "("}}}',
    ],
)  # fmt: skip
def test_what_is_no_definition_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequestException):
        imports.imported(body, imports.Options(), facts())
