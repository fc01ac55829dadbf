"""The export of telemetry: its process, and receivers that are away, slow, or answer anything."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import aiohttp
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from stoker.core.otlp import LOGS, METRICS, TRACES, Destination
from stoker.observe.log_writes import Batch, StreamName
from stoker.observe.otlp import export as export_module
from stoker.observe.otlp import frames, lane, spans
from stoker.observe.otlp.export import QUEUE_BYTES, Export
from stoker.observe.otlp.lane import Lane
from tests.faults.scene import PATIENCE_S
from tests.otlp_receiver import Receiver, receiving

READINGS: Any = (("1", "eu", "f"), [("Errors", "Count", (1.0, 1.0, 1.0, 1.0, None))], [], 1, 2)
SPAN = (
    b'{"trace_id":"1-5759e988-bd862e3fe1be46a994272793","id":"00000000000000aa","name":"n",'
    b'"start_time":1,"end_time":2}'
)
STREAM = StreamName("1", "eu", "/aws/lambda/f", "2026/11/22/[1]a")


async def comes(look: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not look():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def test_what_waits_at_the_end_is_sent_with_the_headers_that_were_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(export_module, "FLUSH_S", PATIENCE_S)

    async def main(receiver: Receiver) -> None:
        export = Export(Destination(receiver.url, (("api-key", "k"),)))
        export.start()
        await asyncio.to_thread(export.lines, [Batch(STREAM, [1, 2], [b"a\n", b"b\n"])])
        export.put(TRACES, 1, [("1", "eu", "f", SPAN)])
        export.readings(READINGS)
        await export.close()
        assert export.sent == {LOGS: 2, TRACES: 1, METRICS: 1}
        assert not export.dropped.total()
        assert not export.wants("profiles")

    with receiving() as receiver:
        asyncio.run(main(receiver))
        assert [record.body.string_value for _, record in receiver.lines()] == ["a", "b"]
        assert [span.name for _, span in receiver.spans()] == ["n"]
        assert [metric.name for _, metric in receiver.metrics()] == ["aws.lambda.errors"]
        assert {headers["api-key"] for headers in receiver.headers} == {"k"}


def test_a_receiver_that_says_nothing_holds_up_the_end_for_so_long_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(export_module, "FLUSH_S", 0.2)

    async def main(port: int) -> None:
        export = Export(Destination(f"http://127.0.0.1:{port}"))
        export.start()
        export.readings(READINGS)
        began = time.monotonic()
        await export.close()
        assert time.monotonic() - began < PATIENCE_S
        assert export.dropped == {METRICS: 1}
        export.readings(READINGS)  # too late
        assert export.dropped == {METRICS: 2}

    with socket.create_server(("127.0.0.1", 0)) as listener:  # nobody accepts
        asyncio.run(main(listener.getsockname()[1]))


def test_of_segments_that_are_too_much_together_only_the_oldest_are_lost() -> None:
    async def main() -> None:
        export = Export(Destination("http://127.0.0.1:9"))
        export.spans([("1", "eu", "f", bytes([n]) * 100_000) for n in range(90)])
        assert 0 < export.dropped[TRACES] < 45

    asyncio.run(main())


def test_what_goes_into_a_frame_is_bounded_in_bytes_and_in_number() -> None:
    half = frames.PORTION_BYTES // 2
    sizes = [half, half, half, 3 * half, 0]
    found = [sizes[these] for these in frames.portions(sizes)]
    assert found == [[half, half], [half], [3 * half], [0]]
    many = [0] * (frames.PORTION + 1)
    assert [len(many[these]) for these in frames.portions(many)] == [frames.PORTION, 1]
    assert list(frames.portions([])) == []


def test_what_nobody_takes_is_bounded_and_what_is_dropped_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its process is stopped: it reads nothing."""

    async def main() -> None:
        export = Export(Destination("http://127.0.0.1:9"))
        export.start()
        export.put(LOGS, 0, ("1", "eu", "g", "s", [], []))
        await comes(lambda: export._child)
        child = export._child
        assert child is not None
        os.kill(child.pid, signal.SIGSTOP)
        line, count = b"x" * 100_000, 300
        began = time.monotonic()
        for _ in range(count):
            export.put(LOGS, 1, (*("1", "eu", "g", "s"), [1], [line]))
        assert time.monotonic() - began < PATIENCE_S
        assert export._size_bytes <= QUEUE_BYTES
        assert export.dropped[LOGS] >= count - QUEUE_BYTES // len(line) - 1
        child.kill()
        await export.close()
        assert export.dropped == {LOGS: count}, "all that could be lost is counted"

    monkeypatch.setattr(export_module, "FLUSH_S", 0.2)
    asyncio.run(main())


