"""What the HTTP server sends: order, company, framing, and the faults of applications."""

import asyncio
import logging
import select
import socket
import struct

import pytest

from stoker.http.base import Exchange
from stoker.http.limits import RUNTIME_API
from tests.http_peers import GET, LOOPS, PATIENCE_S, Recorder, chunked, post, run, served


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_pipelined_requests_are_handed_over_one_by_one_and_answered_in_order(loop: str) -> None:
    async def main() -> None:
        app = Recorder(complete=lambda e: None)
        async with served(app) as here:
            peer = await here.connect()
            await peer.send(b"".join(post(b"%d" % n) for n in range(100)))
            for n in range(100):
                await app.until(lambda: len(app.completed) == len(app.begun) > n)  # noqa: B023
                assert len(app.begun) == n + 1, "handed over before its turn"
                app.completed[n].respond(200, [], app.completed[n].body)
                assert (await peer.answer())[2] == b"%d" % n

    run(loop, main)


def test_thousands_of_pipelined_requests_leave_others_their_turn(loop: str) -> None:
    async def main() -> None:
        order: list[str] = []

        def complete(exchange: Exchange) -> None:
            order.append(exchange.target)
            exchange.respond(200, [], b"")

        async with served(Recorder(complete=complete)) as here:
            many, one = await here.connect(), await here.connect()
            many.writer.write(GET * 2000)
            one.writer.write(GET.replace(b"/a", b"/b"))
            await one.answer()
            assert order.index("/b") < 2000
            for _ in range(2000):
                assert (await many.answer())[0] == 200

    run(loop, main)


def test_a_peer_that_pipelines_without_end_is_not_read_while_it_is_owed_an_answer(
    loop: str,
) -> None:
    async def main() -> None:
        app = Recorder(complete=lambda e: None)
        async with served(app, RUNTIME_API) as here:
            peer = await here.connect()
            peer.writer.transport.set_write_buffer_limits(high=0)
            flood = GET * 1_000_000
            peer.writer.write(flood)
            await app.until(lambda: bool(app.completed))
            # Far more than both kernels' buffers: were it read, it would all be gone soon.
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await peer.writer.drain()
            assert len(app.begun) == 1
            peer.writer.transport.abort()

    run(loop, main)


