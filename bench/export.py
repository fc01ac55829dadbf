"""What the export of telemetry costs: the same function, traced, on servers that export nothing,
traces and metrics, and logs as well; answers per second, in turn.

The receiver (otlp_sink.py) takes everything and shares the cores, as a collector on the same
machine would. Metrics are told each second, which is sixty times as often as by default.
"""

import sys
from dataclasses import replace

from bench import names
from bench.processes import Child, free_port
from bench.session import Session
from bench.stoker import Stoker, traced
from bench.systems import System
from bench.throughput import load

CLIENTS = 8
OFTEN = ("--otlp-interval-s", "1")


def measure(session: Session) -> None:
    if session.peers.wrk is None:
        session.book.missing[names.EXPORT_RATE] = session.peers.missing["wrk"]
        return
    port = free_port()
    sink = Child([sys.executable, "-m", "bench.otlp_sink", str(port)], session.folder / "sink.log")
    try:
        sink.wait_for_port(port)
        with session.running(_systems(session, f"http://127.0.0.1:{port}")) as alive:
            for number in session.rounds(names.EXPORT_RATE):
                for system in alive[:: -1 if number % 2 else 1]:
                    _one_round(session, system, number)
    finally:
        sink.stop()


def _systems(session: Session, url: str) -> list[System]:
    peers, folder = session.peers, session.folder
    where = ("--otlp-endpoint", url, *OFTEN)
    some: Stoker = replace(
        traced(peers, folder), name=names.EXPORTED,
        options=(*where, "--otlp-signals", "traces,metrics"),
    )  # fmt: skip
    everything = replace(traced(peers, folder), name=names.ALL_EXPORTED, options=where)
    return [traced(peers, folder), some, everything]


def _one_round(session: Session, system: System, number: int) -> None:
    idle = session.quiet()
    seen = load(session, system.port, system.request, CLIENTS)
    series = session.book.add(
        names.EXPORT_RATE, system.name, "per second", number, [seen.rate],
        errors=seen.errors, idle=idle,
    )  # fmt: skip
    series.notes["latency p99 (us)"] = float(seen.p99_us)