def test_a_process_that_is_killed_has_a_successor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_module, "FIRST_PAUSE_S", 0.01)

    async def main(receiver: Receiver) -> None:
        export = Export(Destination(receiver.url))
        export.start()
        export.put(LOGS, 0, ("1", "eu", "g", "s", [], []))
        await comes(lambda: export._child)
        first = export._child
        assert first is not None
        first.kill()
        await comes(lambda: export._child is not first)
        export.readings(READINGS)
        await export.close()
        assert export.sent + export.dropped == {METRICS: 1}

    with receiving() as receiver:
        asyncio.run(main(receiver))


# --- a lane by itself ---------------------------------------------------------------------------


def delivered(
    answer: Callable[[BaseHTTPRequestHandler], None], monkeypatch: pytest.MonkeyPatch
) -> tuple[list[tuple[int, int, str]], Receiver]:
    """What a lane says of two spans that it is given, until they are done with."""
    monkeypatch.setattr(lane, "DELAY_S", 0.0)
    monkeypatch.setattr(lane, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(lane, "LAST_PAUSE_S", 0.01)
    told: list[tuple[int, int, str]] = []

    async def main(url: str) -> None:
        def tell(sent: int, dropped: int, reason: str) -> None:
            told.append((sent, dropped, reason))

        timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            one = Lane(session, url, {}, spans.request, ExportTraceServiceResponse, tell)
            running = asyncio.create_task(one.run())
            part = ("1", "eu", "f", SPAN)
            one.put(1, part, len(SPAN))
            one.put(1, part, len(SPAN))
            await comes(lambda: sum(sent + dropped for sent, dropped, _ in told) == 2)
            one.end()
            await running

    with receiving(answer) as receiver:
        asyncio.run(main(receiver.url + "/v1/traces"))
    return told, receiver


def respond(to: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    to.send_response(status)
    for name, value in headers.items():
        to.send_header(name.replace("_", "-"), value)
    to.send_header("Content-Length", str(len(body)))
    to.end_headers()
    to.wfile.write(body)


def test_what_is_refused_for_now_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([503, 429, 200])
    told, receiver = delivered(
        lambda to: respond(to, next(answers), Retry_After="99999999"), monkeypatch
    )
    assert [one[:2] for one in told] == [(0, 0), (0, 0), (2, 0)]
    assert len(receiver.spans()) == 6


def test_what_is_refused_for_good_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    (one,), receiver = delivered(lambda to: respond(to, 400, b"bad"), monkeypatch)
    assert one[:2] == (0, 2)
    assert "400" in one[2]
    assert len(receiver.requests) == 1


def test_nobody_is_sent_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    (one,), _ = delivered(lambda to: respond(to, 307, Location="http://127.0.0.1:9"), monkeypatch)
    assert one[:2] == (0, 2)


def test_a_part_that_is_rejected_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    partial = ExportTracePartialSuccess(rejected_spans=1, error_message="too\nold")
    body = ExportTraceServiceResponse(partial_success=partial).SerializeToString()
    told, _ = delivered(lambda to: respond(to, 200, body), monkeypatch)
    assert told == [(1, 1, "too old")]


def test_garbage_after_a_success_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    told, _ = delivered(lambda to: respond(to, 200, b"\xff" * 1_000_000), monkeypatch)
    assert told == [(2, 0, "")]


def test_garbage_for_an_answer_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    count = iter(range(100))

    def answer(to: BaseHTTPRequestHandler) -> None:
        if next(count) < 2:
            to.wfile.write(b"\x00\xffHTTP/9 what\r\n" * 100)
            to.close_connection = True
        else:
            respond(to, 200)

    told, _ = delivered(answer, monkeypatch)
    assert [one[:2] for one in told] == [(0, 0), (0, 0), (2, 0)]


def test_a_lane_keeps_the_latest_that_it_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "LANE_BYTES", 10)
    told: list[tuple[int, int, str]] = []
    one = Lane(None, "", {}, spans.request, ExportTraceServiceResponse,  # type: ignore[arg-type]
               lambda *said: told.append(said))  # fmt: skip
    for number in range(4):
        one.put(3, number, 5)
    assert [dropped for _, dropped, _ in told] == [3, 3]
    assert [what for _, _, what in one._waiting] == [2, 3]


def test_frames_bring_what_they_were_given() -> None:
    what = ("a", b"\xff", [1, 2.5, None], {"k": (1, "v")})
    frame = frames.packed(LOGS, 3, what)
    assert int.from_bytes(frame[:4], "little") == len(frame) - 4
    assert frames.unpacked(frame[4:]) == (LOGS, 3, what)
    destination = Destination("http://h", (("a", "b"),), frozenset({LOGS}))
    told = frames.unpacked(frames.of_destination(destination)[4:])[2]
    assert frames.to_destination(told) == destination
