"""What arrives over a real socket, on both event loops: every kind of request, good and bad."""

import gzip
import socket
import struct

import pytest

from stoker.http.base import Exchange
from stoker.http.limits import RUNTIME_API, Limits
from tests.http_peers import GET, LOOPS, Recorder, chunked, post, run, served


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_request_is_answered_and_the_connection_stays(loop: str) -> None:
    async def main() -> None:
        app = Recorder()
        async with served(app) as here:
            peer = await here.connect()
            for body in (b"", b"one", b"x" * 300_000):
                await peer.send(post(body, b"X-Twice: 1\r\nx-twice: 2\r\n", b"/p?q=%20"))
                status, headers, echoed = await peer.answer()
                assert (status, echoed) == (200, body)
                assert headers["x-target"] == "/p?q=%20"
                assert "date" in headers
                assert "connection" not in headers
            assert here.server.connections == 1
        assert [e.method for e in app.begun] == ["POST"] * 3
        assert app.begun[0].headers["x-twice"] == "1, 2"
        assert [e.content_length for e in app.completed] == [0, 3, 300_000]
        assert app.gone == []

    run(loop, main)


def test_a_chunked_body_arrives_whole_with_only_the_trailers_it_declared(loop: str) -> None:
    async def main() -> None:
        app = Recorder()
        async with served(app, RUNTIME_API) as here:
            peer = await here.connect()
            await peer.send(
                chunked(
                    b"abc",
                    b"d" * 70_000,
                    headers=b"Trailer: Error-Type, Error-Body\r\n",
                    trailers=b"Error-Type: Runtime.X\r\nHost: evil\r\nerror-body: %b\r\n"
                    % (b"Z" * 1_000_000),
                )
                + GET
            )
            assert (await peer.answer())[2] == b"abc" + b"d" * 70_000
            assert (await peer.answer())[1]["x-target"] == "/a"
        exchange = app.completed[0]
        assert exchange.trailers == {"error-type": "Runtime.X", "error-body": "Z" * 1_000_000}
        assert exchange.headers["host"] == "x"
        assert exchange.content_length is None

    run(loop, main)


def test_a_header_of_a_mebibyte_reaches_a_runtime_api(loop: str) -> None:
    async def main() -> None:
        cause = b"c" * (1 << 20)
        app = Recorder()
        async with served(app, RUNTIME_API) as here:
            peer = await here.connect()
            await peer.send(post(b"x", b"X-Cause: %s\r\n" % cause))
            assert (await peer.answer())[0] == 200
            assert app.completed[0].headers["x-cause"] == cause.decode()
            await peer.send(post(b"x", b"X-Cause: %s\r\n" % (cause + b"c" * (300 << 10))))
            assert (await peer.answer())[0] == 431

    run(loop, main)


def test_an_offered_upgrade_is_ignored_and_the_body_kept(loop: str) -> None:
    async def main() -> None:
        app = Recorder()
        async with served(app) as here:
            peer = await here.connect()
            offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"
            await peer.send(post(b"body", offer) + GET)
            assert (await peer.answer())[2] == b"body"
            assert (await peer.answer())[0] == 200
            assert "upgrade" not in app.completed[0].headers

    run(loop, main)


def test_expect_100_continue_is_answered_before_the_body_comes(loop: str) -> None:
    async def main() -> None:
        async with served(Recorder()) as here:
            peer = await here.connect()
            request = post(b"body", b"Expect: 100-continue\r\n")
            await peer.send(request[:-4])
            assert (await peer.answer())[0] == 100
            await peer.send(request[-4:])
            assert (await peer.answer())[2] == b"body"
            await peer.send(request)  # it did not wait: no 100 then
            assert (await peer.answer())[0] == 200

    run(loop, main)


def test_a_refused_100_continue_gets_the_final_answer_and_the_end(loop: str) -> None:
    async def main() -> None:
        app = Recorder(
            begin=lambda e: 10,
            complete=lambda e: e.respond(413 if e.oversized else 200, [], b""),
        )
        async with served(app) as here:
            peer = await here.connect()
            await peer.send(post(b"x" * 11, b"Expect: 100-continue\r\n")[:-11])
            status, headers, _ = await peer.answer()
            assert (status, headers["connection"]) == (413, "close")
            assert await peer.rest() == b""

    run(loop, main)


