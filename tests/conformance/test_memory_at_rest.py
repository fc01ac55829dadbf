"""What an environment has for itself when it waits for its next event."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.scene import ECHO, environment, runtime, until
from tests.running import StokerProcess

pytestmark = pytest.mark.root
STATE = "state = {str(i): i for i in range(50000)}\ndef handler(e, c): return sum(state.values())"
THREADED = f"import threading\nthreading.Thread(target=threading.Event().wait).start()\n{ECHO}"


def own_kb(server: StokerProcess, function: str) -> int:
    """Memory that it shares with nobody, when it is frozen."""
    pid = runtime(environment(server, function, "Idle"))
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(kb) for kb in re.findall(r"^Private_\w+: +(\d+)", text, re.MULTILINE))


def test_at_rest_it_gives_back_what_it_did_not_change_unless_a_thread_might(
    server: StokerProcess, lambda_client: Any, create: Callable[..., str]
) -> None:
    alone, threaded = create(ECHO), create(THREADED)

    def look() -> tuple[int, int]:
        for name in (alone, threaded):
            lambda_client.invoke(FunctionName=name, Payload=b"{}")
        return own_kb(server, alone), own_kb(server, threaded)

    until(look, lambda kb: kb[0] + 400 < kb[1])  # where it was frozen too soon, the next time


def test_what_a_function_keeps_is_right_however_often_it_rested(
    server: StokerProcess, lambda_client: Any, create: Callable[..., str]
) -> None:
    name = create(STATE)
    for _ in range(4):
        answer = lambda_client.invoke(FunctionName=name)
        assert answer["Payload"].read() == b"1249975000"
        assert environment(server, name, "Idle")
