"""Tracing end to end: the variables, the header, and segments that are sent as SDKs send them."""

import json
import urllib.parse
import urllib.request
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from tests.running import StokerProcess, wait_for

Create = Callable[..., str]

TRACED = """
import json, os, socket

def handler(event, context):
    host, _, port = os.environ["AWS_XRAY_DAEMON_ADDRESS"].partition(":")
    header = os.environ["_X_AMZN_TRACE_ID"]
    fields = dict(part.split("=", 1) for part in header.split(";"))
    document = {"name": "my work", "type": "subsegment", "id": "70de5b6f19ff9a0a",
                "trace_id": fields["Root"], "parent_id": fields["Parent"],
                "start_time": 1.0, "end_time": 2.0}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b'{"format":"json","version":1}\\n' + json.dumps(document).encode(),
                    (host, int(port)))
    names = ("AWS_XRAY_DAEMON_ADDRESS", "AWS_XRAY_CONTEXT_MISSING", "_AWS_XRAY_DAEMON_ADDRESS",
             "_AWS_XRAY_DAEMON_PORT")
    return fields, {name: os.environ[name] for name in names}
"""


def traces(server: StokerProcess, **query: str) -> Any:
    url = f"{server.url}/_stoker/api/traces?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)["traces"]


def answer_of(client: Any, name: str, event: object = None) -> Any:
    payload = json.dumps(event)
    with client.invoke(FunctionName=name, Payload=payload)["Payload"] as answer:
        return json.load(answer)


def test_a_subsegment_that_is_sent_to_the_daemon_is_shown_with_its_trace(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name = create(TRACED, TracingConfig={"Mode": "Active"})
    shown = lambda_client.get_function_configuration(FunctionName=name)
    assert shown["TracingConfig"] == {"Mode": "Active"}
    fields, variables = answer_of(lambda_client, name)
    assert fields["Sampled"] == "1"
    assert variables == {
        "AWS_XRAY_DAEMON_ADDRESS": "169.254.100.1:2000",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "_AWS_XRAY_DAEMON_ADDRESS": "169.254.100.1",
        "_AWS_XRAY_DAEMON_PORT": "2000",
    }
    wait_for(lambda: json.dumps(traces(server, trace_id=fields["Root"])), "my work")
    [trace] = traces(server, trace_id=fields["Root"], function=name)
    [segment] = [s for s in trace["segments"] if s["document"]["name"] == "my work"]
    assert segment["function"] == name
    assert segment["document"]["parent_id"] == fields["Parent"]
    wait_for(lambda: json.dumps(traces(server, trace_id=fields["Root"])), "AWS::Lambda::Function")
    [trace] = traces(server, trace_id=fields["Root"])
    documents = {s["document"]["id"]: s["document"] for s in trace["segments"]}
    function = documents[fields["Parent"]]
    assert function["origin"] == "AWS::Lambda::Function"
    assert documents[function["parent_id"]]["origin"] == "AWS::Lambda"


def test_two_functions_have_a_daemon_each(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    roots = {}
    for name in (create(TRACED), create(TRACED)):
        fields, _ = answer_of(lambda_client, name)
        assert fields["Sampled"] == "0"
        roots[name] = fields["Root"]
    for name, root in roots.items():
        wait_for(lambda: json.dumps(traces(server, function=name)), root)  # noqa: B023
        assert [trace["id"] for trace in traces(server, function=name)] == [root]


WITH_SDK = """
from aws_xray_sdk.core import xray_recorder

def handler(event, context):
    with xray_recorder.in_subsegment("outer") as outer:
        outer.put_annotation("asked", event)
        with xray_recorder.in_subsegment("inner"):
            return event
"""


def test_aws_s_own_sdk_for_python_works_unmodified(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    files: dict[str, str | bytes] = {"main.py": WITH_SDK}
    for name in ("aws-xray-sdk", "wrapt"):
        for file in distribution(name).files or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                files[str(file)] = Path(str(file.locate())).read_bytes()
    name = create(files, TracingConfig={"Mode": "Active"}, Timeout=30, MemorySize=1769)
    assert answer_of(lambda_client, name, "well") == "well"
    wait_for(lambda: json.dumps(traces(server, function=name)), "AWS::Lambda::Function")
    wait_for(lambda: json.dumps(traces(server, function=name)), '"asked": "well"')
    [trace] = traces(server, function=name)
    documents = {s["document"]["id"]: s["document"] for s in trace["segments"]}
    [inner] = [one for one in documents.values() if one["name"] == "inner"]
    outer = documents[inner["parent_id"]]
    assert outer["annotations"] == {"asked": "well"}
    function = documents[outer["parent_id"]]
    assert function["origin"] == "AWS::Lambda::Function"
    assert function["start_time"] <= outer["start_time"] <= inner["start_time"]
    assert inner["end_time"] <= outer["end_time"] <= function["end_time"]
