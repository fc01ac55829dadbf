"""The main path, as a user meets it: `stoker serve`, boto3 and the AWS CLI."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from stoker.sandbox.architecture import this_machine
from tests.running import (
    REGION,
    StokerProcess,
    bring_awslambdaric,
    deploy,
    make_zip,
    wait_for,
    wait_until,
)

AWS = Path(sys.executable).with_name("aws")


def aws_cli_2() -> str:
    """The path of version 2 of the AWS CLI, if the machine has it."""
    for folder in os.environ["PATH"].split(":"):
        path = Path(folder, "aws")
        if os.access(path, os.X_OK):
            said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
            if said.stdout.startswith("aws-cli/2"):
                return str(path)
    return ""


AWS_2 = aws_cli_2()
ECHO = "def handler(event, context): return {'got': event, 'stream': context.log_stream_name}"
REPORT = (
    r"REPORT RequestId: {id}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\t"
    r"Memory Size: 256 MB\tMax Memory Used: \d+ MB\t(Init Duration: \d+\.\d\d ms\t)?\n"
)

Create = Callable[..., str]


def answer_of(response: dict[str, Any]) -> Any:
    assert "FunctionError" not in response, response["Payload"].read()
    return json.loads(response["Payload"].read())


def test_a_function_is_created_described_and_listed(lambda_client: Any, create: Create) -> None:
    name = create(ECHO, Description="says it again", MemorySize=256)
    wait_until(lambda_client, "function_exists", name)
    described = lambda_client.get_function_configuration(FunctionName=name)
    assert described["State"] == "Active"
    assert described["LastUpdateStatus"] == "Successful"
    assert (described["Description"], described["MemorySize"]) == ("says it again", 256)
    listed = lambda_client.get_paginator("list_functions").paginate().search("Functions[]")
    assert name in [function["FunctionName"] for function in listed]


def test_a_function_for_another_kind_of_machine_is_kept_and_refused_by_name(
    lambda_client: Any, create: Create
) -> None:
    (other,) = {"x86_64", "arm64"} - {this_machine().architecture}
    name = create(ECHO, Architectures=[other])
    shown = lambda_client.get_function_configuration(FunctionName=name)
    assert (shown["State"], shown["Architectures"]) == ("Active", [other])
    refused = lambda_client.exceptions.InvalidRuntimeException
    with pytest.raises(refused, match=rf"function:{name} is built for {other} and this machine is"):
        lambda_client.invoke(FunctionName=name)


def test_a_warm_invocation_meets_the_environment_of_the_cold_one(
    lambda_client: Any, create: Create
) -> None:
    name = create(ECHO)
    answers = [
        answer_of(lambda_client.invoke(FunctionName=name, Payload=json.dumps({"n": n})))
        for n in range(4)
    ]
    assert [answer["got"] for answer in answers] == [{"n": n} for n in range(4)]
    assert len({answer["stream"] for answer in answers}) == 1


def test_invocations_at_the_same_time_get_an_environment_each(
    lambda_client: Any, create: Create
) -> None:
    # Each waits for all five to be there; fewer environments than five would never finish.
    code = (
        "import time\n"
        "def handler(event, context):\n"
        "    time.sleep(event['wait_s'])\n"
        "    return context.log_stream_name\n"
    )
    name = create(code)

    def call(_n: int) -> str:
        payload = json.dumps({"wait_s": 1})
        return str(answer_of(lambda_client.invoke(FunctionName=name, Payload=payload)))

    with ThreadPoolExecutor(5) as pool:
        assert len(set(pool.map(call, range(5)))) == 5


def test_the_log_tail_has_the_platforms_and_the_functions_lines(
    lambda_client: Any, create: Create
) -> None:
    code = "def handler(event, context): print('a line of mine')"
    name = create(code, MemorySize=256)
    for cold in (True, False):
        response = lambda_client.invoke(FunctionName=name, LogType="Tail")
        request_id = response["ResponseMetadata"]["RequestId"]
        tail = base64.b64decode(response["LogResult"]).decode()
        assert f"START RequestId: {request_id} Version: $LATEST\n" in tail
        assert "a line of mine\n" in tail
        assert f"END RequestId: {request_id}\n" in tail
        report = re.search(REPORT.format(id=request_id), tail)
        assert report, tail
        assert bool(report[1]) is cold
        assert ("INIT_START Runtime Version: python:" in tail) is cold


def test_new_code_answers_after_an_update(lambda_client: Any, create: Create) -> None:
    name = create("def handler(event, context): return 'old', context.log_stream_name")
    old, stream = answer_of(lambda_client.invoke(FunctionName=name))
    package = make_zip({"main.py": "def handler(e, c): return 'new', c.log_stream_name"})
    lambda_client.update_function_code(FunctionName=name, ZipFile=package)
    wait_until(lambda_client, "function_updated_v2", name)
    new, new_stream = answer_of(lambda_client.invoke(FunctionName=name))
    assert (old, new) == ("old", "new")
    assert stream != new_stream, "another version of the code gets another environment"


def test_a_deleted_function_is_not_found_any_more(lambda_client: Any, create: Create) -> None:
    name = create(ECHO)
    lambda_client.invoke(FunctionName=name)
    lambda_client.delete_function(FunctionName=name)
    with pytest.raises(lambda_client.exceptions.ResourceNotFoundException, match=name):
        lambda_client.invoke(FunctionName=name)
    with pytest.raises(lambda_client.exceptions.ResourceNotFoundException):
        lambda_client.get_function(FunctionName=name)


def test_the_aws_cli_invokes_and_reads_the_log(
    server: StokerProcess, create: Create, tmp_path: Path
) -> None:
    name = create("def handler(event, context): print('seen by the cli'); return event")
    answer = tmp_path / "answer.json"
    invoked = aws(server, "lambda", "invoke", "--function-name", name, "--payload", "{}", answer)
    assert json.loads(invoked)["StatusCode"] == 200
    assert json.loads(answer.read_text()) == {}
    words = ("logs", "filter-log-events", "--log-group-name", f"/aws/lambda/{name}")
    log = wait_for(lambda: aws(server, *words), "REPORT")
    assert "seen by the cli" in log


@pytest.mark.skipif(not AWS_2, reason="`aws logs tail` needs version 2 of the AWS CLI on PATH")
def test_aws_logs_tail_shows_a_line_while_the_invocation_runs(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    code = "import time\ndef handler(event, context): print('early'); time.sleep(event['s'])"
    name = create(code)
    lambda_client.invoke(FunctionName=name, Payload='{"s": 0}')  # makes the group
    tail = subprocess.Popen(
        # The option, since the variable is known to 2.13 and later only.
        [AWS_2, "--endpoint-url", server.url, "logs", "tail", f"/aws/lambda/{name}",
         "--follow", "--since", "1h"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment_of(server),
    )  # fmt: skip
    assert tail.stdout
    with tail, ThreadPoolExecutor(1) as pool:
        running = pool.submit(lambda_client.invoke, FunctionName=name, Payload='{"s": 20}')
        seen: list[str] = []
        try:
            for line in tail.stdout:
                seen.append(line)
                if sum("early" in line for line in seen) == 2:
                    break
            else:
                pytest.fail(f"tail ended by itself: {seen}")
            assert not running.done(), "".join(seen)
        finally:
            tail.terminate()
    assert "FunctionError" not in running.result()


def test_the_greeting_can_be_copied(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    with StokerProcess(tmp_path / "data", "--ready-file", str(ready)) as server:
        assert ready.read_text() == f"{server.url}\n"
        assert server.stop() == 0
        assert f"export AWS_ENDPOINT_URL={server.url}\n" in server.greeting
        assert f"[profile stoker]\n  endpoint_url = {server.url}\n" in server.greeting


def test_a_second_server_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    with StokerProcess(tmp_path / "data") as first:
        with pytest.raises(AssertionError, match=f"in use by another server .process {first.pid}"):
            StokerProcess(tmp_path / "data")
        assert first.process.poll() is None


@pytest.mark.parametrize("way", ["SIGTERM", "SIGKILL"])
def test_the_next_server_on_the_folder_finds_functions_and_logs(way: str, tmp_path: Path) -> None:
    with StokerProcess(tmp_path / "data") as first, closing(first.client("lambda")) as functions:
        deploy(functions, ECHO.replace("return", "print('kept'); return"), FunctionName="kept")
        stream = answer_of(functions.invoke(FunctionName="kept"))["stream"]
        with closing(first.client("logs")) as logs:
            wait_for(lambda: events(logs, stream), "REPORT")
        status = first.stop(getattr(signal, way))
        assert status == (0 if way == "SIGTERM" else -signal.SIGKILL)

    with StokerProcess(tmp_path / "data") as second, closing(second.client("lambda")) as functions:
        wait_until(functions, "function_active_v2", "kept")
        assert answer_of(functions.invoke(FunctionName="kept"))["stream"] != stream
        with closing(second.client("logs")) as logs:
            assert "kept" in events(logs, stream)
        assert second.stop() == 0


def test_a_running_invocation_finishes_before_the_server_ends(tmp_path: Path) -> None:
    code = "import time\ndef handler(event, context): print('begun'); time.sleep(1); return 'done'"
    with StokerProcess(tmp_path / "data") as server, closing(server.client("lambda")) as functions:
        deploy(functions, code, FunctionName="slow")
        with ThreadPoolExecutor(1) as pool, closing(server.client("logs")) as logs:
            running = pool.submit(functions.invoke, FunctionName="slow")
            wait_for(lambda: all_events(logs, "/aws/lambda/slow"), "begun")
            assert server.stop() == 0
            assert answer_of(running.result()) == "done"


def test_a_second_signal_does_not_wait_for_the_running_invocation(tmp_path: Path) -> None:
    code = "import time\ndef handler(event, context): print('begun'); time.sleep(300)"
    with (
        StokerProcess(tmp_path / "data", "--drain-s", "300") as server,
        closing(server.client("lambda")) as functions,
        closing(server.client("logs")) as logs,
        ThreadPoolExecutor(1) as pool,
    ):
        deploy(functions, code, FunctionName="endless", Timeout=600)
        running = pool.submit(functions.invoke, FunctionName="endless")
        wait_for(lambda: all_events(logs, "/aws/lambda/endless"), "begun")
        server.process.terminate()
        wait_for(server.log.read_text, "server stopping")
        assert server.stop() == 0
        assert running.exception() is not None


def test_awss_own_python_client_works_in_place_of_ours(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "def handler(event, context):\n"
        "    if event: raise ValueError(event)\n"
        "    return [n for n in sys.modules if n in ('awslambdaric', '_stoker_contract')]\n"
    )
    client = tmp_path / "client"
    bring_awslambdaric(client)
    with (
        StokerProcess(tmp_path / "data", "--python-client", str(client)) as server,
        closing(server.client("lambda")) as functions,
    ):
        name = deploy(functions, code)
        for _ in range(2):  # cold, warm
            response = functions.invoke(FunctionName=name, Payload="{}")
            assert answer_of(response) == ["awslambdaric"]
        failed = functions.invoke(FunctionName=name, Payload='"no"')
        assert failed["FunctionError"] == "Unhandled"
        assert json.loads(failed["Payload"].read())["errorType"] == "ValueError"
        assert server.stop() == 0


# --- what the tests above look at ---------------------------------------------------------------


def events(logs: Any, stream: str) -> str:
    found = logs.get_log_events(
        logGroupName="/aws/lambda/kept", logStreamName=stream, startFromHead=True
    )
    return "".join(event["message"] for event in found["events"])


def all_events(logs: Any, group: str) -> str:
    try:
        found = logs.filter_log_events(logGroupName=group)
    except logs.exceptions.ResourceNotFoundException:
        return ""
    return "".join(event["message"] for event in found["events"])


def aws(server: StokerProcess, *words: str | Path) -> str:
    done = subprocess.run(
        [AWS, *words], capture_output=True, text=True, check=False, env=environment_of(server)
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def environment_of(server: StokerProcess) -> dict[str, str]:
    """What `stoker serve` prints, for a program started by a test."""
    return {
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": server.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "PYTHONUNBUFFERED": "1",
    }
