"""Asynchronous invocation: how soon an event is accepted, how fast events are run, and what a
hundred thousand of them cost that wait. Then queues (bench/mapping.py).

Events wait for a function with reserved concurrency 1 that sleeps a second, so that next to none
of them is run meanwhile. (With reserved concurrency 0 an event ends at once.)
"""

import itertools
import time

from bench import mapping, names
from bench.client import QUEUED, BadAnswer, Connection, require_accepted, require_good
from bench.many import drive
from bench.processes import pss_kb
from bench.session import Broken, Session
from bench.stoker import Stoker
from bench.throughput import load

CLIENTS = 8
WAITING = 100_000
SENDERS = 32  # connections over which they are sent
NEXT_TO_ALL = 0.99  # of them must still wait when the memory is weighed, and after each start
DRAINED_S = 120.0  # for the events of one round
LOOK_S = 0.01


def measure(session: Session) -> None:
    for name, step in {
        names.EVENTS_DONE: _run,
        names.QUEUED_MEMORY: _wait,
        names.MAPPED: mapping.measure,
    }.items():
        try:
            step(session)
        except Broken as error:
            session.leave_out(name, f"{type(error).__name__}: {error}")


# ---- accepted, and run ----


def _run(session: Session) -> None:
    stoker = Stoker(session.peers, session.folder)
    with session.running([stoker]) as alive:
        if not alive:
            return
        for number in session.rounds(names.ACCEPTED):
            _accepted(session, stoker, number)
            if session.peers.wrk is not None:
                _loaded(session, stoker, number)
        if session.peers.wrk is None:
            session.leave_out(names.EVENTS_DONE, session.peers.missing["wrk"])


def _accepted(session: Session, stoker: Stoker, number: int) -> None:
    """One client, back to back. What it has sent is run meanwhile."""
    idle = session.quiet()
    request = stoker.invocation("echo", QUEUED)
    samples: list[float] = []
    connection = Connection(stoker.port)
    try:
        require_accepted(connection.exchange(request))
        end = time.monotonic() + session.effort.warm_s
        while len(samples) < session.effort.warm_calls and time.monotonic() < end:
            taken_us, answer = connection.timed(request)
            require_accepted(answer)
            samples.append(taken_us / 1000)
    finally:
        connection.close()
    _drained(stoker, "echo")
    session.book.add(names.ACCEPTED, names.STOKER, "ms", number, samples, idle=idle)


def _loaded(session: Session, stoker: Stoker, number: int) -> None:
    """The same clients and function, answered and queued. Of events, the time from the first to be
    sent until the last has come to its end counts, and all that were accepted."""
    book = session.book
    idle = session.quiet()
    seen = load(session, stoker.port, stoker.request, CLIENTS)
    book.add(
        names.EVENTS_DONE, names.SYNCHRONOUS, "per second", number, [seen.rate],
        errors=seen.errors, idle=idle,
    )  # fmt: skip
    idle = session.quiet()
    before = _counts(stoker)
    begun = time.perf_counter()
    seen = load(session, stoker.port, stoker.invocation("echo", QUEUED), CLIENTS, status=202)
    _drained(stoker, "echo")
    taken = time.perf_counter() - begun
    after = _counts(stoker)
    received, lost = after[0] - before[0], after[1] - before[1]
    series = book.add(
        names.EVENTS_DONE, names.ASYNCHRONOUS, "per second", number, [(received - lost) / taken],
        errors=seen.errors + lost + max(0, seen.right - received), idle=idle,
    )  # fmt: skip
    series.notes["accepted per second"] = seen.rate


def _counts(stoker: Stoker) -> tuple[int, int]:
    """(events accepted, events dropped) since the server's start."""
    counts = stoker.events("echo").get("counts", {})
    return counts.get("AsyncEventsReceived", 0), counts.get("AsyncEventsDropped", 0)


def _drained(stoker: Stoker, function: str) -> None:
    """Return when every event of a function has come to its end."""
    end = time.monotonic() + DRAINED_S
    while True:
        seen = stoker.events(function)
        left = sum(seen.get(state, 0) for state in ("waiting", "running", "later"))
        if not left:
            return
        if time.monotonic() > end:
            raise TimeoutError(f"{left} events of {function} are left after {DRAINED_S} s")
        time.sleep(LOOK_S)


# ---- waiting ----


def _wait(session: Session) -> None:
    stoker, function = Stoker(session.peers, session.folder), "nap"
    with session.running([stoker]) as alive:
        if not alive:
            return
        stoker.deploy(function, handler="main.nap")
        stoker.reserve(function, 1)
        connection = Connection(stoker.port)
        require_good(connection.exchange(stoker.invocation(function)))
        connection.close()
        idle = session.quiet()
        before = pss_kb(stoker.tree())
        session.say(f"  {WAITING} events")
        begun = time.perf_counter()
        request = stoker.invocation(function, QUEUED)
        for exchange in drive(stoker.port, itertools.repeat(request, WAITING), SENDERS):
            require_accepted(exchange.answer)
        taken = time.perf_counter() - begun
        grown = (pss_kb(stoker.tree()) - before) / 1024
        _require_waiting(stoker, function)
        series = session.book.add(
            names.QUEUED_MEMORY, names.STOKER, "MB", 0, [grown], idle=idle
        )  # once: it does not vary
        series.notes["sent in (s)"] = taken
        for number in session.rounds(names.QUEUED_START):
            stoker.stop()
            idle = session.quiet()
            stoker.serve()
            _require_waiting(stoker, function)
            session.book.add(
                names.QUEUED_START, names.STOKER, "s", number, [stoker.ready_s], idle=idle
            )


def _require_waiting(stoker: Stoker, function: str) -> None:
    waiting = stoker.events(function).get("waiting", 0)
    if waiting < WAITING * NEXT_TO_ALL:
        raise BadAnswer(f"only {waiting} events of {function} wait")
