"""REST APIs of API Gateway end to end: made with boto3, called by any HTTP client."""

import base64
import http.client
import json
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from tests.running import StokerProcess
from tests.tokens import signed_in

Create = Callable[..., str]

SITE = """
import base64, json, os

def handler(event, context):
    if "authorizationToken" in event:
        if event["authorizationToken"] == "no":
            raise Exception("Unauthorized")
        effect = "Allow" if event["authorizationToken"] == "yes" else "Deny"
        policy = {"Version": "2012-10-17", "Statement": [
            {"Effect": effect, "Action": "execute-api:Invoke", "Resource": event["methodArn"]},
        ]}
        return {"principalId": "me", "policyDocument": policy, "context": {"n": 1, "ok": True}}
    if "requestContext" not in event:
        if event.get("fail"):
            raise ValueError("Bad input: " + event["fail"])
        return {"saw": event}
    path = event["path"]
    if path == "/things/crash":
        os._exit(3)
    if path == "/things/error":
        raise KeyError(path)
    if path == "/things/wrong":
        return {"answer": 42}
    if path == "/things/binary":
        return {"body": base64.b64encode(bytes(range(256))).decode(), "isBase64Encoded": True}
    return {
        "statusCode": 201,
        "headers": {"X-One": "1"},
        "multiValueHeaders": {"Set-Cookie": ["a=b", "c=d"]},
        "body": json.dumps(event),
    }
"""
FAILED = {"message": "Internal server error"}


@pytest.fixture
def gateway(server: StokerProcess) -> Iterator[Any]:
    with closing(server.client("apigateway")) as client:
        yield client


def uri(arn: str) -> str:
    region = arn.split(":")[3]
    path = f"2015-03-31/functions/{arn}/invocations"
    return f"arn:aws:apigateway:{region}:lambda:path/{path}"


def fetch(
    server: StokerProcess, host: str, path: str, method: str = "GET", body: bytes | str = b"",
    **headers: str,
) -> tuple[int, Any, http.client.HTTPMessage]:  # fmt: skip
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
        connection.request(method, path, body, {"Host": host, **given})
        answer = connection.getresponse()
        found = answer.read()
        try:
            return answer.status, json.loads(found), answer.headers
        except ValueError:
            return answer.status, found, answer.headers


def test_a_rest_api_serves_functions(
    server: StokerProcess, lambda_client: Any, gateway: Any, create: Create
) -> None:
    name = create(SITE)
    arn = lambda_client.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    api = gateway.create_rest_api(name="site", binaryMediaTypes=["image/*"])
    api_id, root = api["id"], api["rootResourceId"]
    things = gateway.create_resource(restApiId=api_id, parentId=root, pathPart="things")["id"]
    proxy = gateway.create_resource(restApiId=api_id, parentId=things, pathPart="{proxy+}")["id"]
    one = {"restApiId": api_id, "resourceId": proxy, "httpMethod": "ANY"}
    gateway.put_method(**one, authorizationType="NONE")
    gateway.put_integration(
        **one, type="AWS_PROXY", integrationHttpMethod="POST",
        uri=uri(arn.replace(name, "${stageVariables.function}")),
    )  # fmt: skip
    preflight(gateway, api_id, things)
    mapped(gateway, api_id, things, uri(arn))
    authorized(gateway, api_id, root, uri(arn))
    host = f"{api_id}.execute-api.localhost:{server.port}"
    assert fetch(server, host, "/dev/things/1")[:2] == (403, {"message": "Forbidden"})
    gateway.create_deployment(
        restApiId=api_id, stageName="dev", variables={"function": name, "color": "blue"}
    )
    assert fetch(server, host, "/dev/things/1")[:2] == (500, FAILED)  # no permission yet
    source = f"arn:aws:execute-api:{arn.split(':')[3]}:{arn.split(':')[4]}:{api_id}/*"
    lambda_client.add_permission(
        FunctionName=name, StatementId="api", Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com", SourceArn=source,
    )  # fmt: skip
    proxied(server, host, api_id)
    status, body, headers = fetch(server, host, "/dev/things", "OPTIONS")
    assert (status, body, headers["Access-Control-Allow-Origin"]) == (204, b"", "*")
    status, body, headers = fetch(server, host, "/dev/things?who=me", "POST", '{"a": [1]}')
    assert (status, body) == (200, {"event": {"who": "me", "a": [1], "color": "blue"}})
    status, body, headers = fetch(server, host, "/dev/things?fail=x", "POST")
    assert (status, body, headers["X-Why"]) == (400, {"error": "Bad input: x"}, "bad")
    assert fetch(server, host, "/dev/guarded")[:2] == (401, {"message": "Unauthorized"})
    assert fetch(server, host, "/dev/guarded", Authorization="no")[0] == 401
    status, body, _ = fetch(server, host, "/dev/guarded", Authorization="deny")
    assert (status, list(body)) == (403, ["Message"])
    status, body, _ = fetch(server, host, "/dev/guarded", Authorization="yes")
    who = json.loads(json.dumps(body))["requestContext"]["authorizer"]
    assert (status, who["principalId"], who["n"], who["ok"]) == (201, "me", "1", "true")
    gateway.delete_rest_api(restApiId=api_id)
    assert fetch(server, host, "/dev/things/1")[0] == 403


