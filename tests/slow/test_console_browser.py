"""The console in a real Chromium. With STOKER_IMAGES=FOLDER the pictures are kept there: those of
docs/images are made so."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.running import REGION, StokerProcess
from tests.slow.from_registries import python_packages

CHROMIUM = Path("/usr/bin/chromium")
WALK = Path(__file__).parent / "clients" / "console_browser.py"
CODE = (
    "import time\n"
    "def handler(event, context):\n"
    "    time.sleep(event.get('wait', 0))\n"
    "    print('order', event)\n"
    "    return {'accepted': True, 'event': event}\n"
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium"),
]


def test_the_console_works_in_a_browser(
    server: StokerProcess, lambda_client: Any, create: Callable[..., str], tmp_path: Path
) -> None:
    name = create(CODE, FunctionName="orders", Description="Takes orders from the shop")
    create(CODE, FunctionName="emails")
    for number in range(30):
        event = json.dumps({"wait": 0.01 * (number % 4)})
        lambda_client.invoke(FunctionName=name, Payload=event)
        lambda_client.invoke(FunctionName="emails", Payload="{}")
    images = Path(os.environ.get("STOKER_IMAGES", tmp_path))
    packages = python_packages(tmp_path / "packages", "playwright==1.65.2")
    at = f"{server.url}/_stoker/000000000000/{REGION}"
    walked = subprocess.run(
        [sys.executable, WALK, at, name, images],
        env={**os.environ, "PYTHONPATH": str(packages), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert walked.returncode == 0, walked.stderr
    seen = json.loads(walked.stdout)
    print(json.dumps(seen))
    assert seen["said"] == [], "no script fails, and the CSP refuses nothing of ours"
    assert seen["searched"]
    assert seen["outcome"].endswith("?event=a%20slow%20one")
    assert seen["paused"] == "true"
    assert seen["unlabelled"] == 0
    assert seen["too_wide"] <= 0
    assert seen["claims"] == 3
    assert seen["late_ms"][len(seen["late_ms"]) // 2] < 200
    for image in images.glob("console-*.png"):
        assert image.stat().st_size < 150 * 1024, f"{image.name} is too large for the docs"