def test_a_gzip_body_is_unpacked_unless_the_application_wants_it_as_it_came(loop: str) -> None:
    async def main() -> None:
        def begin(exchange: Exchange) -> int:
            exchange.keep_encoding = exchange.target == "/raw"
            return 1 << 20

        packed = gzip.compress(b"abc" * 1000)
        async with served(Recorder(begin=begin)) as here:
            peer = await here.connect()
            await peer.send(post(packed, b"Content-Encoding: gzip\r\n"))
            assert (await peer.answer())[2] == b"abc" * 1000
            await peer.send(post(packed, b"Content-Encoding: gzip\r\n", b"/raw"))
            assert (await peer.answer())[2] == packed

    run(loop, main)


def test_a_zip_bomb_is_oversized_and_a_broken_stream_truncated(loop: str) -> None:
    async def main() -> None:
        app = Recorder(complete=lambda e: e.respond(413 if e.oversized else 400, [], b""))
        bomb = gzip.compress(b"\0" * (64 << 20))
        async with served(app) as here:
            peer = await here.connect()
            await peer.send(post(bomb, b"Content-Encoding: gzip\r\n"))
            assert (await peer.answer())[0] == 413
            for broken in (b"no gzip at all", gzip.compress(b"cut")[:-3]):
                peer = await here.connect()
                await peer.send(post(broken, b"Content-Encoding: gzip\r\n"))
                assert (await peer.answer())[0] == 400
                assert await peer.rest() == b""
        assert (app.completed[0].oversized, app.completed[0].body) == (True, b"")
        assert all(e.truncated for e in app.completed[1:])

    run(loop, main)


@pytest.mark.parametrize("length", [100, 3_000_000])
def test_an_oversized_body_is_read_to_its_end_so_that_the_refusal_arrives(
    loop: str, length: int
) -> None:
    async def main() -> None:
        app = Recorder(
            begin=lambda e: 50,
            complete=lambda e: e.respond(413 if e.oversized else 200, [], e.body),
        )
        async with served(app) as here:
            peer = await here.connect()
            await peer.send(post(b"x" * length))
            assert (await peer.answer())[::2] == (413, b"")
            await peer.send(chunked(b"x" * 40, b"y" * length))
            assert (await peer.answer())[::2] == (413, b"")
            await peer.send(post(b"x" * 50))
            assert (await peer.answer())[::2] == (200, b"x" * 50)

    run(loop, main)


def test_a_body_without_end_is_cut_off_behind_the_refusal(loop: str) -> None:
    async def main() -> None:
        app = Recorder(
            begin=lambda e: 50,
            complete=lambda e: e.respond(413, [], b"too much"),
        )
        async with served(app, Limits(discard_bytes=500_000)) as here:
            peer = await here.connect()
            await peer.send(post(b"x" * 600_000)[:-50_000])  # never finished
            status, headers, body = await peer.answer()
            assert (status, headers["connection"], body) == (413, "close", b"too much")
        assert app.completed[0].oversized

    run(loop, main)


def test_an_answer_given_at_the_head_does_not_disturb_the_next_request(loop: str) -> None:
    async def main() -> None:
        def begin(exchange: Exchange) -> int:
            if exchange.method == "POST":
                exchange.respond(403, [], b"no")
            return 1 << 30

        app = Recorder(begin=begin)
        async with served(app) as here:
            peer = await here.connect()
            request = post(b"GET /smuggled HTTP/1.1\r\n\r\n")
            await peer.send(request[:-10])
            assert (await peer.answer())[::2] == (403, b"no")
            await peer.send(request[-10:] + GET)
            assert (await peer.answer())[1]["x-target"] == "/a"
            await peer.send(request)
            assert (await peer.answer())[0] == 403
        assert [e.target for e in app.begun] == ["/p", "/a", "/p"]
        assert [e.target for e in app.completed] == ["/a"]

    run(loop, main)


def test_a_body_nobody_wants_is_cut_off_behind_the_answer(loop: str) -> None:
    async def main() -> None:
        def begin(exchange: Exchange) -> int:
            exchange.respond(403, [], b"no")
            return 1 << 30

        app = Recorder(begin=begin)
        async with served(app, Limits(discard_bytes=500_000)) as here:
            peer = await here.connect()
            await peer.send(post(b"x" * 600_000)[:-50_000])
            assert (await peer.answer())[0] == 403
            assert await peer.rest() == b""
            peer = await here.connect()
            await peer.send(post(b"x" * 6, b"Expect: 100-continue\r\n")[:-6])
            status, headers, _ = await peer.answer()
            assert (status, headers["connection"]) == (403, "close")
            assert await peer.rest() == b""
        assert app.completed == []

    run(loop, main)


