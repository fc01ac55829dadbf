"""`stoker timeline`: what a user sees of the lives of a function's environments."""

import json
import re
import subprocess
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from tests.nodes import FOUND, needs_node
from tests.running import STOKER, StokerProcess, wait_for, wait_until
from tests.user import is_found

Create = Callable[..., str]
PYTHON_CODE = {
    "main.py": "import time\ntime.sleep(0.03)\ndef handler(event, context): return event"
}
NODE_CODE = {
    "index.mjs": "await new Promise((done) => setTimeout(done, 30));\n"
    "export const handler = async (event) => event;"
}
RUBY_CODE = {"app.rb": "sleep 0.03\ndef handler(event:, context:) = event"}
NODE = {"Runtime": FOUND[-1] if FOUND else "", "Handler": "index.handler"}

RUBIES = [runtime for runtime in ("ruby3.3", "ruby3.4", "ruby3.2") if is_found(runtime)]
RUBY = {"Runtime": RUBIES[0] if RUBIES else "", "Handler": "app.handler"}
needs_ruby = pytest.mark.skipif(not RUBIES, reason="there is no Ruby on this machine")


def told_by(server: StokerProcess, name: str) -> dict[str, list[Any]]:
    """The function's environments, those that live and those that ended."""
    with urllib.request.urlopen(f"{server.url}/_stoker/api/environments") as answer:
        found = json.load(answer)
    return {key: [one for one in ones if one["function"] == name] for key, ones in found.items()}


@pytest.mark.parametrize(
    ("code", "settings"),
    [
        pytest.param(PYTHON_CODE, {}, id="python"),
        pytest.param(NODE_CODE, NODE, id="nodejs", marks=needs_node),
        pytest.param(RUBY_CODE, RUBY, id="ruby", marks=needs_ruby),
    ],
)
def test_a_life_is_told_phase_by_phase_and_also_when_it_is_over(
    code: dict[str, str],
    settings: dict[str, str],
    server: StokerProcess,
    lambda_client: Any,
    create: Create,
) -> None:
    name = create(code, **settings)
    lambda_client.invoke(FunctionName=name, Payload="[1]")
    wait_for(lambda: str(told_by(server, name)), "'frozen': True")
    (living,) = told_by(server, name)["environments"]
    phases = {span["phase"]: span for span in living["phases"]}
    assert {*phases} == {"Create", "Init", "Idle", "Invoke", "Frozen"}
    parts = {part["party"]: part["ms"] for part in phases["Init"]["parts"]}
    assert parts.keys() == {"runtime", "function"}
    assert parts["function"] >= 29  # what its module slept
    assert parts["runtime"] + parts["function"] <= phases["Init"]["ms"] + 0.01
    assert [part["party"] for part in phases["Invoke"]["parts"]] == ["runtime"]
    assert living["parties"] == [{"party": "runtime", "does": "waits for the next event"}]

    lambda_client.update_function_configuration(FunctionName=name, Timeout=29)
    wait_until(lambda_client, "function_updated_v2", name)
    wait_for(lambda: str(told_by(server, name)), "'reason': 'retired'")
    (ended,) = told_by(server, name)["ended"]
    assert ended["id"] == living["id"]
    told = subprocess.run(
        [STOKER, "timeline", name, "--endpoint-url", server.url],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert told.startswith(f"{name} has no environment now.\n\n{living['id']} $LATEST: ENDED,")
    assert re.search(r" CREATE .*\n.* INIT .*\n.*   runtime .*\n.*   function .*\n", told), told


def test_of_a_function_that_is_not_there_it_tells_so_and_fails(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name = create(PYTHON_CODE)  # never invoked
    for asked, status in ((name, 0), ("no-such-function", 1)):
        done = subprocess.run(
            [STOKER, "timeline", asked, "--endpoint-url", server.url],
            capture_output=True,
            text=True,
        )
        assert done.returncode == status
        told = (
            f"{name} has no environment now.\n\n"
            if status == 0
            else f"stoker timeline: there is no function {asked} on {server.url}\n"
        )
        assert done.stdout + done.stderr == told
