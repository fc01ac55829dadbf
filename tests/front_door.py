"""A front door with its true neighbours: HTTP, store, blobs, log store, catalog, activation.

Only what runs functions is not there: events come back as they went in, or as a test says.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from stoker.api.control import Control, Settings
from stoker.api.front import Front
from stoker.api.gateways import Gateways
from stoker.api.inward import Inward
from stoker.blobs.code_cache import CodeCache
from stoker.blobs.directory import DirectoryBlobs
from stoker.core.errors import ServiceError
from stoker.core.invocation import Invocation, InvocationResult, LogSettings, Target
from stoker.core.model import FunctionKey
from stoker.events.deliveries import Deliveries
from stoker.events.dispatcher import Dispatcher
from stoker.events.settings import EventSettings
from stoker.http.server import HttpServer
from stoker.invoke.catalog import Catalog
from stoker.neighbours.neighbours import Neighbours
from stoker.observe.logs import LogStore
from stoker.queues.broker import Broker
from stoker.reconcilers.activation import Activation
from stoker.sandbox.base import Kind
from stoker.store.event_queue import EventQueue
from stoker.store.message_store import MessageStore
from stoker.store.metric_store import MetricStore
from stoker.store.sqlite import SqliteStore
from tests.running import PYTHON, make_zip

REGION = "eu-central-1"
ACCOUNT = "123456789012"
Done = Callable[[InvocationResult | ServiceError], None]


class Echo:
    """The waist, with nothing behind it."""

    def __init__(self) -> None:
        self.invocations: list[Invocation] = []
        self.answer: Callable[[Invocation, Done], None] = lambda invocation, done: done(
            InvocationResult(invocation.event)
        )

    def submit(self, invocation: Invocation, done: Done) -> None:
        self.invocations.append(invocation)
        asyncio.get_running_loop().call_soon(self.answer, invocation, done)

    def room(self, key: FunctionKey) -> int:
        return 1000

    def reserved(self, key: FunctionKey) -> int | None:
        return None

    def when_freed(self, call: Callable[[str, str], None]) -> None:
        """It never has too little."""


@dataclass
class Clock:
    """By which authorizations grow old: it stands until somebody moves it."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Door:
    control: Control
    echo: Echo
    host: str
    logs: LogStore = field(repr=False)
    clock: Clock = field(default_factory=Clock)
    _clients: dict[str, Any] = field(default_factory=dict)  # boto3 takes its time to make one

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    async def call(self, name: str, operation: str, /, **parameters: Any) -> Any:
        """What boto3 makes of it."""
        return await asyncio.to_thread(boto, self.client(name), operation, parameters)

    def client(self, name: str) -> Any:
        if name not in self._clients:
            self._clients[name] = boto_client(self.url, name)
        return self._clients[name]

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    async def send(
        self, method: str, target: str, headers: Mapping[str, str] = {}, body: bytes = b""
    ) -> "Answer":
        return await self.send_raw(
            request_bytes(method, target, {"Host": self.host, **headers}, body)
        )

    async def send_raw(self, data: bytes, *, end: bool = False) -> "Answer":
        """These bytes, on a connection of their own; `end`: then nothing more is sent."""
        host, _, port = self.host.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(data)
            if end:
                writer.write_eof()
            return await read_answer(reader)
        finally:
            writer.close()
            await writer.wait_closed()


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def __getitem__(self, name: str) -> str:
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(found) == 1, f"{name}: {found}"
        return found[0]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@asynccontextmanager
async def open_door(
    folder: Path,
    *,
    inside: Target | None = None,
    settings: Settings | None = None,
    neighbours: Neighbours | None = None,
) -> AsyncIterator[Door]:
    store = SqliteStore(folder / "stoker.db")
    await store.open()
    settings = settings or Settings()
    blobs = DirectoryBlobs(folder / "blobs", settings.quotas.unzipped_bytes)
    logs = LogStore(folder / "logs.db")
    code = CodeCache(folder / "code", blobs)
    await logs.start()
    catalog, echo, clock = Catalog(), Echo(), Clock()
    await catalog.follow(store)

    async def prepare(kind: Kind) -> None:
        """Any runtime will do where nothing runs."""

    activation = Activation(
        store=store, blobs=blobs, code=code, catalog=catalog, retire=lambda _: None, prepare=prepare
    )
    events = _dispatcher(folder, echo, catalog)
    queues = Broker(MessageStore(folder / "queues.db"))
    await queues.open()
    metrics = MetricStore(folder / "metrics.db")
    await metrics.open()
    await events.settings.follow(store)
    await events.start()
    control = Control(
        store,
        blobs,
        catalog,
        cast(Any, echo),
        events,
        logs,
        metrics,
        queues,
        settings,
        activation.wake,
        gateways=Gateways(clock),
        neighbours=neighbours,
        inward=Inward(lambda: front, "127.0.0.1:4566"),
    )
    await control.gateways.follow(store)
    running = asyncio.create_task(activation.run())
    front = Front(control, inside=inside)
    server = HttpServer(front)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        listener.setblocking(False)
        await server.serve(listener)
        door = Door(control, echo, f"127.0.0.1:{listener.getsockname()[1]}", logs, clock)
        try:
            yield door
        finally:
            door.close()
            await server.close(5)
            await events.close()
            await queues.close()
            await metrics.close()
            await front.close()
            await control.gateways.close()
            running.cancel()
            await asyncio.wait({running})
            await logs.close()
            await code.close()
            await blobs.close()
            await store.close()


