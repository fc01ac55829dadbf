"""Extensions as a user meets them: in a layer, attached with boto3, seen in CloudWatch Logs."""

import base64
import json
import re
import subprocess
import uuid
from collections.abc import Callable
from typing import Any

from tests.extending import EXTENSION, LISTENER
from tests.running import PYTHON, STOKER, StokerProcess, log_of, make_zip, wait_for, wait_until

INSIDE = f"#!/var/lang/bin/{PYTHON} -IS\n" + EXTENSION.split("\n", 1)[1]
ECHO = "def handler(event, context): return event"


def layer(functions: Any, script: str, *, executable: bool = True) -> str:
    name = "extensions/agent.py"
    content = make_zip({name: script}, (name,) if executable else ())
    made = functions.publish_layer_version(
        LayerName=f"l-{uuid.uuid4().hex[:12]}", Content={"ZipFile": content}
    )
    return str(made["LayerVersionArn"])


def test_an_extension_in_a_layer_lives_with_the_function(
    server: StokerProcess, lambda_client: Any, logs_client: Any, create: Callable[..., str]
) -> None:
    name = create(ECHO, Layers=[layer(lambda_client, INSIDE + LISTENER)])
    answer = lambda_client.invoke(FunctionName=name, Payload="[1]", LogType="Tail")
    assert json.loads(answer["Payload"].read()) == [1]
    tail = base64.b64decode(answer["LogResult"]).decode()
    assert "EXTENSION\tName: agent.py\tState: Ready\tEvents: [INVOKE, SHUTDOWN]\n" in tail
    assert "agent.py INVOKE \n" in tail
    assert tail.index("EXTENSION") < tail.index("START RequestId") < tail.index("REPORT")
    told = subprocess.run(
        [STOKER, "timeline", name, "--endpoint-url", server.url],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert re.search(r"INIT .*\n.* extension agent.py .*\n.* runtime .*", told), told
    lambda_client.update_function_configuration(FunctionName=name, Timeout=29)
    wait_until(lambda_client, "function_updated_v2", name)
    wait_for(lambda: log_of(logs_client, name), "agent.py SHUTDOWN spindown")


def test_an_extension_that_cannot_be_executed_fails_the_function(
    lambda_client: Any, create: Callable[..., str]
) -> None:
    name = create(ECHO, Layers=[layer(lambda_client, INSIDE, executable=False)])
    answer = lambda_client.invoke(FunctionName=name, Payload="[1]")
    assert answer["FunctionError"] == "Unhandled"
    error = json.loads(answer["Payload"].read())
    assert error["errorType"] == "Extension.LaunchError"
    expected = "Error: fork/exec /opt/extensions/agent.py: permission denied"
    assert error["errorMessage"].endswith(expected)
