"""CloudWatch's metrics, as boto3 and other clients ask for them."""

import json
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode

import pytest
from botocore.exceptions import ClientError
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from tests.faults.scene import until
from tests.running import StokerProcess

Create = Callable[..., str]
REGION = "eu-central-1"
NOW = datetime.now(UTC)
HOUR = {"StartTime": NOW - timedelta(hours=1), "EndTime": NOW + timedelta(hours=1)}
CODE = "def handler(event, context):\n    if event == 'bad': raise ValueError(event)\n"


@pytest.fixture
def cloudwatch(server: StokerProcess) -> Iterator[Any]:
    with closing(server.client("cloudwatch")) as client:
        yield client


def total(
    cloudwatch: Any, name: str, stat: str, *, namespace: str = "AWS/Lambda", **dimensions: str
) -> float:
    metric = {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    query = {"Id": "a", "MetricStat": {"Metric": metric, "Period": 7200, "Stat": stat}}
    found = cloudwatch.get_metric_data(MetricDataQueries=[query], **HOUR)
    values: list[float] = found["MetricDataResults"][0]["Values"]
    return sum(values) if stat != "Maximum" else max(values, default=0.0)


def counted(cloudwatch: Any, name: str, wanted: float, **dimensions: str) -> None:
    """Return when so many are; nobody is told when that is."""
    until = time.monotonic() + 60
    while (found := total(cloudwatch, name, "Sum", **dimensions)) != wanted:
        assert time.monotonic() < until, f"{name} is {found}"
        time.sleep(0.05)


def test_what_a_function_does_is_counted(
    server: StokerProcess, lambda_client: Any, create: Create, cloudwatch: Any
) -> None:
    name = create(CODE)
    for event in ("good", "bad", "good"):
        lambda_client.invoke(FunctionName=name, Payload=json.dumps(event))
    version = lambda_client.publish_version(FunctionName=name)["Version"]
    lambda_client.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    lambda_client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier=version)
    lambda_client.invoke(FunctionName=name, Qualifier="live", Payload=b'"bad"')
    lambda_client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(lambda_client.exceptions.TooManyRequestsException):
        lambda_client.invoke(FunctionName=name)

    # An invocation is counted when its environment is free, just after the caller has its answer.
    counted(cloudwatch, "Invocations", 4, FunctionName=name)
    assert total(cloudwatch, "Errors", "Sum", FunctionName=name) == 2
    assert total(cloudwatch, "Throttles", "Sum", FunctionName=name) == 1
    assert total(cloudwatch, "Invocations", "Sum", FunctionName=name, Resource=name) == 3
    live = {"FunctionName": name, "Resource": f"{name}:live"}
    assert total(cloudwatch, "Invocations", "Sum", **live) == 1
    assert total(cloudwatch, "Errors", "Sum", **live, ExecutedVersion=version) == 1
    assert total(cloudwatch, "Invocations", "Sum") >= 4  # of all functions together
    assert total(cloudwatch, "Duration", "SampleCount", FunctionName=name) == 4
    assert total(cloudwatch, "Duration", "p99", FunctionName=name) > 0
    assert 10 < total(cloudwatch, "MaxMemoryUsed", "Maximum", FunctionName=name) <= 128
    assert total(cloudwatch, "ConcurrentExecutions", "Maximum", FunctionName=name) == 1
    assert total(cloudwatch, "UnreservedConcurrentExecutions", "Maximum") >= 1

    with urllib.request.urlopen(f"{server.url}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    where = f'account="000000000000",region="{lambda_client.meta.region_name}",function="{name}"'
    assert f"stoker_invocations_total{{{where}}} 4" in lines
    assert f"stoker_errors_total{{{where}}} 2" in lines
    assert f"stoker_duration_milliseconds_count{{{where}}} 4" in lines


def test_events_are_counted(lambda_client: Any, create: Create, cloudwatch: Any) -> None:
    name = create(CODE)
    lambda_client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    lambda_client.invoke(FunctionName=name, InvocationType="Event", Payload=b'"bad"')
    counted(cloudwatch, "AsyncEventsDropped", 1, FunctionName=name)
    assert total(cloudwatch, "AsyncEventsReceived", "Sum", FunctionName=name) == 1
    assert total(cloudwatch, "AsyncEventAge", "SampleCount", FunctionName=name) == 1


def test_values_of_one_s_own_are_kept(cloudwatch: Any) -> None:
    name = f"n-{uuid.uuid4().hex}"
    dimensions = [{"Name": "b", "Value": "2"}, {"Name": "a", "Value": "1"}]
    data = [
        {"MetricName": "m", "Dimensions": dimensions, "Value": 3.0, "Unit": "Seconds"},
        {
            "MetricName": "m",
            "Dimensions": dimensions,
            "Values": [1.0, 5.0],
            "Counts": [1.0, 2.0],
            "Unit": "Seconds",
            "Timestamp": NOW,
        },
        {
            "MetricName": "sums",
            "StatisticValues": {"SampleCount": 4, "Sum": 8, "Minimum": 1, "Maximum": 3},
        },
    ]
    cloudwatch.put_metric_data(Namespace=name, MetricData=data)
    asked = {"Namespace": name, "MetricName": "m", "Period": 7200, **HOUR}
    found = cloudwatch.get_metric_statistics(
        **asked,
        Dimensions=dimensions[::-1],
        Statistics=["SampleCount", "Sum", "Minimum", "Maximum", "Average"],
    )
    (point,) = found["Datapoints"]
    assert (found["Label"], point.pop("Timestamp").tzinfo is not None) == ("m", True)
    assert point == {
        "SampleCount": 4.0,
        "Sum": 14.0,
        "Minimum": 1.0,
        "Maximum": 5.0,
        "Average": 3.5,
        "Unit": "Seconds",
    }
    none = cloudwatch.get_metric_statistics(**asked, Statistics=["Sum"])  # other dimensions
    assert none["Datapoints"] == []
    asked["MetricName"] = "sums"
    sums = cloudwatch.get_metric_statistics(**asked, ExtendedStatistics=["p50"])
    assert "ExtendedStatistics" not in sums["Datapoints"][0]
    listed = cloudwatch.list_metrics(Namespace=name, Dimensions=[{"Name": "a"}])["Metrics"]
    assert listed == [
        {"Namespace": name, "MetricName": "m", "Dimensions": dimensions[::-1]},
    ]


def test_expressions_of_metrics_are_worked_out(cloudwatch: Any) -> None:
    name = f"n-{uuid.uuid4().hex}"
    moments = [NOW - timedelta(minutes=minutes) for minutes in (12, 10, 8)]
    data = [
        {"MetricName": metric, "Value": value, "Timestamp": moment}
        for metric, values in (("bad", (1.0, 2.0, 3.0)), ("all", (10.0, 8.0, 0.0)))
        for value, moment in zip(values, moments, strict=True)
    ]
    cloudwatch.put_metric_data(Namespace=name, MetricData=data)

    def query(id_: str, metric: str) -> dict[str, Any]:
        stat = {"Metric": {"Namespace": name, "MetricName": metric}, "Period": 60, "Stat": "Sum"}
        return {"Id": id_, "MetricStat": stat, "ReturnData": False}

    queries = [
        {"Id": "more", "Expression": "share * 2"},
        {"Id": "share", "Expression": "100 * bad / whole", "Label": "failing"},
        query("bad", "bad"),
        query("whole", "all"),
        {"Id": "both", "Expression": "METRICS()", "Label": "each"},
    ]
    found = cloudwatch.get_metric_data(
        MetricDataQueries=queries, ScanBy="TimestampAscending", **HOUR
    )["MetricDataResults"]
    assert [(one["Id"], one["Label"], one["Values"]) for one in found] == [
        ("more", "more", [20.0, 50.0]),
        ("share", "failing", [10.0, 25.0]),
        ("both", "each bad", [1.0, 2.0, 3.0]),
        ("both", "each all", [10.0, 8.0, 0.0]),
    ]
    page = cloudwatch.get_metric_data(MetricDataQueries=queries, MaxDatapoints=3, **HOUR)
    assert [one["Values"] for one in page["MetricDataResults"]] == [[50.0, 20.0]]
    rest = cloudwatch.get_metric_data(
        MetricDataQueries=queries, MaxDatapoints=3, NextToken=page["NextToken"], **HOUR
    )
    assert [one["Label"] for one in rest["MetricDataResults"]] == ["failing"]


LOGGING = """
import json, time

def handler(event, context):
    print("plain")
    print(json.dumps({"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [
        {"Namespace": event, "Dimensions": [["tier"], []],
         "Metrics": [{"Name": "sold", "Unit": "Count"}]}]}, "tier": "gold", "sold": [2, 3]}))
"""


def test_metrics_embedded_in_logs_are_kept(
    server: StokerProcess, lambda_client: Any, create: Create, cloudwatch: Any
) -> None:
    name = create(LOGGING)
    for _ in range(2):
        lambda_client.invoke(FunctionName=name, Payload=json.dumps(name))
    counted(cloudwatch, "sold", 10, namespace=name, tier="gold")
    assert total(cloudwatch, "sold", "Maximum", namespace=name) == 3
    with closing(server.client("logs")) as logs:
        group = {"logGroupName": f"/aws/lambda/{name}"}
        logs.create_log_stream(**group, logStreamName="s")
        now_ms = int(time.time() * 1000)
        said = {"Timestamp": now_ms, "CloudWatchMetrics": [
            {"Namespace": name, "Dimensions": [[]], "Metrics": [{"Name": "put"}]}]}  # fmt: skip
        event = {"timestamp": now_ms, "message": json.dumps({"_aws": said, "put": 7})}
        logs.put_log_events(**group, logStreamName="s", logEvents=[event])
    assert total(cloudwatch, "put", "Sum", namespace=name) == 7


ONE = {"MetricName": "m", "Value": 1.0}
SUM = {"Namespace": "n", "MetricName": "m", "Period": 60, **HOUR, "Statistics": ["Sum"]}


def putting(namespace: str = "n", **of_one: Any) -> tuple[str, dict[str, Any]]:
    return "put_metric_data", {"Namespace": namespace, "MetricData": [{**ONE, **of_one}]}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (putting("AWS/Lambda"), "InvalidParameterValue"),
        (putting("Stoker/Billing"), "InvalidParameterValue"),
        (("put_metric_data", {"Namespace": "n"}), "MissingParameter"),
        (putting(Values=[1.0]), "InvalidParameterCombination"),
        (putting(Value=float("nan")), "InvalidParameterValue"),
        (putting(Timestamp=NOW - timedelta(days=15)), "InvalidParameterValue"),
        (putting(Unit="Bananas"), "ValidationError"),
        (
            ("get_metric_statistics", {**SUM, "StartTime": NOW - timedelta(days=2)}),
            "InvalidParameterCombination",
        ),
        (("get_metric_statistics", {**SUM, "Period": 61}), "InvalidParameterValue"),
        (
            (
                "get_metric_data",
                {"MetricDataQueries": [{"Id": "a", "Expression": "SEARCH('x', 'Sum')"}], **HOUR},
            ),
            "NotImplementedException",
        ),
        (
            (
                "get_metric_data",
                {
                    "MetricDataQueries": [
                        {"Id": "a", "Expression": "b"},
                        {"Id": "b", "Expression": "a"},
                    ],
                    **HOUR,
                },
            ),
            "ValidationError",
        ),
        (("get_metric_data", {"MetricDataQueries": [{"Id": "a"}], **HOUR}), "ValidationError"),
        (("list_metrics", {"NextToken": "nonsense"}), "InvalidNextToken"),
    ],
)
def test_refusals_have_aws_s_names(
    cloudwatch: Any, asked: tuple[str, dict[str, Any]], code: str
) -> None:
    with pytest.raises(ClientError) as refusal:
        getattr(cloudwatch, asked[0])(**asked[1])
    assert refusal.value.response["Error"]["Code"] == code, refusal.value


