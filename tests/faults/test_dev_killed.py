"""kill -9 of a server while somebody develops: what was deployed is what there is."""

import signal
from contextlib import closing
from pathlib import Path

import pytest

from tests.developing import Dev, answer, until
from tests.running import StokerProcess

pytestmark = [pytest.mark.root, pytest.mark.slow]

SOURCE = "def handler(event, context): return {!r}\n"


def test_after_a_killed_server_the_function_has_its_deployed_code(tmp_path: Path) -> None:
    folder = tmp_path / "hello"
    folder.mkdir()
    (folder / "main.py").write_text(SOURCE.format("deployed"))
    with (
        StokerProcess(tmp_path / "data") as server,
        closing(server.client("lambda")) as functions,
        Dev(folder, server.url) as dev,
    ):
        dev.until("runs /")
        (folder / "main.py").write_text(SOURCE.format("saved"))
        until(lambda: answer(functions, "hello"), "saved")
        server.stop(signal.SIGKILL)
        dev.until("the server is gone")
        assert dev.wait() == 1
    with StokerProcess(tmp_path / "data") as server, closing(server.client("lambda")) as functions:
        assert answer(functions, "hello") == "deployed"
