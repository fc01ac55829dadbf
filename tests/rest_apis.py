"""REST APIs at a front door: how they are made there, from definitions, and asked."""

import json
from typing import Any

from tests.front_door import Answer, Door
from tests.http_apis import URI, host_of

X = "x-amazon-apigateway"
PROXY = {f"{X}-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri": URI}}


def mapped(**more: Any) -> dict[str, Any]:
    """A method whose answer is the function's, as it is."""
    integration = {
        "type": "aws",
        "httpMethod": "POST",
        "uri": URI,
        "responses": {"default": {"statusCode": "200"}},
        **more,
    }
    return {"responses": {"200": {}, "400": {}, "409": {}}, f"{X}-integration": integration}


def definition(paths: dict[str, Any], **more: Any) -> bytes:
    whole = {"swagger": "2.0", "info": {"title": "made"}, "paths": paths, **more}
    return json.dumps(whole).encode()


async def ask(door: Door, operation: str, **given: Any) -> Any:
    """One of API Gateway's operations, through boto3; without what is the same in all answers."""
    found = await door.call("apigateway", operation, **given)
    found.pop("ResponseMetadata")
    return found


async def make(door: Door, paths: dict[str, Any], **more: Any) -> str:
    """An API from a definition, deployed as "dev"; its ID."""
    made = await ask(door, "import_rest_api", body=definition(paths, **more))
    await deploy(door, made["id"])
    return str(made["id"])


async def deploy(door: Door, api: str, **given: Any) -> str:
    asked = {"restApiId": api, "stageName": "dev", **given}
    return str((await ask(door, "create_deployment", **asked))["id"])


async def fetch(
    door: Door, api: str, target: str = "/", method: str = "GET", body: bytes = b"",
    **headers: str,
) -> Answer:  # fmt: skip
    """In the stage "dev"."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return await door.send(method, f"/dev{target}", {"Host": host_of(api), **names}, body)


def told(answer: Answer) -> tuple[int, Any]:
    return answer.status, answer.json
