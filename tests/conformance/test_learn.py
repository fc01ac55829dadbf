"""The guided tour: each experiment by its page, as a learner does it; and nothing is left."""

import http.client
import json
import re
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest

from stoker.core.learning import ACCOUNTS, ORDINARY
from stoker.learn.course import EXPERIMENTS
from tests.faults.scene import BUSY, environment, go, until
from tests.running import REGION, STOKER, StokerProcess, deploy

HERE = f"/_stoker/000000000000/{REGION}/learn"
QUICK = [one.name for one in EXPERIMENTS if not one.slow]
SLOW = [pytest.param(one.name, marks=pytest.mark.slow) for one in EXPERIMENTS if one.slow]


def ask(server: StokerProcess, path: str, **form: str) -> tuple[int, str]:
    """GET, or with a form POST; the status, and the text or where it leads."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    try:
        sent = urlencode(form).encode() if form else b""
        connection.request("POST" if form else "GET", path, sent)
        answer = connection.getresponse()
        text = answer.read().decode()
        return answer.status, answer.headers.get("Location", text)
    finally:
        connection.close()


def token_of(server: StokerProcess) -> str:
    """As a page has it."""
    found = re.search(r'name="stoker-token" content="(\w+)"', ask(server, HERE)[1])
    assert found
    return found[1]


def told(server: StokerProcess, name: str) -> Any:
    status, text = ask(server, f"{HERE}/{name}/told")
    assert status == 200
    return json.loads(text)["run"]


def run(server: StokerProcess, name: str, **more: str) -> Any:
    """Press the button, and wait until it is over."""
    status, _ = ask(server, f"{HERE}/{name}", token=token_of(server), **more)
    assert status == 303
    return until(lambda: told(server, name), lambda found: found["over"])


def of_learners(server: StokerProcess) -> list[str]:
    """All that is in the accounts of experiments."""
    found: list[str] = []
    for account in ACCOUNTS:
        keys = {"aws_access_key_id": account, "region_name": "us-east-1"}
        with closing(server.client("lambda", **keys)) as functions:
            found += [one["FunctionName"] for one in functions.list_functions()["Functions"]]
            found += [one["LayerName"] for one in functions.list_layers()["Layers"]]
        with closing(server.client("logs", **keys)) as logs:
            found += [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]
        with closing(server.client("sqs", **keys)) as sqs:
            found += sqs.list_queues().get("QueueUrls", [])
    return found


@pytest.mark.parametrize("name", [*QUICK, *SLOW])
def test_an_experiment_shows_what_it_is_about_and_leaves_nothing(
    server: StokerProcess, name: str
) -> None:
    seen = run(server, name)
    assert not seen["failed"], seen
    wrong = [claim["says"] for claim in seen["claims"] if not claim["holds"]]
    assert not wrong, seen["outcomes"]
    assert seen["good"]
    assert of_learners(server) == []
    status, page = ask(server, f"{HERE}/{name}")
    assert status == 200
    assert "So it is" in page
    assert '<rect class="Init"' in page
    assert "Clean up" not in page


def test_what_is_kept_can_be_looked_at_and_cleaned_up(server: StokerProcess) -> None:
    assert run(server, "reuse", keep="yes")["good"]
    assert of_learners(server) == ["learn-reuse", "/aws/lambda/learn-reuse"]
    status, page = ask(server, f"{HERE}/reuse")
    assert "Clean up" in page
    status, _ = ask(server, f"{HERE}/reuse/clear", token=token_of(server))
    assert status == 303
    assert of_learners(server) == []
    assert "Clean up" not in ask(server, f"{HERE}/reuse")[1]
    assert ">done<" in ask(server, HERE)[1]


def test_an_experiment_can_be_run_again(server: StokerProcess) -> None:
    """Numbers of versions are not given twice, also not to a function that is made anew."""
    published = []
    for _ in range(2):
        seen = run(server, "aliases")
        assert seen["good"], seen["claims"]
        published.append(seen["outcomes"][0]["facts"]["versions"])
    assert not {*published[0]} & {*published[1]}


@contextmanager
def held(server: StokerProcess) -> Iterator[None]:
    """Until the end of this no experiment of the usual account is over: each waits until nothing
    runs there, in whichever region."""
    with closing(server.client("lambda", aws_access_key_id=ORDINARY)) as functions:
        name = f"f-{uuid.uuid4().hex[:12]}"
        deploy(functions, BUSY, FunctionName=name, Timeout=600)
        try:
            functions.invoke(FunctionName=name, InvocationType="Event")
            at_work = environment(server, name, "Invoke")
            try:
                yield
            finally:
                go(at_work)
        finally:
            functions.delete_function(FunctionName=name)


@pytest.mark.root
def test_one_experiment_runs_at_a_time_and_only_from_the_console(server: StokerProcess) -> None:
    token = token_of(server)
    assert ask(server, f"{HERE}/nothing", token=token)[0] == 404
    assert ask(server, f"{HERE}/nothing")[0] == 404
    assert ask(server, f"{HERE}/concurrent", token="a guess")[0] == 403
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)) as following:
        with held(server):
            assert ask(server, f"{HERE}/concurrent", token=token)[0] == 303
            assert ask(server, f"{HERE}/reuse", token=token)[0] == 409
            assert ask(server, f"{HERE}/reuse/clear", token=token)[0] == 409
            assert "One at a time has the machine" in ask(server, f"{HERE}/reuse")[1]
            following.request("GET", f"{HERE}/concurrent/follow")
            events = following.getresponse()
            assert events.status == 200
            assert events.readline() == b"event: moved\n"
        assert events.read().endswith(b"event: over\ndata: \n\n")
    assert told(server, "concurrent")["good"]


def test_the_tour_has_a_short_address(server: StokerProcess) -> None:
    for path in ("learn", "learn/reuse"):
        status, location = ask(server, f"/_stoker/{path}")
        assert status == 303
        assert re.fullmatch(rf"/_stoker/\d{{12}}/[a-z0-9-]+/{path}", location)


def test_an_experiment_runs_in_the_terminal(server: StokerProcess) -> None:
    def learn(*args: str) -> tuple[int, str]:
        ran = subprocess.run(
            [STOKER, "learn", *args, "--endpoint-url", server.url],
            capture_output=True,
            text=True,
            check=False,
        )
        return ran.returncode, ran.stdout + ran.stderr

    status, text = learn("apart")
    assert status == 0
    assert "4. Invoke learn-apart-other again." in text
    assert "✓ Both counted by themselves: [1, 1, 2, 2]." in text
    status, text = learn()
    assert status == 0
    assert all(one.name in text for one in EXPERIMENTS)
    status, text = learn("nothing")
    assert status == 1
    assert "there is no experiment 'nothing'" in text
