"""Connections of the HTTP server: their number, their patience, their end."""

import asyncio
import logging
import os
import socket
from pathlib import Path

import pytest

from stoker.http.base import Exchange
from stoker.http.limits import RUNTIME_API, Limits
from stoker.http.server import HttpServer
from tests.http_peers import GET, LOOPS, Recorder, chunked, post, run, served


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_close_ends_idle_connections_at_once_and_gives_running_ones_grace(loop: str) -> None:
    async def main() -> None:
        app = Recorder(complete=lambda e: None)
        async with served(app) as here:
            idle, slow, stuck = [await here.connect() for _ in range(3)]
            await slow.send(GET)
            await stuck.send(GET)
            await idle.send(b"GET / HT")
            await app.until(lambda: len(app.completed) == 2)
            closing = asyncio.ensure_future(here.server.close(0.5))
            assert await idle.rest() == b""
            app.completed[0].respond(200, [], b"in time")
            status, headers, body = await slow.answer()
            assert (status, headers["connection"], body) == (200, "close", b"in time")
            assert await slow.rest() == b""
            await closing
            assert here.server.connections == 0
            assert app.gone == app.completed[1:]
            assert await stuck.rest() == b""

    run(loop, main)


def test_close_does_not_wait_for_a_body_nobody_wants(loop: str) -> None:
    async def main() -> None:
        def begin(exchange: Exchange) -> int:
            exchange.respond(403, [], b"no")
            return 0

        async with served(Recorder(begin=begin)) as here:
            peer = await here.connect()
            await peer.send(post(b"x" * 10)[:-1])
            assert (await peer.answer())[0] == 403
            closing = asyncio.ensure_future(here.server.close(30))
            assert await peer.rest() == b""
            assert here.server.connections == 0
            await closing

    run(loop, main)


def test_after_close_no_descriptor_is_left(loop: str) -> None:
    async def main() -> None:
        app = Recorder()
        async with served(app) as here:  # the loop opens some of its own with the first one
            await here.connect()
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        async with served(app) as here:
            for _ in range(20):
                peer = await here.connect()
                await peer.send(GET)
                await peer.answer()
            assert here.server.connections == 20
        assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208

    run(loop, main)


def test_connections_beyond_the_limit_wait_until_one_ends(loop: str) -> None:
    async def main() -> None:
        app = Recorder()
        async with served(app, Limits(connections=2)) as here:
            peers = [await here.connect() for _ in range(3)]
            for peer in peers:
                await peer.send(GET)
            for peer in peers[:2]:
                assert (await peer.answer())[0] == 200
            assert here.server.connections == 2
            await peers[0].close()
            assert (await peers[2].answer())[0] == 200

    logging.getLogger("stoker.http.server").setLevel(logging.ERROR)
    run(loop, main)


def test_a_burst_of_connections_is_accepted_completely(loop: str) -> None:
    async def main() -> None:
        app = Recorder()
        async with served(app) as here:
            peers = await asyncio.gather(*(here.connect() for _ in range(100)))
            for peer in peers:
                await peer.send(GET)
            for peer in peers:
                assert (await peer.answer())[0] == 200

    run(loop, main)


def test_two_listeners_share_one_server_and_a_unix_socket_will_do(
    loop: str, tmp_path: Path
) -> None:
    async def main() -> None:
        app = Recorder()
        server = HttpServer(app)
        with (
            socket.create_server(("127.0.0.1", 0)) as tcp,
            socket.socket(socket.AF_UNIX) as unix,
        ):
            unix.bind(str(tmp_path / "s"))
            unix.listen()
            for sock in (tcp, unix):
                sock.setblocking(False)
                await server.serve(sock)
            for reader, writer in (
                await asyncio.open_connection(*tcp.getsockname()),
                await asyncio.open_unix_connection(tmp_path / "s"),
            ):
                writer.write(GET)
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
                writer.close()
                await writer.wait_closed()
            await server.close(1)

    run(loop, main)


