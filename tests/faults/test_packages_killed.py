"""kill -9 right after a function was created: its package is kept, and is no file yet."""

import os
import signal
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.scene import answer
from tests.running import PYTHON, StokerProcess, make_zip, wait_until

pytestmark = pytest.mark.root

PACKAGE = make_zip({"main.py": "def handler(event, context): return event"})


def test_what_was_created_a_moment_before_kill_9_is_there_and_runs(tmp_path: Path) -> None:
    with StokerProcess(tmp_path / "data") as server, closing(server.client("lambda")) as functions:
        functions.create_function(
            FunctionName="f",
            Runtime=PYTHON,
            Handler="main.handler",
            Role="arn:aws:iam::000000000000:role/any",
            Code={"ZipFile": PACKAGE},
        )
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
    with StokerProcess(tmp_path / "data") as server, closing(server.client("lambda")) as functions:
        wait_until(functions, "function_active_v2", "f")
        assert answer(functions.invoke(FunctionName="f", Payload="1")) == 1
        link = functions.get_function(FunctionName="f")["Code"]["Location"]
        with urllib.request.urlopen(link, timeout=60) as download:
            assert download.read() == PACKAGE
        assert server.stop() == 0
