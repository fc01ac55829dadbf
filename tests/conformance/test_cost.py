"""`stoker cost` and the price that `stoker invoke` shows."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from stoker.cli.main import app
from stoker.core.report_lines import Measured, read_report
from tests.faults.scene import until
from tests.running import REGION, StokerProcess

Create = Callable[..., str]
CODE = """
import time
def handler(event, context):
    time.sleep(event)
"""


def stoker(server: StokerProcess, *words: str) -> Result:
    where = ["--endpoint-url", server.url, "--region", REGION]
    return CliRunner().invoke(app, [*words, *where])


def invoked(functions: Any, name: str, seconds: float) -> Measured:
    answer = functions.invoke(FunctionName=name, LogType="Tail", Payload=json.dumps(seconds))
    log = base64.b64decode(answer["LogResult"]).decode()
    found = read_report(log, answer["ResponseMetadata"]["RequestId"])
    assert found is not None, log
    return found


def told(server: StokerProcess, name: str, requests: int) -> dict[str, Any]:
    """What it says of a function, once so many requests are counted."""

    def costs() -> list[dict[str, Any]]:
        done = stoker(server, "cost", "--json", "--function", name)
        assert done.exit_code == 0, done.output
        found: list[dict[str, Any]] = json.loads(done.stdout)["functions"]
        return found

    return until(costs, lambda found: found and found[0]["amounts"]["Requests"] == requests)[0]


def test_what_was_billed_is_what_the_reports_say(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name = create(CODE, MemorySize=512, EphemeralStorage={"Size": 1024})
    reports = [invoked(lambda_client, name, wait) for wait in (0.02, 0.0, 0.01)]
    lambda_client.update_function_configuration(FunctionName=name, MemorySize=1024)
    lambda_client.get_waiter("function_updated_v2").wait(FunctionName=name)
    reports += [invoked(lambda_client, name, wait) for wait in (0.0, 0.01)]
    found = told(server, name, 5)
    gb_s = sum(one.billed_ms * one.memory_mb for one in reports) / 1024 / 1000
    init_gb_s = sum(one.billed_init_ms * one.memory_mb for one in reports) / 1024 / 1000
    assert [one.cold for one in reports] == [True, False, False, True, False]
    assert found["amounts"] == pytest.approx(
        {
            "Requests": 5,
            "DurationGBSeconds": gb_s - init_gb_s,
            "InitGBSeconds": init_gb_s,
            "StorageGBSeconds": 0.5 * sum(one.billed_ms for one in reports) / 1000,
        }
    )
    assert found["total_dollars"] == pytest.approx(sum(found["dollars"].values()))
    before = stoker(server, "cost", "--json", "--function", name, "--prices-of", "2025-07-31")
    old = json.loads(before.stdout)["functions"][0]
    assert old["dollars"]["InitGBSeconds"] == 0
    assert found["dollars"]["InitGBSeconds"] > 0
    shown = stoker(server, "cost", "--function", name, "--last", "2h")
    assert name in shown.stdout
    assert "/tmp" in shown.stdout
    assert "AWS's prices of" in shown.stderr


def test_an_invocation_shows_its_price(server: StokerProcess, create: Create) -> None:
    name = create(CODE, MemorySize=256)
    cold = stoker(server, "invoke", name, "-e", "0.01")
    assert (cold.exit_code, cold.stdout) == (0, "null")
    assert "ms of it init" in cold.stderr
    warm = stoker(server, "invoke", name, "-e", "0.01")
    *_, price = warm.stderr.splitlines()
    assert price.startswith("on AWS $0.00000")
    assert " ms x 256 MB, " in price
    assert f", {REGION}, prices of 20" in price
    assert "on AWS" not in stoker(server, "invoke", name, "-e", "0.01", "--no-log").stderr


def test_what_cannot_be_priced_is_said_in_a_line(server: StokerProcess) -> None:
    for words, reason in (
        (["--last", "soon"], "--last soon: a number and one of"),
        (["--function", "nobody", "--prices-of", "2019-01-01"], None),
    ):
        done = stoker(server, "cost", *words)
        assert done.exit_code == (1 if reason else 0)
        assert (reason or "") in done.stderr
    done = stoker(server, "cost", "--function", "nobody")
    assert done.stdout == f"Nothing ran in {REGION} in the last 1h.\n"
