"""100 environments at once: so many invocations together of a function that sleeps a second.

The time from the first request to the last answer, less that second. An environment that is used
twice, because another took longer than that to make, counts as an error.
"""

from bench import names
from bench.client import BadAnswer, require_cold
from bench.many import drive
from bench.session import Session
from bench.stoker import Stoker

NAP_S = 1.0  # longer than 100 take to make, or one would be used twice


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
            errors = sum(not _is_first(each.answer) for each in exchanges)
            if errors == size:
                raise BadAnswer(exchanges[0].answer[:400].decode(errors="replace"))
            begun = min(each.begun for each in exchanges)
            taken = max(each.ended for each in exchanges) - begun - NAP_S
            session.book.add(
                names.BURST, names.STOKER, "ms", number, [taken * 1000], errors=errors, idle=idle
            )
            stoker.delete(function)


def _is_first(answer: bytes) -> bool:
    """Whether it is right, and the first of its environment: none was used twice."""
    try:
        require_cold(answer)
    except BadAnswer:
        return False
    return True
