"""Warm invoke: one client, one environment, 1 KB in and 1 KB out.

Back to back, and after a rest: a client that asks again at once may meet an environment that was
not frozen yet, and would not see what a thaw costs.
"""

from bench import names
from bench.client import Connection
from bench.processes import cpu_ns
from bench.session import Broken, Session
from bench.stoker import Stoker, traced, unfrozen, unisolated, unmetered, with_awslambdaric
from bench.systems import Ministack, Rie, ServerlessOffline, System

REST_S = 0.01
RESTED = (names.STOKER, names.UNFROZEN, names.RIE_RIC, names.RIE_RAW)


def measure(session: Session) -> None:
    with session.running(_systems(session)) as alive:
        for number in session.rounds(names.WARM):
            # Every other round backwards, so that no system always follows the same one.
            for system in alive[:: -1 if number % 2 else 1]:
                try:
                    _one_round(session, system, number)
                except Broken as error:
                    session.leave_out(system.name, error)
                    alive.remove(system)


def _systems(session: Session) -> list[System]:
    peers, folder = session.peers, session.folder
    systems: list[System] = [Stoker(peers, folder), unisolated(peers, folder)]
    systems += [unfrozen(peers, folder), unmetered(peers, folder), traced(peers, folder)]
    if peers.awslambdaric:
        systems.append(with_awslambdaric(peers, folder))
    if peers.rie and peers.awslambdaric:
        systems += [Rie(peers, folder), Rie(peers, folder, "raw")]
    if peers.ministack:
        systems.append(Ministack(peers, folder))
    if peers.serverless:
        systems.append(ServerlessOffline(peers, folder))
    return systems


def _one_round(session: Session, system: System, number: int) -> None:
    effort, book = session.effort, session.book
    idle = session.quiet()
    connection = Connection(system.port)
    try:
        processes = system.tree()
        before = cpu_ns(processes)
        samples = connection.latencies(system.request, effort.warm_calls, effort.warm_s)
        used_us = (cpu_ns(processes) - before) / 1000
        rested: list[float] = []
        if system.name in RESTED:
            rested = connection.latencies(
                system.request, effort.rested_calls, effort.warm_s * 2, REST_S
            )
    finally:
        connection.close()
    book.add(names.WARM, system.name, "us", number, samples, idle=idle)
    if rested:
        book.add(names.RESTED, system.name, "us", number, rested, idle=idle)
    book.add(names.CPU, system.name, "us", number, [used_us / (len(samples) + 1)], idle=idle)
