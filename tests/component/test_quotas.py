"""Quotas are AWS's, and whatever the operator says instead is what is refused and shown."""

from pathlib import Path
from typing import Any

import pytest

from stoker.api.control import Settings
from stoker.config import Config
from stoker.configured import quotas_of
from stoker.core.quotas import AWS, Quotas
from tests.front_door import Door, ask, at_the_door, create_function, refused, signed
from tests.running import make_zip

ZIP = make_zip({"main.py": "def handler(event, context): ..."}, ())
LARGE = make_zip({"main.py": "#" * 5000}, ())
MIB = 1024 * 1024


def test_unless_configured_they_are_aws_s() -> None:
    assert quotas_of(Config()) == AWS
    changed = Config(quota_layers=7, quota_timeout_s=1000, quota_zip_mb=60, quota_policy_bytes=9)
    assert quotas_of(changed) == Quotas(
        layers=7, timeout_s=1000, zip_bytes=60 * MIB, policy_bytes=9
    )
    assert AWS.code_request_bytes == 70_167_211  # AWS's number


async def layer(door: Door) -> str:
    made = await ask(door, "publish_layer_version", LayerName="l", Content={"ZipFile": ZIP})
    return str(made["LayerVersionArn"])


@pytest.mark.parametrize(
    ("quotas", "given", "message"),
    [
        ({"memory_mb": 256}, {"MemorySize": 257}, "less than or equal to 256"),
        ({"timeout_s": 5}, {"Timeout": 6}, "less than or equal to 5"),
        ({"ephemeral_mb": 600}, {"EphemeralStorage": {"Size": 601}}, "less than or equal to 600"),
        ({"environment_bytes": 9}, {"Environment": {"Variables": {"AB": "cd"}}}, "exceeded the"),
        ({"layers": 0}, {"Layers": 1}, "Cannot reference more than 0 layers."),
        ({"zip_bytes": len(ZIP) - 1}, {}, f"smaller than {-(-(len(ZIP) - 1) * 4 // 3)} bytes"),
        ({"unzipped_bytes": 32}, {}, "Unzipped size must be smaller than 32 bytes"),
        ({"code_storage_bytes": len(ZIP) - 1}, {}, "Code storage limit exceeded."),
    ],
)
def test_less_is_refused_with_its_own_number(
    tmp_path: Path, quotas: dict[str, int], given: dict[str, Any], message: str
) -> None:
    async def story(door: Door) -> None:
        if "Layers" in given:
            given["Layers"] = [await layer(door)]
        assert message in (await refused(create_function(door, **given)))[2]

    at_the_door(tmp_path, story, settings=Settings(quotas=Quotas(**quotas)))


def test_more_is_taken_and_shown(tmp_path: Path) -> None:
    quotas = Quotas(
        memory_mb=32_768, timeout_s=5400, layers=6, environment_bytes=8192, policy_bytes=30_000
    )

    async def story(door: Door) -> None:
        made = await create_function(
            door,
            MemorySize=32_768,
            Timeout=5400,
            Environment={"Variables": {"LONG": "x" * 5000}},
        )
        assert (made["MemorySize"], made["Timeout"]) == (32_768, 5400)
        limits = (await ask(door, "get_account_settings"))["AccountLimit"]
        assert limits["TotalCodeSize"] == AWS.code_storage_bytes

    at_the_door(tmp_path, story, settings=Settings(quotas=quotas))


def test_a_policy_and_a_request_end_at_their_quota(tmp_path: Path) -> None:
    quotas = Quotas(policy_bytes=100, zip_bytes=30)

    async def story(door: Door) -> None:
        path = "/2015-03-31/functions"
        answer = await door.send_raw(signed(door.host, "POST", path, b" " * (MIB // 4 + 41)))
        assert (answer.status, answer["x-amzn-ErrorType"]) == (
            413,
            "RequestEntityTooLargeException",
        )
        limits = (await ask(door, "get_account_settings"))["AccountLimit"]
        assert limits["CodeSizeZipped"] == 30

    at_the_door(tmp_path, story, settings=Settings(quotas=quotas))

    async def policies(door: Door) -> None:
        await create_function(door)
        statement = {"StatementId": "s", "Principal": "*", "Action": "lambda:InvokeFunction"}
        call = ask(door, "add_permission", FunctionName="f", **statement)
        status, code, message = await refused(call)
        assert (status, code) == (400, "PolicyLengthExceededException")
        assert message.endswith("is bigger than the limit (100).")

    at_the_door(tmp_path / "other", policies, settings=Settings(quotas=Quotas(policy_bytes=100)))
