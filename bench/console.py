"""The console: how quickly its pages are there, how late a live page is told, and what it costs.

One server with a past (recorded.py). Pages are asked for over one connection, each alone; the
slowest of them counts. A live page's reader is a process of its own.
"""

import json
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import chromium, names, recorded
from bench.client import REGION, BadAnswer, Connection
from bench.live_page import RECV_BYTES, opened
from bench.processes import CannotStart, Child
from bench.session import Session
from bench.stoker import Stoker
from bench.throughput import load

CLIENTS = 8
VISITS = 20  # of each page, per round
CHANGES = 10  # of phase, per round
CLOCKS_MS = 100.0  # by which the server's may be behind ours; the one before took ten times that
PAINTS = 5
PATIENCE_S = 10.0
AT = f"/_stoker/{recorded.ACCOUNT}/{REGION}"
ONE = f"{AT}/functions/{recorded.function(500)}"
PAGES = {
    "functions": f"{AT}/functions",
    "functions, searched": f"{AT}/functions?search=many005",
    "function": ONE,
    "code": f"{ONE}/code",
    "configuration": f"{ONE}/configuration",
    "versions": f"{ONE}/versions",
    "concurrency": f"{ONE}/concurrency",
    "logs": f"{ONE}/logs",
    "monitor": f"{ONE}/monitor",
    "monitor's data": f"{ONE}/monitor/data",
    "environments": f"{AT}/environments",
    "layers": f"{AT}/layers",
    "stacks": f"{AT}/stacks",
    "account": f"{AT}/account",
}
FOLLOW = f"{AT}/environments/follow"


def measure(session: Session) -> None:
    session.say("  a past of a million invocations is made")
    stoker = Stoker(session.peers, session.folder, fill=recorded.fill)
    with session.running([stoker]) as alive:
        if not alive:
            return
        stoker.deploy("nap", handler="main.nap")
        for number in session.rounds(names.PAGES):
            _pages(session, stoker, number)
            _late(session, stoker, number)
            if session.peers.wrk is not None:
                _loaded(session, stoker, number)
            _painted(session, stoker, number)


def _pages(session: Session, stoker: Stoker, number: int) -> None:
    idle = session.quiet()
    medians: dict[str, float] = {}
    connection = Connection(stoker.port)
    try:
        for name, path in PAGES.items():
            head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{stoker.port}\r\n\r\n".encode()
            taken = sorted(_visited(connection, head, name) for _ in range(VISITS))
            medians[name] = taken[len(taken) // 2]
    finally:
        connection.close()
    slowest = max(medians.values())
    series = session.book.add(names.PAGES, names.STOKER, "ms", number, [slowest], idle=idle)
    series.notes |= {f"{name} (ms)": round(value, 1) for name, value in medians.items()}


def _visited(connection: Connection, request: bytes, name: str) -> float:
    taken_us, answer = connection.timed(request)
    if not answer.startswith(b"HTTP/1.1 200"):
        raise BadAnswer(f"{name}: {answer[:200].decode(errors='replace')}")
    return taken_us / 1000


def _late(session: Session, stoker: Stoker, number: int) -> None:
    """By the machine's clock: the server says when a phase began, we see when we are told."""
    idle = session.quiet()
    samples: list[float] = []
    request = stoker.invocation("nap")
    with opened(stoker.port, f"{FOLLOW}?function=nap") as page:
        told = _told(page)
        next(told)
        for _ in range(CHANGES):
            connection = Connection(stoker.port)
            try:
                begun_ms = time.time() * 1000
                connection.sock.sendall(request)
                samples.append(_first_change(told, begun_ms - CLOCKS_MS))
                connection.sock.recv(RECV_BYTES)
            finally:
                connection.close()
    session.book.add(names.LATE, names.STOKER, "ms", number, samples, idle=idle)


def _first_change(told: Iterator[dict[str, Any]], since_ms: float) -> float:
    end = time.monotonic() + PATIENCE_S
    for news in told:
        now_ms = time.time() * 1000
        for life in news["lives"]:
            began = [
                float(bar[1]) for bar in life["bars"] if bar[0] == "Invoke" and bar[1] >= since_ms
            ]
            if began:
                return now_ms - min(began)
        if time.monotonic() > end:
            break
    raise BadAnswer(f"no change of phase was told within {PATIENCE_S} s")


def _told(page: socket.socket) -> Iterator[dict[str, Any]]:
    """What is told, piece by piece."""
    waiting = b""
    while piece := page.recv(RECV_BYTES):
        waiting += piece
        *lines, waiting = waiting.split(b"\n")
        for line in lines:
            if line.startswith(b"data: {"):
                yield json.loads(line.removeprefix(b"data: "))


def _loaded(session: Session, stoker: Stoker, number: int) -> None:
    for name in (names.STOKER, names.LIVE)[:: -1 if number % 2 else 1]:
        idle = session.quiet()
        log = session.folder / f"live-{number}.log"
        page = _page(stoker, log) if name == names.LIVE else None
        try:
            seen = load(session, stoker.port, stoker.request, CLIENTS)
        finally:
            if page is not None:
                page.stop()
        session.book.add(
            names.LIVE_RATE, name, "per second", number, [seen.rate], errors=seen.errors, idle=idle
        )


def _page(stoker: Stoker, log: Path) -> Child:
    page = Child([sys.executable, "-m", "bench.live_page", str(stoker.port), FOLLOW], log)
    end = time.monotonic() + PATIENCE_S
    while "open" not in log.read_text():
        if time.monotonic() > end:
            page.stop()
            raise CannotStart(log.read_text() or "the live page does not open")
        time.sleep(0.02)
    return page


def _painted(session: Session, stoker: Stoker, number: int) -> None:
    idle = session.quiet()
    url = f"http://127.0.0.1:{stoker.port}{AT}/functions"
    try:
        samples = chromium.paints(url, PAINTS, session.folder / "chromium.log")
    except CannotStart as error:
        session.leave_out(names.PAINT, error)
        return
    session.book.add(names.PAINT, names.STOKER, "ms", number, samples, idle=idle)
