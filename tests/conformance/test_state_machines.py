"""State machines of Step Functions run, and their Lambda tasks are Stoker's functions."""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.conformance.test_neighbours_kept import Scene
from tests.faults.scene import until
from tests.running import REGION, StokerProcess

Create = Callable[..., str]
ROLE = "arn:aws:iam::000000000000:role/r"
WORK = """
import os
class Busy(Exception): pass
def handler(event, context):
    if event.get('mode') == 'once':
        mark = '/tmp/' + event['mark']
        if not os.path.exists(mark):
            open(mark, 'w').close()
            raise Busy('come again')
    if event.get('mode') == 'fail':
        raise ValueError('no ' + str(event['n']))
    return {'doubled': event['n'] * 2}
"""
HELD = """
import boto3
def handler(event, context):
    queue = boto3.client('sqs')
    queue.send_message(QueueUrl=event['begun'], MessageBody='begun')
    while 'Messages' not in queue.receive_message(QueueUrl=event['go'], WaitTimeSeconds=20):
        pass
"""


@pytest.fixture
def machines(server: StokerProcess) -> Iterator[Any]:
    with closing(server.client("stepfunctions")) as client:
        yield client


def made(machines: Any, states: dict[str, Any], **more: str) -> str:
    definition = {"StartAt": next(iter(states)), "States": states}
    arn: str = machines.create_state_machine(
        name=f"m-{uuid.uuid4().hex[:12]}",
        definition=json.dumps(definition),
        roleArn=ROLE,
        **more,
    )["stateMachineArn"]
    return arn


def ended(machines: Any, arn: str, given: Any) -> dict[str, Any]:
    execution = machines.start_execution(stateMachineArn=arn, input=json.dumps(given))
    found: dict[str, Any] = until(
        lambda: machines.describe_execution(executionArn=execution["executionArn"]),
        lambda seen: seen["status"] != "RUNNING",
        120,
    )
    return found


def test_a_state_machine_chooses_maps_retries_and_catches(machines: Any, create: Create) -> None:
    function = f"arn:aws:lambda:{REGION}:000000000000:function:{create(WORK)}"
    invoke = "arn:aws:states:::lambda:invoke"
    again = {"ErrorEquals": ["Busy"], "IntervalSeconds": 1, "MaxAttempts": 9, "BackoffRate": 1.0}
    states: dict[str, Any] = {
        "Many?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.numbers[0]", "IsPresent": True, "Next": "Each"}],
            "Default": "None",
        },
        "None": {"Type": "Fail", "Error": "Empty", "Cause": "no numbers"},
        "Each": {
            "Type": "Map", "ItemsPath": "$.numbers", "MaxConcurrency": 2,
            "ItemSelector": {"n.$": "$$.Map.Item.Value"}, "ResultPath": "$.doubled",
            "ItemProcessor": {
                "StartAt": "Double",
                "States": {"Double": {"Type": "Task", "Resource": function, "End": True}},
            },
            "Next": "Once",
        },
        "Once": {
            "Type": "Task", "Resource": invoke, "Retry": [again], "ResultPath": "$.once",
            "Parameters": {
                "FunctionName": function,
                "Payload": {"mode": "once", "mark.$": "$.mark", "n": 21},
            },
            "ResultSelector": {"n.$": "$.Payload.doubled", "by.$": "$.ExecutedVersion"},
            "Next": "Bad",
        },
        "Bad": {
            "Type": "Task", "Resource": function, "Parameters": {"mode": "fail", "n": 1},
            "Catch": [{"ErrorEquals": ["ValueError"], "ResultPath": "$.bad", "Next": "Done"}],
            "End": True,
        },
        "Done": {"Type": "Pass", "OutputPath": "$", "End": True},
    }  # fmt: skip
    arn = made(machines, states)
    found = ended(machines, arn, {"numbers": [1, 2, 3], "mark": uuid.uuid4().hex})
    assert found["status"] == "SUCCEEDED", found
    output = json.loads(found["output"])
    assert output["doubled"] == [{"doubled": 2}, {"doubled": 4}, {"doubled": 6}]
    assert output["once"] == {"n": 42, "by": "$LATEST"}
    assert output["bad"]["Error"] == "ValueError"
    assert json.loads(output["bad"]["Cause"])["errorMessage"] == "no 1"
    events = machines.get_execution_history(executionArn=found["executionArn"])["events"]
    kinds = [one["type"] for one in events]
    assert (kinds[0], kinds[-1]) == ("ExecutionStarted", "ExecutionSucceeded")
    assert kinds.count("TaskFailed") >= 1 and kinds.count("LambdaFunctionFailed") == 1
    failed = ended(machines, arn, {"numbers": []})
    assert (failed["status"], failed["error"], failed["cause"]) == ("FAILED", "Empty", "no numbers")
    listed = machines.list_executions(stateMachineArn=arn)["executions"]
    assert sorted(one["status"] for one in listed) == ["FAILED", "SUCCEEDED"]


