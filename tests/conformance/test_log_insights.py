"""Logs Insights, as boto3 asks: over the logs of a function, and its refusals."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.faults.scene import until
from tests.running import StokerProcess

Create = Callable[..., str]
CODE = "def handler(event, context):\n    print('user=ann took:15')\n"


@pytest.fixture
def logs(server: StokerProcess) -> Iterator[Any]:
    with closing(server.client("logs")) as client:
        yield client


def around() -> dict[str, int]:
    now = int(time.time())
    return {"startTime": now - 600, "endTime": now + 60}


def ended(logs: Any, query_id: str) -> dict[str, Any]:
    def results() -> dict[str, Any]:
        found: dict[str, Any] = logs.get_query_results(queryId=query_id)
        return found

    return until(results, lambda found: found["status"] not in ("Scheduled", "Running"))


def result(logs: Any, group: str, query: str, **more: Any) -> dict[str, Any]:
    started = logs.start_query(logGroupNames=[group], queryString=query, **around(), **more)
    return ended(logs, started["queryId"])


def test_a_function_s_log_is_searched_and_counted(
    lambda_client: Any, create: Create, logs: Any
) -> None:
    name = create(CODE)
    group = f"/aws/lambda/{name}"
    for _ in range(3):
        lambda_client.invoke(FunctionName=name)

    def reports() -> list[Any]:  # they are logged after their callers have their answers
        found: list[Any] = logs.filter_log_events(logGroupName=group, filterPattern="REPORT")[
            "events"
        ]
        return found

    until(reports, lambda found: len(found) == 3)
    query = 'filter @type = "REPORT" | stats count(*) as n, max(@maxMemoryUsed) as most by @log'
    found = result(logs, group, query)
    rows = [{one["field"]: one["value"] for one in row} for row in found["results"]]
    assert [row["n"] for row in rows] == ["3"]
    assert found["status"] == "Complete"
    assert rows[0]["@log"].endswith(f":{group}")
    assert float(rows[0]["most"]) > 10e6
    assert found["statistics"]["recordsMatched"] == 3
    assert found["statistics"]["recordsScanned"] >= 12

    parsed = result(
        logs, group, r"parse @message /user=(?<who>\w+) took:(?<ms>\d+)/ | filter ms > 9", limit=2
    )
    assert len(parsed["results"]) == 2
    shown = {one["field"]: one["value"] for one in parsed["results"][0]}
    assert (shown["who"], shown["ms"]) == ("ann", "15")
    assert shown.keys() == {"@timestamp", "@message", "who", "ms", "@ptr"}
    listed = logs.describe_queries(logGroupName=group, status="Complete")["queries"]
    assert {one["queryString"] for one in listed} >= {query}


def test_refusals_have_aws_s_names(logs: Any) -> None:
    group = f"/g/{uuid.uuid4().hex}"
    logs.create_log_group(logGroupName=group)
    assert result(logs, group, "fields @message")["results"] == []
    query = logs.describe_queries(logGroupName=group)["queries"][0]["queryId"]
    gone = str(uuid.uuid4())
    for operation, asked, code in (
        (
            "start_query",
            {"logGroupName": group, "queryString": "anomaly"},
            "MalformedQueryException",
        ),
        (
            "start_query",
            {"logGroupName": gone, "queryString": "limit 1"},
            "ResourceNotFoundException",
        ),
        ("start_query", {"queryString": "limit 1"}, "InvalidParameterException"),
        ("get_query_results", {"queryId": gone}, "ResourceNotFoundException"),
        ("stop_query", {"queryId": gone}, "ResourceNotFoundException"),
        ("stop_query", {"queryId": query}, "InvalidParameterException"),
    ):
        times = around() if operation == "start_query" else {}
        with pytest.raises(ClientError) as refusal:
            getattr(logs, operation)(**asked, **times)
        assert refusal.value.response["Error"]["Code"] == code, refusal.value


def test_a_query_is_stopped(logs: Any) -> None:
    group = f"/g/{uuid.uuid4().hex}"
    logs.create_log_group(logGroupName=group)
    asked = {"logGroupName": group, "queryString": "limit 1", **around()}
    ids = [logs.start_query(**asked)["queryId"] for _ in range(8)]  # two run at a time
    try:
        assert logs.stop_query(queryId=ids[-1])["success"] is True
        wanted = "Cancelled"
    except logs.exceptions.InvalidParameterException:  # all were quicker
        wanted = "Complete"
    assert ended(logs, ids[-1])["status"] == wanted
    assert ended(logs, ids[0])["status"] == "Complete"
