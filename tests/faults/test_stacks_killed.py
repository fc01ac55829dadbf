"""kill -9 while a stack is deployed: after a restart it can be deployed again, or deleted."""

import signal
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from tests.conformance.test_stacks import SOON, body, function, ids, resource
from tests.conformance.test_stacks_at_once import at_once
from tests.running import START_S, StokerProcess

SILENT = "def handler(event, context): pass"


def template(name: str, *more: str) -> str:
    """A queue, and a custom resource of which nobody hears."""
    thing = resource("Custom::Silent", ServiceToken={"Fn::GetAtt": ["Fn", "Arn"]})
    thing["DeletionPolicy"] = "Retain"
    queue = resource("AWS::SQS::Queue", QueueName=name)
    resources = {"Queue": queue, "Fn": function(SILENT), "Thing": thing}
    return body({key: it for key, it in resources.items() if key not in more})


def seen(cloudformation: Any, name: str, logical: str, status: str) -> None:
    """Wait until that has happened."""
    end = time.monotonic() + START_S
    while True:
        told = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        if any((e["LogicalResourceId"], e["ResourceStatus"]) == (logical, status) for e in told):
            return
        assert time.monotonic() < end, told
        time.sleep(0.05)


def executed_by_two(server: StokerProcess, name: str) -> None:
    """Each brings a change set for a stack that is not there yet; one of them is carried out."""
    with ExitStack() as stack:
        tools = [stack.enter_context(closing(server.client("cloudformation"))) for _ in range(2)]
        asked = {"StackName": name, "TemplateBody": template(name), "ChangeSetType": "CREATE"}
        for step in ("create_change_set", "execute_change_set"):
            more = asked if step == "create_change_set" else {"StackName": name}

            def ask(number: int, tool: Any, step: str = step, more: Any = more) -> None:
                getattr(tool, step)(ChangeSetName=f"c-{number}", **more)

            done, _ = at_once(tools, ask)
        assert len(done) == 1


def test_deployments_that_were_killed_are_taken_back(tmp_path: Path) -> None:
    """One that was made, one that was changed, and one that two tools made at once."""
    with StokerProcess(tmp_path / "data") as server, closing(server.client("cloudformation")) as it:
        it.create_stack(StackName="old", TemplateBody=template("before", "Thing"))
        it.get_waiter("stack_create_complete").wait(StackName="old", WaiterConfig=SOON)
        made = ids(it, "old")
        it.update_stack(StackName="old", TemplateBody=template("after"))
        it.create_stack(StackName="new", TemplateBody=template("new"))
        executed_by_two(server, "both")
        seen(it, "old", "Queue", "UPDATE_COMPLETE")
        for name in ("new", "both"):
            seen(it, name, "Queue", "CREATE_COMPLETE")
        for name in ("old", "new", "both"):
            seen(it, name, "Thing", "CREATE_IN_PROGRESS")
        server.stop(signal.SIGKILL)
    with StokerProcess(tmp_path / "data") as server, closing(server.client("cloudformation")) as it:
        it.get_waiter("stack_rollback_complete").wait(StackName="old", WaiterConfig=SOON)
        for name in ("new", "both"):
            seen(it, name, name, "ROLLBACK_COMPLETE")
            assert ids(it, name) == {}
        for name in ("old", "new", "both"):
            told = it.describe_stack_events(StackName=name)["StackEvents"]
            reasons = [one.get("ResourceStatusReason", "") for one in told]
            assert any(reason.startswith("Stoker ended") for reason in reasons)
        assert last_parts(ids(it, "old")) == last_parts(made), "as before the update"
        with closing(server.client("sqs")) as sqs:
            names = [url.rpartition("/")[2] for url in sqs.list_queues()["QueueUrls"]]
        assert names == ["before"], "what was made since is gone"
        with closing(server.client("lambda")) as functions:
            assert len(functions.list_functions()["Functions"]) == 1
        # And now the one can be deployed again, and the other deleted.
        it.update_stack(StackName="old", TemplateBody=template("after", "Thing"))
        it.get_waiter("stack_update_complete").wait(StackName="old", WaiterConfig=SOON)
        for name in ("new", "both"):
            gone = it.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
            it.delete_stack(StackName=name)
            it.get_waiter("stack_delete_complete").wait(StackName=gone, WaiterConfig=SOON)


def last_parts(found: dict[str, str]) -> dict[str, str]:
    """Addresses of queues hold the server's port, which is another one."""
    return {logical: id.rpartition("/")[2] for logical, id in found.items()}
