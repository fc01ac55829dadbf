"""A caller of CloudWatch Logs with a store of its own, for the tests of the operations."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest

from stoker.api import logs
from stoker.api.control import Call, Caller, Control, Settings
from stoker.api.shapes import logs as shapes
from stoker.core.errors import ServiceError
from stoker.core.invocation import RequestId
from stoker.observe.logs import LogStore
from stoker.store.sqlite import SqliteStore

ACCOUNT, REGION = "123456789012", "eu-central-1"
ARN = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group"
Answer = TypeVar("Answer")


class Cloud:
    """A caller with a log store of its own."""

    def __init__(self, path: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.store = LogStore(path / "logs.db")
        self.loop.run_until_complete(self.store.start())
        nothing = cast(Any, None)  # the logs' operations look at the log store alone
        self.control = Control(
            store=SqliteStore(path / "state.db"),  # nobody opens it
            blobs=nothing,
            catalog=nothing,
            invoker=nothing,
            events=nothing,
            queues=nothing,
            logs_store=self.store,
            metric_store=nothing,
            settings=Settings(),
            changed=lambda: None,
        )
        self.caller = Caller(ACCOUNT, REGION, ACCOUNT)

    def ask(
        self, operation: Callable[[Control, Call[Any]], Awaitable[Answer]], request: object
    ) -> Answer:
        call = Call(request, self.caller, RequestId("r"), "http://127.0.0.1:4566")

        async def asked() -> Answer:
            return await operation(self.control, call)

        return self.loop.run_until_complete(asked())

    def refusal(
        self, operation: Callable[[Control, Call[Any]], Awaitable[object]], request: object
    ) -> ServiceError:
        with pytest.raises(ServiceError) as refused:
            self.ask(operation, request)
        return refused.value

    def log(self, stream: str, *lines: tuple[int, str], group: str = "g") -> None:
        """What a function's environment does."""
        sink = self.store.open(ACCOUNT, REGION, group, stream)
        for time, text in lines:
            sink.append(time, text.encode())

    def close(self) -> None:
        self.loop.run_until_complete(self.store.close())
        self.loop.close()

    # The operations that the stories below use again and again

    def create_group(self, name: str = "g", **settings: Any) -> None:
        self.ask(logs.create_log_group, shapes.CreateLogGroupInput(log_group_name=name, **settings))

    def create_stream(self, name: str = "s", group: str = "g") -> None:
        self.ask(
            logs.create_log_stream,
            shapes.CreateLogStreamInput(log_group_name=group, log_stream_name=name),
        )

    def groups(self, **asked: Any) -> list[shapes.LogGroup]:
        answer = self.ask(logs.describe_log_groups, shapes.DescribeLogGroupsInput(**asked))
        return list(answer.log_groups or ())

    def streams(self, **asked: Any) -> list[shapes.LogStream]:
        asked = {"log_group_name": "g", **asked}
        answer = self.ask(logs.describe_log_streams, shapes.DescribeLogStreamsInput(**asked))
        return list(answer.log_streams or ())

    def put(self, *lines: tuple[int, str], stream: str = "s") -> shapes.PutLogEventsResponse:
        events = tuple(shapes.InputLogEvent(timestamp=t, message=text) for t, text in lines)
        return self.ask(
            logs.put_log_events,
            shapes.PutLogEventsInput(log_group_name="g", log_stream_name=stream, log_events=events),
        )

    def get(self, **asked: Any) -> shapes.GetLogEventsResponse:
        asked = {"log_group_name": "g", "log_stream_name": "s", **asked}
        return self.ask(logs.get_log_events, shapes.GetLogEventsInput(**asked))

    def filter(self, **asked: Any) -> shapes.FilterLogEventsResponse:
        asked = {"log_group_name": "g", **asked}
        return self.ask(logs.filter_log_events, shapes.FilterLogEventsInput(**asked))


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    made = Cloud(tmp_path)
    yield made
    made.close()


def texts(
    answer: shapes.GetLogEventsResponse | shapes.FilterLogEventsResponse,
) -> list[str | None]:
    return [event.message for event in answer.events or ()]
