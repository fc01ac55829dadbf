"""kill -9 of a server while somebody develops: what was deployed is what there is."""

import signal
import socket
from contextlib import closing
from pathlib import Path

import pytest
from botocore.exceptions import EndpointConnectionError

from stoker.cli.client import client
from tests.developing import Dev, answer, until
from tests.running import REGION, StokerProcess

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


def test_a_server_is_started_where_none_answers_and_ends_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "alone"
    folder.mkdir()
    (folder / "main.py").write_text(SOURCE.format("deployed"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    environ = {"STOKER_DATA_DIR": str(tmp_path / "data")}
    with (
        Dev(folder, url, environ=environ) as dev,
        closing(client("lambda", url, REGION)) as functions,
    ):
        dev.until("runs /")
        assert answer(functions, "alone") == "deployed"
        assert dev.end() == 0
        with pytest.raises(EndpointConnectionError):
            answer(functions, "alone")
