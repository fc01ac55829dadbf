"""The control plane: three calls through boto3 beside moto_server, and ten thousand functions.

Everything goes through boto3 on both sides: that is how these calls are made. The functions that a
list shows are made before; what is created has a package of 1 KB.
"""

import asyncio
import hashlib
import io
import random
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from bench import names, publishing
from bench.client import REGION, Connection
from bench.package import HANDLER, RUNTIME
from bench.processes import Child, free_port
from bench.session import Broken, Session
from bench.stoker import Stoker
from bench.systems import System, aws_client
from stoker.blobs.directory import DirectoryBlobs
from stoker.core import model
from stoker.core.invocation import LogSettings
from stoker.core.model import Code, Configuration, FunctionKey
from stoker.store.sqlite import SqliteStore

LISTED = 1000
MANY = 10_000
CALLS = 60  # of each, per system and round; lists a tenth
ROLE = "arn:aws:iam::123456789012:role/bench"  # of the account that moto takes callers for


def measure(session: Session) -> None:
    _three_calls(session)
    _many_functions(session)
    _publishing(session)


class Moto:
    """PyPI's moto, as a server of its own."""

    name = names.MOTO

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = 0
        self.request = b""
        self._child: Child | None = None

    def start(self) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "moto.server", "-p", str(self.port)]
        self._child = Child(command, self._folder / "moto.log")
        self._child.wait_for_port(self.port)
        aws_client("iam", self.port).create_role(
            RoleName="bench", Path="/", AssumeRolePolicyDocument="{}"
        )

    def stop(self) -> None:
        if self._child:
            self._child.stop()

    def tree(self) -> list[int]:
        assert self._child
        return self._child.tree()


# ---- three calls ----


def _three_calls(session: Session) -> None:
    systems: list[System] = [Stoker(session.peers, session.folder), Moto(session.folder)]
    numbers = count()
    with session.running(systems) as alive:
        clients = {system.name: aws_client("lambda", system.port) for system in alive}
        for system in list(alive):
            session.say(f"  {LISTED} functions for {system.name}")
            try:
                for _ in range(LISTED):
                    _create(clients[system.name], numbers)
            except Broken as error:
                session.leave_out(system.name, error)
                alive.remove(system)
        for number in session.rounds(names.GET):
            for system in alive[:: -1 if number % 2 else 1]:
                _one_round(session, system.name, clients[system.name], number, numbers)


def _one_round(
    session: Session, system: str, client: Any, number: int, numbers: Iterator[int]
) -> None:
    known = f"f{0:06}" if system == names.STOKER else f"f{LISTED:06}"
    calls: tuple[tuple[str, int, Callable[[], object]], ...] = (
        (names.GET, CALLS, lambda: client.get_function(FunctionName=known)),
        (names.LIST, CALLS // 10, lambda: _list(client)),
        (names.CREATE, CALLS, lambda: _create(client, numbers)),
    )
    for measure_name, times, call in calls:
        idle = session.quiet()
        call()
        samples = [_timed(call) for _ in range(times)]
        session.book.add(measure_name, system, "ms", number, samples, idle=idle)


def _timed(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return (time.perf_counter() - begun) * 1000


def _list(client: Any) -> None:
    """A thousand functions, in pages of fifty."""
    found = 0
    more: dict[str, str] = {}
    while found < LISTED:
        page = client.list_functions(MaxItems=50, **more)
        found += len(page["Functions"])
        more = {"Marker": page["NextMarker"]} if "NextMarker" in page else {}
        if not more and found < LISTED:
            raise RuntimeError(f"{found} functions were listed")


def _create(client: Any, numbers: Iterator[int]) -> None:
    number = next(numbers)
    client.create_function(
        FunctionName=f"f{number:06}",
        Runtime=RUNTIME,
        Handler=HANDLER,
        Role=ROLE,
        Code={"ZipFile": _package(number)},
    )


def _package(number: int) -> bytes:
    """About 1 KB, and no other's."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("main.py", "def echo(event, context): return event")
        archive.writestr("data", random.Random(number).randbytes(750))
    return buffer.getvalue()


# ---- ten thousand functions ----


def _many_functions(session: Session) -> None:
    few = Stoker(session.peers, session.folder)
    many = Stoker(session.peers, session.folder, names.CROWDED, fill=fill)
    with session.running([few, many]) as alive:
        for number in session.rounds(names.WARM_CROWDED):
            for system in alive[:: -1 if number % 2 else 1]:
                idle = session.quiet()
                connection = Connection(system.port)
                try:
                    samples = connection.latencies(
                        system.request, session.effort.warm_calls, session.effort.warm_s
                    )
                finally:
                    connection.close()
                session.book.add(names.WARM_CROWDED, system.name, "us", number, samples, idle=idle)
    for number in session.rounds(names.STARTS_CROWDED):
        crowded = Stoker(session.peers, session.folder, names.CROWDED, fill=fill)
        idle = session.quiet()
        try:
            crowded.serve()
            rate = 1 / crowded.ready_s
            session.book.add(names.STARTS_CROWDED, names.CROWDED, "1/s", number, [rate], idle=idle)
        finally:
            crowded.stop()


def _publishing(session: Session) -> None:
    """Warm calls of one function, while versions of another are published, about five a second,
    and an alias is moved; and while nothing else happens."""
    quiet = Stoker(session.peers, session.folder)
    with session.running([quiet]) as alive:
        for number in session.rounds(names.WARM_PUBLISHING):
            for system in alive:
                for name in (names.STOKER, names.PUBLISHING)[:: -1 if number % 2 else 1]:
                    _warm_beside(session, system, name, number)


def _warm_beside(session: Session, system: System, name: str, number: int) -> None:
    idle = session.quiet()
    log = session.folder / f"publishing-{number}.log"
    other = None
    if name == names.PUBLISHING:
        other = Child([sys.executable, "-m", "bench.publishing", str(system.port)], log)
        while len(log.read_text().splitlines()) < 2:
            time.sleep(0.02)
    connection = Connection(system.port)
    try:
        effort = session.effort
        samples = connection.latencies(system.request, effort.warm_calls, effort.warm_s)
    finally:
        connection.close()
        if other is not None:
            other.stop()
            aws_client("lambda", system.port).delete_function(FunctionName=publishing.NAME)
    session.book.add(names.WARM_PUBLISHING, name, "us", number, samples, idle=idle)


def fill(data: Path, many: int = MANY) -> None:
    """A data folder with ten thousand functions that are Active."""
    asyncio.run(_fill(data, many))


async def _fill(data: Path, many: int) -> None:
    (data / "state").mkdir(parents=True)
    store, blobs = SqliteStore(data / "state" / "stoker.db"), DirectoryBlobs(data / "blobs")
    await store.open()
    try:
        package = _package(0)
        await blobs.put(package)
        code = Code(hashlib.sha256(package).hexdigest(), len(package), 800)
        async with store.transaction() as tx:
            for number in range(many):
                key = FunctionKey("000000000000", REGION, f"many{number:05}")
                log = LogSettings(f"/aws/lambda/{key.name}")
                new = model.new_function(
                    key,
                    Configuration(RUNTIME, HANDLER, ROLE, code, log),
                    {},
                    revision=f"created {number}",
                    now="2026-01-01T00:00:00.000+0000",
                )
                ready = model.activated(new, revision=f"active {number}")
                await tx.create_function(ready)
    finally:
        await store.close()
        await blobs.close()
