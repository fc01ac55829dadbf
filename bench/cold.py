"""Cold start as the client sees it: from the request, or the start of a program, to the answer.

Each of Stoker's is the first invocation of a function of its own, deployed a moment before, over
a connection that is open already; the answer says that it was the first. Between two starts lies
a pause, in which sandboxes are prepared again (and the kernel forgets its last grace period, so
that a slow cgroup attach shows).
"""

import statistics
import time

from bench import names, one_shot
from bench.client import EVENT, BadAnswer, Connection, require_cold
from bench.processes import listens
from bench.session import Broken, Session
from bench.stoker import Stoker, unprepared
from bench.systems import Ministack, Rie, System, aws_client

PAUSE_S = 0.25
START_S = 30.0
PORT_POLL_S = 0.0005
ATTACHES = 5


def measure(session: Session) -> None:
    _state_the_attach(session)
    stoker, bare = Stoker(session.peers, session.folder), unprepared(session.peers, session.folder)
    servers: list[System] = [stoker, bare]
    if session.peers.ministack:
        servers.append(Ministack(session.peers, session.folder))
    with session.running(servers) as alive:
        ours = [server for server in (stoker, bare) if server in alive]
        ministack = next((s for s in alive if isinstance(s, Ministack)), None)
        programs = _programs(session)
        for number in session.rounds(names.COLD):
            _raw_round(session, number, ours, programs)
            if stoker in alive and ministack:
                _boto3_round(session, number, stoker, ministack)


# --- with the raw client -----------------------------------------------------------------------


def _raw_round(
    session: Session, number: int, ours: list[Stoker], programs: dict[str, list[str]]
) -> None:
    functions = [f"cold-{number}-{index}" for index in range(session.effort.cold_starts)]
    for server in ours:
        server.deploy(*functions)
    connections = {server.name: Connection(server.port) for server in ours}
    idle = session.quiet()
    try:
        for function in functions:
            for server in ours:
                time.sleep(PAUSE_S)
                request = server.invocation(function)
                taken, answer = connections[server.name].timed(request)
                require_cold(answer)
                session.book.add(names.COLD, server.name, "us", number, [taken], idle=idle)
            for system, command in list(programs.items()):
                time.sleep(PAUSE_S)
                _program(session, number, system, command, programs, idle)
            for client in _rie_clients(session):
                time.sleep(PAUSE_S)
                _rie(session, number, client, idle)
    finally:
        for connection in connections.values():
            connection.close()
    for server in ours:
        _note_steps(session, number, server, functions)
        server.delete(*functions)


def _programs(session: Session) -> dict[str, list[str]]:
    peers = session.peers
    programs = {names.BARE: one_shot.bare_python(peers)}
    if peers.bwrap:
        programs[names.BWRAP] = one_shot.bubblewrap(peers)
    if peers.runc:
        bundle = one_shot.runc_bundle(peers, session.folder / "bundle")
        programs[names.RUNC] = one_shot.runc(peers, bundle, f"bench-{session.folder.name}")
    return programs


def _program(
    session: Session,
    number: int,
    system: str,
    command: list[str],
    programs: dict[str, list[str]],
    idle: float,
) -> None:
    try:
        taken = one_shot.cold_start(command)
    except Broken as error:
        session.leave_out(system, error)
        del programs[system]
        if system == names.RUNC:
            one_shot.remove_container(session.peers, command[-1])
    else:
        session.book.add(names.COLD, system, "us", number, [taken], idle=idle)


def _rie_clients(session: Session) -> tuple[str, ...]:
    if not (session.peers.rie and session.peers.awslambdaric):
        return ()
    return tuple(
        client
        for client, name in (("awslambdaric", names.RIE_RIC), ("raw", names.RIE_RAW))
        if name not in session.book.missing
    )


def _rie(session: Session, number: int, client: str, idle: float) -> None:
    """From the start of its process to the first answer."""
    rie = Rie(session.peers, session.folder, client)
    begun = time.perf_counter_ns()
    child = rie.launch()
    try:
        end = time.monotonic() + START_S
        while not listens(rie.port):
            if time.monotonic() > end:
                raise BadAnswer(child.last_words())
            time.sleep(PORT_POLL_S)
        connection = Connection(rie.port)
        answer = connection.exchange(rie.request)
        taken = (time.perf_counter_ns() - begun) / 1000
        connection.close()
        require_cold(answer)
    except Broken as error:
        session.leave_out(rie.name, error)
    else:
        session.book.add(names.COLD, rie.name, "us", number, [taken], idle=idle)
    finally:
        rie.stop()


def _note_steps(session: Session, number: int, server: Stoker, functions: list[str]) -> None:
    """The server's own breakdown, by named steps."""
    for environment in server.environments():
        if environment["function"] in functions:
            for step in environment["steps"]:
                system = f"{server.name}: {step['name']}"
                session.book.add(names.COLD_STEP, system, "us", number, [step["ms"] * 1000])


# --- through boto3, which adds its own 1.5 ms to both ------------------------------------------


def _boto3_round(session: Session, number: int, stoker: Stoker, ministack: Ministack) -> None:
    functions = [f"sdk-{number}-{index}" for index in range(session.effort.boto3_cold_starts)]
    stoker.deploy(*functions)
    for function in functions:
        ministack.deploy(function)
    clients = {server.name: aws_client("lambda", server.port) for server in (stoker, ministack)}
    for client in clients.values():
        client.list_functions()  # the connection is open before the clock runs
    idle = session.quiet()
    for function in functions:
        for system, client in clients.items():
            time.sleep(PAUSE_S)
            begun = time.perf_counter_ns()
            answer = client.invoke(FunctionName=function, Payload=EVENT)["Payload"].read()
            taken = (time.perf_counter_ns() - begun) / 1000
            if b'"count": 1,' not in answer and b'"count":1,' not in answer:
                raise BadAnswer(f"{system}: not a cold start: {answer[:200]!r}")
            session.book.add(names.COLD_BOTO3, system, "us", number, [taken], idle=idle)
    stoker.delete(*functions)


# --- what is the kernel's ----------------------------------------------------------------------


def _state_the_attach(session: Session) -> None:
    samples = [one_shot.cgroup_attach_us() for _ in range(ATTACHES)]
    known = [sample for sample in samples if sample is not None]
    if known:
        typical = statistics.median(known)
        session.book.remarks.append(
            f"T9: on this machine one move of a process into its cgroups takes "
            f"{typical / 1000:.2f} ms (median of {len(known)}, 50 ms apart). runc pays it on "
            "every start; Stoker's sandboxes are born in theirs, or enter them one thread at a "
            "time, which waits for nothing."
        )
