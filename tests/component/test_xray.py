"""X-Ray in environments: what SDKs inside send to the daemon's address is kept, and no more."""

import asyncio
import json
from pathlib import Path

from stoker.environment.xray import PER_S
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
