"""A REST API waits for its function as long as AWS does."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from tests.conformance.test_rest_apis import fetch, uri
from tests.rest_apis import X, definition
from tests.running import StokerProcess

pytestmark = [pytest.mark.root, pytest.mark.slow]
SLEEPER = """
import time

def handler(event, context):
    time.sleep(120)
"""


def test_after_29_seconds_it_waits_no_longer(
    server: StokerProcess, lambda_client: Any, create: Callable[..., str]
) -> None:
    name = create(SLEEPER, Timeout=40)
    arn = lambda_client.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    lambda_client.add_permission(
        FunctionName=name, StatementId="api", Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )  # fmt: skip
    proxy = {"type": "aws_proxy", "httpMethod": "POST", "uri": uri(arn)}
    with closing(server.client("apigateway")) as gateway:
        body = definition({"/": {"get": {f"{X}-integration": proxy}}})
        api = gateway.import_rest_api(body=body)["id"]
        gateway.create_deployment(restApiId=api, stageName="dev")
        status, told, _ = fetch(server, f"{api}.execute-api.localhost", "/dev/")
        assert (status, told) == (504, {"message": "Endpoint request timed out"})
        gateway.delete_rest_api(restApiId=api)
