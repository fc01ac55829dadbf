"""The export of telemetry as its receiver sees it: a server, functions, and OTLP."""

import json
import urllib.request
from contextlib import closing
from pathlib import Path

from tests.faults.scene import environments, until
from tests.otlp_receiver import Receiver, receiving, said
from tests.running import StokerProcess, deploy

OUTSIDE = {
    "trace_id": "1-5759e988-bd862e3fe1be46a994272793", "id": "00000000000000ee", "name": "shop",
    "start_time": 1, "end_time": 2,
}  # fmt: skip
ERRORS = "aws.lambda.errors"
CODE = """
import logging
def handler(event, context):
    logging.getLogger().error("mind %s", event)
    print("plain")
    if event == "bad": raise ValueError(event)
"""


def invocations(receiver: Receiver) -> int:
    return [span.name for _, span in receiver.spans()].count("Invocation")


def counts(receiver: Receiver, function: str) -> dict[str, int]:
    """The latest, by metric."""
    return {
        metric.name: metric.sum.data_points[0].as_int
        for resource, metric in receiver.metrics()
        if resource.get("faas.name") == function and metric.HasField("sum")
    }


def texts(receiver: Receiver, function: str) -> list[str]:
    lines = receiver.lines()
    return [line.body.string_value for told, line in lines if told["faas.name"] == function]


def test_invocations_arrive_as_spans_metrics_and_lines_that_belong_together(
    tmp_path: Path,
) -> None:
    with receiving() as receiver:
        server = StokerProcess(
            tmp_path / "data",
            *("--sandbox", "process", "--otlp-interval-s", "1"),
            environ={
                "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
                "OTEL_EXPORTER_OTLP_HEADERS": "api-key=secret%20one",
            },
        )
        try:
            client = server.client("lambda")
            name = deploy(client, CODE, TracingConfig={"Mode": "Active"})
            header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=00000000000000ee;Sampled=1"
            client.meta.events.register(
                "before-sign.lambda.Invoke",
                lambda request, **_: request.headers.add_header("X-Amzn-Trace-Id", header),
            )
            answers = []
            for event in ("good", "bad"):
                answers.append(client.invoke(FunctionName=name, Payload=json.dumps(event)))
                # The next one finds it free.
                until(lambda: [one["phase"] for one in environments(server)], ["Idle"].__eq__)
            ids = {answer["ResponseMetadata"]["RequestId"] for answer in answers}
            until(lambda: invocations(receiver), lambda seen: seen == 2)
            until(lambda: counts(receiver, name), lambda seen: seen.get(ERRORS) == 1)
            until(lambda: texts(receiver, name), lambda seen: seen.count("plain") == 2)
            with closing(server.client("xray")) as xray:
                xray.put_trace_segments(TraceSegmentDocuments=[json.dumps(OUTSIDE)])
            until(lambda: [span.name for _, span in receiver.spans()], lambda seen: "shop" in seen)
            page = urllib.request.urlopen(server.url + "/metrics", timeout=60).read().decode()
            assert 'stoker_otlp_dropped_total{signal="traces"} 0\n' in page
            client.close()
        finally:
            assert server.stop() == 0
        trace = bytes.fromhex("5759e988bd862e3fe1be46a994272793")
        found = receiver.spans()
        assert {span.trace_id for _, span in found} == {trace}
        services = {resource["service.name"] for resource, _ in found}
        assert services == {name, "shop"}
        facts = [said(span.attributes) for _, span in found]
        assert {one["faas.invocation_id"] for one in facts if "faas.invocation_id" in one} == ids
        assert sorted(one["faas.coldstart"] for one in facts if "faas.coldstart" in one) == [
            False, True,
        ]  # fmt: skip
        names = [span.name for _, span in found]
        assert names.count("Initialization") == 1
        assert names.count("Invocation") == 2

        lines = receiver.lines()
        mine = [line for resource, line in lines if resource["faas.name"] == name]
        minds = [line for line in mine if "mind" in line.body.string_value]
        assert [line.severity_text for line in minds] == ["ERROR", "ERROR"]
        plain = [line for line in mine if line.body.string_value == "plain"]
        for several in (minds, plain):
            assert {said(line.attributes)["faas.invocation_id"] for line in several} == ids
            assert {line.trace_id for line in several} == {trace}

        told = counts(receiver, name)
        assert (told["aws.lambda.invocations"], told[ERRORS]) == (2, 1)
        assert {headers["api-key"] for headers in receiver.headers} == {"secret one"}
        assert "secret one" not in server.log.read_text()
