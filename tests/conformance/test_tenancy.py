"""Tenant isolation as its users see it, over boto3, on the server that all share."""

import base64
import json
import uuid
from collections.abc import Callable
from contextlib import closing
from typing import Any

from tests.conformance.test_console import HERE, Page, ask, post, token_of
from tests.conformance.test_developer import stoker
from tests.faults.scene import until
from tests.running import PYTHON, StokerProcess

Create = Callable[..., str]
PER_TENANT = {"TenantIsolationMode": "PER_TENANT"}

# What it finds of whoever was there before, in all places that outlive an invocation.
HOARD = """
import json, os, pathlib, subprocess
seen = []

def handler(event, context):
    here = pathlib.Path("/tmp/secret")
    found = [list(seen), here.read_text() if here.exists() else "", os.environ.get("SECRET", "")]
    running = subprocess.run(["sh", "-c", "cat /proc/[0-9]*/cmdline"], capture_output=True).stdout
    found.append(b"60" + b"17" in running)
    if event:
        seen.append(event)
        os.environ["SECRET"] = event
        here.write_text(event)
        subprocess.Popen(["sleep", "6017"])
    print(json.dumps({"saw": context.tenant_id}))
    return [context.tenant_id, *found]
"""


def test_nothing_of_one_tenant_is_there_for_another(lambda_client: Any, create: Create) -> None:
    name = create(HOARD, TenancyConfig=PER_TENANT)
    shown = lambda_client.get_function_configuration(FunctionName=name)
    assert shown["TenancyConfig"] == PER_TENANT

    def ask(tenant: str, secret: str = "") -> list[Any]:
        response = lambda_client.invoke(
            FunctionName=name, TenantId=tenant, Payload=json.dumps(secret)
        )
        assert "FunctionError" not in response
        found: list[Any] = json.load(response["Payload"])
        return found

    assert ask("blue", "the-secret-of-blue") == ["blue", [], "", "", False]
    assert ask("green", "x") == ["green", [], "", "", False]
    # Names that are alike are others, too.
    for other in ("Blue", "b lue", "blue/", "b"):
        assert ask(other) == [other, [], "", "", False]
    mine = "the-secret-of-blue"
    assert ask("blue") == ["blue", [mine], mine, mine, True]
    lambda_client.publish_version(FunctionName=name)
    another = lambda_client.invoke(FunctionName=name, TenantId="blue", Qualifier="1")
    assert json.load(another["Payload"]) == ["blue", [], "", "", False]


def test_a_stream_a_log_and_an_event_are_of_the_tenant(
    lambda_client: Any, logs_client: Any, create: Create
) -> None:
    name = create(HOARD, TenancyConfig=PER_TENANT, LoggingConfig={"LogFormat": "JSON"})
    answer = lambda_client.invoke_with_response_stream(FunctionName=name, TenantId="red")
    text = b"".join(
        event["PayloadChunk"]["Payload"]
        for event in answer["EventStream"]
        if "PayloadChunk" in event
    )
    assert json.loads(text)[0] == "red"
    response = lambda_client.invoke(FunctionName=name, TenantId="red", LogType="Tail")
    tail = base64.b64decode(response["LogResult"]).decode().splitlines()
    told = [json.loads(line) for line in tail]
    platform = {one["type"]: one["record"] for one in told if "record" in one}
    for kind in ("platform.start", "platform.report"):
        assert platform[kind]["tenantId"] == "red"
    lambda_client.invoke(FunctionName=name, TenantId="blue", InvocationType="Event")

    def lines() -> list[Any]:
        pages = logs_client.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{name}", filterPattern='{ $.saw = "blue" }'
        )
        return [event for page in pages for event in page["events"]]

    (line,) = until(lines, lambda found: found)
    with_tenant = logs_client.filter_log_events(
        logGroupName=f"/aws/lambda/{name}",
        filterPattern='{ $.record.tenantId = "blue" && $.type = "platform.start" }',
    )["events"]
    assert [one["logStreamName"] for one in with_tenant] == [line["logStreamName"]]


def test_the_console_and_the_command_line_name_a_tenant(
    server: StokerProcess, create: Create
) -> None:
    name = create(HOARD, TenancyConfig=PER_TENANT)
    at = f"{HERE}/functions/{name}"
    assert 'name="tenant"' in ask(server, at)[2]
    assert 'name="tenant"' not in ask(server, f"{HERE}/functions/{create(HOARD)}")[2]
    said = {"token": token_of(server), "payload": '""'}
    tried = Page(post(server, at, **said, tenant="a b")[2])
    assert "Succeeded" in tried.text
    assert '"a b"' in tried.text
    assert "Add a valid tenant ID" in Page(post(server, at, **said)[2]).text
    done = stoker(server, "invoke", name, "-e", '""', "--tenant-id", "blue", "--no-log")
    assert json.loads(done.stdout)[0] == "blue"
    refused = stoker(server, "invoke", name)
    assert refused.exit_code == 1
    assert "Add a valid tenant ID" in refused.stderr.replace("\n", " ")


def test_a_stack_has_it_and_a_change_of_it_replaces_the_function(server: StokerProcess) -> None:
    def template(**more: Any) -> str:
        function = {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": PYTHON,
                "Handler": "index.handler",
                "Role": "arn:aws:iam::000000000000:role/any",
                "Code": {"ZipFile": "def handler(event, context): return context.tenant_id"},
                **more,
            },
        }
        made = {"Made": {"Value": {"Ref": "F"}}}
        return json.dumps({"Resources": {"F": function}, "Outputs": made})

    name = f"apart-{uuid.uuid4().hex[:8]}"
    soon = {"Delay": 0.1, "MaxAttempts": 600}
    with closing(server.client("cloudformation")) as stacks, closing(server.client("lambda")) as f:

        def made() -> str:
            (stack,) = stacks.describe_stacks(StackName=name)["Stacks"]
            return str(stack["Outputs"][0]["OutputValue"])

        stacks.create_stack(StackName=name, TemplateBody=template())
        stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=soon)
        shared = made()
        body = template(TenancyConfig=PER_TENANT)
        stacks.update_stack(StackName=name, TemplateBody=body)
        stacks.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig=soon)
        assert made() != shared
        response = f.invoke(FunctionName=made(), TenantId="blue")
        assert json.load(response["Payload"]) == "blue"
        stacks.delete_stack(StackName=name)
        stacks.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=soon)
