"""From a save to the new answer: a file is written, and its function invoked back to back, over an
open connection, until it answers what was written. Between two saves lies a pause, in which
sandboxes are prepared again.
"""

import json
import sys
import time
from pathlib import Path

from bench import names
from bench.client import REGION, BadAnswer, Connection
from bench.processes import CannotStart, Child
from bench.runtimes import NODES, is_found
from bench.session import Session
from bench.stoker import Stoker
from bench.systems import same_python

PAUSE_S = 0.25
START_S = 60.0
POLL_S = 0.02
NEW_S = 10.0  # within that a save must be seen
SAVES = 2  # for each cold start that a round of `cold` measures
PYTHON = "def handler(event, context):\n    return {}\n"
NODE = "export const handler = async () => {};\n"


def measure(session: Session) -> None:
    stoker = Stoker(session.peers, session.folder)
    with session.running([stoker]) as alive:
        if not alive:
            return
        _saves(session, stoker, names.SAVED_PYTHON, "main.py", PYTHON, [])
        node = next((name for name in NODES if is_found(name)), None)
        if node is None:
            session.leave_out(names.SAVED_NODE, "no Node.js is found: stoker runtimes install")
        else:
            options = ["--runtime", node, "--handler", "index.handler"]
            _saves(session, stoker, names.SAVED_NODE, "index.mjs", NODE, options)


def _saves(
    session: Session, stoker: Stoker, measured: str, file: str, source: str, options: list[str]
) -> None:
    """`source` returns what is put between its braces."""
    folder = session.folder / f"dev-{file.partition('.')[2]}"
    folder.mkdir()
    path = folder / file
    path.write_text(source.replace("{}", json.dumps("first")))
    url = f"http://127.0.0.1:{stoker.port}"
    command = [sys.executable, "-m", "stoker", "dev", str(folder), "--endpoint-url", url]
    command += ["--region", REGION, "--memory", "1769", *options]
    log = session.folder / f"{folder.name}.log"
    dev = Child(command, log, environ=same_python(session.peers))
    connection = Connection(stoker.port)
    request = stoker.invocation(folder.name)
    try:
        _begun(dev, log)
        for number in session.rounds(measured):
            idle = session.quiet()
            samples = []
            for save in range(SAVES * session.effort.cold_starts):
                time.sleep(PAUSE_S)
                said = json.dumps(f"{number}-{save}")
                begun = time.perf_counter()
                path.write_text(source.replace("{}", said))
                _answered(connection, request, said.encode(), begun + NEW_S)
                samples.append((time.perf_counter() - begun) * 1000)
            session.book.add(measured, names.STOKER, "ms", number, samples, idle=idle)
    finally:
        connection.close()
        dev.stop()


def _begun(dev: Child, log: Path) -> None:
    end = time.monotonic() + START_S
    while ": runs /" not in log.read_text():
        if time.monotonic() > end:
            raise CannotStart(f"stoker dev: {dev.last_words()}")
        time.sleep(POLL_S)


def _answered(connection: Connection, request: bytes, said: bytes, end: float) -> None:
    while not connection.exchange(request).endswith(said):
        if time.perf_counter() > end:
            raise BadAnswer("what was saved is not what answers")
