"""SnapStart as a user meets it: boto3 in front, real snapshots and copies behind."""

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stoker.core.price_list import Item
from tests.billed import billed_amount
from tests.instances import is_alive
from tests.running import StokerProcess, wait_for, wait_until
from tests.snapshots import (
    MARKED,
    ON_PUBLISHED,
    PYTHON_WITH_SNAP_START,
    call,
    environments,
    needs_a_python,
    publish,
    settled,
    snapshots,
)

pytestmark = [pytest.mark.root, needs_a_python]
Create = Callable[..., str]


@pytest.fixture
def make(create: Create) -> Create:
    """create() with SnapStart."""

    def make(code: str, **settings: Any) -> str:
        settings.setdefault("Runtime", PYTHON_WITH_SNAP_START)
        return create(code, SnapStart=ON_PUBLISHED, MemorySize=512, **settings)

    return make


def lines(logs_client: Any, name: str) -> dict[str, list[str]]:
    """What the function logged, by stream."""
    found: dict[str, list[str]] = {}
    for event in logs_client.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]:
        found.setdefault(event["logStreamName"], []).append(event["message"])
    return found


def test_init_runs_once_and_each_environment_is_a_copy_of_its_own(
    lambda_client: Any, logs_client: Any, make: Create
) -> None:
    name = make(MARKED)
    number = publish(lambda_client, name)
    one = call(lambda_client, name, number)
    assert call(lambda_client, name, number, "exit")["errorType"] == "Runtime.ExitError"
    two = call(lambda_client, name, number)

    assert one["mark"] == two["mark"]
    assert one["heard"] == two["heard"] == ["before", "after"]
    assert one["tmp"] == two["tmp"] == one["mark"], "each has the /tmp of the snapshot"
    assert one["position"] == two["position"] == 15, "each has its own place in an open file"
    for unlike in ("random", "ssl"):
        assert one[unlike] != two[unlike]

    wait_for(lambda: f"{len(lines(logs_client, name))} streams", "3 streams")
    streams = list(lines(logs_client, name).values())
    (snapshot,) = (stream for stream in streams if stream[0].startswith("INIT_START"))
    assert "before the snapshot\n" in snapshot
    assert re.fullmatch(r"INIT_REPORT Init Duration: [\d.]+ ms\n", snapshot[-1])
    for stream in streams:
        if stream is not snapshot:
            assert stream[0].startswith("RESTORE_START Runtime Version: python:3.")
            assert re.fullmatch(r"RESTORE_REPORT Restore Duration: [\d.]+ ms\n", stream[1])


def test_the_first_report_bills_the_hooks_of_the_restore_and_the_timeline_shows_it(
    server: StokerProcess, lambda_client: Any, make: Create
) -> None:
    name = make(MARKED)
    number = publish(lambda_client, name)
    answer = lambda_client.invoke(FunctionName=name, Qualifier=number, LogType="Tail")
    report = base64.b64decode(answer["LogResult"]).decode().splitlines()[-1]
    found = re.search(
        r"\tDuration: ([\d.]+) ms\tBilled Duration: (\d+) ms\t.*"
        r"Restore Duration: ([\d.]+) ms\tBilled Restore Duration: (\d+) ms",
        report,
    )
    assert found, report
    duration, billed, restore, billed_restore = map(float, found.groups())
    assert duration + billed_restore <= billed < duration + billed_restore + 1
    assert billed_restore <= restore + 1
    assert "Init Duration" not in report
    assert billed_amount(server, name, Item.RESTORED) == 0.5
    assert billed_amount(server, name, Item.DURATION) == pytest.approx(0.5 * billed / 1000)
    assert billed_amount(server, name, Item.CACHED) > 0

    (copy,) = (one for one in environments(server, name) if one["phase"] != "Snapshot")
    phases = {span["phase"]: span for span in copy["phases"]}
    assert [*phases][:3] == ["Create", "Restore", "Idle"], "it had no init of its own"
    assert phases["Restore"]["ms"] == pytest.approx(restore, abs=0.01)
    (hooks,) = phases["Restore"]["parts"]
    assert hooks["party"] == "runtime" and hooks["ms"] <= phases["Restore"]["ms"]


def test_a_version_says_when_its_snapshot_is_there(lambda_client: Any, make: Create) -> None:
    name = make("import time; time.sleep(0.2)\ndef handler(e, c): return e")
    latest = lambda_client.get_function_configuration(FunctionName=name)
    assert latest["SnapStart"] == {**ON_PUBLISHED, "OptimizationStatus": "Off"}
    version = lambda_client.publish_version(FunctionName=name)
    assert (version["State"], version["SnapStart"]["OptimizationStatus"]) == ("Pending", "Off")
    wait_until(lambda_client, "published_version_active", name, Qualifier="1")
    version = lambda_client.get_function_configuration(FunctionName=name, Qualifier="1")
    assert version["SnapStart"] == {**ON_PUBLISHED, "OptimizationStatus": "On"}

    lambda_client.update_function_configuration(FunctionName=name, SnapStart={"ApplyOn": "None"})
    wait_until(lambda_client, "function_updated_v2", name)
    again = lambda_client.publish_version(FunctionName=name)
    assert again["SnapStart"] == {"ApplyOn": "None", "OptimizationStatus": "Off"}


