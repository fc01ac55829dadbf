"""Extensions that others made, unmodified, and Powertools for TypeScript inside a function."""

import json
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.nodes import FOUND, needs_node
from tests.running import StokerProcess, log_of, make_zip, wait_for, wait_until
from tests.slow.from_registries import (
    files_of,
    needs_npm,
    node_package,
    node_packages,
    publish,
    python_packages,
)

pytestmark = [pytest.mark.slow, pytest.mark.root]

Create = Callable[..., str]
SENTRY = "@sentry/aws-serverless@10.75.2"
OTEL = "@serverless/aws-lambda-otel-extension-dist@0.1.11"
SIGTERM = "lambda-sigterm==0.1.2"
POWERTOOLS = [f"@aws-lambda-powertools/{part}@2.36.0" for part in ("logger", "tracer", "metrics")]
NODE: dict[str, Any] = {
    "Runtime": FOUND[-1] if FOUND else "",
    "Handler": "index.handler",
    "MemorySize": 1769,
    "Timeout": 60,
}
# Stands in for a vendor's endpoint: takes one request for each invocation, and logs its body.
INGEST_PORT = 8123
INGEST = """#!/usr/bin/env node
const http = require("node:http");
const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2020-01-01/extension`;
let taken;
http.createServer(async (request, response) => {
  let body = "";
  for await (const piece of request) body += piece;
  console.log("ingest", request.url.split("?")[0], JSON.stringify(body));
  response.end(() => taken());
}).listen(PORT, "127.0.0.1", async () => {
  const headers = { "Lambda-Extension-Name": "ingest" };
  const body = JSON.stringify({ events: ["INVOKE"] });
  const registered = await fetch(`${api}/register`, { method: "POST", headers, body });
  const id = registered.headers.get("Lambda-Extension-Identifier");
  for (;;) {
    const all = new Promise((resolve) => (taken = resolve));
    await fetch(`${api}/event/next`, { headers: { "Lambda-Extension-Identifier": id } });
    await all;
  }
});
""".replace("PORT", str(INGEST_PORT))


def end(functions: Any, name: str) -> None:
    """A new configuration ends the environments of the old one."""
    functions.update_function_configuration(FunctionName=name, Timeout=59)
    wait_until(functions, "function_updated_v2", name)


@needs_npm
@needs_node
def test_sentrys_extension_forwards_what_its_sdk_sends(
    lambda_client: Any, logs_client: Any, create: Create, tmp_path: Path
) -> None:
    """The layer as Sentry builds it from the same package, beside a vendor's endpoint. The SDK
    of the package is told of the tunnel, which the one in Sentry's own layer knows."""
    modules = node_packages(tmp_path, SENTRY)
    extension = modules / "@sentry/aws-serverless/build/lambda-extension"
    files = {
        **files_of(modules, "nodejs/node_modules"),
        "extensions/sentry-extension": (extension / "sentry-extension").read_bytes(),
        "sentry-extension/index.mjs": (extension / "index.mjs").read_bytes(),
        "extensions/ingest": INGEST,
    }
    programs = ("extensions/sentry-extension", "sentry-extension/index.mjs", "extensions/ingest")
    layer = publish(lambda_client, "sentry", make_zip(files, programs))
    code = """
const Sentry = require("@sentry/aws-serverless");
Sentry.init({ dsn: process.env.SENTRY_DSN, tunnel: "http://localhost:9000/envelope" });
exports.handler = Sentry.wrapHandler(async (event) => { throw new RangeError(event.word); });
"""
    name = create(
        {"index.js": code},
        Layers=[layer],
        Environment={"Variables": {"SENTRY_DSN": f"http://key@127.0.0.1:{INGEST_PORT}/42"}},
        **NODE,
    )
    for word in ("first", "second"):  # cold, and after a freeze
        answer = lambda_client.invoke(FunctionName=name, Payload=json.dumps({"word": word}))
        error = json.loads(answer["Payload"].read())
        assert (error["errorType"], error["errorMessage"]) == ("RangeError", word)
        told = wait_for(lambda: log_of(logs_client, name), f'\\"value\\":\\"{word}\\"')
    assert "EXTENSION\tName: sentry-extension\tState: Ready\tEvents: [INVOKE, SHUTDOWN]" in told
    bodies = [
        json.loads(line.partition("/envelope/ ")[2])
        for line in told.splitlines()
        if line.startswith("ingest /api/42/envelope/ ")
    ]
    events = [json.loads(line) for body in bodies for line in body.splitlines()]
    thrown = [event for event in events if "exception" in event]
    assert [event["exception"]["values"][0]["value"] for event in thrown] == ["first", "second"]
    context = thrown[0]["contexts"]["aws.lambda"]
    assert (context["function_name"], context["function_version"]) == (name, "$LATEST")


