"""Function URLs end to end: real functions behind them, called by any HTTP client."""

import http.client
import json
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

import pytest

from tests.front_door import signed
from tests.invoking import PREAMBLE
from tests.running import StokerProcess
from tests.streaming import STREAM

Create = Callable[..., str]

SITE = """
import base64, json, os, time, urllib.request

def handler(event, context):
    path = event["rawPath"]
    if path == "/crash":
        os._exit(3)
    if path == "/error":
        raise KeyError(path)
    if path == "/slow":
        time.sleep(60)
    if path == "/binary":
        body = base64.b64encode(bytes(range(256))).decode()
        return {"statusCode": 200, "body": body, "isBase64Encoded": True}
    if path == "/other":
        url = os.environ["AWS_ENDPOINT_URL"] + event["queryStringParameters"]["path"]
        with urllib.request.urlopen(url) as answer:
            return {"statusCode": 200, "body": answer.read().decode()}
    return {
        "statusCode": 201,
        "cookies": ["a=b; HttpOnly"],
        "headers": {"X-Arn": context.invoked_function_arn},
        "body": json.dumps(event),
    }
"""

STREAMER = (
    PREAMBLE.replace(PREAMBLE.splitlines()[0], "#!/usr/bin/python3 -IS")
    + STREAM
    + """
kind = "Content-Type: application/vnd.awslambda.http-integration-response"
while True:
    request_id, event, _ = next_event()
    query = json.loads(event)["rawQueryString"]
    stream = Stream(request_id, [kind])
    head = {"statusCode": 206, "headers": {"Content-Type": "text/plain"}}
    stream.write(json.dumps(head).encode())
    stream.write(bytes(8) + b"first ")
    if query == "crash":
        os._exit(3)
    stream.write(b"second")
    stream.finish()
"""
)


def public(client: Any, name: str, mode: str = "BUFFERED") -> str:
    """A URL for everybody; the answer is its Host."""
    made = client.create_function_url_config(FunctionName=name, AuthType="NONE", InvokeMode=mode)
    client.add_permission(
        FunctionName=name, StatementId="url", Principal="*",
        Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE",
    )  # fmt: skip
    client.add_permission(
        FunctionName=name, StatementId="invoke", Principal="*",
        Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True,
    )  # fmt: skip
    return str(made["FunctionUrl"].split("/")[2])


def fetch(
    server: StokerProcess, host: str, path: str = "/", method: str = "GET", body: bytes = b""
) -> tuple[int, bytes, http.client.HTTPMessage]:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
        connection.request(method, path, body, {"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers


def test_a_function_serves_http(server: StokerProcess, lambda_client: Any, create: Create) -> None:
    host = public(lambda_client, create(SITE))
    status, body, headers = fetch(server, host, "/a?b=c", "POST", b"\0")
    event = json.loads(body)
    assert status == 201
    assert (event["rawPath"], event["queryStringParameters"]) == ("/a", {"b": "c"})
    assert (event["body"], event["isBase64Encoded"]) == ("AA==", True)
    assert headers["Set-Cookie"] == "a=b; HttpOnly"
    assert headers["X-Arn"].startswith("arn:aws:lambda:")
    assert fetch(server, host, "/binary")[1] == bytes(range(256))
    by_path = fetch(server, f"127.0.0.1:{server.port}", f"/_url/{host[:32]}/binary")
    assert by_path[:2] == (200, bytes(range(256)))


def test_faults_of_the_function_are_502_and_its_limit_429(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name = create(SITE, Timeout=1)
    host = public(lambda_client, name)
    for path in ("/error", "/crash", "/slow"):
        assert fetch(server, host, path)[:2] == (502, b"Internal Server Error"), path
    lambda_client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    status, body, _ = fetch(server, host)
    reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert (status, json.loads(body)["Reason"]) == (429, reason)


def test_a_bootstrap_streams_behind_its_prelude(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name = create({"bootstrap": STREAMER}, ("bootstrap",), Runtime="provided.al2023", Timeout=20)
    host = public(lambda_client, name, "RESPONSE_STREAM")
    status, body, headers = fetch(server, host)
    assert (status, body) == (206, b"first second")
    assert (headers["Content-Type"], headers["Transfer-Encoding"]) == ("text/plain", "chunked")
    with suppress(http.client.IncompleteRead, ConnectionError):
        status, body, _ = fetch(server, host, "/?crash")
        assert (status, body) == (502, b"Internal Server Error"), "its end was seen first"


@pytest.mark.root
def test_a_function_calls_another_s_url_from_inside(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    host, caller = public(lambda_client, create(SITE)), public(lambda_client, create(SITE))
    status, body, _ = fetch(server, caller, f"/other?path=/_url/{host[:32]}/from-inside")
    assert (status, json.loads(body)["rawPath"]) == (200, "/from-inside")


def test_a_signed_request_is_its_account_s(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name = create(SITE)
    made = lambda_client.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")
    host = made["FunctionUrl"].split("/")[2]
    assert fetch(server, host)[0] == 403
    head = signed(host, "GET", "/", key="000000000000").decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in head[1:] if line)
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
        connection.request("GET", "/", headers=headers)
        answer = connection.getresponse()
        assert answer.status == 201
        event = json.loads(answer.read())
    assert event["requestContext"]["authorizer"]["iam"]["accountId"] == "000000000000"
