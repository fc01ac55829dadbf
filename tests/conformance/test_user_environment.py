"""What a function's author meets inside an execution environment, through `stoker serve`."""

import base64
import json
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from stoker.runtimes.found import RuntimeUnavailable, find_runtime
from tests.running import PYTHON, StokerProcess, deploy, make_zip, wait_for, wait_until

Create = Callable[..., str]
VERSIONS = [f"python3.{minor}" for minor in range(8, 16)]
namespaces = pytest.mark.root  # what only a root file system and network of its own can give
STREAM = "def handler(event, context): return context.log_stream_name"
SHELL = "import subprocess\ndef handler(e, c): return subprocess.getoutput(e)"


def answer_of(response: dict[str, Any]) -> Any:
    assert "FunctionError" not in response, response["Payload"].read()
    return json.loads(response["Payload"].read())


def call(functions: Any, name: str, event: Any = None) -> Any:
    return answer_of(functions.invoke(FunctionName=name, Payload=json.dumps(event)))


def is_found(runtime: str) -> bool:
    try:
        return find_runtime(runtime) is not None
    except RuntimeUnavailable:
        return False


# --- runtimes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("runtime", VERSIONS)
def test_a_python_is_run_or_its_absence_explained(
    runtime: str, lambda_client: Any, create: Create
) -> None:
    # It names boto3, so that it starts from the zygote that has AWS's SDK, where there is one.
    code = (
        "import sys\n"
        "def handler(event, context):\n"
        "    try: import boto3\n"
        "    except ImportError: assert sys.version_info < (3, 10)\n"
        "    return 'python%d.%d' % sys.version_info[:2]\n"
    )
    if is_found(runtime):
        assert call(lambda_client, create(code, Runtime=runtime)) == runtime
        return
    with pytest.raises(Exception, match="Failed"):
        create(code, Runtime=runtime, FunctionName="absent")
    found = lambda_client.get_function_configuration(FunctionName="absent")
    assert (found["State"], found["StateReasonCode"]) == ("Failed", "InvalidRuntime")
    version = runtime.removeprefix("python")
    assert f"uv python install {version}" in found["StateReason"]
    with pytest.raises(lambda_client.exceptions.ResourceConflictException, match="is on the serv"):
        lambda_client.invoke(FunctionName="absent")


@namespaces
def test_boto3_is_there_and_the_functions_own_wins(lambda_client: Any, create: Create) -> None:
    code = "import boto3\ndef handler(event, context): return boto3.__file__"
    assert call(lambda_client, create(code)) == "/var/runtime/boto3/__init__.py"
    own = {"main.py": code, "boto3/__init__.py": ""}
    assert call(lambda_client, create(own)) == "/var/task/boto3/__init__.py"


def test_boto3_inside_reaches_this_server_as_the_function(
    lambda_client: Any, create: Create
) -> None:
    other = create("def handler(event, context): return {'other': event}")
    code = (
        "import boto3, json\n"
        "def handler(event, context):\n"
        "    client = boto3.client('lambda')\n"
        "    answer = client.invoke(FunctionName=event, Payload='7')\n"
        "    try: client.delete_function(FunctionName=event)\n"
        "    except client.exceptions.ClientError as error: refusal = str(error)\n"
        "    return json.load(answer['Payload']), refusal\n"
    )
    name = create(code, MemorySize=1769)
    answer, refusal = call(lambda_client, name, other)
    assert answer == {"other": 7}
    assert "AccessDenied" in refusal
    assert f"assumed-role/any/{name}" in refusal


@namespaces
def test_awss_tutorial_bootstrap_runs_as_it_is(lambda_client: Any, create: Create) -> None:
    bootstrap = """#!/bin/sh
set -euo pipefail
source $LAMBDA_TASK_ROOT/"$(echo $_HANDLER | cut -d. -f1).sh"
while true
do
  HEADERS="$(mktemp)"
  API="http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation"
  EVENT_DATA=$(curl -sS -LD "$HEADERS" -X GET "$API/next")
  REQUEST_ID=$(grep -Fi Lambda-Runtime-Aws-Request-Id "$HEADERS" | tr -d '[:space:]' | cut -d: -f2)
  RESPONSE=$($(echo "$_HANDLER" | cut -d. -f2) "$EVENT_DATA")
  curl -sS -X POST "$API/$REQUEST_ID/response" -d "$RESPONSE"
done
"""
    functions = (
        'handler() { echo "$1" 1>&2; echo "\\"Echoing request: $1\\"" | sed s/request/it/; }'
    )
    for runtime in ("provided.al2023", "provided.al2"):
        files = {"bootstrap": bootstrap, "function.sh": functions}
        name = create(files, ("bootstrap",), Runtime=runtime, Handler="function.handler")
        for _ in range(2):
            assert call(lambda_client, name, 5) == "Echoing it: 5"


@namespaces
def test_a_shell_inside_finds_what_aws_has(lambda_client: Any, create: Create) -> None:
    name = create(SHELL)
    version = sys.version_info
    assert call(lambda_client, name, "/bin/sh --version").startswith("GNU bash")
    for python in ("python", "python3"):
        said = call(lambda_client, name, f"{python} -V; command -v {python}").split()
        assert said[1].startswith(f"{version[0]}.{version[1]}."), said
        assert said[2] == f"/var/lang/bin/{python}"
    tools = "curl grep sed ls mktemp tr cut"
    assert len(call(lambda_client, name, f"command -v {tools}").split()) == 7
    names = call(
        lambda_client, name, "getent ahostsv4 sandbox; getent ahostsv4 sandbox.localdomain"
    )
    assert {line.split()[0] for line in names.splitlines()} == {"127.0.0.1"}
    assert call(lambda_client, name, "id -u; id -g; pwd; echo ${HOME-none}").split() == [
        "993", "990", "/var/task", "none",
    ]  # fmt: skip


