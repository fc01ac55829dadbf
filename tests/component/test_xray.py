"""X-Ray in environments: what SDKs inside send to the daemon's address is kept, and no more."""

import asyncio
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from stoker.environment.xray import PER_S, Xray
from stoker.observe.traces import Traces
from stoker.sandbox.base import Listener
from tests.front_door import target_of
from tests.invoking import PATIENCE_S, Ground, run

TRACE = "1-5759e988-bd862e3fe1be46a994272793"
SEND = """
def send(*documents):
    host, _, port = os.environ["AWS_XRAY_DAEMON_ADDRESS"].partition(":")
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for document in documents:
        sock.sendto(b'{"format": "json", "version": 1}\\n' + json.dumps(document).encode(),
            (host, int(port)))

def segment(name):
    return {"name": name, "id": "70de5b6f19ff9a0a", "trace_id": "TRACE"}
""".replace("TRACE", TRACE)


def names(world: Ground, function: str) -> list[str]:
    return [json.loads(k.segment.text)["name"] for k in world.traces.find(function=function)]


def test_segments_from_inside_are_kept_as_their_function_s(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(SEND + "serve(lambda event: send(segment('work'), segment('more')))")
        await world.invoke(f)
        await world.until(lambda: names(world, f.name) == ["work", "more"])
        [first, _] = world.traces.find(trace_id=TRACE)
        assert first.owner.account == f.account
        assert (f.account, f.region, f.name) == (
            first.owner.account, first.owner.region, first.owner.function,
        )  # fmt: skip

    run(tmp_path, story)


def test_what_is_no_segment_is_dropped_and_the_next_one_is_kept(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            SEND
            + """
def handle(event):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    host, _, port = os.environ["AWS_XRAY_DAEMON_ADDRESS"].partition(":")
    for junk in (b"", b"junk", bytes(60_000), b"[" * 60_000):
        sock.sendto(junk, (host, int(port)))
    send(segment("good"))
serve(handle)
"""
        )
        await world.invoke(f)
        await world.until(lambda: names(world, f.name) == ["good"])

    run(tmp_path, story)


def test_a_flood_is_taken_at_its_rate_and_what_comes_later_is_kept(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            SEND
            + """
def handle(event):
    for n in range(event):
        send(segment(str(n)))
serve(handle)
"""
        )
        await world.invoke(f, b"%d" % (5 * PER_S))
        before = len(names(world, f.name))
        assert 100 <= before <= 5 * PER_S
        async with asyncio.timeout(PATIENCE_S):
            while names(world, f.name)[-1] != "0":  # dropped until its share is filled again
                await world.invoke(f, b"1")

    run(tmp_path, story)


def test_what_is_sent_in_the_last_moment_is_kept(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            SEND + "next_event()\nsend(segment('last words'))\nos.kill(os.getpid(), 9)"
        )
        await world.invoke(f)
        world.invoker.retire(lambda _: False)
        await world.until(lambda: names(world, f.name) == ["last words"])

    run(tmp_path, story)


class Times(Traces):
    """When each segment came."""

    def __init__(self) -> None:
        super().__init__()
        self.came: list[float] = []

    def put(self, *facts: Any) -> None:
        self.came.append(time.monotonic())


@contextmanager
def daemon(traces: Traces, per_s: int) -> Iterator[tuple[Xray, Callable[[int], None]]]:
    """One without an environment, and what sends it so many segments."""
    datagram = (
        b'{"format":"json","version":1}\n'
        + json.dumps({"name": "n", "id": "70de5b6f19ff9a0a", "trace_id": TRACE}).encode()
    )
    with (
        closing(socket.socket(type=socket.SOCK_DGRAM)) as sock,
        closing(socket.socket(type=socket.SOCK_DGRAM)) as sender,
    ):
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)

        def send(count: int) -> None:
            for _ in range(count):
                sender.sendto(datagram, sock.getsockname())

        xray = Xray(Listener(sock, ""), target_of(), traces, per_s)
        xray.start()
        try:
            yield xray, send
        finally:
            xray.close()


def test_beyond_its_rate_a_second_passes_before_the_next_is_taken() -> None:
    async def main() -> None:
        times = Times()
        with daemon(times, 3) as (_, send):
            send(5)
            async with asyncio.timeout(PATIENCE_S):
                while len(times.came) < 5:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        assert times.came[3] - times.came[0] > 0.9

    asyncio.run(main())


def test_what_has_come_by_the_end_is_taken() -> None:
    async def main() -> None:
        times = Times()
        with daemon(times, 100) as (xray, send):
            send(5)
            xray.close()
            assert len(times.came) == 5

    asyncio.run(main())


def documents(world: Ground) -> list[dict[str, Any]]:
    return [json.loads(kept.segment.text) for kept in world.traces.find(trace_id=TRACE)]


HEADER = f"Root={TRACE};Parent=53995c3f42cd8ad8;Sampled=1"


def test_active_tracing_adds_the_function_s_own_segments(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function("serve(lambda event: None)", tracing="Active")
        await world.invoke(f, trace_id=HEADER)
        await world.idle(f)
        service, function = documents(world)
        assert (service["origin"], function["origin"]) == ("AWS::Lambda", "AWS::Lambda::Function")
        assert function["id"] == "53995c3f42cd8ad8"
        names = [part["name"] for part in function["subsegments"]]
        assert names == ["Initialization", "Invocation", "Overhead"]
        init, invocation, overhead = function["subsegments"]
        assert init["end_time"] <= function["start_time"] <= invocation["start_time"]
        assert invocation["end_time"] == overhead["start_time"]
        await world.invoke(f, trace_id=HEADER)
        await world.idle(f)
        names = [part["name"] for part in documents(world)[-1]["subsegments"]]
        assert names == ["Invocation", "Overhead"]

    run(tmp_path, story)


def test_an_error_is_in_the_segment_with_what_the_runtime_says_of_it(tmp_path: Path) -> None:
    cause = json.dumps({"message": "no", "exceptions": [], "paths": [], "working_directory": ""})

    async def story(world: Ground) -> None:
        f = world.function(
            f"""
request_id, _, _ = next_event()
fail(request_id, "{{}}", {{"Lambda-Runtime-Function-XRay-Error-Cause": {cause!r}}})
request_id, _, _ = next_event()
fail(request_id, json.dumps({{"errorMessage": "no", "errorCause": {{"message": "in the body"}}}}),
    {{"Content-Type": "application/vnd.aws.lambda.error.cause+json"}})
next_event()
os._exit(1)
""",
            tracing="Active",
        )
        for _ in range(3):
            await world.invoke(f, trace_id=HEADER)
            await world.idle(f)
        functions = documents(world)[1::2]
        assert [one["fault"] for one in functions] == [True] * 3
        causes = [one.get("cause", {}).get("message") for one in functions]
        assert causes == ["no", "in the body", None]

    run(tmp_path, story)


def test_pass_through_and_what_is_not_sampled_add_nothing(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        passive = world.function("serve(lambda event: None)")
        active = world.function("serve(lambda event: None)", tracing="Active")
        await world.invoke(passive, trace_id=HEADER)
        await world.invoke(active, trace_id=HEADER.replace("Sampled=1", "Sampled=0"))
        await world.idle(passive)
        await world.idle(active)
        assert documents(world) == []

    run(tmp_path, story)
