"""The pytest plugin, in a run of pytest of its own with a server of its own."""

import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from stoker.testing import plugin

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
PLUGIN = ("-p", plugin.__name__)
SUITE = """
import io, os, sys, zipfile
import boto3, pytest

CODE = '''
def handler(event, context):
    print("said\\\\x1b[2J", event)
    return event
'''
seen = []

def deploy(functions):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("main.py", CODE)
    functions.create_function(
        FunctionName="echo", Runtime="python3.%d" % sys.version_info.minor, Role=ROLE,
        Handler="main.handler", Code={"ZipFile": buffer.getvalue()},
    )
    functions.get_waiter("function_active_v2").wait(
        FunctionName="echo", WaiterConfig={"Delay": 0.1, "MaxAttempts": 300}
    )

ROLE = "arn:aws:iam::000000000000:role/any"

def test_code_under_test_finds_the_account(stoker_aws):
    deploy(stoker_aws.client("lambda"))
    assert "AWS_PROFILE" not in os.environ
    answer = boto3.client("lambda").invoke(FunctionName="echo", Payload=b'"first"')
    assert answer["Payload"].read() == b'"first"'
    seen.append(stoker_aws.account)

def test_the_next_has_an_account_of_its_own_and_fails(stoker_aws):
    assert boto3.client("lambda").list_functions()["Functions"] == []
    assert boto3.client("sts").get_caller_identity()["Account"] == stoker_aws.account
    assert stoker_aws.client("lambda") is stoker_aws.client("lambda")
    assert stoker_aws.account not in seen
    deploy(stoker_aws.client("lambda"))
    boto3.client("lambda").invoke(FunctionName="echo", Payload=b'"second"', LogType="Tail")
    pytest.fail("on purpose")

def test_of_the_first_nothing_runs_any_more(stoker_aws):
    former = boto3.client("lambda", aws_access_key_id=seen[0], aws_secret_access_key="test")
    assert former.list_functions()["Functions"] == []
    former.close()
"""


def test_each_test_has_an_account_and_a_failure_shows_what_was_logged(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("AWS_PROFILE", "production")
    pytester.makepyfile(SUITE)
    done = pytester.runpytest_subprocess(*PLUGIN, timeout=120)
    done.assert_outcomes(passed=2, failed=1)
    shown = done.stdout.str()
    for part in ("Stoker: /aws/lambda/echo", "said?[2J second", "REPORT RequestId", "the server"):
        assert part in shown, f"a failure shows: {part}"
    assert "said?[2J first" not in shown, "of this test only"


def test_a_server_that_cannot_start_is_told_in_the_report(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile("def test_it(stoker_server): ...")
    pytester.makeini("[pytest]\nstoker_options = --port none")
    done = pytester.runpytest_subprocess(*PLUGIN, timeout=120)
    done.assert_outcomes(errors=1)
    assert "stoker doctor" in done.stdout.str()
    assert "valid integer" in done.stdout.str()
    assert "Traceback" not in done.stdout.str()


def test_nothing_but_pytest_is_loaded_until_a_fixture_is_asked_for() -> None:
    look = (
        "import sys, pytest; before = set(sys.modules); import stoker.testing.plugin;"
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["['stoker',", "'stoker.testing',", "'stoker.testing.plugin']"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"stoker": plugin.__name__}


def test_a_run_that_is_killed_leaves_no_server(tmp_path: Path) -> None:
    """What stands between ends the command when the other end of its input is closed, which is
    what a kill does."""
    command = [sys.executable, "-c", "import signal; print('up', flush=True); signal.pause()"]
    keep = [sys.executable, "-m", "stoker.testing.keeper", *command]
    with subprocess.Popen(keep, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as kept:
        assert kept.stdin and kept.stdout
        assert kept.stdout.readline() == b"up\n"
        kept.stdin.close()
        assert kept.wait(60) == 128 + signal.SIGTERM
        assert kept.stdout.read() == b"", "the command is gone, or its output would be open"
