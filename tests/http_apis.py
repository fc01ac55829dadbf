"""HTTP APIs at a front door: how they are made there, and asked."""

from pathlib import Path
from typing import Any

from stoker.core.errors import ServiceError
from stoker.core.invocation import Invocation, InvocationResult
from tests import front_door
from tests.front_door import ACCOUNT, REGION, Answer, Done, Door, create_function

ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
URI = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{ARN}/invocations"
OK = InvocationResult(b'{"statusCode": 200, "body": "fine"}')


def at_the_door(folder: Path, story: front_door.Story) -> None:
    """At a door where function `f` is Active, lets every API in, and answers "fine"."""

    async def told(door: Door) -> None:
        await create_function(door)
        await permit(door)
        answering(door, OK)
        await story(door)

    front_door.at_the_door(folder, told)


def answering(door: Door, *results: InvocationResult | ServiceError) -> None:
    """These one after the other; the last again and again."""
    left = list(results)

    def answer(_: Invocation, done: Done) -> None:
        done(left.pop(0) if len(left) > 1 else left[0])

    door.echo.answer = answer


async def permit(door: Door, source: str = "*") -> None:
    await door.call(
        "lambda", "add_permission", FunctionName="f", StatementId="api",
        Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{source}",
    )  # fmt: skip


async def forbid(door: Door) -> None:
    await door.call("lambda", "remove_permission", FunctionName="f", StatementId="api")


async def ask(door: Door, operation: str, **given: Any) -> Any:
    """One of API Gateway's operations, through boto3; without what is the same in all answers."""
    found = await door.call("apigatewayv2", operation, **given)
    found.pop("ResponseMetadata")
    return found


async def quick(door: Door, **given: Any) -> str:
    """An API in front of f, and nothing but that; its ID."""
    asked = {"Name": "quick", "ProtocolType": "HTTP", "Target": ARN, **given}
    return str((await ask(door, "create_api", **asked))["ApiId"])


async def make(door: Door, *keys: str, format: str = "2.0", **given: Any) -> str:
    """An API with these routes to f, in its default stage, deployed with every change; its ID."""
    api = str((await ask(door, "create_api", Name="made", ProtocolType="HTTP", **given))["ApiId"])
    target = await integrate(door, api, PayloadFormatVersion=format)
    for key in keys:
        await ask(door, "create_route", ApiId=api, RouteKey=key, Target=target)
    await ask(door, "create_stage", ApiId=api, StageName="$default", AutoDeploy=True)
    return api


async def integrate(door: Door, api: str, **given: Any) -> str:
    """What a route's Target is to be."""
    asked = {"IntegrationType": "AWS_PROXY", "IntegrationUri": URI, **given}
    made = await ask(door, "create_integration", ApiId=api, **asked)
    return f"integrations/{made['IntegrationId']}"


def host_of(api: str) -> str:
    return f"{api}.execute-api.localhost:4566"


async def fetch(
    door: Door, api: str, target: str = "/", method: str = "GET", body: bytes = b"",
    **headers: str,
) -> Answer:  # fmt: skip
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return await door.send(method, target, {"Host": host_of(api), **names}, body)