def test_what_a_task_cannot_have_fails_the_execution_by_name(machines: Any) -> None:
    gone = f"arn:aws:lambda:{REGION}:000000000000:function:gone-{uuid.uuid4().hex}"
    task = {"Type": "Task", "Resource": gone, "End": True}
    found = ended(machines, made(machines, {"A": task}), {})
    assert found["status"] == "FAILED"
    assert found["error"] == "Lambda.ResourceNotFoundException" and gone in found["cause"]
    queue = {
        "Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": True,
        "Parameters": {"QueueUrl": "http://q", "MessageBody": "x"},
    }  # fmt: skip
    found = ended(machines, made(machines, {"A": queue}), {})
    assert found["status"] == "FAILED" and "no task of sqs" in found["cause"]
    # Any function may make a machine, so none may do more than a function.
    for call in ("iam:createRole", "lambda:deleteFunction", "cloudformation:createStack"):
        deed = {**queue, "Resource": f"arn:aws:states:::aws-sdk:{call}", "Parameters": {}}
        found = ended(machines, made(machines, {"A": deed}), {})
        assert found["status"] == "FAILED", found
        assert f"no task of {call.partition(':')[0]}" in found["cause"], found


def test_an_output_is_json_whatever_it_is(machines: Any) -> None:
    for output in ("text", None, 1.5, [{}]):
        arn = made(machines, {"A": {"Type": "Pass", "Result": output, "End": True}})
        found = ended(machines, arn, {})
        assert json.loads(found["output"]) == output


@pytest.mark.slow
def test_a_machine_has_its_time(machines: Any) -> None:
    wait = {"Type": "Wait", "Seconds": 31_536_000, "End": True}
    definition = {"StartAt": "A", "TimeoutSeconds": 1, "States": {"A": wait}}
    arn = machines.create_state_machine(
        name=f"m-{uuid.uuid4().hex[:12]}", definition=json.dumps(definition), roleArn=ROLE
    )["stateMachineArn"]
    found = ended(machines, arn, {})
    assert found["status"] == "TIMED_OUT"
    assert found["stopDate"] > found["startDate"]


def test_what_cannot_be_read_is_refused_by_its_code(machines: Any) -> None:
    with pytest.raises(ClientError) as refused:
        made(machines, {"A": {"Type": "Nope"}})
    assert refused.value.response["Error"]["Code"] == "InvalidDefinition"
    arn = made(machines, {"A": {"Type": "Succeed"}})
    with pytest.raises(ClientError) as refused:
        machines.start_execution(stateMachineArn=arn, input="{")
    assert refused.value.response["Error"]["Code"] == "InvalidExecutionInput"


def test_a_machine_has_the_rights_of_its_own_account(server: StokerProcess, create: Create) -> None:
    theirs = f"arn:aws:lambda:{REGION}:000000000000:function:{create(WORK)}"
    task = {"Type": "Task", "Resource": theirs, "End": True}
    with closing(server.client("stepfunctions", aws_access_key_id="1" * 12)) as others:
        arn = made(others, {"A": task})
        assert arn.split(":")[4] == "111111111111"
        found = ended(others, arn, {"n": 1})
    assert found["status"] == "FAILED"
    assert found["error"] == "Lambda.AccessDeniedException", found


def test_machines_that_wait_for_a_year_are_so_many_and_stop_at_once(machines: Any) -> None:
    arn = made(machines, {"A": {"Type": "Wait", "Seconds": 31_536_000, "End": True}})
    begun = [machines.start_execution(stateMachineArn=arn)["executionArn"] for _ in range(16)]
    with pytest.raises(ClientError, match="executions run") as refused:
        machines.start_execution(stateMachineArn=arn)
    assert refused.value.response["Error"]["Code"] == "ExecutionLimitExceeded"
    for one in begun:
        machines.stop_execution(executionArn=one, error="Enough", cause="a test")
        found = machines.describe_execution(executionArn=one)
        assert (found["status"], found["error"], found["cause"]) == ("ABORTED", "Enough", "a test")