def test_a_body_cut_short_is_truncated_and_answered_while_the_peer_still_reads(loop: str) -> None:
    async def main() -> None:
        app = Recorder(complete=lambda e: e.respond(400 if e.truncated else 200, [], b"cut"))
        async with served(app) as here:
            for request in (post(b"x" * 100), chunked(b"x" * 100)):
                peer = await here.connect()
                await peer.send(request[:-10])
                peer.writer.write_eof()
                assert (await peer.answer())[::2] == (400, b"cut")
                assert await peer.rest() == b""
        assert app.gone == []

    run(loop, main)


def test_a_reset_within_a_body_is_truncated_and_the_late_answer_goes_nowhere(loop: str) -> None:
    async def main() -> None:
        app = Recorder(complete=lambda e: None)
        async with served(app) as here:
            peer = await here.connect()
            await peer.send(post(b"x" * 100)[:-10])
            await app.until(lambda: bool(app.begun))
            sock = peer.writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.writer.transport.abort()
            await app.until(lambda: bool(app.gone))
            assert app.completed == app.gone == app.begun
            assert app.gone[0].truncated
            app.gone[0].respond(200, [], b"nobody reads this")

    run(loop, main)


def test_a_peer_that_vanishes_is_reported_to_who_owes_it_an_answer(loop: str) -> None:
    async def main() -> None:
        app = Recorder(complete=lambda e: None)
        async with served(app, RUNTIME_API) as here:
            peer = await here.connect()
            await peer.send(GET)
            await app.until(lambda: bool(app.completed))
            await peer.close()
            await app.until(lambda: bool(app.gone))
            assert app.gone == app.completed
            assert not app.gone[0].truncated

    run(loop, main)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"NONSENSE\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n", 400),
        (post(b"x", b"Transfer-Encoding: chunked\r\n"), 400),
        (post(b"x", b"Content-Length: 2\r\n"), 400),
        (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\nA: " + b"b" * 70_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nA: " + b"b" * 70_000, 431),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 300 + b"\r\n", 431),
        (b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", 501),
    ],
    ids=[
        "no request line",
        "TLS",
        "length and chunks",
        "two lengths",
        "HTTP/2",
        "long head",
        "endless head",
        "many headers",
        "CONNECT",
    ],
)
def test_what_is_no_request_is_refused_and_the_connection_closed(
    loop: str, request_bytes: bytes, status: int
) -> None:
    async def main() -> None:
        app = Recorder()
        async with served(app) as here:
            peer = await here.connect()
            await peer.send(GET + request_bytes + GET)
            assert (await peer.answer())[0] == 200
            got, headers, body = await peer.answer()
            assert (got, headers["connection"]) == (status, "close")
            assert body.startswith(b'{"errorMessage": "')
            assert await peer.rest() == b""
        assert [e.target for e in app.begun] == ["/a"]

    run(loop, main)


def test_a_malformed_chunk_ends_the_body_as_truncated(loop: str) -> None:
    async def main() -> None:
        app = Recorder(complete=lambda e: e.respond(400 if e.truncated else 200, [], b""))
        async with served(app) as here:
            peer = await here.connect()
            await peer.send(chunked(b"fine").replace(b"4\r\n", b"g\r\n") + GET)
            assert (await peer.answer())[0] == 400
            assert await peer.rest() == b""
        assert len(app.begun) == 1

    run(loop, main)


def test_connection_close_and_http_1_0_end_the_connection_behind_the_answer(loop: str) -> None:
    async def main() -> None:
        async with served(Recorder()) as here:
            for request in (
                b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                b"GET / HTTP/1.0\r\n\r\n",
            ):
                peer = await here.connect()
                await peer.send(request)
                assert (await peer.answer())[1]["connection"] == "close"
                assert await peer.rest() == b""
            peer = await here.connect()
            for _ in range(2):
                await peer.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                assert (await peer.answer())[1]["connection"] == "keep-alive"

    run(loop, main)
