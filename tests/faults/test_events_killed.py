"""kill -9 under a load of asynchronous invocations: none is lost, and none runs twice without."""

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from stoker.core.limits import EVENT_RETRIES
from tests.faults.event_life import RECORD
from tests.faults.scene import all_gone, until
from tests.instances import Instance
from tests.running import StokerProcess, deploy

ROOT = Path(__file__).parents[2]
EVENTS = 50  # sent in each life


class Lives:
    def __init__(self, folder: Path, module: str = "tests.faults.event_life") -> None:
        self.folder = folder
        self.module = module
        self.record = folder / RECORD
        self.record.touch()

    def begin(self, name: str, count: int) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", self.module, self.folder, name, str(count)],
            cwd=ROOT,
        )

    def notes(self) -> list[list[str]]:
        """What is written down. A line that a kill cut off was never said."""
        text = self.record.read_text()
        return [line.split() for line in text[: text.rfind("\n") + 1].splitlines()]

    def wait_for_notes(self, count: int, life: "subprocess.Popen[bytes]") -> None:
        end = time.monotonic() + 60
        while len(self.notes()) < count and time.monotonic() < end:
            assert life.poll() is None, "it must live until it is killed"
            time.sleep(0.002)
        assert len(self.notes()) >= count

    def unended(self) -> set[str]:
        """Accepted, and neither run to success nor given up after the last retry."""
        notes = self.notes()
        failures = Counter(event for what, event, _ in notes if what == "failed")
        ran = {event for what, event, _ in notes if what == "ran"}
        accepted = {event for what, event, _ in notes if what == "accepted"}
        return {event for event in accepted - ran if failures[event] <= EVENT_RETRIES}


def end_by_force(life: "subprocess.Popen[bytes]") -> None:
    life.send_signal(signal.SIGKILL)
    life.wait()


def many_lives(folder: Path, rounds: int) -> None:
    draw, lives = random.Random(rounds), Lives(folder)
    for number in range(rounds):
        before = len(lives.notes())
        life = lives.begin(str(number), EVENTS)
        try:
            lives.wait_for_notes(before + draw.randint(1, EVENTS), life)
        finally:
            end_by_force(life)
    last = lives.begin("last", 0)
    try:
        until(lives.unended, lambda events: not events)
    finally:
        end_by_force(last)
    successes = Counter((event, life) for what, event, life in lives.notes() if what == "ran")
    assert successes and set(successes.values()) == {1}, "twice in one life"


def test_no_accepted_event_is_lost_by_kill_9(tmp_path: Path) -> None:
    many_lives(tmp_path, 3)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_accepted_event_is_lost_in_two_hundred_kills(tmp_path: Path) -> None:
    many_lives(tmp_path, 200)


FIRST_STAYS = """
import time
def handler(event, context):
    print("RAN", event["n"], flush=True)
    if event["n"] == 0:
        time.sleep(600)
"""


def ran(server: StokerProcess) -> set[int]:
    with closing(server.client("logs")) as logs:
        try:
            pages = logs.get_paginator("filter_log_events").paginate(
                logGroupName="/aws/lambda/marks", filterPattern="RAN"
            )
            return {int(e["message"].split()[1]) for page in pages for e in page["events"]}
        except logs.exceptions.ResourceNotFoundException:
            return set()


@pytest.mark.root
def test_a_killed_server_s_events_run_on_the_next_one(tmp_path: Path) -> None:
    """One of them runs when the server is killed, the others wait for it to end."""
    data_dir = tmp_path / "data"
    with StokerProcess(data_dir) as server, closing(server.client("lambda")) as functions:
        instance = Instance.of(server.pid, data_dir)
        deploy(functions, FIRST_STAYS, FunctionName="marks", Timeout=900)
        functions.put_function_concurrency(FunctionName="marks", ReservedConcurrentExecutions=1)
        for n in range(20):
            answer = functions.invoke(
                FunctionName="marks", InvocationType="Event", Payload=b'{"n": %d}' % n
            )
            assert answer["StatusCode"] == 202
        until(lambda: ran(server), lambda seen: seen == {0})
        server.process.kill()
        server.wait()
        all_gone(instance)
    with (
        StokerProcess(data_dir, "--drain-s", "0") as server,
        closing(server.client("lambda")) as functions,
    ):
        functions.delete_function_concurrency(FunctionName="marks")
        until(lambda: ran(server), lambda seen: seen == set(range(20)))
        assert server.stop() == 0


WHOSE = """
import time
def handler(event, context):
    print("RAN", event["n"], context.tenant_id, flush=True)
    if event["n"] == 0:
        time.sleep(600)
"""


@pytest.mark.root
def test_a_killed_server_s_events_run_for_their_tenants_on_the_next_one(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"

    def seen(server: StokerProcess) -> set[str]:
        with closing(server.client("logs")) as logs:
            found = logs.filter_log_events(logGroupName="/aws/lambda/marks", filterPattern="RAN")
            return {event["message"].strip() for event in found["events"]}

    with StokerProcess(data_dir) as server, closing(server.client("lambda")) as functions:
        instance = Instance.of(server.pid, data_dir)
        apart = {"TenancyConfig": {"TenantIsolationMode": "PER_TENANT"}}
        deploy(functions, WHOSE, FunctionName="marks", Timeout=900, **apart)
        functions.put_function_concurrency(FunctionName="marks", ReservedConcurrentExecutions=1)
        for n, tenant in enumerate(("blue", "green", "red")):
            functions.invoke(
                FunctionName="marks", InvocationType="Event", Payload=b'{"n": %d}' % n,
                TenantId=tenant,
            )  # fmt: skip
        until(lambda: ran(server), lambda begun: begun == {0})
        server.process.kill()
        server.wait()
        all_gone(instance)
    with (
        StokerProcess(data_dir, "--drain-s", "0") as server,
        closing(server.client("lambda")) as functions,
    ):
        functions.delete_function_concurrency(FunctionName="marks")
        every = {"RAN 0 blue", "RAN 1 green", "RAN 2 red"}
        until(lambda: seen(server), lambda told: told == every)
        assert server.stop() == 0
