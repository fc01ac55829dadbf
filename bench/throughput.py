"""Answers per second at 1, 8 and 64 clients: wrk, one thread, keep-alive, every answer checked."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench import names
from bench.processes import CannotStart
from bench.session import Broken, Session
from bench.stoker import Stoker
from bench.systems import Ministack, Rie, RieManaged, ServerlessOffline, System

CLIENTS = (1, 8, 64)
LUA = Path(__file__).with_name("load.lua")
TIMEOUT_S = 30
SPARE = 2  # environments per client that RIE gets: with one it refuses most requests


@dataclass(frozen=True, slots=True)
class Load:
    right: int
    errors: int
    seconds: float
    p50_us: int
    p99_us: int
    said: str  # the first wrong answer

    @property
    def rate(self) -> float:
        return self.right / self.seconds


def measure(session: Session) -> None:
    if session.peers.wrk is None:
        session.book.missing[names.THROUGHPUT] = session.peers.missing["wrk"]
        return
    peers, folder = session.peers, session.folder
    everywhere: list[System] = [Stoker(peers, folder)]
    if peers.serverless:
        everywhere.append(ServerlessOffline(peers, folder))
    if peers.ministack:
        everywhere.append(Ministack(peers, folder))
    with session.running(everywhere) as alive:
        for clients in CLIENTS:
            with session.running(_only_for(session, clients)) as more:
                _rounds(session, [*alive, *more], clients)


def _only_for(session: Session, clients: int) -> list[System]:
    peers, folder = session.peers, session.folder
    if not (peers.rie and peers.awslambdaric):
        return []
    if clients == 1:
        return [Rie(peers, folder), Rie(peers, folder, "raw")]
    return [RieManaged(peers, folder, clients * SPARE)]


def _rounds(session: Session, systems: list[System], clients: int) -> None:
    measure_name, alive = names.throughput(clients), list(systems)
    early: dict[str, int] = {}
    for system in systems:  # the first environments are made here; errors count all the same
        try:
            early[system.name] = load(session, system.port, system.request, clients, 2).errors
        except Broken as error:
            session.leave_out(f"{system.name}, {clients} clients", error)
            alive.remove(system)
    for number in session.rounds(measure_name):
        for system in alive[:: -1 if number % 2 else 1]:
            idle = session.quiet()
            seen = load(session, system.port, system.request, clients)
            series = session.book.add(
                measure_name,
                system.name,
                "per second",
                number,
                [seen.rate],
                errors=seen.errors + early.pop(system.name, 0),
                idle=idle,
            )
            series.notes["latency p50 (us)"] = float(seen.p50_us)
            series.notes["latency p99 (us)"] = float(seen.p99_us)
            if seen.said:
                series.notes["first error"] = seen.said


def load(
    session: Session,
    port: int,
    content: bytes,
    clients: int,
    seconds: int | None = None,
    status: int = 200,
) -> Load:
    """So many clients who send this request to 127.0.0.1, one after the other, for a while. With
    status 202 an answer is right whatever its body."""
    seconds = seconds or session.effort.load_s
    request = session.folder / "request"
    request.write_bytes(content)
    command = [str(session.peers.wrk), "-t1", f"-c{clients}", f"-d{seconds}s"]
    command += [f"--timeout={TIMEOUT_S}s", "-s", str(LUA), f"http://127.0.0.1:{port}"]
    done = subprocess.run(
        command,
        env={**os.environ, "BENCH_REQUEST": str(request), "BENCH_STATUS": str(status)},
        capture_output=True,
        text=True,
        timeout=seconds + 2 * TIMEOUT_S,
        check=False,
    )
    facts = {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", done.stderr)}
    if "right" not in facts:
        raise CannotStart(f"wrk: {done.stderr or done.stdout}")
    return Load(
        right=facts["right"],
        errors=facts["wrong"] + facts["broken"],
        seconds=facts["duration_us"] / 1e6,
        p50_us=facts["p50_us"],
        p99_us=facts["p99_us"],
        said=done.stderr.splitlines()[1] if facts["wrong"] else "",
    )
