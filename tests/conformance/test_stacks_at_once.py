"""Several tools at one stack at the same moment: one of them deploys it, the others are told so.

Which one it is, and which of two refusals the others hear, is chance; that there is one is not.
"""

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.test_stacks import body, events, ids, resource, wait
from tests.faults.scene import PATIENCE_S
from tests.running import StokerProcess

TOOLS = 6
Said = tuple[str, str]  # of a refusal: its code, and its words
BUSY = (
    r"Stack:arn:\S+ is in UPDATE_(IN_PROGRESS|COMPLETE_CLEANUP_IN_PROGRESS) state"
    r" and can not be updated\."
)


@pytest.fixture
def tools(server: StokerProcess) -> Iterator[list[Any]]:
    """Clients, each with a connection that stands."""
    with ExitStack() as stack:
        made = [stack.enter_context(closing(server.client("cloudformation"))) for _ in range(TOOLS)]
        for one in made:
            one.list_exports()
        yield made


@pytest.fixture
def name(tools: list[Any]) -> Iterator[str]:
    name = f"s-{uuid.uuid4().hex[:8]}"
    yield name
    tools[0].delete_stack(StackName=name)
    for stack in stacks(tools[0], name):
        wait(tools[0], "delete_complete", stack["StackId"])


def at_once(tools: list[Any], ask: Callable[[int, Any], Any]) -> tuple[list[Any], list[Said]]:
    """What was answered, and what was refused. `ask`: by number and client."""
    answers: list[Any] = []
    refusals: list[Said] = []
    ready = threading.Barrier(len(tools))

    def asked(number: int, tool: Any) -> None:
        ready.wait(PATIENCE_S)
        try:
            answers.append(ask(number, tool))
        except ClientError as error:
            told = error.response["Error"]
            refusals.append((told["Code"], told["Message"]))

    threads = [threading.Thread(target=asked, args=one) for one in enumerate(tools)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) + len(refusals) == len(tools)
    return answers, refusals


def queue(seconds: int = 30) -> str:
    return body({"Queue": resource("AWS::SQS::Queue", VisibilityTimeout=seconds)})


def stacks(cloudformation: Any, name: str) -> list[dict[str, Any]]:
    found = cloudformation.get_paginator("list_stacks").paginate().build_full_result()
    return [one for one in found["StackSummaries"] if one["StackName"] == name]


def begun(cloudformation: Any, name: str, status: str) -> int:
    """How often."""
    return [one[:2] for one in events(cloudformation, name)].count((name, status))


def test_of_those_who_create_one_stack_one_does(tools: list[Any], name: str) -> None:
    answers, refusals = at_once(
        tools, lambda _, tool: tool.create_stack(StackName=name, TemplateBody=queue())
    )
    assert len(answers) == 1
    assert set(refusals) == {("AlreadyExistsException", f"Stack [{name}] already exists")}
    wait(tools[0], "create_complete", name)
    assert [one["StackId"] for one in stacks(tools[0], name)] == [answers[0]["StackId"]]
    assert begun(tools[0], name, "CREATE_IN_PROGRESS") == 1
    told = [one[:2] for one in events(tools[0], name)]
    assert told.count(("Queue", "CREATE_COMPLETE")) == 1


def test_change_sets_of_several_are_of_one_stack_and_one_is_executed(
    tools: list[Any], name: str
) -> None:
    asked = {"StackName": name, "TemplateBody": queue(), "ChangeSetType": "CREATE"}
    made, refusals = at_once(
        tools, lambda number, tool: tool.create_change_set(ChangeSetName=f"c-{number}", **asked)
    )
    assert refusals == []
    assert len({one["StackId"] for one in made}) == len(stacks(tools[0], name)) == 1
    listed = tools[0].list_change_sets(StackName=name)["Summaries"]
    assert {one["StackId"] for one in listed} == {made[0]["StackId"]}
    assert len(listed) == TOOLS
    done, refusals = at_once(
        tools,
        lambda number, tool: tool.execute_change_set(ChangeSetName=f"c-{number}", StackName=name),
    )
    assert len(done) == 1
    assert {code for code, _ in refusals} <= {"InvalidChangeSetStatus", "ChangeSetNotFound"}
    wait(tools[0], "create_complete", name)
    assert begun(tools[0], name, "CREATE_IN_PROGRESS") == 1
    (left,) = tools[0].list_change_sets(StackName=name)["Summaries"]
    assert left["ExecutionStatus"] == "EXECUTE_COMPLETE"


def test_one_change_set_is_made_once_and_executed_once(tools: list[Any], name: str) -> None:
    asked = {"StackName": name, "TemplateBody": queue(), "ChangeSetName": "same"}
    made, refusals = at_once(
        tools, lambda _, tool: tool.create_change_set(ChangeSetType="CREATE", **asked)
    )
    assert len(made) == 1
    assert set(refusals) == {("ValidationError", "ChangeSet same already exists")}
    for status in ("CREATE", "UPDATE"):
        done, refusals = at_once(
            tools, lambda _, tool: tool.execute_change_set(ChangeSetName="same", StackName=name)
        )
        assert len(done) == 1
        for code, words in refusals:
            assert code == "InvalidChangeSetStatus"
            assert re.fullmatch(
                r"ChangeSet \[arn:\S+\] cannot be executed in its current execution status of"
                r" \[EXECUTE_(IN_PROGRESS|COMPLETE)\]",
                words,
            )
        wait(tools[0], f"{status.lower()}_complete", name)
        assert begun(tools[0], name, f"{status}_IN_PROGRESS") == 1
        if status == "CREATE":
            tools[0].delete_change_set(StackName=name, ChangeSetName="same")
            tools[0].create_change_set(**{**asked, "TemplateBody": queue(40)})


def test_updates_of_several_come_one_after_another_or_are_refused(
    tools: list[Any], name: str, server: StokerProcess
) -> None:
    tools[0].create_stack(StackName=name, TemplateBody=queue())
    wait(tools[0], "create_complete", name)
    tools[0].create_change_set(StackName=name, TemplateBody=queue(99), ChangeSetName="old")
    done, refusals = at_once(
        tools,
        lambda number, tool: tool.update_stack(StackName=name, TemplateBody=queue(100 + number)),
    )
    assert done, "somebody has done it"
    for code, words in refusals:
        assert code == "ValidationError"
        assert re.fullmatch(BUSY, words)
    wait(tools[0], "update_complete", name)
    assert begun(tools[0], name, "UPDATE_IN_PROGRESS") == len(done)
    found = tools[0].get_template(StackName=name)["TemplateBody"]
    template = json.loads(found) if isinstance(found, str) else found
    wanted = template["Resources"]["Queue"]["Properties"]["VisibilityTimeout"]
    with closing(server.client("sqs")) as sqs:
        url = ids(tools[0], name)["Queue"]
        is_so = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    assert is_so["Attributes"]["VisibilityTimeout"] == str(wanted)
    with pytest.raises(ClientError, match=r"execution status of \[OBSOLETE\]"):
        tools[0].execute_change_set(StackName=name, ChangeSetName="old")
