"""100 environments at once: so many invocations together of a function that sleeps 300 ms.

The time from the first request to the last answer, less the 300 ms.
"""

from bench import names
from bench.client import GOOD, BadAnswer, require_cold
from bench.many import drive
from bench.session import Session
from bench.stoker import Stoker

NAP_S = 0.3


def measure(session: Session) -> None:
    stoker = Stoker(session.peers, session.folder)
    with session.running([stoker]) as alive:
        if not alive:
            return
        for number in session.rounds(names.BURST):
            function = f"burst-{number}"
            stoker.deploy(function, handler="main.nap")
            request = stoker.invocation(function)
            idle = session.quiet()
            size = session.effort.burst
            exchanges = drive(stoker.port, [request] * size, size)
            errors = sum(GOOD not in each.answer[-20:] for each in exchanges)
            for each in exchanges:
                if GOOD in each.answer[-20:]:
                    require_cold(each.answer)
            if errors == size:
                raise BadAnswer(exchanges[0].answer[:400].decode(errors="replace"))
            begun = min(each.begun for each in exchanges)
            taken = max(each.ended for each in exchanges) - begun - NAP_S
            session.book.add(
                names.BURST, names.STOKER, "ms", number, [taken * 1000], errors=errors, idle=idle
            )
            stoker.delete(function)
