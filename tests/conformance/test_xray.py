"""Tracing end to end: the variables, the header, and segments that are sent as SDKs send them."""

import json
import urllib.parse
import urllib.request
from collections.abc import Callable
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


def test_a_subsegment_that_is_sent_to_the_daemon_is_shown_with_its_trace(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name = create(TRACED, TracingConfig={"Mode": "Active"})
    shown = lambda_client.get_function_configuration(FunctionName=name)
    assert shown["TracingConfig"] == {"Mode": "Active"}
    fields, variables = json.load(lambda_client.invoke(FunctionName=name)["Payload"])
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
        fields, _ = json.load(lambda_client.invoke(FunctionName=name)["Payload"])
        assert fields["Sampled"] == "0"
        roots[name] = fields["Root"]
    for name, root in roots.items():
        wait_for(lambda: json.dumps(traces(server, function=name)), root)  # noqa: B023
        assert [trace["id"] for trace in traces(server, function=name)] == [root]