@pytest.mark.slow
@pytest.mark.root
def test_a_user_of_a_pool_passes_with_the_token_that_cognito_gave(
    server: StokerProcess, lambda_client: Any, gateway: Any, create: Create
) -> None:
    name = create(SITE)
    arn = lambda_client.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    pool, _, tokens = signed_in(server)
    region, account = arn.split(":")[3:5]
    api = gateway.create_rest_api(name="users")
    one = {"restApiId": api["id"], "resourceId": api["rootResourceId"], "httpMethod": "GET"}
    authorizer = gateway.create_authorizer(
        restApiId=api["id"], name="pool", type="COGNITO_USER_POOLS",
        identitySource="method.request.header.Authorization",
        providerARNs=[f"arn:aws:cognito-idp:{region}:{account}:userpool/{pool}"],
    )["id"]  # fmt: skip
    gateway.put_method(**one, authorizationType="COGNITO_USER_POOLS", authorizerId=authorizer)
    gateway.put_integration(**one, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri(arn))
    gateway.create_deployment(restApiId=api["id"], stageName="dev")
    lambda_client.add_permission(
        FunctionName=name, StatementId="api", Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )  # fmt: skip
    host = f"{api['id']}.execute-api.localhost:{server.port}"
    status, event, _ = fetch(server, host, "/dev/", Authorization=tokens["IdToken"])
    assert status == 201
    assert event["requestContext"]["authorizer"]["claims"]["cognito:username"] == "ann"
    for text in (tokens["AccessToken"], f"{tokens['IdToken'][:-8]}AAAAAAAA"):
        assert fetch(server, host, "/dev/", Authorization=text)[0] == 401
    gateway.delete_rest_api(restApiId=api["id"])


def test_nobody_else_waits_while_a_body_is_held_against_a_model(
    server: StokerProcess, gateway: Any
) -> None:
    api_id = gateway.create_rest_api(name="checked")["id"]
    (root,) = gateway.get_resources(restApiId=api_id)["items"]
    texts = {"type": "string", "pattern": "^(ab|cd|ef|gh|ij|kl|a)*$"}
    gateway.create_model(
        restApiId=api_id, name="Texts", contentType="application/json",
        schema=json.dumps({"type": "array", "items": texts}),
    )  # fmt: skip
    validator = gateway.create_request_validator(restApiId=api_id, validateRequestBody=True)["id"]
    where = {"restApiId": api_id, "resourceId": root["id"], "httpMethod": "POST"}
    gateway.put_method(
        **where, authorizationType="NONE", requestValidatorId=validator,
        requestModels={"application/json": "Texts"},
    )  # fmt: skip
    gateway.put_integration(**where, type="MOCK")
    gateway.create_deployment(restApiId=api_id, stageName="it")

    path, body = f"/_aws/execute-api/{api_id}/it/", json.dumps([*["a" * 7000] * 2, "no"])
    longest = 0.0
    with ThreadPoolExecutor(1) as pool:
        begun = time.monotonic()
        posted = pool.submit(fetch, server, "localhost", path, "POST", body)
        while not posted.done():
            asked = time.monotonic()
            assert fetch(server, "localhost", "/_stoker/health")[0] == 200
            longest = max(longest, time.monotonic() - asked)
        took = time.monotonic() - begun
    assert posted.result()[:2] == (400, {"message": "Invalid request body"})
    assert longest < took / 2
    gateway.delete_rest_api(restApiId=api_id)