def test_a_version_is_not_invoked_before_its_snapshot_is_there(
    lambda_client: Any, make: Create
) -> None:
    name = make("""
import os, signal
if os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"] == "snap-start":
    signal.pause()
def handler(event, context): return event
""")
    lambda_client.publish_version(FunctionName=name)
    with pytest.raises(ClientError) as refused:
        call(lambda_client, name, "1")
    assert refused.value.response["Error"]["Code"] == "SnapStartNotReadyException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409


def test_the_environment_is_that_of_aws(lambda_client: Any, make: Create) -> None:
    name = make(MARKED)
    environ = call(lambda_client, name, publish(lambda_client, name))["environ"]
    assert environ["AWS_LAMBDA_INITIALIZATION_TYPE"] == "snap-start"
    address = "http://127.0.0.1:9001/2021-04-23/credentials"
    assert environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"] == address
    assert environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
    absent = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
              "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME"}  # fmt: skip
    assert not absent & environ.keys()


def test_a_client_that_init_has_used_works_in_every_copy(lambda_client: Any, make: Create) -> None:
    """Its connection of then is none any more; it makes another, with credentials of now."""
    name = make("""
import boto3
client = boto3.client("logs")
client.describe_log_groups(limit=1)
def handler(event, context):
    return client.describe_log_groups(limit=1)["ResponseMetadata"]["HTTPStatusCode"]
""")
    assert call(lambda_client, name, publish(lambda_client, name)) == 200


def test_who_sends_no_token_gets_no_credentials(lambda_client: Any, make: Create) -> None:
    name = make("""
import json, os, urllib.error, urllib.request
def ask(token):
    request = urllib.request.Request(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"])
    if token:
        request.add_header("Authorization", token)
    try:
        with urllib.request.urlopen(request) as answer:
            return sorted(json.load(answer))
    except urllib.error.HTTPError as error:
        return error.code
def handler(event, context):
    return [ask(t) for t in (os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"], "", "another")]
""")
    found = call(lambda_client, name, publish(lambda_client, name))
    assert found == [["AccessKeyId", "Expiration", "SecretAccessKey", "Token"], 404, 404]


def test_without_snap_start_there_is_no_such_api(lambda_client: Any, create: Create) -> None:
    name = create("""
import os, urllib.error, urllib.request
def handler(event, context):
    found = []
    for path in ("2018-06-01/runtime/restore/next", "2021-04-23/credentials"):
        try:
            urllib.request.urlopen(f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/{path}")
        except urllib.error.HTTPError as error:
            found.append(error.code)
    return found
""")
    answer = lambda_client.invoke(FunctionName=name)
    assert json.loads(answer["Payload"].read()) == [404, 404]


def test_a_hook_that_fails_after_the_restore_is_told_to_the_caller(
    lambda_client: Any, make: Create
) -> None:
    name = make("""
from snapshot_restore_py import register_after_restore
@register_after_restore
def hook(): raise ValueError("no database")
def handler(event, context): return event
""")
    answer = call(lambda_client, name, publish(lambda_client, name))
    assert (answer["errorType"], answer["errorMessage"]) == ("ValueError", "no database")


def test_a_version_has_snap_start_or_provisioned_concurrency(
    lambda_client: Any, make: Create
) -> None:
    name = make("def handler(event, context): return event")
    number = publish(lambda_client, name)
    lambda_client.create_alias(FunctionName=name, Name="live", FunctionVersion=number)
    for qualifier in (number, "live"):
        with pytest.raises(ClientError, match="not supported for SnapStart"):
            lambda_client.put_provisioned_concurrency_config(
                FunctionName=name, Qualifier=qualifier, ProvisionedConcurrentExecutions=1
            )


@pytest.mark.slow
def test_a_restore_that_takes_ten_seconds_is_given_up(lambda_client: Any, make: Create) -> None:
    """AWS's limit, hooks included; the next environment has another try."""
    name = make("""
import signal
from snapshot_restore_py import register_after_restore
@register_after_restore
def hook(): signal.pause()
def handler(event, context): return event
""")
    number = publish(lambda_client, name)
    for _ in range(2):
        with pytest.raises(ClientError) as refused:
            call(lambda_client, name, number)
        assert refused.value.response["Error"]["Code"] == "SnapStartTimeoutException"
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 408


