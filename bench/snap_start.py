"""SnapStart: the first answer of a Python function that imports numpy and boto3, beside the same
function without it; and the memory of environments that are copies, beside ones that are not.

In turn, of functions of one server; and, where CRIU is, beside its restore of a process that has
imported the same. What is left out of the memory on neither side: the snapshot
counts among its copies.
"""

import io
import json
import subprocess
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3

from bench import names
from bench.client import BadAnswer, Connection, invocation, lambda_path
from bench.criu import Dumped
from bench.processes import CannotStart, pss_kb
from bench.session import Broken, Session
from bench.stoker import Stoker
from stoker.runtimes.found import FoundRuntime, RuntimeUnavailable, find_runtime

PAUSE_S = 0.25  # in which a copy is prepared again, as in bench/cold.py
TOGETHER = 20  # environments whose memory is weighed
HOLD_S = 3.0  # for which each is busy, so that all of them are needed
PIP_S = 600.0
CODE = """
import time
import boto3, numpy
client, count = boto3.client("s3"), 0
def handler(event, context):
    global count
    count += 1
    time.sleep(event.get("hold", 0))
    return {"count": count, "sum": int(numpy.arange(10).sum())}
"""
SETTINGS: dict[str, Any] = {"MemorySize": 1769, "Timeout": 60}


def measure(session: Session) -> None:
    try:
        runtime = _runtime()
        package = _package(runtime, session.folder / "numpy")
    except Broken as error:
        session.leave_out(names.SNAP_START, error)
        return
    settings = {**SETTINGS, "Runtime": runtime.runtime, "Handler": "main.handler",
                "Code": {"ZipFile": package}}  # fmt: skip
    stoker = Stoker(session.peers, session.folder)
    with session.running([stoker]) as alive:
        if not alive:
            return
        for number in session.rounds(names.SNAP_START):
            _starts(session, number, stoker, settings)
            _restores(session, number, runtime)
            _memory(session, number, stoker, settings)


def _starts(session: Session, number: int, stoker: Stoker, settings: dict[str, Any]) -> None:
    count = session.effort.cold_starts
    pairs = [(f"full-{number}-{index}", f"snap-{number}-{index}") for index in range(count)]
    stoker.deploy(*(full for full, _ in pairs), **settings)
    for _, snap in pairs:
        stoker.deploy_snapshot(snap, **settings)
    idle = session.quiet()
    connection = Connection(stoker.port)
    try:
        for full, snap in pairs:
            for path, system in (
                (lambda_path(full), names.FULL_INIT),
                (f"{lambda_path(snap)}?Qualifier=1", names.RESTORED),
            ):
                time.sleep(PAUSE_S)
                taken, answer = connection.timed(invocation(stoker.port, path, b"{}"))
                if b'"count": 1,' not in answer:
                    raise BadAnswer(f"not a cold start: {answer[-200:]!r}")
                session.book.add(names.SNAP_START, system, "us", number, [taken], idle=idle)
    finally:
        connection.close()
    stoker.delete(*(name for pair in pairs for name in pair))


def _restores(session: Session, number: int, runtime: FoundRuntime) -> None:
    """By CRIU, of a process that has imported the function."""
    assert runtime.executable is not None
    package = session.folder / "numpy"
    (package / "main.py").write_text(CODE)
    try:
        with Dumped(runtime.executable, [package, Path(boto3.__file__).parents[1]]) as dumped:
            for _ in range(session.effort.cold_starts):
                idle = session.quiet()
                taken, answer = dumped.restored()
                if b'"count": 1,' not in answer:
                    raise BadAnswer(f"not a restore: {answer[-200:]!r}")
                session.book.add(names.SNAP_START, names.CRIU, "us", number, [taken], idle=idle)
    except Broken as error:
        session.leave_out(names.CRIU, error)


def _memory(session: Session, number: int, stoker: Stoker, settings: dict[str, Any]) -> None:
    for name, system, path in (
        (f"cold-{number}", names.FULL_INIT, ""),
        (f"copies-{number}", names.RESTORED, "?Qualifier=1"),
    ):
        deploy = stoker.deploy_snapshot if path else stoker.deploy
        deploy(name, **settings)
        event = json.dumps({"hold": HOLD_S}).encode()
        request = invocation(stoker.port, lambda_path(name) + path, event)
        with ThreadPoolExecutor(TOGETHER) as pool:
            list(pool.map(lambda _: _once(stoker, request), range(TOGETHER)))  # noqa: B023
        session.quiet()
        mine = [e for e in stoker.environments() if e["function"] == name]
        running = sum(e["phase"] != "Snapshot" for e in mine)
        kb = sum(pss_kb(e["pids"]) for e in mine) / max(1, running)
        session.book.add(names.SNAP_START_MEMORY, system, "kB", number, [float(kb)])
        stoker.delete(name)


def _once(stoker: Stoker, request: bytes) -> None:
    connection = Connection(stoker.port)
    try:
        connection.exchange(request)
    finally:
        connection.close()


def _runtime() -> FoundRuntime:
    for name in ("python3.12", "python3.13", "python3.14"):
        try:
            return find_runtime(name)
        except RuntimeUnavailable:
            continue
    raise CannotStart("AWS has SnapStart for Python 3.12 and later, and there is none here")


def _package(runtime: FoundRuntime, folder: Path) -> bytes:
    """numpy beside the function, as pip brings it for that interpreter."""
    command = [runtime.executable, "-m", "pip", "install", "-q", "--target", folder, "numpy"]
    try:
        subprocess.run(
            [str(word) for word in command],
            check=True,
            capture_output=True,
            timeout=PIP_S,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise CannotStart(f"pip brings no numpy: {error}") from error
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("main.py", CODE)
        for file in sorted(folder.rglob("*")):
            if file.is_file() and "tests" not in file.parts and "__pycache__" not in file.parts:
                archive.write(file, file.relative_to(folder))
    return buffer.getvalue()
