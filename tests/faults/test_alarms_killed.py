"""kill -9 right after an alarm has changed its state: what follows from that is done."""

import signal
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.scene import until
from tests.running import REGION, StokerProcess, deploy

CODE = "def handler(event, context): print('told', event['alarmData']['state']['reason'])"
ACCOUNT = "000000000000"


@pytest.mark.slow
def test_an_action_survives_a_kill(tmp_path: Path) -> None:
    data, reasons = tmp_path / "data", [f"drill {number}" for number in range(5)]
    server = StokerProcess(data, "--sandbox", "process")
    with closing(server.client("lambda")) as lambda_, closing(server.client("cloudwatch")) as own:
        name = deploy(lambda_, CODE)
        lambda_.add_permission(
            FunctionName=name, StatementId="s", Action="lambda:InvokeFunction",
            Principal="lambda.alarms.cloudwatch.amazonaws.com", SourceAccount=ACCOUNT,
        )  # fmt: skip
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
        for reason in reasons:
            own.put_metric_alarm(
                AlarmName=reason, Namespace="Mine", MetricName="n", Statistic="Sum", Period=60,
                EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold",
                TreatMissingData="ignore", AlarmActions=[arn],
            )  # fmt: skip
        for reason in reasons:
            own.set_alarm_state(AlarmName=reason, StateValue="ALARM", StateReason=reason)
    server.stop(signal.SIGKILL)

    server = StokerProcess(data, "--sandbox", "process")
    with closing(server.client("logs")) as logs, closing(server.client("cloudwatch")) as own:

        def told() -> set[str]:
            found = logs.filter_log_events(
                logGroupName=f"/aws/lambda/{name}", filterPattern='"told"'
            )["events"]
            return {one["message"].strip().removeprefix("told ") for one in found}

        def is_there() -> bool:
            groups = logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")
            return bool(groups["logGroups"]) and told() == set(reasons)

        until(is_there, bool)
        alarms = own.describe_alarms(StateValue="ALARM")["MetricAlarms"]
        assert {one["AlarmName"] for one in alarms} == set(reasons)
    assert server.stop() == 0
