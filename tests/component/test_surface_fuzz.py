"""Everything that answers inside an environment, asked at random in every state of its life.

The processes of this function and of its extension only wait: whoever asks here is runtime,
extension and subscriber in one, well-behaved or not, while invocations come and processes die.
Whatever is asked, nothing is answered by a 5xx, every caller has exactly one result in the end,
and another function's environment is what it was.
"""

import asyncio
import json
import logging
import os
import signal
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from stoker.core.invocation import Invocation, InvocationResult, RequestId, Target
from stoker.core.invoke_limits import RESPONSE_BYTES
from stoker.environment.view import EnvironmentView
from stoker.sandbox.process import ProcessBackend
from tests.http_peers import parse_answer
from tests.invoking import ECHO, Ground, InvokeSettings, ground

WAITS = '#!/bin/sh\nprintf %s "$AWS_LAMBDA_RUNTIME_API" >"$ADDRESS.$$"\n'
WAITS += 'mv "$ADDRESS.$$" "$ADDRESS"\nexec sleep 600\n'  # who reads sees a whole one
NOBODY = "00000000-0000-4000-8000-000000000000"
IN_HAND, EXTENSION_ID = "{in hand}", "{extension}"
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Ask:
    """One request; IN_HAND and EXTENSION_ID stand for the ids that were given out last."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    framing: str = "length"  # length, chunked, trailers, short


@dataclass(frozen=True)
class Invoke:
    event: bytes


@dataclass(frozen=True)
class Kill:
    which: int


Step = Ask | Invoke | Kill

R, X = "/2018-06-01/runtime", "/2020-01-01/extension"
ANSWER = f"{R}/invocation/{IN_HAND}"
AS_EXTENSION = (("Lambda-Extension-Identifier", EXTENSION_ID),)
JOIN = (("Lambda-Extension-Name", "agent"),)
KIND = (("Lambda-Extension-Function-Error-Type", "Extension.Any"),)
SUBSCRIBE: dict[str, Any] = {
    "schemaVersion": "2022-12-13",
    "types": ["platform", "function", "extension"],
    "buffering": {"timeoutMs": 25},
    "destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:9"},
}
SENSIBLE = [
    Ask("GET", f"{R}/invocation/next"),
    Ask("GET", f"{R}/invocation/next", (("Stoker-Function-Init-Ms", "1e9"),)),
    Ask("POST", f"{ANSWER}/response", (), b'{"an": "answer"}'),
    Ask("POST", f"{ANSWER}/response", (), b"streamed", "chunked"),
    Ask(
        "POST",
        f"{ANSWER}/response",
        (("Lambda-Runtime-Function-Response-Mode", "streaming"),),
        b"broken off",
        "trailers",
    ),
    Ask("POST", f"{ANSWER}/response", (), b"too short", "short"),
    Ask("POST", f"{ANSWER}/error", (("Lambda-Runtime-Function-Error-Type", "Runtime.Any"),), b"{}"),
    Ask("POST", f"{R}/init/error", (("Lambda-Runtime-Function-Error-Type", "nothing"),), b"["),
    Ask("POST", f"{X}/register", JOIN, b'{"events": ["INVOKE", "SHUTDOWN"]}'),
    Ask("POST", f"{X}/register", JOIN, b"{}"),
    Ask("POST", f"{X}/register", (("Lambda-Extension-Name", "inner"),), b'{"events": ["INVOKE"]}'),
    Ask("GET", f"{X}/event/next", AS_EXTENSION),
    Ask("POST", f"{X}/init/error", AS_EXTENSION + KIND, b"{}"),
    Ask("POST", f"{X}/exit/error", AS_EXTENSION + KIND, b"{}"),
    Ask("PUT", "/2022-07-01/telemetry", AS_EXTENSION, json.dumps(SUBSCRIBE).encode()),
    Ask(
        "PUT",
        "/2020-08-15/logs",
        AS_EXTENSION,
        json.dumps(SUBSCRIBE | {"schemaVersion": "2021-03-18"}).encode(),
    ),
]
METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"]
PATHS = [ask.path for ask in SENSIBLE] + [
    *("/", "*", f"{R}/restore/next", f"{R}/restore/error", f"{R}/ping", "/2021-04-23/credentials"),
    *(f"{R}/invocation/{NOBODY}/response", f"{R}/invocation//error", f"{X}/register/", f"{X}/"),
    *(f"{ANSWER}/response?a=b", f"{R}/invocation/../{IN_HAND}/response", "/%2e%2e/%00"),
]
NAMES = [
    "Lambda-Extension-Name", "Lambda-Extension-Identifier", "Lambda-Extension-Accept-Feature",
    "Lambda-Extension-Function-Error-Type", "Lambda-Runtime-Function-Error-Type",
    "Lambda-Runtime-Function-Response-Mode", "Lambda-Runtime-Function-XRay-Error-Cause",
    "Stoker-Function-Init-Ms", "Content-Type", "Content-Encoding", "Expect", "Upgrade", "Host",
]  # fmt: skip
VALUES = [
    "", "agent", "inner", "runtime", "a/b", "é", "x" * 300, EXTENSION_ID, NOBODY, "streaming",
    "buffered", "accountId", "gzip", "100-continue", "h2c", "nan", "-1", "[" * 500, "{}",
    '{"exceptions": [{"stack": [1]}]}', "application/vnd.aws.lambda.error.cause+json",
]  # fmt: skip
STRANGE_BODIES = [
    b"", b"{", b"null", b"[]", b"1e999", b"\x00\xff", b'{"events": "INVOKE"}', b"[" * 5000,
    b'{"events": ["SHUTDOWN", "x"]}', b'{"errorCause": {"a": "\\ud800"}, "errorMessage": 1e999}',
    b'{"types": [[]], "destination": {"protocol": "TCP", "port": 1e99}, "schemaVersion": {}}',
    json.dumps(SUBSCRIBE | {"destination": {"protocol": "TCP", "port": 9}}).encode(),
    b"x" * (RESPONSE_BYTES + 1),
]  # fmt: skip
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
bodies = (
    st.sampled_from(STRANGE_BODIES)
    | st.builds(lambda changed: json.dumps(SUBSCRIBE | changed).encode(), st.dictionaries(
        st.sampled_from(sorted(SUBSCRIBE)), json_values, max_size=2))
    | st.binary(max_size=60)
)  # fmt: skip
headers = st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES))
changes = st.one_of(
    bodies.map(lambda body: {"body": body}),
    bodies.map(lambda body: {"body": body}),
    headers.map(lambda header: {"headers": header}),
    st.sampled_from(["chunked", "trailers", "short"]).map(lambda framing: {"framing": framing}),
    st.sampled_from(METHODS).map(lambda method: {"method": method}),
    st.sampled_from(PATHS).map(lambda path: {"path": path}),
)


def changed(ask: Ask, change: dict[str, Any]) -> Ask:
    """Wrong in one thing, and right in all others."""
    if "headers" in change:
        return replace(ask, headers=(*ask.headers, change["headers"]))
    return replace(ask, **change)


sensible = st.sampled_from(SENSIBLE)
strange = st.builds(changed, sensible, changes)
NEXT, RESPONSE, JOINED, EXTENSION_NEXT = SENSIBLE[0], SENSIBLE[2], SENSIBLE[8], SENSIBLE[11]
STARTED = [JOINED, EXTENSION_NEXT, NEXT]  # and so an init is over
SERVED = [Invoke(b"1"), RESPONSE, NEXT, EXTENSION_NEXT]  # and so an invocation is
others = st.builds(Invoke, st.sampled_from([b"{}", b"1"])) | st.builds(Kill, st.integers(0, 3))
alone = st.one_of(sensible, sensible, strange, strange, others).map(lambda step: [step])
# Whole conversations, the beginnings of some, and what does not belong there in between.
pieces = st.one_of(
    st.sampled_from([STARTED, SERVED]),
    st.sampled_from([STARTED[:2], SERVED[:1], SERVED[:2], SERVED[:3]]),
    alone,
    alone,
    alone,
)
walks = st.builds(
    lambda first, then: [step for piece in [first, *then] for step in piece],
    st.sampled_from([[], [JOINED], STARTED, STARTED]),
    st.lists(pieces, min_size=12, max_size=25),
)


@dataclass
class Inside:
    """Whoever asks: one connection for each request, since some are not answered for long."""

    address: Path
    in_hand: str = NOBODY
    extension: str = NOBODY
    answers: list[tuple[Ask, int, bytes]] = field(default_factory=list)
    asking: list[asyncio.Task[None]] = field(default_factory=list)

    async def ask(self, ask: Ask) -> None:
        """Returns when what was asked before the next question has been looked at."""
        self.asking.append(asyncio.create_task(self._ask(ask)))
        ping = asyncio.create_task(self._ask(Ask("GET", f"{R}/ping")))
        await asyncio.wait({ping}, timeout=PATIENCE_S)
        assert ping.done(), f"nobody answers a ping after {ask}"

    async def _ask(self, ask: Ask) -> None:
        host, _, port = self.address.read_text().rpartition(":")
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection(host, int(port))
            try:
                writer.write(self._bytes(ask))
                if ask.framing == "short":
                    writer.write_eof()
                await self._read(ask, reader)
            finally:
                writer.close()

    async def _read(self, ask: Ask, reader: asyncio.StreamReader) -> None:
        status, headers = 100, {}
        while status < 200:
            status, headers = parse_answer(await reader.readuntil(b"\r\n\r\n"))
        size = 0 if ask.method == "HEAD" else int(headers.get("content-length", 0))
        body = await reader.readexactly(size)
        self.answers.append((ask, status, body))
        if headers.get("content-type") == "application/json" and size:
            json.loads(body)
        self.in_hand = headers.get("lambda-runtime-aws-request-id", self.in_hand)
        if ask.path.endswith("/register"):
            self.extension = headers.get("lambda-extension-identifier", self.extension)

    def _bytes(self, ask: Ask) -> bytes:
        body, framing = ask.body, [f"Content-Length: {len(ask.body)}"]
        if ask.framing == "short":
            framing = [f"Content-Length: {len(ask.body) + 1}"]
        elif ask.framing != "length":
            body = b"%x\r\n%b\r\n0\r\n" % (len(body), body) if body else b"0\r\n"
            framing = ["Transfer-Encoding: chunked"]
            if ask.framing == "trailers":
                names = "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"
                framing.append(f"Trailer: {names}")
                body += b"Lambda-Runtime-Function-Error-Type: Any\r\n"
                body += b"Lambda-Runtime-Function-Error-Body: not base64\r\n"
            body += b"\r\n"
        lines = [f"{ask.method} {ask.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in ask.headers]
        head = "\r\n".join([*lines, *framing, "", ""])
        head = head.replace(IN_HAND, self.in_hand).replace(EXTENSION_ID, self.extension)
        return head.encode("latin-1") + body


class Complaints(logging.Handler):
    """What the server says of itself."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(self.format(record))