@needs_npm
@needs_node
def test_the_serverless_frameworks_opentelemetry_extension_reports_spans_and_metrics(
    lambda_client: Any, logs_client: Any, create: Create, tmp_path: Path
) -> None:
    """Its layer is in the package: a wrapper script, an extension that uses the Logs API, and a
    server inside the environment for what the wrapped function sends."""
    layer = (node_package(tmp_path, OTEL) / "extension.zip").read_bytes()
    variables = {
        "AWS_LAMBDA_EXEC_WRAPPER": "/opt/otel-extension/otel-handler",
        "SLS_OTEL_REPORT_TYPE": "json",
    }
    name = create(
        {"index.js": "exports.handler = async (event) => event;"},
        Layers=[publish(lambda_client, "otel", layer)],
        Environment={"Variables": variables},
        **NODE,
    )
    requests = []
    for number in range(2):
        answer = lambda_client.invoke(FunctionName=name, Payload=json.dumps([number]))
        assert json.loads(answer["Payload"].read()) == [number]
        requests.append(answer["ResponseMetadata"]["RequestId"])
    for request_id in requests:
        # It was sent by the wrapped function while it ran; and REPORT comes by the Logs API.
        reported = f'"faas.execution","value":{{"stringValue":"{request_id}"'
        told = wait_for(lambda: log_of(logs_client, name), reported)
    for line in told.splitlines():
        if line.startswith("EXTENSION"):
            assert (
                line == "EXTENSION\tName: otel-extension\tState: Ready\tEvents: [INVOKE, SHUTDOWN]"
            )
    assert "LOGS\tName: otel-extension\tState: Subscribed\tTypes: [Platform]" in told
    assert '"name":"faas.invoke"' in told
    assert '"name":"@opentelemetry/instrumentation-aws-lambda"' in told


def test_a_function_that_registers_lambda_sigterm_hears_of_its_end(
    lambda_client: Any, logs_client: Any, create: Create, tmp_path: Path
) -> None:
    code = """
import signal, sys
import lambda_sigterm

def leave(number, frame):
    print("told by signal", number, flush=True)
    sys.exit(0)

signal.signal(signal.SIGTERM, leave)
lambda_sigterm.register()

def handler(event, context):
    return event
"""
    files = files_of(python_packages(tmp_path, SIGTERM), "")
    files = {path.lstrip("/"): content for path, content in files.items()}
    name = create({**files, "main.py": code})
    answer = lambda_client.invoke(FunctionName=name, Payload="[1]")
    assert json.loads(answer["Payload"].read()) == [1]
    told = wait_for(lambda: log_of(logs_client, name), "REPORT")
    assert "EXTENSION\tName: lambda-sigterm\tState: Ready\tEvents: []" in told
    end(lambda_client, name)
    wait_for(lambda: log_of(logs_client, name), "told by signal 15")


@needs_npm
@needs_node
def test_powertools_for_typescript_logs_measures_and_traces(
    server: StokerProcess, lambda_client: Any, logs_client: Any, create: Create, tmp_path: Path
) -> None:
    code = """
const { Logger } = require("@aws-lambda-powertools/logger");
const { Metrics, MetricUnit } = require("@aws-lambda-powertools/metrics");
const { Tracer } = require("@aws-lambda-powertools/tracer");
const logger = new Logger({ serviceName: "shop" });
const metrics = new Metrics({ namespace: "orders", serviceName: "shop" });
const tracer = new Tracer({ serviceName: "shop" });
exports.handler = async (event, context) => {
  logger.addContext(context);
  logger.info("asked", { number: event.number });
  const parent = tracer.getSegment();
  const own = parent.addNewSubsegment("## priced");
  tracer.setSegment(own);
  tracer.putAnnotation("number", event.number);
  metrics.addMetric("asked", MetricUnit.Count, 1);
  metrics.publishStoredMetrics();
  own.close();
  tracer.setSegment(parent);
  return { order: event.number };
};
"""
    modules = files_of(node_packages(tmp_path, *POWERTOOLS), "nodejs/node_modules")
    name = create(
        {"index.js": code},
        Layers=[publish(lambda_client, "powertools-typescript", make_zip(modules))],
        TracingConfig={"Mode": "Active"},
        **NODE,
    )
    answer = lambda_client.invoke(FunctionName=name, Payload='{"number": 7}')
    assert json.loads(answer["Payload"].read()) == {"order": 7}
    told = wait_for(lambda: log_of(logs_client, name), "REPORT")
    lines = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    (logged,) = [line for line in lines if line.get("message") == "asked"]
    assert (logged["service"], logged["number"], logged["function_name"]) == ("shop", 7, name)
    assert logged["cold_start"] is True
    (measured,) = [line for line in lines if "_aws" in line]
    assert measured["asked"] == 1
    assert measured["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "orders"
    wait_for(lambda: json.dumps(traces(server, name)), '"name": "## priced"')
    documents = {s["document"]["name"]: s["document"] for s in traces(server, name)}
    assert documents["## priced"]["annotations"] == {"number": 7}


def traces(server: StokerProcess, function: str) -> list[Any]:
    query = urllib.parse.urlencode({"function": function})
    with urllib.request.urlopen(f"{server.url}/_stoker/api/traces?{query}") as answer:
        return [segment for trace in json.load(answer)["traces"] for segment in trace["segments"]]
