"""Environments created, invoked once and ended per second, sustained.

Functions are invoked in turn, each once per lap. An environment ends after a second of idleness,
long before its function's next turn, so that every invocation makes a new one, and at any time
as many end as begin. The peer does the same work with `runc run`, as many at once.
"""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor

from bench import names, one_shot
from bench.client import BadAnswer
from bench.many import Exchange, drive
from bench.session import Broken, Session
from bench.stoker import Stoker

AT_ONCE = 4
IDLE_S = 1
SETTLE_S = 2.0  # until environments end as fast as they begin
RUNC_S = 2.0


def measure(session: Session) -> None:
    stoker = Stoker(
        session.peers,
        session.folder,
        options=("--idle-timeout-s", str(IDLE_S), "--account-concurrency", "2000"),
    )
    functions = [f"churn-{index}" for index in range(session.effort.churn_functions)]
    with session.running([stoker]) as alive:
        if not alive:
            return
        session.say(f"  deploying {len(functions)} functions")
        stoker.deploy(*functions)
        requests = [stoker.invocation(function) for function in functions]
        for number in session.rounds(names.CHURN):
            idle = session.quiet()
            rate, errors = _stoker_rate(session, stoker, requests)
            session.book.add(
                names.CHURN, names.STOKER, "per second", number, [rate], errors=errors, idle=idle
            )
            if session.peers.runc and names.RUNC not in session.book.missing:
                try:
                    rate = _runc_rate(session, number)
                except Broken as error:
                    session.leave_out(names.RUNC, error)
                else:
                    session.book.add(names.CHURN, names.RUNC, "per second", number, [rate])
            while stoker.environments():  # the next round starts from nothing, too
                time.sleep(0.1)


def _stoker_rate(session: Session, stoker: Stoker, requests: list[bytes]) -> tuple[float, int]:
    """(environments per second once settled, wrong answers)."""
    begun = time.perf_counter()
    settled = begun + SETTLE_S
    end = settled + session.effort.churn_s
    exchanges = drive(stoker.port, itertools.cycle(requests), AT_ONCE, until=end)
    _require_a_lap(exchanges, len(requests))
    counted = [each for each in exchanges if settled <= each.ended <= end]
    cold = sum(b'"count": 1,' in each.answer for each in counted)
    wrong = sum(b'"count": 1,' not in each.answer for each in exchanges)
    return cold / session.effort.churn_s, wrong


def _require_a_lap(exchanges: list[Exchange], functions: int) -> None:
    """No function may have been asked again before its environment could end."""
    laps = zip(exchanges, exchanges[functions - AT_ONCE :], strict=False)
    shortest = min((later.ended - earlier.ended for earlier, later in laps), default=IDLE_S + 1)
    if shortest < IDLE_S:
        raise BadAnswer(f"a lap took only {shortest:.1f} s: more functions are needed")


def _runc_rate(session: Session, number: int) -> float:
    bundle = one_shot.runc_bundle(session.peers, session.folder / f"churn-{number}")
    end = time.perf_counter() + RUNC_S
    prefix = f"bench-{session.folder.name}-{number}"

    def loop(worker: int) -> int:
        done = 0
        while time.perf_counter() < end:
            one_shot.cold_start(one_shot.runc(session.peers, bundle, f"{prefix}-{worker}-{done}"))
            done += 1
        return done

    begun = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        total = sum(pool.map(loop, range(AT_ONCE)))
    return total / (time.perf_counter() - begun)
