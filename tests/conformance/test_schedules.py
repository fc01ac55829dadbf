"""Rules with a schedule and EventBridge Scheduler invoke functions, with boto3 on both sides."""

import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.faults.scene import until
from tests.running import REGION, StokerProcess, deploy

TELL = "import json\ndef handler(event, context): print('got', json.dumps(event))\n"
WARM = """
import boto3

def handler(names, context):
    for name in names:
        boto3.client("lambda").invoke(FunctionName=name, Payload='"warm up"')
"""
ROLE = "arn:aws:iam::000000000000:role/any"
OFF = {"Mode": "OFF"}
HOUR = timedelta(hours=1)


@dataclass
class Scene:
    """What asks a server."""

    functions: Any
    logs: Any
    events: Any
    scheduler: Any
    iam: Any
    sqs: Any

    def function(self) -> str:
        return deploy(self.functions, TELL)

    def got(self, function: str, count: int) -> list[Any]:
        """The events that it got, in their order, once they are so many."""

        def look() -> list[Any]:
            try:
                found = self.logs.filter_log_events(
                    logGroupName=f"/aws/lambda/{function}", filterPattern='"got "'
                )
            except self.logs.exceptions.ResourceNotFoundException:
                return []
            return [json.loads(e["message"].partition("got ")[2]) for e in found["events"]]

        return until(look, lambda seen: len(seen) >= count)

    def schedule(self, function: str, expression: str, **more: Any) -> str:
        """Create one; its name."""
        name = f"s-{uuid.uuid4().hex[:12]}"
        target = {"Arn": arn_of(function), "RoleArn": ROLE, **more.pop("target", {})}
        self.scheduler.create_schedule(
            Name=name, ScheduleExpression=expression, Target=target,
            **{"FlexibleTimeWindow": OFF, **more},
        )  # fmt: skip
        return name


def arn_of(function: str) -> str:
    return f"arn:aws:lambda:{REGION}:000000000000:function:{function}"


def talking_to(server: StokerProcess, clients: ExitStack) -> Scene:
    names = ("lambda", "logs", "events", "scheduler", "iam", "sqs")
    return Scene(*(clients.enter_context(closing(server.client(name))) for name in names))


@pytest.fixture
def scene(server: StokerProcess) -> Iterator[Scene]:
    """The shared server."""
    with ExitStack() as clients:
        yield talking_to(server, clients)


@pytest.fixture
def hurried(tmp_path: Path) -> Iterator[Scene]:
    """A server for whose schedules an hour is a second."""
    with StokerProcess(tmp_path / "data", "--time-scale", "3600") as server, ExitStack() as clients:
        yield talking_to(server, clients)


def admit(scene: Scene, function: str, **more: str) -> None:
    scene.functions.add_permission(
        FunctionName=function, StatementId="s", Principal="events.amazonaws.com",
        Action="lambda:InvokeFunction", **more,
    )  # fmt: skip


def test_rules_invoke_their_functions_by_rate_and_by_cron(hurried: Scene) -> None:
    rated, timed, rule = hurried.function(), hurried.function(), "r"
    made = hurried.events.put_rule(Name=rule, ScheduleExpression="rate(10 minutes)")["RuleArn"]
    admit(hurried, rated, SourceArn=made)
    targets = [{"Id": "1", "Arn": arn_of(rated)}, {"Id": "2", "Arn": arn_of(rated), "Input": "1"}]
    hurried.events.put_targets(Rule=rule, Targets=targets)

    soon = datetime.now(UTC) + timedelta(minutes=30)
    admit(hurried, timed)
    hurried.events.put_rule(Name="t", ScheduleExpression="rate(1 minute)", State="DISABLED")
    hurried.events.put_targets(Rule="t", Targets=[{"Id": "1", "Arn": arn_of(timed)}])
    expression = f"cron({soon.minute} {soon.hour} * * ? *)"
    hurried.events.put_rule(Name="t", ScheduleExpression=expression)
    (at, *_) = hurried.got(timed, 1)
    assert at["time"] == f"{soon:%Y-%m-%dT%H:%M:00Z}"
    assert at["resources"][0].endswith(":rule/t")

    seen = until(
        lambda: hurried.got(rated, 1), lambda seen: 1 in seen and len(seen) - seen.count(1) > 2
    )
    hurried.events.disable_rule(Name=rule)
    whole = [event for event in seen if event != 1]
    times = sorted({datetime.fromisoformat(event["time"]) for event in whole})
    assert len(times) > 1
    assert not any((b - a) % timedelta(minutes=10) for a, b in pairwise(times))
    facts = {
        key: whole[0][key] for key in ("version", "detail-type", "source", "account", "region")
    }
    assert list(facts.values()) == ["0", "Scheduled Event", "aws.events", "000000000000", REGION]
    assert (whole[0]["resources"], whole[0]["detail"]) == ([made], {})
    assert whole[0]["id"]