def proxied(server: StokerProcess, host: str, api_id: str) -> None:
    status, event, headers = fetch(
        server, host, "/dev/things/a%20b/c?x=1&x=2&y=", "PUT", "text", X_Mine="yes"
    )
    assert status == 201
    assert headers["X-One"] == "1"
    assert headers.get_all("Set-Cookie") == ["a=b", "c=d"]
    assert (event["resource"], event["path"]) == ("/things/{proxy+}", "/things/a%20b/c")
    assert event["pathParameters"] == {"proxy": "a b/c"}
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "2"], "y": [""]}
    assert event["queryStringParameters"] == {"x": "2", "y": ""}
    assert (event["headers"]["X-Mine"], event["multiValueHeaders"]["X-Mine"]) == ("yes", ["yes"])
    assert (event["body"], event["isBase64Encoded"]) == ("text", False)
    assert event["stageVariables"]["color"] == "blue"
    context = event["requestContext"]
    assert (context["path"], context["stage"], context["apiId"]) == (
        "/dev/things/a%20b/c", "dev", api_id,
    )  # fmt: skip
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    binary = fetch(server, host, "/dev/things/x", "PUT", b"\0\1", Content_Type="image/png")[1]
    assert (binary["body"], binary["isBase64Encoded"]) == ("AAE=", True)
    picture = fetch(server, host, "/dev/things/binary", Accept="image/png")
    assert picture[:2] == (200, bytes(range(256)))
    text = fetch(server, host, "/dev/things/binary")[1]
    assert base64.b64decode(text) == bytes(range(256))
    for path in ("error", "crash", "wrong"):
        assert fetch(server, host, f"/dev/things/{path}")[:2] == (502, FAILED), path
    missing = {"message": "Missing Authentication Token"}
    assert fetch(server, host, "/dev/nothing")[:2] == (403, missing)
    by_path = f"/restapis/{api_id}/dev/_user_request_/things/x"
    assert fetch(server, f"127.0.0.1:{server.port}", by_path)[0] == 201
    assert (
        fetch(server, f"{api_id}.execute-api.eu-central-1.amazonaws.com", "/dev/things/x")[0] == 201
    )


def preflight(gateway: Any, api_id: str, resource: str) -> None:
    one = {"restApiId": api_id, "resourceId": resource, "httpMethod": "OPTIONS"}
    gateway.put_method(**one, authorizationType="NONE")
    origin = "method.response.header.Access-Control-Allow-Origin"
    gateway.put_method_response(**one, statusCode="204", responseParameters={origin: False})
    gateway.put_integration(
        **one, type="MOCK", requestTemplates={"application/json": '{"statusCode": 204}'}
    )
    gateway.put_integration_response(**one, statusCode="204", responseParameters={origin: "'*'"})


def mapped(gateway: Any, api_id: str, resource: str, function: str) -> None:
    one = {"restApiId": api_id, "resourceId": resource, "httpMethod": "POST"}
    gateway.put_method(**one, authorizationType="NONE")
    template = """#set($fail = $input.params("fail"))
    #if($fail != "") {"fail": "$util.escapeJavaScript($fail)"}
    #else {"who": "$input.params('who')", "a": $input.json('$.a'), "color": "$stageVariables.color"}
    #end"""
    gateway.put_integration(
        **one, type="AWS", integrationHttpMethod="POST", uri=function,
        requestTemplates={"application/json": template},
    )  # fmt: skip
    for status in ("200", "400"):
        gateway.put_method_response(**one, statusCode=status)
    saw = '{"event": $input.json("$.saw")}'
    gateway.put_integration_response(
        **one, statusCode="200", responseTemplates={"application/json": saw}
    )
    failed = '{"error": "$input.path(\'$.errorMessage\')"}'
    gateway.put_integration_response(
        **one, statusCode="400", selectionPattern="Bad.*",
        responseParameters={"method.response.header.X-Why": "'bad'"},
        responseTemplates={"application/json": failed},
    )  # fmt: skip


