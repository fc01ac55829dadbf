"""Function URLs at a front door: how they are made there, and asked."""

import re
from pathlib import Path
from typing import Any

from stoker.core.errors import ServiceError
from stoker.core.invocation import Invocation, InvocationResult
from tests import front_door
from tests.front_door import ACCOUNT, REGION, Answer, Done, Door, create_function

ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
OK = InvocationResult(b'{"statusCode": 200, "body": "fine"}')


def at_the_door(folder: Path, story: front_door.Story) -> None:
    """At a door where function `f` is Active, and answers "fine"."""

    async def told(door: Door) -> None:
        await create_function(door)
        answering(door, OK)
        await story(door)

    front_door.at_the_door(folder, told)


def answering(door: Door, result: InvocationResult | ServiceError) -> None:
    def answer(_: Invocation, done: Done) -> None:
        done(result)

    door.echo.answer = answer


async def ask(door: Door, operation: str, **given: Any) -> Any:
    """Of function f unless said otherwise."""
    return await front_door.ask(door, operation, **{"FunctionName": "f", **given})


async def make(door: Door, auth: str = "NONE", public: bool = True, **given: Any) -> str:
    """A URL; the answer is its Host."""
    made = await ask(door, "create_function_url_config", AuthType=auth, **given)
    if public:
        await allow(door, "lambda:InvokeFunctionUrl", FunctionUrlAuthType=auth)
        await allow(door, "lambda:InvokeFunction", InvokedViaFunctionUrl=True)
    return str(made["FunctionUrl"].split("/")[2])


async def allow(door: Door, action: str, principal: str = "*", **given: Any) -> None:
    sid = re.sub("[^a-z]", "", action.lower())
    await ask(door, "add_permission", StatementId=sid, Action=action, Principal=principal, **given)


async def fetch(
    door: Door, host: str, method: str = "GET", target: str = "/", body: bytes = b"",
    **headers: str,
) -> Answer:  # fmt: skip
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return await door.send(method, target, {"Host": host, **names}, body)
