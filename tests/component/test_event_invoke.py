"""Settings of asynchronous invocations, over a real store; words and shapes as recorded from AWS
by LocalStack's tests."""

from pathlib import Path
from typing import Any

import pytest

from stoker.api import aliases, event_invoke, versions
from stoker.api.shapes import lambda_ as shapes
from stoker.core.errors import (
    InvalidParameterValueException,
    ResourceNotFoundException,
)
from tests.component.one_account import ARN, Account, refused, tell

QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"


def to(success: str | None = None, failure: str | None = None) -> shapes.DestinationConfig:
    return shapes.DestinationConfig(
        on_success=None if success is None else shapes.OnSuccess(destination=success),
        on_failure=None if failure is None else shapes.OnFailure(destination=failure),
    )


async def put(my: Account, **given: Any) -> Any:
    return await my.do(event_invoke.put_function_event_invoke_config, **given)


async def update(my: Account, **given: Any) -> Any:
    return await my.do(event_invoke.update_function_event_invoke_config, **given)


async def get(my: Account, **given: Any) -> Any:
    return await my.do(event_invoke.get_function_event_invoke_config, **given)


async def remove(my: Account, **given: Any) -> Any:
    return await my.do(event_invoke.delete_function_event_invoke_config, **given)


async def listed(my: Account, **given: Any) -> list[str]:
    found = await my.do(event_invoke.list_function_event_invoke_configs, **given)
    return [one.function_arn for one in found.function_event_invoke_configs]


async def with_a_version_and_an_alias(my: Account) -> None:
    await my.active()
    await my.do(versions.publish_version)
    await my.do(aliases.create_alias, name="live", function_version="1")


def test_function_version_and_alias_have_settings_each(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await with_a_version_and_an_alias(my)
        for number, qualifier in enumerate((None, "1", "live")):
            made = await put(my, qualifier=qualifier, maximum_retry_attempts=number)
            assert made.function_arn == f"{ARN}:{qualifier or '$LATEST'}"
            assert made.destination_config == shapes.DestinationConfig(
                on_success=shapes.OnSuccess(), on_failure=shapes.OnFailure()
            )
            assert await get(my, qualifier=qualifier) == made
        assert await listed(my) == [f"{ARN}:$LATEST", f"{ARN}:1", f"{ARN}:live"]
        page = await my.do(event_invoke.list_function_event_invoke_configs, max_items=2)
        assert await listed(my, marker=page.next_marker) == [f"{ARN}:live"]
        await my.do(aliases.delete_alias, name="live")
        await my.delete("f", "1")
        assert await listed(my) == [f"{ARN}:$LATEST"]
        await my.delete()
        await my.active()
        assert await listed(my) == []

    tell(tmp_path, story)


def test_put_forgets_and_update_keeps_what_is_not_given(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await my.active()
        revision = (await my.configuration()).revision_id
        await put(my, maximum_event_age_in_seconds=60, destination_config=to(failure=QUEUE))
        changed = await update(my, maximum_retry_attempts=0)
        assert (changed.maximum_retry_attempts, changed.maximum_event_age_in_seconds) == (0, 60)
        assert changed.destination_config.on_failure.destination == QUEUE
        cleared = await update(my, destination_config=to(failure=""))
        assert cleared.destination_config.on_failure.destination is None
        again = await put(my, maximum_retry_attempts=2)
        assert (again.maximum_retry_attempts, again.maximum_event_age_in_seconds) == (2, None)
        assert (await my.configuration()).revision_id == revision

    tell(tmp_path, story)


def test_there_must_be_something_to_say_and_somebody_to_say_it_of(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await with_a_version_and_an_alias(my)
        assert await refused(InvalidParameterValueException, put(my)) == (
            "You must specify at least one of error handling or destination setting."
        )
        nobody = "The function doesn't exist."
        for given in ({"function_name": "g"}, {"qualifier": "none"}, {"qualifier": "7"}):
            asked = put(my, maximum_retry_attempts=1, **given)
            assert await refused(ResourceNotFoundException, asked) == nobody
        assert await refused(ResourceNotFoundException, listed(my, function_name="g")) == nobody
        for asked in (get(my), remove(my), update(my, maximum_retry_attempts=1)):
            assert await refused(ResourceNotFoundException, asked) == (
                f"The function {ARN}:$LATEST doesn't have an EventInvokeConfig"
            )
        await put(my, maximum_retry_attempts=1)
        await remove(my)
        await refused(ResourceNotFoundException, get(my))

    tell(tmp_path, story)


@pytest.mark.parametrize(
    ("destinations", "message"),
    [
        (to(ARN), "You can't specify the function as a destination for itself."),
        (to(failure=f"{ARN}:1"), "You can't specify the function as a destination for itself."),
        (to(f"{ARN}x"), f"The destination ARN {ARN}x is invalid."),
        (to(f"{ARN[:-1]}g:7"), f"The destination ARN {ARN[:-1]}g:7 is invalid."),
        (
            to("arn:aws:iam::000000000000:role/r"),
            "The provided destination config DestinationConfig(onSuccess=OnSuccess(destination="
            "arn:aws:iam::000000000000:role/r), onFailure=null) is invalid.",
        ),
        (
            to("arn:aws:s3:::bucket"),
            "The provided destination config DestinationConfig(onSuccess=OnSuccess(destination="
            "arn:aws:s3:::bucket), onFailure=null) is invalid.",
        ),
    ],
)
def test_a_destination_that_cannot_be_one_is_refused(
    tmp_path: Path, destinations: shapes.DestinationConfig, message: str
) -> None:
    async def story(my: Account) -> None:
        await my.active()
        await my.active("g")
        asked = put(my, destination_config=destinations)
        assert await refused(InvalidParameterValueException, asked) == message
        await put(my, destination_config=to(f"{ARN[:-1]}g", QUEUE))

    tell(tmp_path, story)


@pytest.mark.parametrize(
    "destinations",
    [
        to("arn:aws:sns:us-east-1:000000000000:t"),
        to("arn:aws:events:us-east-1:000000000000:event-bus/default"),
        to(failure="arn:aws:s3:::bucket"),
    ],
    ids=["SNS", "EventBridge", "S3"],
)
def test_a_destination_may_be_at_a_neighbour_whether_it_is_there_or_not(
    tmp_path: Path, destinations: shapes.DestinationConfig
) -> None:
    async def story(my: Account) -> None:
        await my.active()
        for operation in (put, update):
            answer = await operation(my, destination_config=destinations)
            shown = answer.destination_config
            for member in ("on_success", "on_failure"):
                given = getattr(destinations, member)
                assert getattr(shown, member).destination == (given and given.destination)

    tell(tmp_path, story)
