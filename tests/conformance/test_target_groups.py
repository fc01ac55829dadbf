"""Functions behind target groups of a load balancer: made with boto3, asked by any HTTP client."""

import http.client
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from stoker.core.alb_events import BODY_BYTES
from tests.running import REGION, StokerProcess

Create = Callable[..., str]
ACCOUNT = "000000000000"
SITE = """
import base64, json
def handler(event, context):
    path = event["path"]
    if path == "/error":
        raise KeyError(path)
    if path == "/bad":
        return {"body": "no status"}
    if path == "/long":
        return {"statusCode": 200, "body": "x" * 1024 * 1024}
    if path == "/binary":
        body = base64.b64encode(bytes(range(256))).decode()
        return {"statusCode": 200, "statusDescription": "200 OK", "isBase64Encoded": True,
                "headers": {"Content-Type": "image/png"}, "body": body}
    return {"statusCode": 201, "headers": {"X-Mode": "one"},
            "multiValueHeaders": {"X-Mode": ["several"]}, "body": json.dumps(event)}
"""


class Group:
    """A target group; `ask` is an HTTP client of it."""

    def __init__(self, server: StokerProcess, elbv2: Any) -> None:
        self.server = server
        self.elbv2 = elbv2
        self.name = f"t-{uuid.uuid4().hex[:12]}"
        [made] = elbv2.create_target_group(Name=self.name, TargetType="lambda")["TargetGroups"]
        self.arn: str = made["TargetGroupArn"]

    def takes(self, function: str) -> None:
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"
        self.elbv2.register_targets(TargetGroupArn=self.arn, Targets=[{"Id": arn}])

    def ask(
        self, path: str = "/", method: str = "GET", body: bytes | None = None, host: str = "",
        **headers: str,
    ) -> tuple[int, dict[str, str], bytes]:  # fmt: skip
        target = path if host else f"/_alb/{ACCOUNT}/{REGION}/{self.name}{path}"
        named = {"Host": host} if host else {}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        with closing(http.client.HTTPConnection("127.0.0.1", self.server.port, 30)) as link:
            link.request(method, target, body, named)
            answer = link.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()


@pytest.fixture
def elbv2(server: StokerProcess) -> Iterator[Any]:
    with closing(server.client("elbv2")) as client:
        yield client


@pytest.fixture
def group(server: StokerProcess, elbv2: Any) -> Iterator[Group]:
    made = Group(server, elbv2)
    yield made
    elbv2.delete_target_group(TargetGroupArn=made.arn)


def let_in(functions: Any, function: str, source: str) -> None:
    functions.add_permission(
        FunctionName=function, StatementId="alb", Action="lambda:InvokeFunction",
        Principal="elasticloadbalancing.amazonaws.com", SourceArn=source,
    )  # fmt: skip


def test_a_request_and_an_answer_in_the_load_balancer_s_form(
    lambda_client: Any, group: Group, create: Create
) -> None:
    name = create(SITE)
    let_in(lambda_client, name, group.arn)
    group.takes(name)
    status, headers, body = group.ask("/a%20b?c=d&c=%65", "POST", b"{}", content_type="text/html")
    assert (status, headers["X-Mode"], headers["Server"]) == (201, "one", "awselb/2.0")
    assert "Content-Security-Policy" in headers, "a page by path is no part of AWS's API"
    event = json.loads(body)
    assert event["requestContext"] == {"elb": {"targetGroupArn": group.arn}}
    assert (event["httpMethod"], event["path"], event["body"]) == ("POST", "/a%20b", "{}")
    assert event["queryStringParameters"] == {"c": "%65"}
    assert event["headers"]["x-amzn-trace-id"].startswith("Root=1-")
    status, headers, body = group.ask(
        "/binary", host=f"{group.name}-{ACCOUNT}.{REGION}.elb.localhost"
    )
    assert (status, headers["Content-Type"], body) == (200, "image/png", bytes(range(256)))
    assert "Content-Security-Policy" not in headers
    for path in ("/error", "/bad", "/long"):
        status, headers, body = group.ask(path)
        assert (status, headers["Content-Type"]) == (502, "text/html")
        assert b"502 Bad Gateway" in body
    assert group.ask("/", "POST", b"x" * (BODY_BYTES + 1))[0] == 413
    assert group.ask("/", "HEAD")[2] == b""


def test_a_group_with_multi_value_headers_has_lists_both_ways(
    lambda_client: Any, elbv2: Any, group: Group, create: Create
) -> None:
    elbv2.modify_target_group_attributes(
        TargetGroupArn=group.arn,
        Attributes=[{"Key": "lambda.multi_value_headers.enabled", "Value": "true"}],
    )
    name = create(SITE)
    let_in(lambda_client, name, group.arn)
    group.takes(name)
    _, headers, body = group.ask("/?c=d&c=e")
    assert headers["X-Mode"] == "several"
    event = json.loads(body)
    assert event["multiValueQueryStringParameters"] == {"c": ["d", "e"]}
    assert event["multiValueHeaders"]["host"] == [f"127.0.0.1:{group.server.port}"]


def test_a_function_that_does_not_let_the_group_in_is_not_asked(
    server: StokerProcess, lambda_client: Any, group: Group, create: Create
) -> None:
    name = create(SITE)
    let_in(lambda_client, name, f"{group.arn}-not")
    group.takes(name)
    assert group.ask()[0] == 502
    assert f"does not let elasticloadbalancing.amazonaws.com in for {group.arn}" in (
        server.log.read_text()
    )


def test_a_group_that_has_nothing_to_ask_says_so(server: StokerProcess, elbv2: Any) -> None:
    empty, elsewhere, gone = (Group(server, elbv2) for _ in range(3))
    foreign = f"arn:aws:lambda:{REGION}:111122223333:function:f"
    elbv2.register_targets(TargetGroupArn=elsewhere.arn, Targets=[{"Id": foreign}])
    elbv2.delete_target_group(TargetGroupArn=gone.arn)
    assert [one.ask()[0] for one in (empty, elsewhere, gone)] == [503, 502, 404]
    assert b"503 Service Temporarily Unavailable" in empty.ask()[2]
    for one in (empty, elsewhere):
        elbv2.delete_target_group(TargetGroupArn=one.arn)
