"""Event source mappings through boto3: made, shown, listed, changed, deleted, tagged."""

import re
from pathlib import Path
from typing import Any

from tests.front_door import (
    ACCOUNT,
    REGION,
    Door,
    Story,
    ask,
    at_the_door,
    create_function,
    refused,
)

QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}"


def with_function(folder: Path, story: Story) -> None:
    async def told(door: Door) -> None:
        await create_function(door)
        await story(door)

    at_the_door(folder, told)


async def make(door: Door, arn: str = QUEUE, **given: Any) -> Any:
    given = {"FunctionName": "f", "EventSourceArn": arn, **given}
    return await ask(door, "create_event_source_mapping", **given)


def test_a_mapping_s_life(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        made = await make(door)
        uuid = made["UUID"]
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", uuid)
        modified = made.pop("LastModified")
        assert made == {
            "UUID": uuid,
            "BatchSize": 10,
            "MaximumBatchingWindowInSeconds": 0,
            "EventSourceArn": QUEUE,
            "FunctionArn": f"{ARN}:function:f",
            "State": "Creating",
            "StateTransitionReason": "Stoker polls the queues of its own SQS only.",
            "FunctionResponseTypes": [],
            "EventSourceMappingArn": f"{ARN}:event-source-mapping:{uuid}",
        }
        shown = await ask(door, "get_event_source_mapping", UUID=uuid)
        assert shown == {**made, "LastModified": modified, "State": "Disabled"}
        changed = await ask(
            door, "update_event_source_mapping", UUID=uuid, BatchSize=2, Enabled=False
        )
        assert (changed["State"], changed["BatchSize"]) == ("Updating", 2)
        assert changed["StateTransitionReason"] == "USER_INITIATED"
        assert changed["LastModified"] > modified
        gone = await ask(door, "delete_event_source_mapping", UUID=uuid)
        assert (gone["State"], gone["BatchSize"]) == ("Deleting", 2)
        none = (404, "ResourceNotFoundException", "The resource you requested does not exist.")
        for operation in ("get", "update", "delete"):
            call = ask(door, f"{operation}_event_source_mapping", UUID=uuid)
            assert await refused(call) == none

    with_function(tmp_path, story)


def test_a_mapping_is_of_one_function_version_or_alias(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        missing = (400, "InvalidParameterValueException", "Function does not exist")
        assert await refused(make(door, FunctionName="none")) == missing
        assert await refused(make(door, FunctionName="f:live")) == missing
        await ask(door, "create_alias", FunctionName="f", Name="live", FunctionVersion="$LATEST")
        first = await make(door)
        second = await make(door, FunctionName=f"{ARN}:function:f:live")
        assert second["FunctionArn"] == f"{ARN}:function:f:live"
        status, code, message = await refused(make(door))
        assert (status, code) == (409, "ResourceConflictException")
        assert message.endswith(f"existing mapping with UUID {first['UUID']}")
        update = ask(door, "update_event_source_mapping", UUID=second["UUID"], FunctionName="f")
        assert (await refused(update))[1] == "ResourceConflictException"
        await ask(door, "delete_function", FunctionName="f")
        listed = await ask(door, "list_event_source_mappings")
        assert len(listed["EventSourceMappings"]) == 2  # as on AWS they stay

    with_function(tmp_path, story)


def test_lists_are_of_one_source_or_function_and_come_in_pages(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        await create_function(door, "g")
        for number in range(3):
            await make(door, f"{QUEUE}{number}")
        await make(door, f"{QUEUE}0", FunctionName="g")

        async def listed(**given: Any) -> list[tuple[str, str]]:
            page = await ask(door, "list_event_source_mappings", **given)
            return [
                (one["FunctionArn"][-1], one["EventSourceArn"][-1])
                for one in page["EventSourceMappings"]
            ]

        assert len(await listed()) == 4
        assert sorted(await listed(FunctionName="f")) == [("f", "0"), ("f", "1"), ("f", "2")]
        assert sorted(await listed(EventSourceArn=f"{QUEUE}0")) == [("f", "0"), ("g", "0")]
        assert await listed(FunctionName="g", EventSourceArn=f"{QUEUE}1") == []
        page = await ask(door, "list_event_source_mappings", MaxItems=3)
        rest = await ask(door, "list_event_source_mappings", Marker=page["NextMarker"])
        found = page["EventSourceMappings"] + rest["EventSourceMappings"]
        assert len({one["UUID"] for one in found}) == 4
        assert "NextMarker" not in rest

    with_function(tmp_path, story)


def test_a_stream_s_mapping_shows_all_that_was_said(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        stream = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s"
        said = {
            "StartingPosition": "AT_TIMESTAMP",
            "BatchSize": 7,
            "ParallelizationFactor": 2,
            "BisectBatchOnFunctionError": True,
            "DestinationConfig": {"OnFailure": {"Destination": QUEUE}},
            "FilterCriteria": {"Filters": [{"Pattern": '{"data": {"a": [1]}}'}]},
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
        }
        made = await make(door, stream, **said, StartingPositionTimestamp=1_700_000_000)
        shown = await ask(door, "get_event_source_mapping", UUID=made["UUID"])
        assert said.items() <= shown.items()
        assert shown["StartingPositionTimestamp"].timestamp() == 1_700_000_000
        assert shown["LastProcessingResult"] == "No records processed"

    with_function(tmp_path, story)


def test_resources_have_tags(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        arn = (await make(door, Tags={"a": "1"}))["EventSourceMappingArn"]
        await ask(door, "tag_resource", Resource=arn, Tags={"b": "2"})
        await ask(door, "untag_resource", Resource=arn, TagKeys=["a"])
        assert (await ask(door, "list_tags", Resource=arn))["Tags"] == {"b": "2"}
        unknown = arn[:-36] + "0" * 8 + "-0000-0000-0000-" + "0" * 12
        assert (await refused(ask(door, "list_tags", Resource=unknown)))[0] == 404
        foreign = arn.replace(ACCOUNT, "222222222222")
        assert (await refused(ask(door, "list_tags", Resource=foreign)))[0] == 403
        empty = await refused(ask(door, "tag_resource", Resource=arn, Tags={}))
        assert empty[2] == "An error occurred and the request cannot be processed."

    with_function(tmp_path, story)
