"""Several clients change what they have all seen in one revision: exactly one wins."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.front_door import ACCOUNT, REGION, Door, ask, at_the_door, create_function
from tests.running import make_zip

CLIENTS = 5
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"


async def revision(door: Door, changed: str) -> str:
    """What all clients have seen."""
    if changed == "update_alias":
        seen = await ask(door, "get_alias", FunctionName="f", Name="live")
    elif changed == "remove_permission":
        seen = await ask(door, "get_policy", FunctionName="f")
    else:
        seen = await ask(door, "get_function_configuration", FunctionName="f")
    return str(seen["RevisionId"])


def given(operation: str, client: int) -> dict[str, Any]:
    """What one of them asks for."""
    function = {"FunctionName": "f"}
    match operation:
        case "update_function_code":
            return {**function, "ZipFile": make_zip({"main.py": f"n = {client}"}, ())}
        case "update_function_configuration":
            return {**function, "Description": str(client)}
        case "publish_version":
            return function
        case "update_alias":
            return {**function, "Name": "live", "Description": str(client)}
        case "add_permission":
            statement = {"StatementId": f"s{client}", "Principal": "*"}
            return {**function, **statement, "Action": "lambda:InvokeFunction"}
        case _:
            return {**function, "StatementId": "s"}


@pytest.mark.parametrize(
    "operation",
    [
        "update_function_code",
        "update_function_configuration",
        "publish_version",
        "update_alias",
        "add_permission",
        "remove_permission",
    ],
)
def test_of_clients_with_one_revision_exactly_one_wins(tmp_path: Path, operation: str) -> None:
    async def story(door: Door) -> None:
        await create_function(door)
        await ask(door, "create_alias", FunctionName="f", Name="live", FunctionVersion="$LATEST")
        if operation == "remove_permission":
            await ask(door, "add_permission", **given("add_permission", 0) | {"StatementId": "s"})
        seen = await revision(door, operation)

        async def change(client: int) -> str:
            try:
                await ask(door, operation, **given(operation, client), RevisionId=seen)
            except ClientError as error:
                return str(error.response["Error"]["Code"])
            return "won"

        outcomes = await asyncio.gather(*map(change, range(CLIENTS)))
        assert outcomes.count("won") == 1
        # Who comes late is told that the revision is gone, or that nothing is left to remove.
        late = {"PreconditionFailedException", "ResourceNotFoundException"}
        assert set(outcomes) - {"won"} <= late

    at_the_door(tmp_path, story)
