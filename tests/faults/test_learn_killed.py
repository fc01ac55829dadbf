"""kill -9 in the midst of an experiment of the guided tour: what is left is shown, and removed."""

import http.client
import json
import re
import signal
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import pytest

from stoker.core.learning import ORDINARY
from tests.faults.scene import all_gone, until
from tests.instances import Instance
from tests.running import StokerProcess

pytestmark = [pytest.mark.root, pytest.mark.slow]
PAGE = "/_stoker/000000000000/us-east-1/learn/timeout"


def ask(server: StokerProcess, path: str, **form: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    with closing(connection):
        connection.request("POST" if form else "GET", path, urlencode(form))
        answer = connection.getresponse()
        text = answer.read().decode()
        assert answer.status in (200, 303), text
        return text


def begin(server: StokerProcess) -> None:
    token = re.search(r'name="stoker-token" content="(\w+)"', ask(server, PAGE))
    assert token
    ask(server, PAGE, token=token[1])


def functions(server: StokerProcess) -> list[str]:
    keys = {"aws_access_key_id": ORDINARY, "region_name": "us-east-1"}
    with closing(server.client("lambda", **keys)) as client:
        return [one["FunctionName"] for one in client.list_functions()["Functions"]]


def test_what_a_killed_server_left_is_shown_and_gone_after_the_next_run(tmp_path: Path) -> None:
    with StokerProcess(tmp_path / "data") as server:
        begin(server)
        until(lambda: functions(server), bool)
        instance = Instance.of(server.pid, server.data_dir)
        server.stop(signal.SIGKILL)
        all_gone(instance)
    with StokerProcess(tmp_path / "data") as server:
        assert "There still is learn-timeout" in ask(server, PAGE)
        begin(server)
        run = until(
            lambda: json.loads(ask(server, f"{PAGE}/told"))["run"], lambda found: found["over"]
        )
        wrong = [claim["says"] for claim in run["claims"] if not claim["holds"]]
        assert run["good"], (run["failed"], wrong)
        assert functions(server) == []
        assert "There still is" not in ask(server, PAGE)


def test_a_server_that_is_told_to_stop_removes_what_an_experiment_made(tmp_path: Path) -> None:
    with StokerProcess(tmp_path / "data") as server:
        begin(server)
        until(lambda: functions(server), bool)
        assert server.stop() == 0
    with StokerProcess(tmp_path / "data") as server:
        assert functions(server) == []
