"""The process that exports traces, metrics and logs: told by frames, it says what became of them.

    python -m stoker.observe.otlp.child FLUSH_S

It ends when its standard input does, after it has sent what it has, or FLUSH_S later. Its memory is
bounded; signals are for the server, which ends it.
"""

import asyncio
import os
import resource
import signal
import sys
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Any, Final

import aiohttp
import orjson
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from stoker.core.otlp import LOGS, METRICS, TRACES, Destination
from stoker.observe.otlp import frames, points, spans
from stoker.observe.otlp.lane import POST_S, Lane
from stoker.observe.otlp.records import Records

MEMORY_BYTES: Final = 1024**3
NICER: Final = 5


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.nice(NICER)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    with suppress(BrokenPipeError):
        asyncio.run(_exported(float(sys.argv[1])))


async def _exported(flush_s: float) -> None:
    reader = asyncio.StreamReader(limit=frames.FRAME_BYTES)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(partial(asyncio.StreamReaderProtocol, reader), sys.stdin)
    first = await _frame(reader)
    if first is None:
        return
    destination = frames.to_destination(frames.unpacked(first)[2])
    timeout = aiohttp.ClientTimeout(total=POST_S)
    records = Records()
    async with aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session:
        lanes = _lanes(session, destination, records)
        async with asyncio.TaskGroup() as running:  # if one fails, all is begun anew
            for lane in lanes.values():
                running.create_task(lane.run())
            while (frame := await _frame(reader)) is not None:
                name, items, what = frames.unpacked(frame)
                if name == frames.CONTEXT:
                    records.began(what)
                else:
                    lanes[name].put(items, what, len(frame))
            loop.call_later(flush_s, os._exit, 0)
            for lane in lanes.values():
                lane.end()


def _lanes(
    session: aiohttp.ClientSession, destination: Destination, records: Records
) -> dict[str, Lane]:
    kinds: tuple[tuple[str, Any, type[Message]], ...] = (
        (TRACES, _spans, ExportTraceServiceResponse),
        (METRICS, points.request, ExportMetricsServiceResponse),
        (LOGS, records.request, ExportLogsServiceResponse),
    )
    headers = dict(destination.headers)
    return {
        name: Lane(session, destination.url(name), headers, encode, answer, partial(_say, name))
        for name, encode, answer in kinds
    }


def _spans(batch: list[list[frames.SpanPart]]) -> Message:
    return spans.request(chain.from_iterable(batch))


def _say(name: str, sent: int, dropped: int, reason: str) -> None:
    told = {"signal": name, "sent": sent, "dropped": dropped, "reason": reason}
    sys.stdout.buffer.write(orjson.dumps(told) + b"\n")
    sys.stdout.buffer.flush()


async def _frame(reader: asyncio.StreamReader) -> bytes | None:
    """None: there are no more."""
    try:
        length = int.from_bytes(await reader.readexactly(frames.LENGTH_BYTES), "little")
        return await reader.readexactly(length)
    except asyncio.IncompleteReadError:
        return None


if __name__ == "__main__":
    main()