def spoken(server: StokerProcess, protocol: str, operation: str, asked: dict[str, Any]) -> Any:
    """What botocore reads of the answer, asking in this protocol. Its client speaks JSON."""
    model = ServiceModel(Loader().load_service_model("cloudwatch", "service-2"), "cloudwatch")
    of = model.operation_model(operation)
    request = create_serializer(protocol, False).serialize_to_request(asked, of)
    body = request["body"]
    told = {"content-type": "application/x-www-form-urlencoded"} if protocol == "query" else {}
    raw = urlencode(body).encode() if isinstance(body, dict) else bytes(body)
    scope = f"test/20260101/{REGION}/monitoring/aws4_request"
    signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
    headers = {
        **request["headers"],
        **told,
        "Authorization": signed,
    }
    asking = urllib.request.Request(server.url + request["url_path"], raw, headers)
    try:
        with urllib.request.urlopen(asking) as answer:
            status, told, body = answer.status, answer.headers, answer.read()
    except HTTPError as refusal:
        with refusal:
            status, told, body = refusal.code, refusal.headers, refusal.read()
    plain = {name.lower(): value for name, value in told.items()}
    whole = {"status_code": status, "headers": plain, "body": body}
    return create_parser(protocol).parse(whole, of.output_shape)


PROTOCOLS = ["smithy-rpc-v2-cbor", "query"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_other_clients_speak_other_protocols(server: StokerProcess, protocol: str) -> None:
    name = f"n-{uuid.uuid4().hex}"
    one = {"MetricName": "m", "Dimensions": [{"Name": "a", "Value": "ä"}], "Unit": "Count"}
    data = [{**one, "Values": [1.5, 2.0], "Counts": [1.0, 3.0], "Timestamp": NOW}]
    spoken(server, protocol, "PutMetricData", {"Namespace": name, "MetricData": data})
    asked = {"Namespace": name, "MetricName": "m", "Period": 7200, **HOUR}
    dimensions = {"Dimensions": one["Dimensions"]}
    (point,) = spoken(
        server,
        protocol,
        "GetMetricStatistics",
        {**asked, **dimensions, "ExtendedStatistics": ["p90"]},
    )["Datapoints"]
    assert point["ExtendedStatistics"]["p90"] == pytest.approx(2.0, rel=0.023)
    stat = {"Metric": {"Namespace": name, "MetricName": "m", **dimensions}, "Period": 7200}
    queries = [{"Id": "a", "MetricStat": {**stat, "Stat": "Sum"}}]
    (found,) = spoken(server, protocol, "GetMetricData", {"MetricDataQueries": queries, **HOUR})[
        "MetricDataResults"
    ]
    assert (found["Values"], found["Label"], found["StatusCode"]) == ([7.5], "m", "Complete")
    assert found["Timestamps"] == [point["Timestamp"]]
    listed = spoken(server, protocol, "ListMetrics", {"Namespace": name})["Metrics"]
    assert listed == [{"Namespace": name, "MetricName": "m", **dimensions}]
    refused = spoken(server, protocol, "PutMetricData", {"Namespace": "AWS/x", "MetricData": data})
    assert refused["Error"]["Code"] == "InvalidParameterValue"


def test_dashboards_are_the_neighbour_s(cloudwatch: Any) -> None:
    name = f"d-{uuid.uuid4().hex}"
    cloudwatch.put_dashboard(DashboardName=name, DashboardBody='{"widgets":[]}')
    found = cloudwatch.list_dashboards(DashboardNamePrefix=name)["DashboardEntries"]
    assert [one["DashboardName"] for one in found] == [name]


def test_what_a_function_prints_is_measured_by_a_filter(
    server: StokerProcess, lambda_client: Any, logs_client: Any, create: Create, cloudwatch: Any
) -> None:
    name = create(
        "import json\ndef handler(event, context): print(json.dumps(event))",
        LoggingConfig={"LogFormat": "Text"},
    )
    group, metric = f"/aws/lambda/{name}", f"took-{name}"
    logs_client.create_log_group(logGroupName=group)
    pattern = "{ $.took > 10 }"
    logs_client.put_metric_filter(
        logGroupName=group, filterName="slow", filterPattern=pattern,
        metricTransformations=[
            {
                "metricName": metric, "metricNamespace": "shop", "metricValue": "$.took",
                "dimensions": {"path": "$.path"}, "unit": "Milliseconds",
            }
        ],
    )  # fmt: skip
    (filter_,) = logs_client.describe_metric_filters(logGroupName=group)["metricFilters"]
    assert filter_["metricTransformations"][0]["dimensions"] == {"path": "$.path"}
    for took in (5, 20, 30):
        event = {"took": took, "path": "/a"}
        lambda_client.invoke(FunctionName=name, Payload=json.dumps(event))
    until(
        lambda: total(cloudwatch, metric, "Sum", namespace="shop", path="/a"),
        lambda sum_: sum_ == 50.0,
    )
    found = logs_client.test_metric_filter(
        filterPattern=pattern, logEventMessages=['{"took": 5}', '{"took": 20}']
    )["matches"]
    assert [(one["eventNumber"], one["extractedValues"]) for one in found] == [
        (2, {"$.took": "20"})
    ]
    logs_client.delete_metric_filter(logGroupName=group, filterName="slow")
    assert logs_client.describe_metric_filters(logGroupName=group)["metricFilters"] == []