def authorized(gateway: Any, api_id: str, root: str, function: str) -> None:
    resource = gateway.create_resource(restApiId=api_id, parentId=root, pathPart="guarded")["id"]
    authorizer = gateway.create_authorizer(
        restApiId=api_id, name="asks", type="TOKEN", authorizerUri=function,
        identitySource="method.request.header.Authorization",
    )["id"]  # fmt: skip
    one = {"restApiId": api_id, "resourceId": resource, "httpMethod": "GET"}
    gateway.put_method(**one, authorizationType="CUSTOM", authorizerId=authorizer)
    gateway.put_integration(**one, type="AWS_PROXY", integrationHttpMethod="POST", uri=function)


def test_an_api_starts_a_state_machine_and_keeps_an_item_without_a_function(
    server: StokerProcess, gateway: Any
) -> None:
    role, machine_role = "arn:aws:iam::000000000000:role/api", "arn:aws:iam::000000000000:role/m"
    region, table = gateway.meta.region_name, f"t-{uuid.uuid4().hex[:12]}"
    with (
        closing(server.client("dynamodb")) as dynamodb,
        closing(server.client("stepfunctions")) as machines,
    ):
        dynamodb.create_table(
            TableName=table, BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        )  # fmt: skip
        states = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
        machine = machines.create_state_machine(
            name=table, definition=json.dumps(states), roleArn=machine_role, type="EXPRESS"
        )["stateMachineArn"]
        item = {"id": {"S": "$input.params('id')"}, "n": {"N": "$input.path('$.n')"}}
        put = json.dumps({"TableName": table, "Item": item})
        run = json.dumps({"stateMachineArn": machine, "input": "ESCAPED"})
        body = "$util.escapeJavaScript($input.json('$'))"
        paths = {
            "/items/{id}": ("dynamodb:action/PutItem", put, "{}"),
            "/runs": (
                "states:action/StartSyncExecution", run.replace("ESCAPED", body),
                "$util.parseJson($input.path('$.output')).n",
            ),
        }  # fmt: skip
        definition = {
            "openapi": "3.0.1",
            "info": {"title": table, "version": "1"},
            "paths": {
                path: {"post": {
                    "responses": {"200": {"description": "ok"}},
                    "x-amazon-apigateway-integration": {
                        "type": "aws", "httpMethod": "POST", "credentials": role,
                        "uri": f"arn:aws:apigateway:{region}:{uri}",
                        "requestTemplates": {"application/json": template},
                        "responses": {"2\\d{2}": {
                            "statusCode": "200",
                            "responseTemplates": {"application/json": answer},
                        }},
                    },
                }}
                for path, (uri, template, answer) in paths.items()
            },
        }  # fmt: skip
        api = gateway.import_rest_api(body=json.dumps(definition).encode())["id"]
        gateway.create_deployment(restApiId=api, stageName="dev")
        host = f"{api}.execute-api.localhost"
        status, told, _ = fetch(server, host, "/dev/items/one", "POST", '{"n": 7}')
        assert (status, told) == (200, {})
        kept = dynamodb.get_item(TableName=table, Key={"id": {"S": "one"}})["Item"]
        assert kept == {"id": {"S": "one"}, "n": {"N": "7"}}
        status, told, _ = fetch(server, host, "/dev/runs", "POST", '{"n": 8}')
        assert (status, told) == (200, 8)
        gateway.delete_rest_api(restApiId=api)
        dynamodb.delete_table(TableName=table)
