"""What tests of SnapStart share: a Python that AWS has it for, and functions with snapshots."""

import json
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stoker.runtimes.found import RuntimeUnavailable, find_runtime
from tests.faults.scene import until
from tests.running import StokerProcess, wait_until

ON_PUBLISHED = {"ApplyOn": "PublishedVersions"}


def _python() -> str:
    for runtime in ("python3.12", "python3.13", "python3.14"):
        try:
            return find_runtime(runtime).runtime
        except RuntimeUnavailable:
            continue
    return ""


PYTHON_WITH_SNAP_START = _python()
needs_a_python = pytest.mark.skipif(
    not PYTHON_WITH_SNAP_START, reason="AWS has SnapStart for Python 3.12 and later"
)

# `mark` is made by init; what else there is tells one environment from another.
MARKED = """
import os, random, ssl, uuid
from snapshot_restore_py import register_after_restore, register_before_snapshot
mark, heard = uuid.uuid4().hex, []
@register_before_snapshot
def before():
    heard.append("before")
    print("before the snapshot")
register_after_restore(heard.append, "after")
kept = open("/var/task/main.py")
kept.read(10)
with open("/tmp/made-by-init", "w") as file:
    file.write(mark)
def handler(event, context):
    if event == "exit":
        os._exit(1)
    with open("/tmp/made-by-init", "a+") as file:
        file.seek(0)
        tmp = file.read()
        file.write("!")
    return {
        "mark": mark, "heard": heard, "tmp": tmp, "position": len(kept.read(5)) and kept.tell(),
        "random": random.random(), "ssl": ssl.RAND_bytes(16).hex(), "pid": os.getpid(),
        "environ": dict(os.environ), "stream": context.log_stream_name,
    }
"""


def publish(functions: Any, name: str) -> str:
    """Publish a version whose snapshot is then taken; its number."""
    number: str = functions.publish_version(FunctionName=name)["Version"]
    wait_until(functions, "published_version_active", name, Qualifier=number)
    return number


def settled(functions: Any, name: str) -> dict[str, Any]:
    """Publish a version; what it is when it is no longer Pending."""
    number = functions.publish_version(FunctionName=name)["Version"]
    while True:
        found: dict[str, Any] = functions.get_function_configuration(
            FunctionName=name, Qualifier=number
        )
        if found["State"] != "Pending":
            return found


def call(functions: Any, name: str, number: str, event: Any = None) -> Any:
    answer = functions.invoke(FunctionName=name, Qualifier=number, Payload=json.dumps(event))
    return json.loads(answer["Payload"].read())


def environments(server: StokerProcess, function: str) -> list[dict[str, Any]]:
    """Of the function, as the introspection shows them; snapshots among them."""
    with urllib.request.urlopen(f"{server.url}/_stoker/api/environments", timeout=60) as answer:
        found = json.load(answer)["environments"]
    return [one for one in found if one["function"] == function]


def restored(functions: Any, name: str) -> dict[str, Any]:
    """Invoke until the snapshot is there again. Until then nobody is served; who got a copy that
    dies with its snapshot hears so."""

    def ask() -> dict[str, Any]:
        try:
            found: dict[str, Any] = call(functions, name, "1")
        except ClientError as error:
            code, said = error.response["Error"]["Code"], error.response["Error"]["Message"]
            assert code == "SnapStartNotReadyException" or "environment was lost" in said
            return {}
        return found

    return until(ask, bool)


def snapshots(server: StokerProcess, function: str) -> list[dict[str, Any]]:
    return [one for one in environments(server, function) if one["phase"] == "Snapshot"]
