"""Event source mappings of Kafka as their users see them, over boto3; the broker is scripted."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.faults.scene import until
from tests.kafka_world import TOPIC, KafkaWorld, kafka_world
from tests.printed import printed
from tests.running import REGION, StokerProcess

SEEN = """
import json
def handler(event, context):
    print("SEEN", json.dumps(event))
"""


@pytest.fixture
def world() -> Iterator[KafkaWorld]:
    """In a thread of its own."""
    ready, ended = threading.Event(), asyncio.Event()
    held: list[tuple[KafkaWorld, asyncio.AbstractEventLoop]] = []

    async def serve() -> None:
        async with kafka_world() as made:
            held.append((made, asyncio.get_running_loop()))
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(30)
    ((made, loop),) = held
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(30)


def test_a_record_of_a_topic_comes_to_a_function(
    server: StokerProcess, logs_client: Any, create: Callable[..., str], world: KafkaWorld
) -> None:
    function = create(SEEN)
    world.put(b'{"n": 1}', key=b"k", headers=[("h", b"v")])
    with closing(server.client("lambda")) as functions:
        asked = {
            "FunctionName": function,
            "Topics": [TOPIC],
            "StartingPosition": "TRIM_HORIZON",
            "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": [world.address]}},
        }
        made = functions.create_event_source_mapping(**asked)
        assert (made["State"], made["BatchSize"]) == ("Creating", 100)
        assert made["SelfManagedEventSource"] == asked["SelfManagedEventSource"]

        def shown() -> dict[str, Any]:
            found: dict[str, Any] = functions.get_event_source_mapping(UUID=made["UUID"])
            return found

        try:
            until(shown, lambda one: one["LastProcessingResult"] == "OK")
            assert shown()["State"] == "Enabled"
            (line,) = until(lambda: printed(logs_client, function, "SEEN"), bool)
            event = json.loads(line)
            (record,) = event["records"]["topic-0"]
            assert (event["eventSource"], event["bootstrapServers"]) == (
                "SelfManagedKafka",
                world.address,
            )
            assert record.items() >= {
                "topic": TOPIC, "partition": 0, "offset": 0, "key": "aw==",
                "value": "eyJuIjogMX0=", "headers": [{"h": [118]}],
            }.items()  # fmt: skip
            until(lambda: world.offsets, lambda found: found == {0: 1})
            assert world.group == made["UUID"]
            msk = f"arn:aws:kafka:{REGION}:000000000000:cluster/c/1-2"
            with pytest.raises(ClientError, match="SelfManagedEventSource"):
                functions.create_event_source_mapping(
                    FunctionName=function, EventSourceArn=msk, Topics=[TOPIC],
                    StartingPosition="LATEST",
                )  # fmt: skip
        finally:
            with suppress(functions.exceptions.ResourceNotFoundException):
                functions.delete_event_source_mapping(UUID=made["UUID"])
        until(lambda: world.asked["LeaveGroup"], bool)