QUICK = Limits(idle_timeout_s=0.1, head_timeout_s=0.1, body_timeout_s=0.1, write_timeout_s=0.1)


def test_a_slow_head_is_answered_408_and_silence_with_silence(loop: str) -> None:
    async def main() -> None:
        app = Recorder()
        async with served(app, Limits(idle_timeout_s=None, head_timeout_s=0.1)) as here:
            slow = await here.connect()
            for piece in (GET, b"GET /a HTTP/1.1\r\nHo"):
                await slow.send(piece)
            assert [(await slow.answer())[0] for _ in range(2)] == [200, 408]
            assert await slow.rest() == b""
        async with served(app, Limits(idle_timeout_s=0.1)) as here:
            silent, done = await here.connect(), await here.connect()
            await done.send(GET)
            assert (await done.answer())[0] == 200
            assert await done.rest() == await silent.rest() == b""
        assert len(app.completed) == 2

    run(loop, main)


def test_a_body_that_stops_coming_counts_as_truncated(loop: str) -> None:
    async def main() -> None:
        app = Recorder(complete=lambda e: e.respond(400 if e.truncated else 200, [], b""))
        async with served(app, QUICK) as here:
            peer = await here.connect()
            await peer.send(post(b"x" * 10)[:-1])
            assert (await peer.answer())[0] == 400

    run(loop, main)


def test_nobody_waits_for_a_peer_that_does_not_take_its_answer(loop: str) -> None:
    async def main() -> None:
        app = Recorder(complete=lambda e: e.start(200, []))
        async with served(app, QUICK) as here:
            peer = await here.connect()
            peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await peer.send(GET)
            await app.until(lambda: bool(app.completed))
            app.completed[0].write(b"x" * 30_000_000)
            await app.until(lambda: bool(app.gone))
            peer.writer.transport.abort()

    run(loop, main)


def test_no_time_runs_while_an_answer_is_owed(loop: str) -> None:
    async def main() -> None:
        app = Recorder(complete=lambda e: None)
        async with served(app, QUICK) as here:
            peer, bystander = await here.connect(), await here.connect()
            await peer.send(GET)
            assert await bystander.rest() == b""  # the clock has struck
            app.completed[0].respond(200, [], b"late")
            assert (await peer.answer())[2] == b"late"

    run(loop, main)


def test_a_runtime_api_sets_no_timer_at_all() -> None:
    async def main() -> None:
        app = Recorder(complete=lambda e: None)
        async with served(app, RUNTIME_API) as here:
            peer = await here.connect()
            await peer.send(GET)
            await app.until(lambda: bool(app.completed))
            assert here.server._ticks is None
            app.completed[0].respond(200, [], b"")

    run("asyncio", main)


def test_a_refusal_survives_what_the_peer_goes_on_to_send(loop: str) -> None:
    """A socket closed with bytes unread is reset, and the answer in flight destroyed."""

    async def main() -> None:
        def begin(exchange: Exchange) -> int:
            exchange.respond(403, [], b"no")
            return 0

        app = Recorder(begin=begin)
        async with served(app, RUNTIME_API) as here:
            peer = await here.connect()
            request = post(b"x" * 3_000_000, b"Connection: close\r\n")
            await peer.send(request[:100])
            await app.until(lambda: bool(app.begun))
            await peer.send(request[100:])
            assert (await peer.answer())[::2] == (403, b"no")
            assert await peer.rest() == b""

    run(loop, main)


def test_a_connection_that_owes_nothing_is_closed_at_once(loop: str) -> None:
    async def main() -> None:
        async with served(Recorder(), RUNTIME_API) as here:
            for request in (
                post(b"body", b"Connection: close\r\n"),
                chunked(b"body", headers=b"Connection: close\r\n"),
            ):
                peer = await here.connect()
                await peer.send(request)
                assert (await peer.answer())[2] == b"body"
                assert await peer.rest() == b""
                assert here.server.connections == 0

    run(loop, main)