def data_segments_in(sock: socket.socket) -> int:
    """TCP_INFO's tcpi_data_segs_in: what arrived with something in it."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
    return int(struct.unpack_from("I", info, 152)[0])


def test_an_answer_is_one_segment_and_a_held_one_rides_with_the_next(loop: str) -> None:
    raw = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nOK"

    async def main() -> None:
        def complete(exchange: Exchange) -> None:
            if exchange.method == "POST":
                exchange.respond_raw(raw, hold=True)

        app = Recorder(complete=complete)
        async with served(app, RUNTIME_API) as here:
            peer = await here.connect()
            sock = peer.writer.get_extra_info("socket")
            await peer.send(post(b"x"))  # nothing behind it: sent at once
            assert (await peer.answer())[0] == 202
            assert data_segments_in(sock) == 1
            await peer.send(post(b"x") + GET)
            await app.until(lambda: len(app.completed) == 3)
            app.completed[-1].respond(200, [], b"e" * 1000)
            assert [(await peer.answer())[0] for _ in range(2)] == [202, 200]
            assert data_segments_in(sock) == 2
            await peer.send(post(b"x") + GET[:-2])  # what is behind it is not complete
            assert (await peer.answer())[0] == 202
            await peer.send(GET[-2:])
            await app.until(lambda: len(app.completed) == 5)

    run(loop, main)


def test_a_held_answer_goes_out_when_the_server_closes(loop: str) -> None:
    raw = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nOK"

    async def main() -> None:
        def complete(exchange: Exchange) -> None:
            if exchange.method == "POST":
                exchange.respond_raw(raw, hold=True)

        app = Recorder(complete=complete)
        async with served(app, RUNTIME_API) as here:
            peer = await here.connect()
            await peer.send(post(b"x") + GET)
            await app.until(lambda: len(app.completed) == 2)
            await here.server.close(0)
            assert app.gone == app.completed[1:]
            assert (await peer.answer())[0] == 202

    run(loop, main)


def test_the_sockets_do_not_delay_small_writes(loop: str) -> None:
    async def main() -> None:
        app = Recorder()
        async with served(app) as here:
            peer = await here.connect()
            await peer.send(GET)
            await peer.answer()
            (connection,) = here.server._connections
            sock = connection._transport.get_extra_info("socket")  # type: ignore[union-attr]
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    run(loop, main)


def test_an_answer_is_out_before_the_application_returns(loop: str) -> None:
    """What it does after answering (accounts, log lines) costs the caller nothing."""
    out: list[bool] = []

    async def main() -> None:
        client = socket.socket()

        def complete(exchange: Exchange) -> None:
            exchange.respond(200, [], b"body")
            out.append(bool(select.select([client], [], [], PATIENCE_S)[0]))

        app = Recorder(complete=complete)
        async with served(app) as here:
            with client:
                client.connect(here.address)
                client.sendall(GET)
                await app.until(lambda: bool(app.completed))
        assert out == [True]

    run(loop, main)


def test_head_and_bodiless_statuses_carry_no_body(loop: str) -> None:
    async def main() -> None:
        def complete(exchange: Exchange) -> None:
            status = int(exchange.target[1:])
            if exchange.headers.get("raw"):
                exchange.respond_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody")
            else:
                exchange.respond(status, [("content-length", "77")], b"body")

        async with served(Recorder(complete=complete)) as here:
            peer = await here.connect()
            await peer.send(b"HEAD /200 HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"\r\nContent-Length: 77\r\n" in await peer.reader.readuntil(b"\r\n\r\n")
            await peer.send(b"HEAD /200 HTTP/1.1\r\nRaw: 1\r\nHost: x\r\n\r\n")
            assert b"\r\nContent-Length: 4\r\n" in await peer.reader.readuntil(b"\r\n\r\n")
            for status in (204, 304):
                await peer.send(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % status)
                head = await peer.reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 %d " % status)
                assert b"content-length" not in head.lower()
            await peer.send(b"GET /200 HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await peer.answer())[::2] == (200, b"body")

    run(loop, main)


@pytest.mark.parametrize("where", ["begin", "complete", "header"])
def test_a_broken_application_answers_500_and_the_connection_goes_on(
    loop: str, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        def begin(exchange: Exchange) -> int:
            if where == "begin" and exchange.method == "POST":
                raise RuntimeError("broken")
            return 100

        def complete(exchange: Exchange) -> None:
            if exchange.method == "POST":
                if where == "header":
                    exchange.respond(200, [("X", "split\r\nY: z")], b"")
                raise RuntimeError("broken")
            exchange.respond(200, [], b"fine")

        async with served(Recorder(begin=begin, complete=complete)) as here:
            peer = await here.connect()
            await peer.send(post(b"body") + GET)
            status, headers, body = await peer.answer()
            assert (status, headers["content-type"]) == (500, "application/json")
            assert b"InternalServerError" in body
            assert (await peer.answer())[::2] == (200, b"fine")

    with caplog.at_level(logging.CRITICAL, "stoker.http.connection"):
        run(loop, main)


def test_answering_twice_is_our_bug(loop: str) -> None:
    async def main() -> None:
        app = Recorder()
        async with served(app) as here:
            peer = await here.connect()
            await peer.send(GET)
            await peer.answer()
            with pytest.raises(AssertionError, match="ANSWERED"):
                app.completed[0].respond(200, [], b"")
            with pytest.raises(AssertionError):
                app.completed[0].write(b"")

    run(loop, main)


def test_a_streamed_answer_goes_out_piece_by_piece(loop: str) -> None:
    async def main() -> None:
        app = Recorder(complete=lambda e: e.start(200, [("Content-Type", "text/plain")]))
        async with served(app) as here:
            peer = await here.connect()
            await peer.send(GET * 2)
            _, headers, _ = await peer.answer()
            assert headers["transfer-encoding"] == "chunked"
            assert "content-length" not in headers
            app.completed[0].write(b"first")
            assert await peer.reader.readexactly(10) == b"5\r\nfirst\r\n"
            app.completed[0].write(b"")
            app.completed[0].write(b"x" * 300)
            app.completed[0].finish()
            assert await peer.reader.readexactly(312) == b"12c\r\n%b\r\n0\r\n\r\n" % (b"x" * 300)
            assert (await peer.answer())[0] == 200
            assert len(app.completed) == 2

    run(loop, main)


def test_a_streamed_answer_ends_with_the_connection_for_http_1_0(loop: str) -> None:
    async def main() -> None:
        def complete(exchange: Exchange) -> None:
            exchange.start(200, [])
            exchange.write(b"some")
            exchange.finish()

        async with served(Recorder(complete=complete)) as here:
            peer = await here.connect()
            await peer.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            _, headers, _ = await peer.answer()
            assert headers.keys() == {"date", "connection"}
            assert headers["connection"] == "close"
            assert await peer.rest() == b"some"

    run(loop, main)


def test_drained_waits_for_the_peer_and_fails_when_it_goes(loop: str) -> None:
    async def main() -> None:
        app = Recorder(complete=lambda e: e.start(200, []))
        async with served(app, RUNTIME_API) as here:
            peer = await here.connect()
            await peer.send(GET)
            await app.until(lambda: bool(app.completed))
            exchange = app.completed[0]
            await exchange.drained()  # nothing to wait for
            exchange.write(b"x" * 30_000_000)
            waiting = asyncio.ensure_future(exchange.drained())
            await asyncio.sleep(0.05)
            assert not waiting.done()
            await peer.reader.readexactly(30_000_000)
            await asyncio.wait_for(waiting, 30)
            exchange.write(b"x" * 30_000_000)
            waiting = asyncio.ensure_future(exchange.drained())
            peer.writer.transport.abort()
            with pytest.raises(ConnectionResetError):
                await asyncio.wait_for(waiting, 30)
            await app.until(lambda: bool(app.gone))
            with pytest.raises(ConnectionResetError):
                await exchange.drained()
            exchange.write(b"into nothing")

    run(loop, main)


def test_drained_waits_for_the_last_byte(loop: str) -> None:
    async def main() -> None:
        app = Recorder(complete=lambda e: e.start(200, []))
        async with served(app, RUNTIME_API) as here:
            peer = await here.connect()
            peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await peer.send(GET)
            await app.until(lambda: bool(app.completed))
            exchange = app.completed[0]
            while True:  # until both kernels' buffers are full
                exchange.write(b"x" * 10_000)
                waiting = asyncio.ensure_future(exchange.drained())
                await asyncio.sleep(0)
                if not waiting.done():
                    break
            (connection,) = here.server._connections
            assert connection._transport is not None
            assert 0 < connection._transport.get_write_buffer_size() < 20_000
            peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
            reading = asyncio.ensure_future(peer.rest())
            await asyncio.wait_for(waiting, PATIENCE_S)
            exchange.abort()
            assert await reading

    run(loop, main)


def test_an_application_that_breaks_in_a_stream_ends_the_connection(
    loop: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        def complete(exchange: Exchange) -> None:
            exchange.start(200, [])
            raise RuntimeError("broken")

        async with served(Recorder(complete=complete)) as here:
            peer = await here.connect()
            await peer.send(GET)
            assert b"0\r\n\r\n" not in await peer.rest()

    with caplog.at_level(logging.CRITICAL, "stoker.http.connection"):
        run(loop, main)


def test_a_body_can_be_taken_as_it_comes_and_reading_be_paused(loop: str) -> None:
    pieces: list[bytes] = []

    async def main() -> None:
        def begin(exchange: Exchange) -> int:
            def take(data: bytes) -> None:
                pieces.append(data)
                exchange.pause()

            exchange.on_data = take
            return 100_000_000

        app = Recorder(begin=begin)
        async with served(app, RUNTIME_API) as here:
            peer = await here.connect()
            peer.writer.transport.set_write_buffer_limits(high=0)
            for first in (chunked(b"first"), post(b"first")):
                peer.writer.write(first)
                assert (await peer.answer())[2] == b""
                assert pieces == [b"first"]
                pieces.clear()
            peer.writer.write(chunked(*[b"x" * 1000] * 30_000) + GET)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await peer.writer.drain()
            assert len(pieces) == 1, "read on although paused"
            while len(app.completed) < 3:
                app.begun[2].resume()
                await asyncio.sleep(0)
            assert (await peer.answer())[2] == b""
            assert b"".join(pieces) == b"x" * 30_000_000
            assert (await peer.answer())[0] == 200

    run(loop, main)


def test_an_answer_given_while_reading_is_paused_lets_the_connection_go_on(loop: str) -> None:
    async def main() -> None:
        def begin(exchange: Exchange) -> int:
            if exchange.method == "POST":
                exchange.on_data = lambda data: exchange.pause()
            return 100

        app = Recorder(begin=begin)
        async with served(app, RUNTIME_API) as here:
            peer = await here.connect()
            request = post(b"x" * 100)
            await peer.send(request[:-50])
            await app.until(lambda: bool(app.begun))
            app.begun[0].respond(403, [], b"enough")
            await peer.send(request[-50:] + GET)
            assert (await peer.answer())[::2] == (403, b"enough")
            assert (await peer.answer())[0] == 200

    run(loop, main)


def test_answers_a_peer_does_not_take_stop_the_next_requests(loop: str) -> None:
    async def main() -> None:
        app = Recorder(complete=lambda e: e.respond(200, [], b"x" * 1_000_000))
        async with served(app, RUNTIME_API) as here:
            peer = await here.connect()
            peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await peer.send(GET * 200)
            await app.until(lambda: bool(app.begun))
            seen = 0
            while seen < len(app.begun):  # until it stands still
                seen = len(app.begun)
                await asyncio.sleep(0.1)
            assert seen < 150, "200 MB are waiting in memory"
            peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
            for _ in range(200):
                assert len((await peer.answer())[2]) == 1_000_000

    run(loop, main)


def test_an_abort_closes_without_an_answer(loop: str) -> None:
    async def main() -> None:
        app = Recorder(complete=lambda e: e.abort())
        async with served(app) as here:
            peer = await here.connect()
            await peer.send(GET)
            assert await peer.rest() == b""
        assert app.gone == []

    run(loop, main)