@namespaces
def test_the_wrapper_runs_the_interpreter(lambda_client: Any, create: Create) -> None:
    wrapper = '#!/bin/bash\nexport WRAPPED="$1"\nexec "$@"\n'
    code = "import os\ndef handler(event, context): return os.environ['WRAPPED']"
    environment = {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrapper"}}
    name = create({"main.py": code, "wrapper": wrapper}, ("wrapper",), Environment=environment)
    assert call(lambda_client, name) == f"/var/lang/bin/{PYTHON}"


# --- life ---------------------------------------------------------------------------------------


@namespaces
def test_a_connection_made_in_init_outlives_freezes(lambda_client: Any, create: Create) -> None:
    code = (
        "import http.client, os, threading, time\n"
        "ticks = 0\n"
        "def run():\n"
        "    global ticks\n"
        "    while True: time.sleep(0.01); ticks += 1\n"
        "threading.Thread(target=run, daemon=True).start()\n"
        "link = http.client.HTTPConnection(os.environ['AWS_ENDPOINT_URL'].split('//')[1])\n"
        "link.connect()\n"
        "port = link.sock.getsockname()[1]\n"
        "def handler(event, context):\n"
        "    before = ticks\n"
        "    link.request('GET', '/_stoker/health')\n"
        "    status = link.getresponse().read() and link.sock.getsockname()[1] == port\n"
        "    time.sleep(0.1)\n"
        "    return before, status, ticks\n"
    )
    name = create(code, MemorySize=1769)
    last = None
    for _ in range(3):
        before, same_connection, after = call(lambda_client, name)
        assert same_connection
        assert last is None or before - last <= 3, "its thread ran while it was idle"
        last = after
        time.sleep(0.5)


def test_two_functions_with_the_same_bytes_share_nothing(
    lambda_client: Any, create: Create
) -> None:
    package = make_zip({"main.py": STREAM})
    one, two = (create("", Code={"ZipFile": package}) for _ in range(2))
    streams = [call(lambda_client, name) for name in (one, two, one, two)]
    assert streams[:2] == streams[2:]
    assert streams[0] != streams[1]


def test_a_new_configuration_gets_a_new_stream(lambda_client: Any, create: Create) -> None:
    name = create(STREAM)
    streams = [call(lambda_client, name)]
    for change in ({"Environment": {"Variables": {"AA": "1"}}}, {"MemorySize": 256}):
        lambda_client.update_function_configuration(FunctionName=name, **change)
        wait_until(lambda_client, "function_updated_v2", name)
        streams.append(call(lambda_client, name))
    assert len(set(streams)) == 3


@pytest.mark.parametrize("end", ["time.sleep(60)", "os._exit(3)", "os.kill(os.getpid(), 9)"])
def test_a_reset_keeps_tmp_and_the_stream(end: str, lambda_client: Any, create: Create) -> None:
    code = (
        "import os, time, tempfile\n"
        "mark = os.path.join(tempfile.gettempdir(), 'mark')\n"
        "memory = []\n"
        "def handler(event, context):\n"
        "    memory.append(1)\n"
        "    seen = os.path.exists(mark)\n"
        "    open(mark, 'w').close()\n"
        f"    if event: {end}\n"
        "    return len(memory), seen, context.log_stream_name\n"
    )
    name = create(code, Timeout=1, MemorySize=1769)
    _, _, stream = call(lambda_client, name)
    failed = lambda_client.invoke(FunctionName=name, Payload="1", LogType="Tail")
    assert failed["FunctionError"] == "Unhandled"
    assert b"Status: " in base64.b64decode(failed["LogResult"])
    assert call(lambda_client, name) == [1, True, stream]


def test_an_unused_environment_is_ended(tmp_path: Path) -> None:
    with (
        StokerProcess(tmp_path / "data", "--idle-timeout-s", "1") as server,
        closing(server.client("lambda")) as functions,
    ):
        name = deploy(functions, STREAM)
        stream = call(functions, name)

        def living() -> str:
            with urllib.request.urlopen(f"{server.url}/_stoker/api/environments") as response:
                return f"{len(json.load(response)['environments'])} living"

        wait_for(living, "0 living")
        assert call(functions, name) != stream
        assert server.stop() == 0


@namespaces
def test_egress_none_leaves_the_servers_endpoint_only(tmp_path: Path) -> None:
    code = (
        "import os, socket\n"
        "def handler(event, context):\n"
        "    url = os.environ['AWS_ENDPOINT_URL'].split('//')[1].split(':')\n"
        "    socket.create_connection((url[0], int(url[1]))).close()\n"
        "    return [name for _, name in socket.if_nameindex()]\n"
    )
    with (
        StokerProcess(tmp_path / "data", "--egress", "none") as server,
        closing(server.client("lambda")) as functions,
    ):
        assert call(functions, deploy(functions, code)) == ["lo"]
        assert server.stop() == 0