async def story(world: Ground, neighbour: Target, steps: list[Step], number: int) -> None:
    address = world.folder / f"address-{number}"
    layer = world.layer({"extensions/agent": WAITS})
    f = world.target(
        {"bootstrap": WAITS}, layers=(layer,), timeout_s=60,
        environment=(("ADDRESS", str(address)),),
    )  # fmt: skip
    try:
        before = (await world.idle(neighbour)).id
    except TimeoutError:
        raise AssertionError(f"the neighbour is not idle: {world.views(neighbour)}") from None
    results: list[InvocationResult | Exception] = []

    def invoke(event: bytes) -> None:
        invocation = Invocation(RequestId(str(len(results))), f, event, invoked_arn=f.arn)
        world.invoker.submit(invocation, results.append)

    invoked = 1
    invoke(b"{}")
    try:
        await world.until(address.exists)
    except TimeoutError:
        raise AssertionError(f"it never starts: {world.views(f)}, {results}") from None
    inside = Inside(address)
    for step in steps:
        match step:
            case Ask():
                await inside.ask(step)
            case Invoke(event) if len(results) == invoked:
                invoke(event)
                invoked += 1
            case Kill(which):
                kill(world.views(f), which)
    # The processes never do anything: killing them ends every invocation, sooner or later.
    async with asyncio.timeout(PATIENCE_S):
        while len(results) < invoked:
            kill(world.views(f), None)
            await asyncio.sleep(0.005)
    world.invoker.retire(lambda target: target is neighbour)
    async with asyncio.timeout(PATIENCE_S):
        while world.views(f):
            kill(world.views(f), None)
            await asyncio.sleep(0.005)
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*inside.asking)  # no connection outlives its environment
    assert len(results) == invoked
    wrong = [answer for answer in inside.answers if answer[1] >= 500]
    assert not wrong
    assert (await world.invoke(neighbour, b"7")).payload == b"7"
    assert (await world.idle(neighbour)).id == before


def kill(views: list[EnvironmentView], which: int | None) -> None:
    """One of the processes, or all; some may have ended meanwhile."""
    pids = [pid for view in views for pid in view.pids]
    chosen = pids if which is None else pids[which : which + 1]
    for pid in chosen:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("count", [30, pytest.param(600, marks=pytest.mark.slow)])
def test_nothing_that_is_asked_inside_is_answered_500_or_changes_anything_else(
    count: int, tmp_path: Path
) -> None:
    complaints = Complaints()
    logging.getLogger("stoker").addHandler(complaints)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            stack = AsyncExitStack()
            entered = ground(tmp_path, ProcessBackend, None, InvokeSettings())
            world = runner.run(stack.enter_async_context(entered))
            neighbour = world.function(ECHO)
            runner.run(world.invoke(neighbour))
            walked = 0

            @settings(max_examples=count, deadline=None, derandomize=True, database=None)
            @given(walks)
            def walk(steps: list[Step]) -> None:
                nonlocal walked
                walked += 1
                runner.run(story(world, neighbour, steps, walked))
                assert complaints.said == []

            try:
                walk()
            finally:
                runner.run(stack.aclose())
    finally:
        logging.getLogger("stoker").removeHandler(complaints)