FAILING = {
    "a hook that raises": (
        "from snapshot_restore_py import register_before_snapshot\n"
        "@register_before_snapshot\ndef hook(): raise ValueError('not now')",
        "FunctionError.RuntimeInitError", "Runtime.BeforeSnapshotError",
    ),
    "init that raises": ("raise ValueError", "FunctionError.RuntimeInitError", "initialisation"),
    "init that exits": ("import os; os._exit(3)", "FunctionError.RuntimeInitError", "status 3"),
    "init that takes too much memory": (
        "x = [bytearray(1 << 20) for _ in range(1000)]",
        "FunctionError.InitResourceExhausted", "Runtime.OutOfMemory",
    ),
    "a thread": (
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()",
        "FunctionError", "more than one thread",
    ),
    "a child": (
        "import subprocess; subprocess.Popen(['sleep', '1000'])", "FunctionError", "2 processes",
    ),
    "shared memory": ("import mmap; m = mmap.mmap(-1, 4096)", "FunctionError", "shared memory"),
    "a deleted file": (
        "import tempfile; f = tempfile.TemporaryFile()", "FunctionError", "file open that is",
    ),
    "a pipe": ("import os; p = os.pipe()", "FunctionError", "open pipe"),
    "a listening socket": (
        "import socket; s = socket.create_server(('127.0.0.1', 0))", "FunctionError", "listening",
    ),
    "a socket of its own host": (
        "import socket; s = socket.socketpair()", "FunctionError", "socket (AF_UNIX)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FAILING)
def test_what_cannot_be_copied_fails_the_version_by_name(
    what: str, lambda_client: Any, make: Create
) -> None:
    code, reason_code, text = FAILING[what]
    in_snapshot = "\n".join(f"    {line}" for line in code.splitlines())
    name = make(
        "import os\nif os.environ['AWS_LAMBDA_INITIALIZATION_TYPE'] == 'snap-start':\n"
        f"{in_snapshot}\ndef handler(event, context): return event"
    )
    version = settled(lambda_client, name)
    assert (version["State"], version["StateReasonCode"]) == ("Failed", reason_code)
    assert text in version["StateReason"]
    assert version["SnapStart"]["OptimizationStatus"] == "Off"


REFUSED = {
    "Python 3.11": ({"Runtime": "python3.11"}, "InvalidParameterValueException",
                    "python3.11 is not supported for SnapStart enabled functions."),
    "Node.js": ({"Runtime": "nodejs22.x"}, "InvalidParameterValueException",
                "nodejs22.x is not supported for SnapStart enabled functions."),
    "a large /tmp": ({"EphemeralStorage": {"Size": 513}}, "InvalidParameterValueException",
                     "Ephemeral storage of more than 512 MB"),
    "Java 8": ({"Runtime": "java8.al2"}, "InvalidParameterValueException",
               "java8.al2 is not supported for SnapStart enabled functions."),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_has_no_snap_start_is_refused(what: str, make: Create) -> None:
    settings, code, text = REFUSED[what]
    with pytest.raises(ClientError) as refused:
        make("def handler(event, context): return event", **settings)
    assert refused.value.response["Error"]["Code"] == code
    assert text in refused.value.response["Error"]["Message"]


def test_a_json_log_has_the_events_of_the_restore(
    lambda_client: Any, logs_client: Any, make: Create
) -> None:
    logging = {"LogFormat": "JSON", "SystemLogLevel": "DEBUG"}
    name = make(MARKED, LoggingConfig=logging)
    call(lambda_client, name, publish(lambda_client, name))

    def told() -> list[dict[str, Any]]:
        streams = lines(logs_client, name).values()
        return [json.loads(line) for stream in streams for line in stream if line[0] == "{"]

    wait_for(lambda: " ".join(event.get("type", "") for event in told()), "platform.report")
    records = {event["type"]: event["record"] for event in told() if "type" in event}
    assert records["platform.initStart"]["initializationType"] == "snap-start"
    assert records["platform.restoreStart"]["functionName"] == name
    assert records["platform.restoreRuntimeDone"] == {"status": "success"}
    assert records["platform.restoreReport"]["metrics"]["durationMs"] > 0
    assert records["platform.report"]["metrics"]["billedRestoreDurationMs"] >= 0


def test_nothing_of_a_snapshot_is_left_when_its_version_is_deleted(
    server: StokerProcess, lambda_client: Any, make: Create
) -> None:
    name = make(MARKED)
    number = publish(lambda_client, name)
    call(lambda_client, name, number)
    # Beside init and runtime there may be the first process of a copy that is under way.
    wait_for(lambda: f"{len(snapshots(server, name)[0]['pids'])} processes", "2 processes")
    (snapshot,) = snapshots(server, name)
    lambda_client.delete_function(FunctionName=name, Qualifier=number)
    wait_for(lambda: f"{len(snapshots(server, name))} snapshots", "0 snapshots")
    for pid in snapshot["pids"]:
        wait_for(lambda pid=pid: is_there(pid), "gone")  # type: ignore[misc]


def is_there(pid: int) -> str:
    return "there" if is_alive(pid) else "gone"
