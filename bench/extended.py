"""What extensions cost: one server, the same function without, with one that hears of every
invocation, and with one that takes all telemetry over HTTP.

warm latency with one such extension, first answer with one (it starts an interpreter), answers
per second with telemetry. The extensions are in functions/extensions.
"""

import time

from bench import names
from bench.client import Connection, require_cold
from bench.cold import PAUSE_S
from bench.package import layer
from bench.session import Session
from bench.stoker import Stoker
from bench.throughput import load

CLIENTS = 8
IMPORTS = "import os\nimport socket\n"  # as most extensions do: their author's time, not ours
WARM = {"plain": names.STOKER, "listener": names.EXTENDED}
LOADED = {"plain": names.STOKER, "subscriber": names.WATCHED}


def measure(session: Session) -> None:
    stoker = Stoker(session.peers, session.folder)
    with session.running([stoker]) as alive:
        if not alive:
            return
        layers = {name: stoker.publish(name, layer(name)) for name in ("listener", "subscriber")}
        importer = stoker.publish("importer", layer("listener", IMPORTS))
        stoker.deploy("plain")
        for name, arn in layers.items():
            stoker.deploy(name, layers=[arn])
        for number in session.rounds(names.WARM_EXTENDED):
            _warm(session, stoker, number)
            _cold(session, stoker, number, layers["listener"], importer)
            if session.peers.wrk is not None:
                _loaded(session, stoker, number)


def _warm(session: Session, stoker: Stoker, number: int) -> None:
    effort = session.effort
    for function, system in WARM.items():
        idle = session.quiet()
        connection = Connection(stoker.port)
        try:
            request = stoker.invocation(function)
            samples = connection.latencies(request, effort.warm_calls, effort.warm_s)
        finally:
            connection.close()
        session.book.add(names.WARM_EXTENDED, system, "us", number, samples, idle=idle)


def _cold(session: Session, stoker: Stoker, number: int, listener: str, importer: str) -> None:
    kinds = {names.STOKER: [], names.EXTENDED: [listener], names.IMPORTING: [importer]}
    connection = Connection(stoker.port)
    try:
        for index in range(session.effort.cold_starts):
            for kind, (system, layers) in enumerate(kinds.items()):
                function = f"cold-{number}-{index}-{kind}"
                stoker.deploy(function, layers=layers)
                time.sleep(PAUSE_S)
                taken, answer = connection.timed(stoker.invocation(function))
                require_cold(answer)
                session.book.add(names.COLD_EXTENDED, system, "us", number, [taken])
                stoker.delete(function)
    finally:
        connection.close()


def _loaded(session: Session, stoker: Stoker, number: int) -> None:
    for function, system in LOADED.items():
        idle = session.quiet()
        seen = load(session, stoker.port, stoker.invocation(function), CLIENTS)
        session.book.add(
            names.WATCHED_RATE, system, "per second", number, [seen.rate],
            errors=seen.errors, idle=idle,
        )  # fmt: skip