def test_schedules_run_once_or_until_their_end_and_delete_themselves(hurried: Scene) -> None:
    """No resource policy has to admit them. Without an Input they send a notification."""
    once, often = hurried.function(), hurried.function()
    recurring = hurried.schedule(
        often, "rate(1 hour)", EndDate=datetime.now(UTC) + 2.5 * HOUR,
        ActionAfterCompletion="DELETE",
        FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15},
    )  # fmt: skip
    soon = datetime.now(UTC).replace(microsecond=0) + HOUR
    there = soon + 9 * HOUR  # Tokyo has no summer time
    given = {"at": "<aws.scheduler.scheduled-time>", "by": "<aws.scheduler.schedule-arn>"}
    kept = hurried.schedule(
        once, f"at({there:%Y-%m-%dT%H:%M:%S})", ScheduleExpressionTimezone="Asia/Tokyo",
        target={"Input": json.dumps(given)},
    )  # fmt: skip
    arn = hurried.scheduler.get_schedule(Name=kept)["Arn"]
    assert hurried.got(once, 1) == [{"at": f"{soon:%Y-%m-%dT%H:%M:%SZ}", "by": arn}]

    def left() -> list[str]:
        return [one["Name"] for one in hurried.scheduler.list_schedules()["Schedules"]]

    until(left, lambda names: recurring not in names)
    events = hurried.got(often, 3)
    assert {(e["source"], e["detail-type"], e["detail"]) for e in events} == {
        ("aws.scheduler", "Scheduled Event", "{}")
    }
    times = sorted(datetime.fromisoformat(event["time"]) for event in events)
    assert [later - times[0] for later in times] == [0 * HOUR, HOUR, 2 * HOUR]
    assert left() == [kept]


def test_a_disabled_schedule_waits_for_its_update(scene: Scene) -> None:
    name = scene.function()
    schedule = scene.schedule(name, "rate(1 day)", State="DISABLED")
    target = {"Arn": arn_of(name), "RoleArn": ROLE, "Input": '"updated"'}
    scene.scheduler.update_schedule(
        Name=schedule, ScheduleExpression="rate(1 day)", Target=target, FlexibleTimeWindow=OFF,
        ActionAfterCompletion="DELETE",
    )  # fmt: skip
    found = scene.scheduler.get_schedule(Name=schedule)
    assert (found["State"], found["ActionAfterCompletion"]) == ("ENABLED", "DELETE")
    assert scene.got(name, 1) == ["updated"], "a rate begins at once"
    scene.scheduler.delete_schedule(Name=schedule)


def test_a_scheduled_function_warms_others_with_its_role(scene: Scene) -> None:
    """It finds the server by its own environment, as on AWS."""
    warmed, warmer = scene.function(), deploy(scene.functions, WARM, Timeout=60)
    schedule = scene.schedule(warmer, "rate(1 day)", target={"Input": json.dumps([warmed])})
    assert scene.got(warmed, 1) == ["warm up"]
    scene.scheduler.delete_schedule(Name=schedule)


def test_a_schedule_may_send_a_text_to_a_queue(scene: Scene) -> None:
    queue = scene.sqs.create_queue(QueueName=f"q-{uuid.uuid4().hex[:12]}")["QueueUrl"]
    target = {"Arn": f"arn:aws:sqs:{REGION}:000000000000:{queue.rpartition('/')[2]}"}
    schedule = scene.schedule("", "rate(1 day)", target={**target, "Input": "not JSON"})
    (got,) = scene.sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
    assert got["Body"] == "not JSON"
    scene.scheduler.delete_schedule(Name=schedule)
    scene.sqs.delete_queue(QueueUrl=queue)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"expression": "rate(1 minutes)"}, "Invalid Schedule Expression rate"),
        ({"expression": "cron(0 0 1 * MON *)"}, "Invalid Schedule Expression cron"),
        ({"expression": "cron(" + "0," * 125 + "0 * ? * *)"}, "Invalid Schedule Expression"),
        ({"ScheduleExpressionTimezone": "../../etc/passwd"}, "Timezone is not valid"),
        ({"ScheduleExpressionTimezone": "Europe"}, "Timezone is not valid"),
        ({"target": {"Input": "{no"}}, "Invalid Input"),
        ({"target": {"RoleArn": "arn:aws:iam::111111111111:role/any"}}, "must allow AWS EventB"),
        ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "1 to 1440"),
        ({"GroupName": "nobodys"}, "Schedule group nobodys does not exist"),
        (
            {"target": {"Arn": f"arn:aws:ecs:{REGION}:000000000000:cluster/c"}},
            "serves functions, queues",
        ),
    ],
)
def test_what_cannot_be_is_refused(scene: Scene, wrong: dict[str, Any], complaint: str) -> None:
    asked = {"expression": "rate(1 day)", **wrong}
    with pytest.raises(ClientError, match=complaint):
        scene.schedule("none", **asked)


def test_a_rule_with_a_bad_schedule_is_refused(scene: Scene) -> None:
    for expression in ("cron(* * * * *)", "rate(1 minutes)", "at(2030-01-01T00:00:00)"):
        with pytest.raises(ClientError, match="Parameter ScheduleExpression is not valid"):
            scene.events.put_rule(Name="bad", ScheduleExpression=expression)
    with pytest.raises(scene.events.exceptions.ResourceNotFoundException):
        scene.events.describe_rule(Name="bad")


def test_a_role_that_iam_knows_must_trust_the_scheduler(scene: Scene) -> None:
    def role(service: str) -> dict[str, str]:
        trust = {
            "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service},
        }  # fmt: skip
        made = scene.iam.create_role(
            RoleName=f"r-{uuid.uuid4().hex[:12]}",
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )
        return {"RoleArn": made["Role"]["Arn"]}

    with pytest.raises(ClientError, match="must allow AWS EventBridge Scheduler to assume"):
        scene.schedule("none", "rate(1 day)", target=role("lambda.amazonaws.com"))
    trusted = role("scheduler.amazonaws.com")
    name = scene.schedule("none", "rate(1 day)", State="DISABLED", target=trusted)
    scene.scheduler.delete_schedule(Name=name)
