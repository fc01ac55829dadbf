"""HTTP APIs end to end: made with boto3, real functions behind them, called by any HTTP client."""

import json
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from tests.conformance.test_function_urls import fetch
from tests.running import REGION, StokerProcess
from tests.tokens import signed_in

Create = Callable[..., str]

SITE = """
import os, urllib.request

def handler(event, context):
    path = event["rawPath"]
    if path == "/crash":
        os._exit(3)
    if path == "/error":
        raise KeyError(path)
    if path == "/other":
        url = os.environ["AWS_ENDPOINT_URL"] + event["queryStringParameters"]["path"]
        with urllib.request.urlopen(url) as answer:
            return {"inside": answer.read().decode()}
    return {"cookies": ["a=b"], "statusCode": 201, "headers": {"x-route": event["routeKey"]},
            "body": event.get("body", ""), "isBase64Encoded": event["isBase64Encoded"]}
"""
GUARD = """
import os, time

def handler(event, context):
    (word,) = event["identitySource"]
    if word == "slow":
        time.sleep(60)
    if word == "crash":
        os._exit(3)
    if word == "nobody":
        raise Exception("Unauthorized")
    return {"isAuthorized": word == "sesame", "context": {"word": word}}
"""


def permitted(functions: Any, name: str) -> str:
    """API Gateway may call it; the answer is its ARN."""
    functions.add_permission(
        FunctionName=name, StatementId="api", Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )  # fmt: skip
    arn: str = functions.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    return arn


@pytest.mark.root
def test_an_api_serves_functions_behind_an_authorizer(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    site = permitted(lambda_client, create(SITE))
    guard = permitted(lambda_client, create(GUARD, Timeout=1))
    with closing(server.client("apigatewayv2")) as apis:
        made = apis.create_api(Name="site", ProtocolType="HTTP", Target=site)
        id, host = made["ApiId"], made["ApiEndpoint"].removeprefix("http://")
        (behind,) = apis.get_integrations(ApiId=id)["Items"]
        authorizer = apis.create_authorizer(
            ApiId=id, Name="guard", AuthorizerType="REQUEST", AuthorizerUri=guard,
            IdentitySource=["$request.querystring.word"], EnableSimpleResponses=True,
            AuthorizerPayloadFormatVersion="2.0", AuthorizerResultTtlInSeconds=0,
        )["AuthorizerId"]  # fmt: skip
        apis.create_route(
            ApiId=id, RouteKey="POST /guarded/{proxy+}", AuthorizationType="CUSTOM",
            AuthorizerId=authorizer, Target=f"integrations/{behind['IntegrationId']}",
        )  # fmt: skip
        status, body, headers = fetch(server, host, "/any", "POST", bytes(range(256)))
        assert (status, body) == (201, bytes(range(256)))
        assert (headers["x-route"], headers["Set-Cookie"]) == ("$default", "a=b")
        for path in ("/crash", "/error"):
            status, body, _ = fetch(server, host, path)
            assert (status, json.loads(body)) == (500, {"message": "Internal Server Error"}), path
        for word, expected in (
            ("sesame", 201), ("other", 403), ("nobody", 401), ("slow", 500), ("crash", 500),
        ):  # fmt: skip
            found = fetch(server, host, f"/guarded/x?word={word}", "POST")[0]
            assert found == expected, word
        assert fetch(server, host, "/guarded/x", "POST")[0] == 401
        inside = fetch(server, host, f"/other?path=/_aws/execute-api/{id}/from-inside")
        assert (inside[0], json.loads(inside[1])) == (200, {"inside": ""})
        apis.delete_api(ApiId=id)
        assert fetch(server, host)[0] == 403


@pytest.mark.slow
@pytest.mark.root
def test_a_user_of_a_pool_passes_with_the_token_that_cognito_gave(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    site = permitted(lambda_client, create(SITE))
    pool, client, tokens = signed_in(server)
    with closing(server.client("apigatewayv2")) as apis:
        made = apis.create_api(Name="users", ProtocolType="HTTP", Target=site)
        id, host = made["ApiId"], made["ApiEndpoint"].removeprefix("http://")
        authorizer = apis.create_authorizer(
            ApiId=id, Name="pool", AuthorizerType="JWT",
            IdentitySource=["$request.querystring.token"],
            JwtConfiguration={
                "Issuer": f"https://cognito-idp.{REGION}.amazonaws.com/{pool}",
                "Audience": [client],
            },
        )["AuthorizerId"]  # fmt: skip
        (route,) = apis.get_routes(ApiId=id)["Items"]
        apis.update_route(
            ApiId=id, RouteId=route["RouteId"], AuthorizationType="JWT", AuthorizerId=authorizer
        )
        for kind in ("IdToken", "AccessToken"):
            assert fetch(server, host, f"/?token={tokens[kind]}")[0] == 201, kind
        assert fetch(server, host, f"/?token={tokens['IdToken'][:-8]}AAAAAAAA")[0] == 401
        apis.delete_api(ApiId=id)
