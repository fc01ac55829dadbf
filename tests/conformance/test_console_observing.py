"""The console's pages of logs' queries and of traces, as a browser asks for them."""

import json
import re
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from typing import Any
from urllib.parse import urlencode

from tests.conformance.test_console import HERE, HOSTILE, Page, ask, check_harmless
from tests.conformance.test_console_account import look
from tests.faults.scene import until
from tests.running import StokerProcess

Create = Callable[..., str]
FUNCTION = "def handler(event, context):\n    print(event['say'])\n    return event['say'][1000]\n"


def token(server: StokerProcess, path: str) -> str:
    page = Page(ask(server, f"{HERE}/{path}")[2])
    return next(
        str(attrs["value"]) for tag, attrs in page.tags if attrs.get("name") == "token" and tag
    )


def post(server: StokerProcess, path: str, **form: str) -> tuple[int, str, str]:
    """Status, where it leads, and what it says."""
    body = urlencode({"token": token(server, "insights"), **form}).encode()
    kind = "application/x-www-form-urlencoded"
    status, headers, text = ask(server, f"{HERE}/{path}", "POST", body, Content_Type=kind)
    return status, headers.get("Location", ""), text


def test_a_query_is_run_shown_and_drawn(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name = create(FUNCTION)
    lambda_client.invoke(FunctionName=name, Payload=json.dumps({"say": HOSTILE}))
    group = f"/aws/lambda/{name}"
    offered = Page(ask(server, f"{HERE}/insights?search={name}")[2])
    assert any(attrs.get("name") == f"in:{group}" for _, attrs in offered.tags)

    def found(query: str, words: str) -> tuple[str, str]:
        status, place, _ = post(server, "insights", query=query, others=group, minutes="60")
        assert status == 303
        path = place.removeprefix(f"{HERE}/")
        return path, until(lambda: look(server, path), lambda text: words in text)

    def logged() -> str:  # the report comes after the caller has its answer
        return found('filter @type = "REPORT"', "Complete")[1]

    until(logged, lambda text: "REPORT RequestId" in text)
    _, text = found("fields @message | sort @timestamp", "Complete")
    assert HOSTILE.replace("\u202e", "\\u{202e}") in text
    path, text = found('filter @type = "REPORT" | stats count(*) as n by bin(1m)', "Complete")
    assert "bin(1m)" in text
    drawn = json.loads(ask(server, f"{HERE}/{path}/data")[2])
    (line,) = drawn["plots"][0]["lines"]
    assert [value for value in line["values"] if value] == [1.0]
    assert path.rpartition("/")[2] in ask(server, f"{HERE}/insights")[2], "among the latest"
    elsewhere = HERE.replace("000000000000", "111111111111")
    assert ask(server, f"{elsewhere}/{path}")[0] == 404
    assert ask(server, f"{elsewhere}/{path}/data")[0] == 404


def test_a_query_that_cannot_be_read_says_where(server: StokerProcess) -> None:
    status, _, text = post(server, "insights", query='fields @a | <img src="x">', others="/none")
    page = Page(text)
    assert status == 200
    check_harmless(page)
    assert "Malformed query" in page.text
    assert re.search(r"<mark>&lt;</mark>img", text)
    status, _, text = post(server, "insights", query="limit 1", others=f"/none/{uuid.uuid4().hex}")
    assert "does not exist" in Page(text).text
    assert ask(server, f"{HERE}/insights/%3Cb%3E")[0] == 404


def test_an_invocation_leads_to_its_trace_and_that_to_its_log(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name = create(FUNCTION, TracingConfig={"Mode": "Active"})
    root = f"1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}"

    def traced(request: Any, **_: Any) -> None:
        request.headers["X-Amzn-Trace-Id"] = f"Root={root};Sampled=1"

    event = "before-sign.lambda.Invoke"
    lambda_client.meta.events.register(event, traced)
    try:
        answer = lambda_client.invoke(FunctionName=name, Payload=json.dumps({"say": HOSTILE}))
    finally:
        lambda_client.meta.events.unregister(event, traced)
    request_id = answer["ResponseMetadata"]["RequestId"]
    with closing(server.client("xray")) as xray:
        xray.put_trace_segments(TraceSegmentDocuments=[json.dumps({
            "name": HOSTILE, "id": uuid.uuid4().hex[:16], "trace_id": root,
            "start_time": time.time(), "in_progress": True, "annotations": {"said": HOSTILE},
        })])  # fmt: skip
    shown = f"traces/{root}"
    text = until(lambda: look(server, shown), lambda text: "Invocation" in text)
    for words in ("Initialization", "Overhead", "AWS::Lambda::Function", "IndexError", request_id):
        assert words in text
    assert HOSTILE.replace("\u202e", "\\u{202e}") in text
    log = next(
        one for one in Page(ask(server, f"{HERE}/{shown}")[2]).addresses() if "/logs?" in one
    )
    path = log.removeprefix(f"{HERE}/")
    said = until(lambda: look(server, path), lambda text: "REPORT" in text)
    assert f"XRAY TraceId: {root}" in said
    assert "prices of 20" in said
    assert f"{HERE}/{shown}" in Page(ask(server, log)[2]).addresses()
    assert root in look(
        server, f'traces?{urlencode({"filter": f"""service("{name}") {{ fault }}"""})}'
    )
    graph = look(server, "traces/graph?minutes=5")
    assert name[:20] in graph
    refused = look(server, f"traces?{urlencode({'filter': '<script> ='})}")
    assert "unexpected '<'" in refused
    assert ask(server, f"{HERE}/traces/1-00000000-{'0' * 24}")[0] == 404


def test_a_function_is_tuned_from_its_page_and_given_the_best_size(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name = create("def handler(event, context): return event['n']", MemorySize=192)
    path = f"functions/{name}/tune"
    wish = {"runs": "2", "cold": "1", "parallel": "1", "strategy": "speed"}
    status, place, _ = post(server, path, memory="128,256", events='{"n": 1}', **wish)
    assert (status, place) == (303, f"{HERE}/{path}")
    text = until(lambda: look(server, path), lambda text: "End it" not in text)
    assert "256 MB" in text
    assert "prices of 20" in text
    assert lambda_client.get_function_configuration(FunctionName=name)["MemorySize"] == 192
    best = re.search(r"Give it (\d+) MB", text)
    assert best is not None
    assert post(server, f"{path}/apply", memory=best[1], timeout="7")[0] == 303
    found = lambda_client.get_function_configuration(FunctionName=name)
    assert (found["MemorySize"], found["Timeout"]) == (int(best[1]), 7)
    assert post(server, f"{path}/apply", memory="1")[0] == 400
    assert post(server, "functions/none/tune", memory="128", **wish)[0] == 404


def test_a_tuning_that_is_ended_puts_the_function_back(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name = create("import time\ndef handler(event, context): time.sleep(0.05)", MemorySize=192)
    path = f"functions/{name}/tune"
    wish = {"runs": "10000", "cold": "1", "parallel": "1", "strategy": "cost"}
    post(server, path, memory="128,256", **wish)
    until(lambda: look(server, path), lambda text: "128 MB …" in text)
    assert post(server, path, memory="128", **wish)[0] == 409, "one at a time"
    assert post(server, f"{path}/end")[0] == 303
    text = until(lambda: look(server, path), lambda text: "End it" not in text)
    assert "the function is as it was" in text
    found = lambda_client.get_function(FunctionName=name)
    assert found["Configuration"]["MemorySize"] == 192
    assert not found.get("Tags")
    assert not lambda_client.list_aliases(FunctionName=name)["Aliases"]


def test_the_doctor_sees_with_the_launchers_rights(server: StokerProcess) -> None:
    text = look(server, "doctor")
    assert "uid 0" in text
    assert "isolates functions in namespaces" in text
    assert "python3" in text
