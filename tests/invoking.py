"""An Invoker on the process backend, and real functions: everything but the front door."""

import asyncio
import sqlite3
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import uvloop

from stoker.blobs.unpacking import merge_trees
from stoker.core.errors import ServiceError
from stoker.core.invocation import Invocation, InvocationResult, LogSettings, RequestId, Target
from stoker.environment.view import EnvironmentView
from stoker.http.base import Application
from stoker.invoke.invoker import Invoker, InvokeSettings
from stoker.observe import log_groups, log_queries
from stoker.observe.log_groups import GroupName
from stoker.observe.log_queries import END_OF_TIME_MS, Question, from_the_start
from stoker.observe.logs import LogStore
from stoker.observe.traces import Traces
from stoker.sandbox.base import Backend
from stoker.sandbox.guard import GuardedBackend
from stoker.sandbox.process import ProcessBackend

ACCOUNT, REGION = "123456789012", "eu-west-1"
PATIENCE_S = 30.0

# What a runtime needs to talk to its API, for scripts that are about something else.
PREAMBLE = f"""#!{sys.executable} -IS
import http.client, json, os, signal, socket, sys, threading, time
API = os.environ["AWS_LAMBDA_RUNTIME_API"]
BASE = "/2018-06-01/runtime"
connection = http.client.HTTPConnection(API)

def call(method, path, body=None, headers={{}}, on=None):
    on = on or connection
    on.request(method, path, body, headers)
    answer = on.getresponse()
    return answer.status, answer.read(), answer

def next_event(on=None):
    status, body, answer = call("GET", BASE + "/invocation/next", on=on)
    assert status == 200, (status, body)
    return answer.headers["Lambda-Runtime-Aws-Request-Id"], body, answer.headers

def respond(request_id, body, headers={{}}, on=None):
    return call("POST", f"{{BASE}}/invocation/{{request_id}}/response", body, headers, on)[:2]

def fail(request_id, body, headers={{}}):
    return call("POST", f"{{BASE}}/invocation/{{request_id}}/error", body, headers)[:2]

def init_error(body, headers={{}}):
    return call("POST", BASE + "/init/error", body, headers)[:2]

def serve(handle):
    while True:
        request_id, body, _ = next_event()
        respond(request_id, json.dumps(handle(json.loads(body))))
"""

ECHO = "serve(lambda event: event)"


async def _nothing() -> None: ...


uvloop.run(_nothing())  # libuv keeps a pipe for signals from its first loop on


@dataclass
class Ground:
    """One test's world."""

    folder: Path
    invoker: Invoker
    logs: LogStore
    traces: Traces
    outcomes: list[object] = field(default_factory=list)

    def function(self, script: str, **facts: object) -> Target:
        """A provided.al2023 function whose bootstrap is this Python (see PREAMBLE)."""
        return self.target({"bootstrap": PREAMBLE + script}, **facts)

    def target(self, files: Mapping[str, str], **facts: object) -> Target:
        code = uuid.uuid4().hex
        folder = self.folder / "code" / code
        folder.mkdir(parents=True)
        for name, text in files.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        name = f"f-{code[:8]}"
        target = Target(
            account=ACCOUNT,
            region=REGION,
            name=name,
            version="$LATEST",
            runtime="provided.al2023",
            handler="h.handler",
            role="arn:aws:iam::123456789012:role/r",
            code=code,
            layers=(),
            memory_mb=128,
            timeout_s=20,
            ephemeral_mb=512,
            environment=(),
            log=LogSettings(f"/aws/lambda/{name}"),
        )
        target = replace(target, **facts)  # type: ignore[arg-type]
        if target.opt is not None and not self.path(target.opt).exists():
            merge_trees([self.path(layer) for layer in target.layers], self.path(target.opt))
        return target

    def path(self, digest: str) -> Path:
        return self.folder / "code" / digest

    def layer(self, files: Mapping[str, str], mode: int = 0o755) -> str:
        """A layer's content, unpacked; its name is what Target.layers holds."""
        digest = uuid.uuid4().hex
        for name, text in files.items():
            path = self.folder / "code" / digest / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(mode)
        return digest

    async def invoke(
        self, target: Target, event: bytes = b"{}", *, request_id: str = "", **facts: object
    ) -> InvocationResult:
        invocation = Invocation(
            RequestId(request_id or str(uuid.uuid4())),
            target,
            event,
            invoked_arn=target.arn,
            **facts,  # type: ignore[arg-type]
        )
        async with asyncio.timeout(PATIENCE_S):
            return await self.invoker.invoke(invocation)

    async def refused(self, target: Target) -> ServiceError:
        try:
            result = await self.invoke(target)
        except ServiceError as refusal:
            return refusal
        raise AssertionError(f"was not refused: {result}")

    def views(self, target: Target) -> list[EnvironmentView]:
        return [v for v in self.invoker.environments() if v.target.key == target.key]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what no single event tells."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def idle(self, target: Target) -> EnvironmentView:
        """Its only environment, once nobody is busy in it."""

        def is_idle() -> bool:
            return [v.phase in ("Idle", "Blank") for v in self.views(target)] == [True]

        await self.until(is_idle)
        return self.views(target)[0]

    async def lines(self, target: Target) -> list[str]:
        """All its log events in order, invocation and environment ids as they are."""

        def ask(db: sqlite3.Connection) -> list[str]:
            name = GroupName(ACCOUNT, REGION, target.log.group)
            group_id = log_groups.get_group(db, name).id
            start, found = from_the_start("f"), []
            while start is not None:
                page = log_queries.read(db, Question(group_id, 0, END_OF_TIME_MS, "f", start))
                found += [event.message for event in page.events]
                start = page.following
            return found

        return await self.logs.query(ask)


Story = Callable[[Ground], Awaitable[None]]


def run(
    folder: Path,
    story: Story,
    *,
    backend: Callable[[Path], Backend] = ProcessBackend,
    endpoint_app: Callable[[Target], Application] | None = None,
    **settings: object,
) -> None:
    async def main() -> None:
        async with ground(folder, backend, endpoint_app, InvokeSettings(**settings)) as world:  # type: ignore[arg-type]
            await story(world)

    uvloop.run(main())


@asynccontextmanager
async def ground(
    folder: Path,
    backend: Callable[[Path], Backend],
    endpoint_app: Callable[[Target], Application] | None,
    settings: InvokeSettings,
) -> AsyncIterator[Ground]:
    guarded = GuardedBackend(backend(folder / "sandbox"))
    logs = LogStore(folder / "logs.db")
    await logs.start()
    await guarded.start()
    traces = Traces()
    invoker = Invoker(
        backend=guarded,
        logs=logs,
        code_path=lambda digest: folder / "code" / digest,
        endpoint_app=endpoint_app,
        settings=settings,
        traces=traces,
    )
    try:
        yield Ground(folder, invoker, logs, traces)
    finally:
        await invoker.close(0)
        await guarded.close()
        await logs.close()