def _dispatcher(folder: Path, echo: Echo, catalog: Catalog) -> Dispatcher:
    return Dispatcher(
        queue=EventQueue(folder / "events.db"),
        invoker=cast(Any, echo),
        catalog=catalog,
        settings=EventSettings(),
        deliveries=Deliveries(),
    )


Story = Callable[[Door], Awaitable[None]]


def at_the_door(folder: Path, story: Story, *, settings: Settings | None = None) -> None:
    async def main() -> None:
        async with open_door(folder, settings=settings) as door:
            await story(door)

    asyncio.run(main())


async def ask(door: Door, operation: str, **given: Any) -> Any:
    """One of Lambda's operations, through boto3; without what is the same in all answers."""
    found = await door.call("lambda", operation, **given)
    found.pop("ResponseMetadata")
    return found


async def create_function(door: Door, name: str = "f", **settings: Any) -> Any:
    """A function that is Active."""
    answer = await door.call(
        "lambda",
        "create_function",
        FunctionName=name,
        Runtime=PYTHON,
        Handler="main.handler",
        Role="arn:aws:iam::123456789012:role/tester",
        Code={"ZipFile": make_zip({"main.py": "def handler(event, context): ..."}, ())},
        **settings,
    )
    waiter = door.client("lambda").get_waiter("function_active_v2")
    often = {"Delay": 0.05, "MaxAttempts": 600}
    await asyncio.to_thread(waiter.wait, FunctionName=name, WaiterConfig=often)
    return answer


def boto(client: Any, operation: str, parameters: Mapping[str, Any]) -> Any:
    answer = getattr(client, operation)(**parameters)
    if "Payload" in answer:
        with answer["Payload"] as stream:
            answer["Payload"] = stream.read()
    return answer


async def refused(call: Awaitable[Any]) -> tuple[int, str, str]:
    """Status, code and message of what boto3 raises."""
    with pytest.raises(ClientError) as error:
        await call
    response = error.value.response
    facts = response["Error"]
    return response["ResponseMetadata"]["HTTPStatusCode"], facts["Code"], facts["Message"]


def boto_client(url: str, name: str) -> Any:
    return boto3.client(
        name,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="secret",
        config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}),
    )


def target_of(account: str = ACCOUNT, region: str = REGION, name: str = "caller") -> Target:
    """What an environment runs."""
    return Target(
        account=account,
        region=region,
        name=name,
        version="$LATEST",
        runtime=PYTHON,
        handler="main.handler",
        role=f"arn:aws:iam::{account}:role/service-role/tester",
        code="0" * 64,
        layers=(),
        memory_mb=128,
        timeout_s=3,
        ephemeral_mb=512,
        environment=(),
        log=LogSettings(f"/aws/lambda/{name}"),
    )


def signed(
    host: str, method: str, target: str, body: bytes = b"", *, name: str = "lambda",
    key: str = ACCOUNT, **headers: str,
) -> bytes:  # fmt: skip
    """A whole signed request."""
    request = AWSRequest(method, f"http://{host}{target}", headers=headers, data=body)
    SigV4Auth(Credentials(key, "secret"), name, REGION).add_auth(request)
    return request_bytes(method, target, {"Host": host, **dict(request.headers)}, body)


def request_bytes(method: str, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
    fields = {"Content-Length": str(len(body)), **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode() + body


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    async with asyncio.timeout(30):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = [
            (name, value) for name, _, value in (line.partition(": ") for line in head[1:-2])
        ]
        length = next((int(value) for name, value in headers if name == "Content-Length"), 0)
        body = await reader.readexactly(length)
    return Answer(int(head[0].split()[1]), headers, body)
