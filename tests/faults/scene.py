"""What the tests of this folder look at, and how they wait: for what can be seen, never a while."""

import contextlib
import json
import os
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tests.instances import Instance
from tests.running import StokerProcess

T = TypeVar("T")
PATIENCE_S = 60.0
GONE_S = 10.0  # "within seconds"

ECHO = "def handler(event, context): return event"
# Runs until go(pid); says so in its log.
BUSY = """
import os, time
def handler(event, context):
    print("begun", flush=True)
    while not os.path.exists("/tmp/go"):
        time.sleep(0.01)
    return os.getpid(), event
"""
SLOW_INIT = "import os, time\nwhile not os.path.exists('/tmp/go'): time.sleep(0.01)\n" + ECHO


def until(look: Callable[[], T], is_so: Callable[[T], object], within_s: float = PATIENCE_S) -> T:
    """What look() says, once it is so."""
    end = time.monotonic() + within_s
    while not is_so(seen := look()):
        assert time.monotonic() < end, f"still: {seen}"
        time.sleep(0.02)
    return seen


def nothing(found: list[Any]) -> bool:
    return not found


def all_gone(instance: Instance) -> None:
    """Wait until nothing of it is on the machine; soon, or fail."""
    until(instance.remains, nothing, GONE_S)


def environments(server: StokerProcess) -> list[dict[str, Any]]:
    """GET /_stoker/api/environments."""
    with urllib.request.urlopen(f"{server.url}/_stoker/api/environments", timeout=10) as answer:
        found: list[dict[str, Any]] = json.load(answer)["environments"]
    return found


def environment(server: StokerProcess, function: str, phase: str) -> dict[str, Any]:
    """The one of this function, as soon as it is in this phase (Idle: and frozen)."""

    def look() -> list[dict[str, Any]]:
        return [
            each
            for each in environments(server)
            if each["function"] == function
            and each["phase"] == phase
            and (phase != "Idle" or each["frozen"])
        ]

    return until(look, bool)[0]


def full_stock(instance: Instance, others: int, stock: int = 4) -> None:
    """Wait until beside `others` the stock is there, and nothing is under way."""
    until(instance.sandboxes, lambda names: len(names) == others + stock)


def pid_1(environment: dict[str, Any]) -> int:
    return _inside(environment)[0]


def runtime(environment: dict[str, Any]) -> int:
    return _inside(environment)[1]


def _inside(environment: dict[str, Any]) -> list[int]:
    """Its processes, in the order in which they were born inside."""

    def inner(pid: int) -> int:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return next(int(line.split()[-1]) for line in lines if line.startswith("NSpid"))

    return sorted(environment["pids"], key=inner)


def go(environment: dict[str, Any]) -> None:
    """Let a BUSY or SLOW_INIT function go on."""
    os.close(os.open(f"/proc/{pid_1(environment)}/root/tmp/go", os.O_CREAT, 0o666))


def answer(response: dict[str, Any]) -> Any:
    with response["Payload"] as stream:
        body = stream.read()
    assert "FunctionError" not in response, body
    return json.loads(body)


def zygotes(instance: Instance) -> list[int]:
    """The launcher's children outside of every sandbox."""
    found = []
    for pid in _children(instance.launcher):
        with contextlib.suppress(OSError):  # gone meanwhile
            if b"zygote" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


def _children(pid: int) -> list[int]:
    listing = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listing.split()]
