"""What each kind of runtime costs: first answer, warm latency, memory; in one table.

The functions on AWS's own clients are those of tests/slow/clients. All do the same: count, and
give back 1 KB. A kind that cannot be built or found here is left out, with the reason.
"""

import json
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from bench import names
from bench.client import Connection, invocation, lambda_path, require_cold
from bench.cold import PAUSE_S
from bench.package import FUNCTIONS, RUNTIME
from bench.processes import pss_kb
from bench.session import Broken, Session
from bench.stoker import Stoker
from stoker.runtimes.found import RuntimeUnavailable, find_runtime
from tests.java_sources import compiled, lacking
from tests.running import make_zip
from tests.slow.clients.projects import HERE, BuildFailed, NoToolchain, package

EVENT = json.dumps({"do": "bench", "data": "x" * 1000}, separators=(",", ":")).encode()
CLIENTS = {
    "go": "Go, aws-lambda-go",
    "rust": "Rust, lambda_runtime",
    "cpp": "C++, aws-lambda-cpp",
    "java": "Java, AWS's client",
}
JAVAS = ("java25", "java21", "java17", "java11")
NODES = ("nodejs24.x", "nodejs22.x", "nodejs20.x", "nodejs18.x")
RUBIES = ("ruby4.0", "ruby3.4", "ruby3.3", "ruby3.2")
PYTHON = f"Python {sys.version_info[0]}.{sys.version_info[1]}, native"
OS_ONLY = "provided.al2023"


def measure(session: Session) -> None:
    stoker = Stoker(session.peers, session.folder)
    kinds = _kinds(session)
    with session.running([stoker]) as alive:
        if not alive:
            return
        notes: dict[tuple[str, str], list[float]] = defaultdict(list)
        for number in session.rounds(names.RUNTIMES):
            for kind, settings in list(kinds.items()):
                try:
                    _one_round(session, stoker, number, kind, settings, notes)
                except Broken as error:
                    session.leave_out(kind, error)
                    del kinds[kind]
        for (kind, what), values in notes.items():
            series = session.book.series[names.RUNTIMES, kind]
            series.notes[what] = statistics.median(values)


def _one_round(
    session: Session,
    stoker: Stoker,
    number: int,
    kind: str,
    settings: dict[str, Any],
    notes: dict[tuple[str, str], list[float]],
) -> None:
    effort = session.effort
    functions = [f"runtime-{number}-{index}" for index in range(effort.cold_starts)]
    stoker.deploy(*functions, **settings)
    connection = Connection(stoker.port)
    try:
        idle = session.quiet()
        for function in functions:
            time.sleep(PAUSE_S)
            request = invocation(stoker.port, lambda_path(function), EVENT)
            taken, answer = connection.timed(request)
            require_cold(answer)
            session.book.add(names.RUNTIMES, kind, "us", number, [taken], idle=idle)
        alive = [e for e in stoker.environments() if e["function"] in functions and e["pids"]]
        notes[kind, "memory (kB)"] += [float(pss_kb(e["pids"])) for e in alive]
        notes[kind, "warm (us)"] += connection.latencies(request, effort.warm_calls, effort.warm_s)
    finally:
        connection.close()
        stoker.delete(*functions)


def _kinds(session: Session) -> dict[str, dict[str, Any]]:
    """What CreateFunction is told of each."""
    ours = FUNCTIONS / "runtimes"
    kinds = {
        PYTHON: _settings(RUNTIME, "main.handler", "main.py", HERE / "python" / "main.py"),
        "bash and curl": _settings(OS_ONLY, "any", "bootstrap", ours / "bootstrap.sh"),
    }
    node = next((name for name in NODES if is_found(name)), None)
    if node is None:
        session.leave_out("Node.js", "no version of it is found: stoker runtimes install")
    else:
        kinds[f"{node}, native"] = _settings(node, "index.handler", "index.mjs", ours / "index.mjs")
    ruby = next((name for name in RUBIES if is_found(name)), None)
    if ruby is None:
        session.leave_out("Ruby", "no version of it is found: stoker runtimes install ruby3.3")
    else:
        kinds[f"{ruby}, native"] = _settings(ruby, "app.handler", "app.rb", ours / "app.rb")
    java = next((name for name in JAVAS if is_found(name)), None)
    if java is None or lacking():
        session.leave_out("Java", lacking() or "no version of it is found")
    else:
        kinds[f"{java}, native"] = _java(java, session.folder / "java", ours / "Main.java")
    for name, kind in CLIENTS.items():
        session.say(f"  building {kind}")
        try:
            built = package(name)
        except (NoToolchain, BuildFailed, OSError) as reason:
            session.leave_out(kind, reason)
        else:
            code = {"ZipFile": make_zip(built.files, ("bootstrap",))}
            kinds[kind] = {"Runtime": OS_ONLY, "Handler": built.handler, "Code": code}
    return kinds


def _settings(runtime: str, handler: str, name: str, source: Path) -> dict[str, Any]:
    code = {"ZipFile": make_zip({name: source.read_bytes()}, ("bootstrap",))}
    return {"Runtime": runtime, "Handler": handler, "Code": code}


def _java(runtime: str, folder: Path, source: Path) -> dict[str, Any]:
    code = {"ZipFile": make_zip(compiled(folder, {source.name: source.read_text()}))}
    return {"Runtime": runtime, "Handler": "Main", "Code": code}


def is_found(runtime: str) -> bool:
    try:
        return find_runtime(runtime).executable is not None
    except RuntimeUnavailable:
        return False
