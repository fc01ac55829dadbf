"""kill -9 while log events are on their way to a subscriber: each that was stored gets there."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.test_log_subscriptions import COLLECTS, got, let_in, subscribe, texts
from tests.faults.scene import all_gone, until
from tests.instances import Instance
from tests.running import StokerProcess, deploy

GROUP = "/group"
LINES = {f"line {n}" for n in range(40)}


def put(logs: Any, lines: set[str]) -> None:
    [info] = logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]
    for line in sorted(lines):
        event = {"timestamp": info["creationTime"], "message": line}
        logs.put_log_events(logGroupName=GROUP, logStreamName="s", logEvents=[event])


@pytest.mark.root
@pytest.mark.slow
def test_a_killed_server_s_log_events_are_sent_by_the_next_one(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with (
        StokerProcess(data_dir) as server,
        closing(server.client("lambda")) as functions,
        closing(server.client("logs")) as logs,
    ):
        instance = Instance.of(server.pid, data_dir)
        deploy(functions, COLLECTS, FunctionName="collector")
        logs.create_log_group(logGroupName=GROUP)
        logs.create_log_stream(logGroupName=GROUP, logStreamName="s")
        let_in(functions, "collector", GROUP)
        subscribe(logs, GROUP, "collector")
        put(logs, LINES)
        server.process.kill()
        server.wait()
        all_gone(instance)
    with StokerProcess(data_dir) as server, closing(server.client("logs")) as logs:
        until(lambda: set(texts(got(logs, "collector"))), lambda seen: seen == LINES)
        assert server.stop() == 0
