"""What an author of functions does with the server: call, read the answer and the log's tail."""

import base64
import hashlib
import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

from stoker.core.limits import RUNTIMES, Family
from stoker.runtimes.found import FoundRuntime, RuntimeUnavailable, find_runtime
from tests.running import StokerProcess, wait_for


def is_found(runtime: str) -> bool:
    try:
        return find_runtime(runtime) is not None
    except RuntimeUnavailable:
        return False


def found_of(family: Family) -> list[FoundRuntime]:
    """What this machine has of one language."""
    names = [name for name, runtime in RUNTIMES.items() if runtime.family is family]
    return [find_runtime(name) for name in names if is_found(name)]


def call(functions: Any, name: str, event: Any = None) -> tuple[Any, dict[str, Any]]:
    """(what the function answered, all that Invoke answered)"""
    response = functions.invoke(FunctionName=name, Payload=json.dumps(event or {}), LogType="Tail")
    return json.loads(response["Payload"].read()), response


def tail(response: dict[str, Any]) -> str:
    return base64.b64decode(response["LogResult"]).decode()


def kill_parked(server: StokerProcess, client: str) -> None:
    """Kill the runtimes that wait for a function, as the kernel does when memory runs out.

    client: the file that they run."""
    wait_for(lambda: f"waiting: {bool(_parked(server, client))}", "True")
    pids = _parked(server, client)
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: f"left: {any(Path(f'/proc/{pid}').exists() for pid in pids)}", "False")


def _parked(server: StokerProcess, client: str) -> list[int]:
    """Host pids of this server's that read descriptor 10."""
    digest = hashlib.sha256(str(server.data_dir.resolve()).encode()).hexdigest()
    end = f"{client}\0parked\0".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended
            is_parked = (folder / "cmdline").read_bytes().endswith(end)
            call, _, arguments = (folder / "syscall").read_text().partition(" ")
            reads = call in ("0", "63") and arguments.startswith("0xa ")  # x86_64, aarch64
            if is_parked and reads and f"stoker-{digest[:12]}" in (folder / "cgroup").read_text():
                found.append(int(folder.name))
    return found
