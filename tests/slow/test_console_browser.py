"""The console in a real Chromium. With STOKER_IMAGES=FOLDER the pictures are kept there: those of
docs/images are made so."""

import json
import operator
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.faults.scene import until
from tests.running import REGION, StokerProcess, wait_until
from tests.slow.from_registries import python_packages

CHROMIUM = Path("/usr/bin/chromium")
WALK = Path(__file__).parent / "clients" / "console_browser.py"
CODE = (
    "import time\n"
    "def handler(event, context):\n"
    "    time.sleep(event.get('wait', 0))\n"
    "    sum(range(event.get('count', 0)))\n"
    "    print('order', event)\n"
    "    if event.get('fail'):\n"
    "        raise ValueError('no stock for this order')\n"
    "    return {'accepted': True, 'event': event}\n"
)

FAILS = "def handler(event, context):\n    if 'to' not in event:\n        raise KeyError('to')\n"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),  # it walks through everything
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium"),
]


def test_the_console_works_in_a_browser(
    server: StokerProcess, lambda_client: Any, create: Callable[..., str], tmp_path: Path
) -> None:
    name = create(
        CODE,
        FunctionName="orders",
        Description="Takes orders from the shop",
        TracingConfig={"Mode": "Active"},
    )
    create(FAILS, FunctionName="emails")
    lambda_client.invoke(FunctionName=name, Payload='{"fail": true}')
    for number in range(30):
        event = json.dumps({"wait": 0.01 * (number % 4)})
        lambda_client.invoke(FunctionName=name, Payload=event)
        lambda_client.invoke(FunctionName="emails", Payload='{"to": "you@example.com"}')
    make_queues(server, lambda_client)
    make_triggers(server, lambda_client)
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
    assert "sent=" in seen["replayed"]
    assert seen["wrong"] == "MemorySize"
    assert seen["made"].endswith("/functions/greeting")
    assert seen["slid"] == "25 %"
    assert seen["unlabelled"] + seen["unlabelled_there"] + seen["unlabelled_here"] == 0
    assert seen["too_wide"][0] <= 0
    assert all(many <= most for many, most in zip(seen["kept"], (100, 100, 1500), strict=True))
    assert seen["claims"] == 3
    assert seen["mistake"] == "s"
    assert seen["nodes"] >= 3
    assert seen["applied"] in ("128", "256", "512", "1024")
    assert seen["late_ms"][len(seen["late_ms"]) // 2] < 200
    for image in images.glob("console-*.png"):
        assert image.stat().st_size < 150 * 1024, f"{image.name} is too large for the docs"


def make_queues(server: StokerProcess, lambda_client: Any) -> None:
    """Events that failed, and a queue with something in it."""
    for retries in (0, 2):
        lambda_client.put_function_event_invoke_config(
            FunctionName="emails", MaximumRetryAttempts=retries
        )
        for number in range(3):
            event = json.dumps({"order": number})
            lambda_client.invoke(FunctionName="emails", InvocationType="Event", Payload=event)
        what = "later" if retries else "AsyncEventsDropped"
        until(partial(_count, server, what), partial(operator.eq, 3))
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName="outbox")["QueueUrl"]
    for number in range(12):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))
    sqs.close()
    lambda_client.create_event_source_mapping(
        FunctionName="orders",
        EventSourceArn=f"arn:aws:sqs:{REGION}:000000000000:outbox",
        Enabled=False,
    )


def make_triggers(server: StokerProcess, lambda_client: Any) -> None:
    """What leads to a function, of which one is not let in; and an alias between two versions."""
    for memory in (128, 256):
        lambda_client.update_function_configuration(FunctionName="orders", MemorySize=memory)
        wait_until(lambda_client, "function_updated_v2", "orders")
        lambda_client.publish_version(FunctionName="orders")
    weights = {"AdditionalVersionWeights": {"2": 0.2}}
    lambda_client.create_alias(
        FunctionName="orders", Name="prod", FunctionVersion="1", RoutingConfig=weights
    )
    for _ in range(100):
        lambda_client.invoke(FunctionName="orders", Qualifier="prod", Payload="{}")
    arn = lambda_client.get_function_configuration(FunctionName="orders")["FunctionArn"]
    lambda_client.create_function_url_config(FunctionName="orders", AuthType="NONE")
    events, sns = server.client("events"), server.client("sns")
    rule = events.put_rule(Name="nightly", ScheduleExpression="cron(0 3 * * ? *)")["RuleArn"]
    events.put_targets(Rule="nightly", Targets=[{"Id": "1", "Arn": arn}])
    topic = sns.create_topic(Name="shop")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
    api = f"arn:aws:execute-api:{REGION}:000000000000:a1b2c3d4e5/*/POST/orders"
    for number, (principal, source) in enumerate((("events", rule), ("apigateway", api))):
        lambda_client.add_permission(
            FunctionName="orders", StatementId=str(number), Action="lambda:InvokeFunction",
            Principal=f"{principal}.amazonaws.com", SourceArn=source,
        )  # fmt: skip
    destinations = {
        "OnSuccess": {"Destination": arn.replace("orders", "emails")},
        "OnFailure": {"Destination": f"arn:aws:sqs:{REGION}:000000000000:outbox"},
    }
    lambda_client.put_function_event_invoke_config(
        FunctionName="orders", DestinationConfig=destinations
    )
    events.close()
    sns.close()


def _count(server: StokerProcess, what: str) -> int:
    with urllib.request.urlopen(f"{server.url}/_stoker/api/events", timeout=60) as answer:
        shown = json.load(answer)["events"]
    (one,) = [one for one in shown if one["function"] == "emails"]
    return int({"later": one["later"], **one["counts"]}.get(what, 0))
