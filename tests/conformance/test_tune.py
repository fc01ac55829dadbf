"""`stoker tune` and `stoker compare`: what they find, and that they leave nothing behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from stoker.cli.main import app
from tests.faults.scene import until
from tests.running import REGION, StokerProcess

Create = Callable[..., str]
CODE = """
import time
def handler(event, context):
    if event == "boom":
        raise ValueError("told so")
    time.sleep(event.get("wait", 0.002))
"""
END_S = 60


def where(server: StokerProcess) -> list[str]:
    return ["--endpoint-url", server.url, "--region", REGION]


def stoker(server: StokerProcess, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, *where(server)])


def left(functions: Any, name: str) -> dict[str, Any]:
    """All of a function that a run of it may have changed."""
    found = functions.get_function(FunctionName=name)
    settings = found["Configuration"]
    return {
        "memory": settings["MemorySize"],
        "timeout": settings["Timeout"],
        "tags": found.get("Tags", {}),
        "aliases": [one["Name"] for one in functions.list_aliases(FunctionName=name)["Aliases"]],
        "versions": [
            one["Version"]
            for one in functions.list_versions_by_function(FunctionName=name)["Versions"]
        ],
    }


def test_each_size_is_tried_and_removed(
    server: StokerProcess, lambda_client: Any, create: Create, tmp_path: Path
) -> None:
    name = create(CODE, MemorySize=128, Tags={"mine": "1"})
    lambda_client.publish_version(FunctionName=name)
    before = left(lambda_client, name)
    events = tmp_path / "events.jsonl"
    events.write_text('{"wait": 0.001}\n{"payload": {"wait": 0.004}, "weight": 2}\n')
    svg, html = tmp_path / "curve.svg", tmp_path / "page.html"
    done = stoker(
        server, "tune", name, "--memory", "256,128", "--runs", "4", "--cold", "2",
        "--events", str(events), "--strategy", "speed", "--json",
        "--svg", str(svg), "--html", str(html),
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [one["memory_mb"] for one in found["sizes"]] == [128, 256]
    for one in found["sizes"]:
        assert one["runs"] == 4
        assert one["warm_ms"] >= 1
        assert one["dollars"] > 0
    assert found["sizes"][1]["cold_runs"] == 2
    assert found["sizes"][1]["cold_ms"] > found["sizes"][1]["init_ms"] > 0
    assert found["timeout_s"] >= 1
    assert svg.read_text().startswith("<svg")
    assert f"<strong>{found['memory_mb']} MB" in html.read_text()
    assert left(lambda_client, name) == before, "nothing of it is left"

    done = stoker(
        server, "tune", name, "--memory", "256", "--runs", "2", "--parallel", "2", "--apply"
    )
    assert done.exit_code == 0, done.output
    assert "cost: 256 MB; a timeout of" in done.stdout
    assert f"set {name} to 256 MB" in done.stderr
    assert left(lambda_client, name) == {**before, "memory": 256}


def test_a_function_that_fails_is_not_tuned(
    server: StokerProcess, lambda_client: Any, create: Create, tmp_path: Path
) -> None:
    name = create(CODE, MemorySize=192)
    before = left(lambda_client, name)
    events = tmp_path / "events.jsonl"
    events.write_text('{}\n"boom"\n')
    done = stoker(server, "tune", name, "--memory", "128,256", "--events", str(events))
    assert done.exit_code == 1
    assert 'fails with the event "boom": ValueError: told so' in done.stderr
    assert left(lambda_client, name) == before
    for words, reason in (
        (["nobody"], "Function not found"),
        ([f"{name}:1"], "name the function alone"),
        ([name, "--memory", "128,much"], "--memory 128,much"),
        ([name, "--memory", "64,128"], "each between 128 and 10240 MB"),
        ([name, "--events", str(tmp_path / "none")], "No such file"),
    ):
        done = stoker(server, "tune", *words)
        assert (done.exit_code, reason in done.stderr) == (1, True), done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_ended_leaves_nothing(
    server: StokerProcess, lambda_client: Any, create: Create, number: signal.Signals
) -> None:
    name = create(CODE, MemorySize=192)
    before = left(lambda_client, name)
    command = [sys.executable, "-m", "stoker", "tune", name, "--memory", "128,256"]
    process = subprocess.Popen(
        [*command, "--runs", "10000", *where(server)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=os.environ,
    )  # fmt: skip
    try:
        until(lambda: left(lambda_client, name)["aliases"], lambda found: len(found) == 2)
        assert process.poll() is None, process.communicate()
        process.send_signal(number)
        _, said = process.communicate(timeout=END_S)
    finally:
        process.kill()
        process.wait()
    if number is signal.SIGKILL:
        assert left(lambda_client, name) != before
        done = stoker(server, "tune", name, "--memory", "128", "--runs", "1", "--cold", "0")
        assert done.exit_code == 0, done.output
    else:
        assert process.returncode == 1
        assert "it was ended; the function is as it was" in said
    assert left(lambda_client, name) == before


def test_two_versions_are_compared(
    server: StokerProcess, lambda_client: Any, create: Create, tmp_path: Path
) -> None:
    fast = create("def handler(event, context): pass\n", MemorySize=256)
    slow = create("import time\ndef handler(event, context): time.sleep(0.05)\n")
    shown = stoker(server, "compare", fast, slow, "--runs", "10").stdout
    assert f"{slow} takes " in shown
    assert " times as long (Mann-Whitney U, p = " in shown
    done = stoker(server, "compare", slow, slow, "--runs", "2", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [one["function"] for one in found["sides"]] == [slow, slow]
    assert [one["runs"] + one["cold_runs"] for one in found["sides"]] == [3, 3]
    assert all(one["p50_ms"] >= 50 for one in found["sides"])
    assert not found["differ"], "of two runs nothing can be said"

    failing = create(CODE)
    events = tmp_path / "events.jsonl"
    events.write_text('"boom"\n')
    done = stoker(server, "compare", failing, fast, "--runs", "2", "--events", str(events))
    assert done.exit_code == 1
    assert "has no run that could be measured: ValueError: told so" in done.stderr