def test_an_execution_is_stopped_while_its_function_runs_on(
    server: StokerProcess, machines: Any, create: Create
) -> None:
    function = f"arn:aws:lambda:{REGION}:000000000000:function:{create(HELD, Timeout=300)}"
    task = {"Type": "Task", "Resource": function, "End": True}
    with closing(server.client("sqs")) as sqs:
        begun, go = (
            sqs.create_queue(QueueName=f"{name}-{uuid.uuid4().hex[:12]}")["QueueUrl"]
            for name in ("begun", "go")
        )
        arn = machines.start_execution(
            stateMachineArn=made(machines, {"A": task}),
            input=json.dumps({"begun": begun, "go": go}),
        )["executionArn"]
        assert sqs.receive_message(QueueUrl=begun, WaitTimeSeconds=20)["Messages"]
        stopped = machines.stop_execution(executionArn=arn, error="Enough", cause="a test")
        found = machines.describe_execution(executionArn=arn)  # the function is held by us
        assert (found["status"], found["error"], found["cause"]) == ("ABORTED", "Enough", "a test")
        assert found["stopDate"] == stopped["stopDate"]
        again = machines.stop_execution(executionArn=arn, error="Another")
        assert again["stopDate"] == stopped["stopDate"]
        sqs.send_message(QueueUrl=go, MessageBody="go")

        def history() -> list[dict[str, Any]]:
            events: list[dict[str, Any]]
            events = machines.get_execution_history(executionArn=arn)["events"]
            return events

        last = until(history, lambda events: events[-1]["type"].startswith("Execution"))[-1]
        assert last["type"] == "ExecutionAborted"
        assert last["executionAbortedEventDetails"] == {"error": "Enough", "cause": "a test"}
        found = machines.describe_execution(executionArn=arn)
        assert (found["status"], found["error"]) == ("ABORTED", "Enough")
        for url in (begun, go):
            sqs.delete_queue(QueueUrl=url)


def test_an_express_machine_is_waited_for(server: StokerProcess, create: Create) -> None:
    function = f"arn:aws:lambda:{REGION}:000000000000:function:{create(WORK)}"
    plain = Config(inject_host_prefix=False)  # or boto3 asks sync-127.0.0.1
    with closing(server.client("stepfunctions", config=plain)) as machines:
        arn = made(
            machines, {"A": {"Type": "Task", "Resource": function, "End": True}}, type="EXPRESS"
        )
        told = machines.start_sync_execution(stateMachineArn=arn, name="one", input='{"n": 4}')
        assert (told["status"], json.loads(told["output"])) == ("SUCCEEDED", {"doubled": 8})
        assert (told["name"], told["input"]) == ("one", '{"n": 4}')
        assert told["executionArn"].startswith(arn.replace(":stateMachine:", ":express:") + ":one:")
        assert told["billingDetails"]["billedDurationInMilliseconds"] % 100 == 0
        again = machines.start_sync_execution(
            stateMachineArn=arn, name="one", input='{"n": 4}', includedData="METADATA_ONLY"
        )
        assert again["executionArn"] != told["executionArn"]
        assert not {"input", "output"} & again.keys()
        failed = machines.start_sync_execution(
            stateMachineArn=arn, input='{"n": 7, "mode": "fail"}'
        )
        assert (failed["status"], failed["error"]) == ("FAILED", "ValueError")
        assert json.loads(failed["cause"])["errorMessage"] == "no 7"
        assert machines.list_executions(stateMachineArn=arn)["executions"] == []
        standard = made(machines, {"A": {"Type": "Succeed"}})
        with pytest.raises(machines.exceptions.StateMachineTypeNotSupported):
            machines.start_sync_execution(stateMachineArn=standard)
        with pytest.raises(machines.exceptions.InvalidExecutionInput):
            machines.start_sync_execution(stateMachineArn=arn, input="{")


@pytest.mark.slow
def test_a_machine_that_turns_in_a_circle_comes_to_its_end(machines: Any) -> None:
    states = {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "A"}}
    found = ended(machines, made(machines, states), {})
    assert found["status"] == "FAILED" and "history" in found["cause"]


@pytest.mark.slow
def test_what_ran_when_the_server_was_killed_is_aborted_and_the_rest_is_kept(
    tmp_path: Path,
) -> None:
    wait = {"Type": "Wait", "SecondsPath": "$.s", "End": True}
    with ExitStack() as stack:
        scene = Scene(tmp_path / "data", stack)
        client = scene.client("stepfunctions")
        arn = made(client, {"A": wait})
        done = ended(client, arn, {"s": 0})
        runs = client.start_execution(stateMachineArn=arn, input='{"s": 31536000}')
        scene.kept_anew()
        scene.server.process.kill()
        scene.server.process.wait()
    with ExitStack() as stack:
        client = Scene(tmp_path / "data", stack).client("stepfunctions")
        kept = client.describe_execution(executionArn=done["executionArn"])
        assert (kept["status"], kept["output"]) == ("SUCCEEDED", '{"s": 0}')
        lost = client.describe_execution(executionArn=runs["executionArn"])
        assert (lost["status"], lost["error"]) == ("ABORTED", "Stoker.Restarted")
        for one, last in ((done, "ExecutionSucceeded"), (runs, "ExecutionAborted")):
            history = client.get_execution_history(executionArn=one["executionArn"])["events"]
            assert (history[0]["type"], history[-1]["type"]) == ("ExecutionStarted", last)
        assert ended(client, arn, {"s": 0})["status"] == "SUCCEEDED"
