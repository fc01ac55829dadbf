"""Runtime management and recursion settings, over a real store."""

from pathlib import Path
from typing import Any

from stoker.api import aliases, function_settings, functions, versions
from stoker.core.errors import (
    InvalidParameterValueException,
    NotImplementedException,
    ResourceNotFoundException,
)
from tests.component.one_account import ARN, ZIP, Account, refused, tell


async def put(my: Account, update_runtime_on: str, **more: Any) -> Any:
    return await my.do(
        function_settings.put_runtime_management_config,
        update_runtime_on=update_runtime_on,
        **more,
    )


async def get(my: Account, **more: Any) -> tuple[str, str]:
    shown = await my.do(function_settings.get_runtime_management_config, **more)
    return shown.update_runtime_on, shown.function_arn


def test_each_version_has_a_runtime_setting_of_its_own(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await my.active()
        await my.do(versions.publish_version)
        assert await get(my) == ("Auto", ARN)
        made = await put(my, "FunctionUpdate", qualifier="1")
        assert (made.update_runtime_on, made.function_arn) == ("FunctionUpdate", f"{ARN}:1")
        assert made.runtime_version_arn is None
        assert await get(my, qualifier="1") == ("FunctionUpdate", f"{ARN}:1")
        assert await get(my, qualifier="$LATEST") == ("Auto", f"{ARN}:$LATEST")
        await put(my, "Auto", qualifier="1")
        assert await get(my, qualifier="1") == ("Auto", f"{ARN}:1")

    tell(tmp_path, story)


def test_a_version_may_be_held_to_the_runtime_version_that_it_has(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await my.active()
        await my.do(versions.publish_version)
        ours = (await my.configuration()).runtime_version_config.runtime_version_arn
        made = await put(my, "Manual", runtime_version_arn=ours)
        assert (made.update_runtime_on, made.runtime_version_arn) == ("Manual", ours)
        show = function_settings.get_runtime_management_config
        shown = await my.do(show)
        assert (shown.update_runtime_on, shown.runtime_version_arn) == ("Manual", ours)
        assert (await my.do(show, qualifier="1")).runtime_version_arn is None

        change = functions.update_function_configuration
        message = await refused(InvalidParameterValueException, my.do(change, runtime="python3.12"))
        assert "Manual" in message
        code = {"zip_file": ZIP, "architectures": ("arm64",)}
        arm = my.do(functions.update_function_code, **code)
        assert await refused(InvalidParameterValueException, arm) == message
        await my.do(change, runtime="python3.11", memory_size=256)
        await my.settle()
        await put(my, "FunctionUpdate")
        assert (await my.do(show)).runtime_version_arn is None
        await my.do(change, runtime="python3.12")

    tell(tmp_path, story)


def test_what_cannot_be_promised_is_refused(tmp_path: Path) -> None:
    runtime = "arn:aws:lambda:us-east-1::runtime:" + "0" * 64

    async def story(my: Account) -> None:
        await my.active()
        await my.do(versions.publish_version)
        await my.do(aliases.create_alias, name="live", function_version="1")
        message = await refused(
            NotImplementedException, put(my, "Manual", runtime_version_arn=runtime)
        )
        assert "Manual" in message
        assert (await my.configuration()).runtime_version_config.runtime_version_arn in message
        await refused(InvalidParameterValueException, put(my, "Manual"))
        await refused(InvalidParameterValueException, put(my, "Auto", runtime_version_arn=runtime))
        for qualifier in ("7", "live"):
            message = await refused(ResourceNotFoundException, put(my, "Auto", qualifier=qualifier))
            assert message == f"Function not found: {ARN}:{qualifier}"
        assert await get(my) == ("Auto", ARN)

    tell(tmp_path, story)


def test_recursive_loops_are_to_be_stopped_unless_said_otherwise(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        async def shown(**more: Any) -> Any:
            kept = await my.do(function_settings.get_function_recursion_config, **more)
            return kept.recursive_loop

        async def say(what: str, **more: Any) -> Any:
            return await my.do(
                function_settings.put_function_recursion_config, recursive_loop=what, **more
            )

        await my.active()
        assert await shown() == "Terminate"
        assert (await say("Allow")).recursive_loop == "Allow"
        assert await shown() == "Allow"
        await refused(ResourceNotFoundException, shown(function_name="g"))
        await refused(ResourceNotFoundException, say("Allow", function_name="g"))
        await refused(InvalidParameterValueException, say("Allow", function_name="f:1"))
        await my.delete()
        await my.active()
        assert await shown() == "Terminate", "it went with the function"

    tell(tmp_path, story)
