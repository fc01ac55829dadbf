"""Subscribers over real sockets, good and bad ones: what reaches them, and what they can cost."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvloop

from stoker.core import platform_events as events
from stoker.core.invocation_events import End, RuntimeDone
from stoker.core.invoke_limits import (
    DELIVERY_PAUSES_S,
    HISTORY_BYTES,
    MAILBOX_BYTES,
    RAW_EVENTS,
)
from stoker.core.lifecycle_words import Status
from stoker.core.runtime_states import Answer
from stoker.core.subscriptions import Api
from stoker.environment.telemetry import KNOWN, NEW, Telemetry
from tests.subscribing import OK, Subscriber, kinds, lost, plain_connector

NOW_MS = 1760000000123
TRIES = len(DELIVERY_PAUSES_S) + 1
LONG = {"buffering": {"timeoutMs": 30_000}}


def run(story: Callable[[Telemetry], Awaitable[None]], log_format: str = "Text") -> None:
    async def main() -> None:
        telemetry = Telemetry(log_format, plain_connector, delivery_s=0.25)
        try:
            async with asyncio.timeout(60):
                await story(telemetry)
        finally:
            await telemetry.close()

    uvloop.run(main())


def say(telemetry: Telemetry, *texts: str, source: str = "function") -> None:
    telemetry.printed(source, [(NOW_MS, text.encode()) for text in texts])


def end(telemetry: Telemetry, request_id: str = "r") -> None:
    telemetry.told(NOW_MS, events.fault(b"went wrong"), End(request_id))


def test_what_was_said_before_the_subscription_comes_first_and_in_order() -> None:
    async def story(telemetry: Telemetry) -> None:
        telemetry.told(NOW_MS, events.extension("agent", "Ready", ()))
        say(telemetry, "one\n", "two\n")
        say(telemetry, "said by an extension\n", source="extension")
        async with Subscriber() as agent:
            assert await telemetry.subscribe("agent", agent.subscription()) == NEW
            say(telemetry, "three\n")
            await agent.until(lambda it: len(it.events) == 5)
            assert agent.events[0] == {
                "time": "2025-10-09T08:53:20.123Z",
                "type": "platform.extension",
                "record": {"name": "agent", "state": "Ready", "events": []},
            }
            said = ["extension", "one\n", "two\n", "said by an extension\n", "three\n"]
            assert kinds(agent.events) == said
            head = agent.heads[0].split("\r\n")
            assert head[0] == "POST /in/here?x=1 HTTP/1.1"
            assert f"Host: sandbox:{agent.port}" in head
            assert "Content-Type: application/json" in head
            telemetry.init_succeeded()
            say(telemetry, "four\n")
            await agent.until(lambda it: len(it.events) == 6)
            assert agent.connections == 1, "it is kept"

    run(story)


def test_who_comes_later_or_wants_less_gets_each_event_once_and_in_order() -> None:
    async def story(telemetry: Telemetry) -> None:
        said: list[str] = []

        def say_some() -> None:
            for _ in range(RAW_EVENTS):  # each two events: many are held back, and some rendered
                say(telemetry, f"{len(said)}\n")
                done = RuntimeDone("r", Status.SUCCESS, None, 2, handed=1, done=2, ahead_ms=0)
                telemetry.told(NOW_MS, End("r"), done)
                said.extend([f"{len(said)}\n", "runtimeDone"])

        async with Subscriber() as first, Subscriber() as second, Subscriber() as less:
            await telemetry.subscribe("first", first.subscription(**LONG))
            say_some()
            await telemetry.subscribe("second", second.subscription(**LONG))
            await telemetry.subscribe("less", less.subscription(types=["platform"], **LONG))
            say_some()
            telemetry.hurry()
            for agent, told in ((first, said), (second, said), (less, said[1::2])):
                most = len(told)
                await agent.until(lambda it, n=most: len(it.events) >= n)  # type: ignore[misc]
                assert kinds(agent.events) == told

    run(story)


def test_a_subscriber_of_no_event_that_was_said_is_sent_nothing() -> None:
    async def story(telemetry: Telemetry) -> None:
        async with Subscriber() as agent:
            await telemetry.subscribe("agent", agent.subscription(types=["platform"]))
            telemetry.init_succeeded()
            telemetry.told(NOW_MS, End("r"))  # the newer API knows no such event
            await asyncio.sleep(0.1)  # four times as long as a batch may wait
            telemetry.told(NOW_MS, events.extension("agent", "Ready", ()))
            await agent.until(lambda it: bool(it.batches))
            assert [kinds(batch) for batch in agent.batches] == [["extension"]]

    run(story)


def test_over_tcp_every_event_is_a_line() -> None:
    async def story(telemetry: Telemetry) -> None:
        say(telemetry, "one\nand more of it\n", "two\n")
        async with Subscriber(tcp=True) as agent:
            assert await telemetry.subscribe("agent", agent.subscription()) == NEW
            await agent.until(lambda it: len(it.events) == 2)
            assert kinds(agent.events) == ["one\nand more of it\n", "two\n"]

    run(story)


def test_everyone_gets_what_it_asked_for_in_its_own_words() -> None:
    async def story(telemetry: Telemetry) -> None:
        async with Subscriber() as new, Subscriber() as strings, Subscriber() as old:
            await telemetry.subscribe("new", new.subscription(types=["platform", "function"]))
            await telemetry.subscribe(
                "strings", strings.subscription(types=["function"], schemaVersion="2022-07-01")
            )
            put = {"protocol": "HTTP", "URI": f"http://sandbox:{old.port}", "method": "PUT"}
            await telemetry.subscribe("old", old.subscription(api=Api.LOGS, destination=put))
            telemetry.init_succeeded()
            say(telemetry, '{"level": "INFO",\n"n": 1}', "plain")
            end(telemetry)
            done = RuntimeDone("r", Status.SUCCESS, None, 2, handed=1, done=2, ahead_ms=0)
            telemetry.told(NOW_MS, done)
            await new.until(lambda it: len(it.events) == 3)
            await strings.until(lambda it: len(it.events) == 2)
            await old.until(lambda it: len(it.events) == 5)
            assert kinds(new.events) == [str({"level": "INFO", "n": 1}), "plain", "runtimeDone"]
            assert new.events[0]["record"] == {"level": "INFO", "n": 1}
            assert kinds(strings.events) == ['{"level": "INFO",\n"n": 1}', "plain"]
            assert kinds(old.events)[2:] == ["fault", "end", "runtimeDone"]
            assert old.events[4]["record"] == {"requestId": "r", "status": "success"}
            assert old.heads[0].startswith("PUT / HTTP/1.1\r\n")

    run(story, "JSON")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Elsewhere\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000,
        b"",
        None,
    ],
    ids=["500", "302", "garbage", "status", "endless-head", "continue", "hangs-up", "silence"],
)
def test_a_batch_that_is_not_taken_is_repeated_and_then_counted(answer: bytes | None) -> None:
    def reply(agent: Subscriber) -> bytes | None:
        return answer if len(agent.batches) <= TRIES else OK

    async def story(telemetry: Telemetry) -> None:
        say(telemetry, *(f"{n}\n" for n in range(10)))
        async with Subscriber(reply) as agent:
            await telemetry.subscribe("agent", agent.subscription())
            await agent.until(lambda it: len(it.batches) == 1)
            say(telemetry, "later\n")
            await agent.until(lambda it: len(it.batches) == TRIES + 1)
            first = agent.batches[0]
            assert len(first) == 10
            assert agent.batches[:TRIES] == [first] * TRIES
            assert kinds(agent.batches[TRIES]) == ["logsDropped", "later\n"]
            assert lost(agent.batches[TRIES]) == 10

    run(story)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.0 200 OK\r\n\r\nOK",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 202 Accepted\n\n",
        b"HTTP/1.1 100 Continue\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    ],
)  # fmt: skip
def test_any_2xx_takes_the_batch_however_it_ends(answer: bytes) -> None:
    async def story(telemetry: Telemetry) -> None:
        async with Subscriber(lambda _: answer) as agent:
            await telemetry.subscribe("agent", agent.subscription())
            for number in range(3):
                say(telemetry, f"{number}\n")
                await agent.until(lambda it, n=number: len(it.events) == n + 1)  # type: ignore[misc]
            assert kinds(agent.events) == ["0\n", "1\n", "2\n"]

    run(story)


def test_who_takes_nothing_costs_a_bounded_amount_and_every_event_is_accounted_for() -> None:
    """Silent for a while, under a flood; then it takes everything."""
    taken: list[dict[str, Any]] = []

    async def story(telemetry: Telemetry) -> None:
        patient = asyncio.Event()

        def reply(agent: Subscriber) -> bytes | None:
            if not patient.is_set():
                return None
            taken.extend(agent.batches[-1])
            return OK

        async with Subscriber(reply) as agent:
            await telemetry.subscribe("agent", agent.subscription())
            telemetry.init_succeeded()
            said = 0
            while len(agent.batches) < 6:  # one batch was given up, another is being tried
                say(telemetry, *["z" * 1000] * 10)
                said += 10
                await asyncio.sleep(0.001)
            patient.set()
            await agent.until(
                lambda _: sum(event["type"] == "function" for event in taken) + lost(taken) >= said
            )
            assert sum(event["type"] == "function" for event in taken) + lost(taken) == said
            assert lost(taken) > 0

    run(story)


def test_events_are_neither_lost_nor_doubled_when_a_slow_reader_falls_behind() -> None:
    async def story(telemetry: Telemetry) -> None:
        async with Subscriber() as agent:
            await telemetry.subscribe("agent", agent.subscription())
            telemetry.init_succeeded()
            said = 0
            for _ in range(30):  # no turn of the loop in between: nothing can be taken
                say(telemetry, *(f"{said + n:07d}".ljust(1000, ".") for n in range(1000)))
                said += 1000
            # The last word comes when there is room again.
            await agent.until(lambda it: lost(it.events) > 0)
            say(telemetry, "the last\n")
            await agent.until(lambda it: kinds(it.events)[-1:] == ["the last\n"])
            got = [event for event in agent.events if event["type"] == "function"]
            assert len(got) - 1 + lost(agent.events) == said
            assert (len(got) - 1) * 1000 <= MAILBOX_BYTES
            assert max(len(json.dumps(batch)) for batch in agent.batches) < 2 * 262_144 + 1000

    run(story)


def test_what_was_said_before_is_kept_up_to_a_bound_and_the_rest_counted() -> None:
    async def story(telemetry: Telemetry) -> None:
        for _ in range(30):
            say(telemetry, *["y" * 1000] * 100)
        say(telemetry, "not wanted", source="extension")
        async with Subscriber() as agent:
            await telemetry.subscribe("agent", agent.subscription(types=["function"]))
            await agent.until(lambda it: lost(it.events) > 0)
            got = [event for event in agent.events if event["type"] == "function"]
            assert len(got) + lost(agent.events) == 3000
            assert HISTORY_BYTES - 2000 < len(got) * 1064 <= HISTORY_BYTES

    run(story)


def test_nothing_is_sent_while_the_environment_is_frozen_and_no_time_passes() -> None:
    async def story(telemetry: Telemetry) -> None:
        loop = asyncio.get_running_loop()
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        with listener:
            agent = Subscriber()
            agent.port = listener.getsockname()[1]
            await telemetry.subscribe("agent", agent.subscription())
            telemetry.init_succeeded()
            say(telemetry, "one")
            connection, _ = await loop.sock_accept(listener)
            with connection:
                assert b'"one"' in await loop.sock_recv(connection, 65536)
                telemetry.freeze()
                say(telemetry, "two")
                accepting = asyncio.create_task(loop.sock_accept(listener))
                done, _ = await asyncio.wait({accepting}, timeout=1.0)  # four limits
                assert not done, "it was not tried again"
                telemetry.thaw()
                await loop.sock_sendall(connection, OK)
                assert b'"two"' in await loop.sock_recv(connection, 65536)
                await loop.sock_sendall(connection, OK)
                accepting.cancel()
                await asyncio.wait({accepting})

    run(story)


def test_a_goodbye_sends_all_that_is_left_at_once() -> None:
    async def story(telemetry: Telemetry) -> None:
        async with Subscriber() as agent:
            await telemetry.subscribe("agent", agent.subscription(**LONG))
            telemetry.init_succeeded()
            say(telemetry, "one")
            telemetry.freeze()
            telemetry.hurry()
            await agent.until(lambda it: kinds(it.events) == ["one"])
            say(telemetry, "two")
            await agent.until(lambda it: kinds(it.events) == ["one", "two"])

    run(story)


def test_a_subscriber_is_remembered_over_a_reset_and_misses_nothing() -> None:
    async def story(telemetry: Telemetry) -> None:
        async with Subscriber() as agent:
            await telemetry.subscribe("agent", agent.subscription(**LONG))
            telemetry.init_succeeded()
            say(telemetry, "before")
        telemetry.reset()  # its process is gone, and so is its server
        assert telemetry.refusal("agent", Api.TELEMETRY) is not None
        say(telemetry, "meanwhile")
        telemetry.init_began()
        async with Subscriber() as again:
            assert await telemetry.subscribe("agent", again.subscription()) == KNOWN
            say(telemetry, "after")
            await again.until(lambda it: len(it.events) == 3)
            assert kinds(again.events) == ["before", "meanwhile", "after"]

    run(story)


def test_what_a_subscriber_took_before_it_was_killed_is_not_said_again() -> None:
    async def story(telemetry: Telemetry) -> None:
        killed = asyncio.Event()

        def reply(_: Subscriber) -> bytes:
            telemetry.reset()  # before its answer can have been read
            killed.set()
            return OK

        async with Subscriber(reply) as agent:
            await telemetry.subscribe("agent", agent.subscription())
            say(telemetry, "taken")
            await killed.wait()
        telemetry.init_began()
        say(telemetry, "new")
        async with Subscriber() as again:
            await telemetry.subscribe("agent", again.subscription())
            await again.until(lambda it: bool(it.events))
            assert kinds(again.events) == ["new"]

    run(story)


def test_who_comes_back_late_while_everyone_leaves_has_missed_nothing() -> None:
    """Its old address is asked at once, and again, longer than a living one would be."""

    async def story(telemetry: Telemetry) -> None:
        tries, tried = 0, asyncio.Event()

        async def connector() -> socket.socket:
            nonlocal tries
            tries += 1
            if tries > TRIES + 1:
                tried.set()
            return await plain_connector()

        telemetry._connector = connector
        async with Subscriber() as agent:
            await telemetry.subscribe("agent", agent.subscription(**LONG))
            telemetry.init_succeeded()
        say(telemetry, "before")
        telemetry.reset()
        telemetry.init_began()
        telemetry.hurry()
        await tried.wait()
        async with Subscriber() as again:
            await telemetry.subscribe("agent", again.subscription(**LONG))
            await again.until(lambda it: bool(it.events))
            assert kinds(again.events) == ["before"]

    run(story)


def test_who_subscribes_while_everyone_leaves_gets_all_at_once() -> None:
    async def story(telemetry: Telemetry) -> None:
        say(telemetry, "before")
        telemetry.hurry()
        async with Subscriber() as agent:
            await telemetry.subscribe("agent", agent.subscription(**LONG))
            await agent.until(lambda it: kinds(it.events) == ["before"])

    run(story)


def test_who_does_not_subscribe_again_is_served_once_init_is_over() -> None:
    async def story(telemetry: Telemetry) -> None:
        async with Subscriber() as agent:
            await telemetry.subscribe("agent", agent.subscription())
            telemetry.init_succeeded()
            telemetry.reset()
            telemetry.init_began()
            say(telemetry, "silent init")
            telemetry.init_succeeded()
            await agent.until(lambda it: kinds(it.events) == ["silent init"])

    run(story)


def test_after_init_nothing_is_kept_for_nobody_and_subscriptions_are_closed() -> None:
    async def story(telemetry: Telemetry) -> None:
        say(telemetry, "kept")
        assert telemetry.listening
        telemetry.init_succeeded()
        assert [telemetry.listening] == [False]
        async with Subscriber() as agent:
            for api in Api:
                refused = telemetry.refusal("agent", api)
                assert refused is not None and refused.status == 403
            answer = await telemetry.subscribe("agent", agent.subscription())
            assert isinstance(answer, Answer) and answer.status == 403
        telemetry.init_began()  # after a reset
        assert telemetry.refusal("agent", Api.LOGS) is None

    run(story)


def test_an_extension_uses_one_of_the_two_apis() -> None:
    async def story(telemetry: Telemetry) -> None:
        async with Subscriber() as agent:
            assert await telemetry.subscribe("agent", agent.subscription(api=Api.LOGS)) == NEW
            refused = telemetry.refusal("agent", Api.TELEMETRY)
            assert refused is not None and refused.status == 400
            assert telemetry.refusal("agent", Api.LOGS) is None
            assert telemetry.refusal("another", Api.TELEMETRY) is None

    run(story)


def test_over_tcp_somebody_must_listen_and_a_broken_connection_is_made_again() -> None:
    async def story(telemetry: Telemetry) -> None:
        agent = Subscriber(tcp=True)
        async with agent:
            pass
        answer = await telemetry.subscribe("agent", agent.subscription())
        assert isinstance(answer, Answer) and answer.status == 400
        assert json.loads(answer.body)["errorMessage"] == f"cannot connect to TCP port {agent.port}"
        loop = asyncio.get_running_loop()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)
            agent.port = listener.getsockname()[1]
            assert await telemetry.subscribe("agent", agent.subscription()) == NEW
            first, _ = await loop.sock_accept(listener)
            first.close()
            say(telemetry, "one")
            second, _ = await loop.sock_accept(listener)
            with second:
                assert json.loads(await loop.sock_recv(second, 65536))["record"] == "one"
                await loop.sock_sendall(second, b"nobody asked you " * 100)
                say(telemetry, "two")
                assert json.loads(await loop.sock_recv(second, 65536))["record"] == "two"

    run(story)


def test_one_bad_subscriber_does_not_hold_up_the_others() -> None:
    async def story(telemetry: Telemetry) -> None:
        async with Subscriber(lambda _: None) as bad, Subscriber() as good:
            await telemetry.subscribe("bad", bad.subscription())
            await telemetry.subscribe("good", good.subscription())
            say(telemetry, "one")
            await bad.until(lambda it: len(it.batches) == 1)
            for number in range(5):
                say(telemetry, f"{number}")
                await good.until(lambda it, n=number: len(it.events) == n + 2)  # type: ignore[misc]

    run(story)
