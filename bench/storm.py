"""A storm: a thousand callers at once of a function that has no environment yet, and what another
function's callers notice of it.

The function sleeps a second. Each caller has a connection of its own and asks once; some are
answered, those over the account's concurrency are throttled, and those for whom the machine has no
room get AWS's capacity error. Anything else is an error, and so is whatever is left of it.
The callers are a process of their own. Beside them, and before, a caller of the other function is
due every 10 ms. One who is kept waiting by those before counts from when it was due: otherwise a
standstill would be one sample, however long.
"""

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import names
from bench.client import BadAnswer, Connection, require_good
from bench.many import drive
from bench.session import Session
from bench.stoker import Stoker

CALLERS = 1000
MEMORY_MB = 128
KEPT = 100  # of the account's 1000, for the other function: it may be asked 1000 times a second
REST_S = 0.01
SETTLED_S = 60.0  # until all that the storm needed is gone
SPARE = 100  # descriptors that come and go by themselves; of a thousand callers more would stay


@dataclass(frozen=True, slots=True)
class Passed:
    begun: float  # seconds, time.perf_counter, which is one clock for all processes
    ended: float
    kinds: Counter[str]  # what became of the callers
    odd: str  # an answer that is none of these


def measure(session: Session) -> None:
    stoker = Stoker(session.peers, session.folder)
    with session.running([stoker]) as alive:
        if not alive:
            return
        stoker.reserve("echo", KEPT)
        with _callers() as callers:
            for number in session.rounds(names.STORM):
                _one_round(session, stoker, callers, number)


@contextmanager
def _callers() -> Iterator[ProcessPoolExecutor]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        pool.submit(int).result()  # it is there
        yield pool


def _one_round(session: Session, stoker: Stoker, callers: ProcessPoolExecutor, number: int) -> None:
    function = f"storm-{number}"
    stoker.deploy(function, handler="main.nap", MemorySize=MEMORY_MB)
    idle = session.quiet()
    open_before = _descriptors(stoker)
    connection = Connection(stoker.port)
    try:
        end = time.perf_counter() + session.effort.warm_s * 2
        quiet = [taken for _, taken in _asked(connection, stoker.request, lambda due: due > end)]
        passing = callers.submit(storm, stoker.port, stoker.invocation(function))

        def is_over(due: float) -> bool:
            return passing.done() and due > passing.result().ended

        seen = _asked(connection, stoker.request, is_over)
    finally:
        connection.close()
    passed = passing.result()
    during = [taken for due, taken in seen if passed.begun <= due <= passed.ended]
    if not during:
        raise BadAnswer("the storm was over before the other function's client asked once")
    stoker.delete(function)
    leaked = _left(stoker, open_before)
    session.book.add(names.STORM, names.STOKER, "us", number, quiet, idle=idle)
    series = session.book.add(
        names.STORM, names.STORMED, "us", number, during,
        errors=passed.kinds["odd"] + leaked, idle=idle,
    )  # fmt: skip
    series.notes |= {f"callers {kind}": float(n) for kind, n in passed.kinds.items()}
    series.notes["storm (s)"] = passed.ended - passed.begun
    if passed.odd:
        series.notes["first error"] = passed.odd


def _asked(
    connection: Connection, request: bytes, is_over: Callable[[float], bool]
) -> list[tuple[float, float]]:
    """(when a caller was due, microseconds until it had its answer), one after the other."""
    seen: list[tuple[float, float]] = []
    due = time.perf_counter() + REST_S
    while not is_over(due):
        begun = due
        if (early := due - time.perf_counter()) > 0:
            time.sleep(early)
            begun = time.perf_counter()  # that a sleep lasts longer is not the server's doing
        require_good(connection.exchange(request))
        seen.append((due, (time.perf_counter() - begun) * 1e6))
        due += REST_S
    return seen


def storm(port: int, request: bytes) -> Passed:
    """All callers at once; return when each has its answer."""
    exchanges = drive(port, [request] * CALLERS, CALLERS)
    kinds = Counter(_kind(each.answer) for each in exchanges)
    odd = next((each.answer for each in exchanges if _kind(each.answer) == "odd"), b"")
    return Passed(
        min(each.begun for each in exchanges),
        max(each.ended for each in exchanges),
        kinds,
        odd[-200:].decode(errors="replace"),
    )


def _kind(answer: bytes) -> str:
    """What became of a caller."""
    if answer.startswith(b"HTTP/1.1 429") and b"ConcurrentInvocationLimitExceeded" in answer:
        return "throttled"
    if answer.startswith(b"HTTP/1.1 500") and b"sufficient capacity" in answer:
        return "without capacity"
    try:
        require_good(answer)
    except BadAnswer:
        return "odd"
    return "answered"


def _left(stoker: Stoker, before: int) -> int:
    """Descriptors that stay open beyond those of before: sockets, cgroups, environments."""
    end = time.monotonic() + SETTLED_S
    while (left := _descriptors(stoker) - before) > SPARE and time.monotonic() < end:
        time.sleep(0.1)
    return left if left > SPARE else 0


def _descriptors(stoker: Stoker) -> int:
    """Open in all of its processes. A process may end while it is looked at."""
    total = 0
    for pid in stoker.tree():
        try:
            total += len(list(Path(f"/proc/{pid}/fd").iterdir()))
        except OSError:
            continue
    return total
