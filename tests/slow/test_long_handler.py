"""What takes minutes. `make slow`."""

import json
from collections.abc import Callable

import pytest
from botocore.config import Config

from tests.running import StokerProcess

pytestmark = [pytest.mark.slow, pytest.mark.root]

FOURTEEN_MINUTES = 840


@pytest.mark.timeout(1200)
def test_a_handler_may_take_fourteen_minutes(
    server: StokerProcess, create: Callable[..., str]
) -> None:
    name = create(
        "import time\n"
        "def handler(event, context):\n"
        "    began = time.monotonic()\n"
        "    time.sleep(event['seconds'])\n"
        "    return {'took': time.monotonic() - began,"
        " 'left_ms': context.get_remaining_time_in_millis()}\n",
        Timeout=900,
    )
    event = json.dumps({"seconds": FOURTEEN_MINUTES})
    once = Config(read_timeout=900, retries={"total_max_attempts": 1})
    patient = server.client("lambda", config=once)
    answer = patient.invoke(FunctionName=name, Payload=event, LogType="Tail")
    assert "FunctionError" not in answer
    said = json.loads(answer["Payload"].read())
    assert said["took"] >= FOURTEEN_MINUTES
    assert 0 < said["left_ms"] <= 60_000
