"""Memory of one more idle environment after one invocation: the PSS of its processes.

PSS divides a shared page among all who map it. A server with an environment for each function
is weighed with `environments` of them alive, programs of their own with as many of those.
"""

from bench import names, one_shot
from bench.client import Connection, require_cold
from bench.processes import pss_kb
from bench.session import Broken, Session
from bench.stoker import Stoker
from bench.systems import Rie

UNIT = "kB"


def measure(session: Session) -> None:
    stoker = Stoker(session.peers, session.folder)
    with session.running([stoker]) as alive:
        for number in session.rounds(names.MEMORY):
            if alive:
                _stoker(session, number, stoker)
            _bare(session, number)
            if session.peers.rie and session.peers.awslambdaric:
                try:
                    _rie(session, number)
                except Broken as error:
                    session.leave_out(names.RIE_RIC, error)


def _stoker(session: Session, number: int, stoker: Stoker) -> None:
    functions = [f"idle-{number}-{index}" for index in range(session.effort.environments)]
    stoker.deploy(*functions)
    before = pss_kb(stoker.tree())
    connection = Connection(stoker.port)
    for function in functions:
        require_cold(connection.exchange(stoker.invocation(function)))
    connection.close()
    session.quiet()  # until sandboxes have been prepared in place of those just used
    mine = [e for e in stoker.environments() if e["function"] in functions]
    each = [float(pss_kb(e["pids"])) for e in mine if e["pids"]]
    grown = (pss_kb(stoker.tree()) - before) / len(functions)
    if len(each) != len(functions):
        session.leave_out(names.MEMORY, f"{len(each)} of {len(functions)} environments seen")
        return
    series = session.book.add(names.MEMORY, names.STOKER, UNIT, number, each)
    series.notes["growth of all of the server's processes per environment (kB)"] = grown
    stoker.delete(*functions)


def _bare(session: Session, number: int) -> None:
    """Fresh interpreters that have answered once."""
    started = []
    try:
        for _ in range(session.effort.environments):
            started.append(one_shot.Started(one_shot.bare_python(session.peers)))
            started[-1].answer()
        each = [float(pss_kb([program.pid])) for program in started]
    finally:
        for program in started:
            program.close()
    session.book.add(names.MEMORY, names.BARE, UNIT, number, each)


def _rie(session: Session, number: int) -> None:
    """One RIE and one awslambdaric per function: there is no other way to have two."""
    running: list[Rie] = []
    try:
        for _ in range(session.effort.weighings):
            rie = Rie(session.peers, session.folder)
            running.append(rie)
            rie.launch().wait_for_port(rie.port)
            connection = Connection(rie.port)
            require_cold(connection.exchange(rie.request))
            connection.close()
        each = [float(pss_kb(rie.tree())) for rie in running]
    finally:
        for rie in running:
            rie.stop()
    session.book.add(names.MEMORY, names.RIE_RIC, UNIT, number, each)
