"""The Telemetry API through `stoker serve`: an extension in a layer that listens where AWS says."""

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.extending import EXTENSION, SUBSCRIBER
from tests.running import PYTHON, make_zip

Create = Callable[..., str]
# By the name that AWS's documentation has, on a port of its own.
AGENT = """
me = register("INVOKE", "SHUTDOWN")
server = http.server.ThreadingHTTPServer(("sandbox.localdomain", 8080), Taker)
threading.Thread(target=server.serve_forever, daemon=True).start()
assert subscribe(me, 8080, types=["platform", "function"]) == (200, "OK")
with open("/tmp/told", "w", buffering=1) as told:
    while True:
        event(me)
        for each in batches.get():
            told.write(json.dumps(each) + "\\n")
"""
CODE = """
import json
def handler(event, context):
    print("hello from the function")
    return open("/tmp/told").read() if event else None
"""


@pytest.mark.root
def test_an_extension_of_a_layer_is_told_over_its_own_network(
    lambda_client: Any, create: Create
) -> None:
    agent = EXTENSION.replace(f"#!{sys.executable} -IS", f"#!/var/lang/bin/{PYTHON} -IS")
    files = {"extensions/agent": agent + SUBSCRIBER + AGENT}
    layer = lambda_client.publish_layer_version(
        LayerName="telemetry-agent", Content={"ZipFile": make_zip(files, tuple(files))}
    )
    try:
        name = create(CODE, Layers=[layer["LayerVersionArn"]])
        for payload in (b"null", b"1"):
            response = lambda_client.invoke(FunctionName=name, Payload=payload)
            answer = json.loads(response["Payload"].read())
            assert "FunctionError" not in response, answer
        told = [json.loads(line) for line in answer.splitlines()]
        kinds = [event["type"] for event in told]
        assert kinds[0] == "platform.initStart"
        assert "platform.telemetrySubscription" in kinds
        assert told[0]["record"]["functionName"] == name
    finally:
        lambda_client.delete_layer_version(LayerName="telemetry-agent", VersionNumber=1)
