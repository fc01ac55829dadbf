"""`stoker extensions check`, as an author runs it."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.extending import EXTENSION, LISTENER
from tests.running import PYTHON, STOKER, make_zip

pytestmark = pytest.mark.root
INSIDE = f"#!/var/lang/bin/{PYTHON} -IS\n" + EXTENSION.split("\n", 1)[1]
REASONS = ("timeout", "failure", "spindown")
NEVER_DONE = "register('INVOKE')\ntime.sleep(3600)\n"
WILL_NOT_LEAVE = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
me = register("INVOKE", "SHUTDOWN")
while event(me)["eventType"] == "INVOKE":
    pass
time.sleep(3600)
"""
LATE = "time.sleep(5)\n" + LISTENER
# What comes to no end in the function's four seconds if its extension needs five.
NO_TIME = ("a start inside an invocation", "a function that crashes", "another start")
ON_9001 = """
import socket
ours = socket.socket(socket.AF_INET6)
ours.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
ours.bind(("::", 9001))
ours.listen()
"""


def checked(folder: Path, script: str) -> tuple[int, dict[str, str]]:
    """(exit status, what is wrong by rule)."""
    layer = folder / "layer.zip"
    layer.write_bytes(make_zip({"extensions/agent": INSIDE + script}, ("extensions/agent",)))
    done = subprocess.run(
        [STOKER, "extensions", "check", layer, "--frozen-s", "0.1", "--json"],
        capture_output=True, text=True, check=False, timeout=300,
        env={**os.environ, "TMPDIR": str(folder)},
    )  # fmt: skip
    assert not [*folder.glob("stoker-*")], "what it ran was in a folder of its own, which is gone"
    report: dict[str, Any] = json.loads(done.stdout) if done.stdout else {"findings": []}
    wrong = {each["rule"]: each["text"] for each in report["findings"] if not each["ok"]}
    return done.returncode, wrong


def test_one_that_keeps_all_rules_passes(tmp_path: Path) -> None:
    assert checked(tmp_path, LISTENER) == (0, {})


def test_what_is_no_layer_cannot_be_tried(tmp_path: Path) -> None:
    other = tmp_path / "other.zip"
    other.write_text("not a zip")
    done = subprocess.run(
        [STOKER, "extensions", "check", other], capture_output=True, text=True, check=False
    )
    assert (done.returncode, "it is no zip file" in done.stderr) == (2, True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "rules"),
    [
        (NEVER_DONE, {"init and the first invocation"}),
        (WILL_NOT_LEAVE, {f"leaves at SHUTDOWN ({why})" for why in REASONS}),
        (ON_9001 + LISTENER, {"stays off the platform's ports"}),
        (LATE, {"registers in time", *NO_TIME}),
    ],
    ids=["never asks for the next event", "will not leave", "listens on 9001", "registers late"],
)  # fmt: skip
def test_broken_rules_are_named(script: str, rules: set[str], tmp_path: Path) -> None:
    status, wrong = checked(tmp_path, script)
    assert (status, wrong.keys()) == (1, rules)
