"""What a load balancer tells a function, and makes of its answer; where a target group answers."""

import base64
import json
from typing import Any

import pytest

from stoker.core.alb_events import ANSWER_BYTES, event, health_check, read
from stoker.core.proxy_events import Request
from stoker.core.target_groups import (
    MULTI_VALUE,
    GroupAddress,
    TargetGroup,
    described,
    group_asked,
)
from stoker.core.url_answers import BadAnswer

ACCOUNT, REGION = "111122223333", "eu-west-1"
ARN = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/web/0123456789abcdef"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
ONE = TargetGroup(ACCOUNT, ARN, "lambda", FUNCTION, multi_value=False)
SEVERAL = TargetGroup(ACCOUNT, ARN, "lambda", FUNCTION, multi_value=True)


def told(group: TargetGroup, body: bytes = b"", target: str = "/", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = Request("POST", target, {"host": "h:80", **named}, body, "10.0.0.9", None)
    return json.loads(event(request, group))


def test_a_request_has_the_members_of_aws_s_event_in_their_order() -> None:
    found = told(ONE, b"hi", "/a%20b?x=1&x=%202&y", content_type="text/plain", cookie="a=b")
    assert list(found) == [
        *("requestContext", "httpMethod", "path", "queryStringParameters", "headers", "body"),
        "isBase64Encoded",
    ]
    assert found["requestContext"] == {"elb": {"targetGroupArn": ARN}}
    assert (found["httpMethod"], found["path"]) == ("POST", "/a%20b")
    assert found["queryStringParameters"] == {"x": "%202", "y": ""}, "as it came, the last value"
    assert found["headers"] == {
        "host": "h:80",
        "content-type": "text/plain",
        "cookie": "a=b",
        "x-forwarded-for": "10.0.0.9",
        "x-forwarded-port": "80",
        "x-forwarded-proto": "http",
    }
    assert (found["body"], found["isBase64Encoded"]) == ("hi", False)


def test_with_multi_value_headers_there_are_lists_and_nothing_else() -> None:
    found = told(SEVERAL, target="/?x=1&x=2")
    assert found["multiValueQueryStringParameters"] == {"x": ["1", "2"]}
    assert found["multiValueHeaders"]["host"] == ["h:80"]
    assert not {"headers", "queryStringParameters"} & found.keys()
    assert told(ONE)["queryStringParameters"] == {}
    assert told(SEVERAL)["multiValueQueryStringParameters"] == {}


@pytest.mark.parametrize(
    ("kind", "encoding", "body", "is_text"),
    [
        ("application/json; charset=utf-8", None, b"{}", True),
        ("application/xml", None, b"<a/>", True),
        ("text/html", None, b"<a>", True),
        ("text/html", None, b"\xff", False),
        ("text/html", "gzip", b"<a>", False),
        ("application/x-www-form-urlencoded", None, b"a=b", False),
        (None, None, b"a", False),
        (None, None, b"", True),
    ],
)
def test_a_body_is_base64_unless_its_type_says_text(
    kind: str | None, encoding: str | None, body: bytes, is_text: bool
) -> None:
    headers = {"content_type": kind, "content_encoding": encoding}
    found = told(ONE, body, **{name: value for name, value in headers.items() if value})
    assert found["isBase64Encoded"] is not is_text
    text = body.decode() if is_text else base64.b64encode(body).decode()
    assert found["body"] == text


def test_a_health_check_has_one_header() -> None:
    found = json.loads(health_check(ONE, "/ping"))
    assert (found["httpMethod"], found["path"], found["body"]) == ("GET", "/ping", "")
    assert found["headers"] == {"user-agent": "ELB-HealthChecker/2.0"}
    several = json.loads(health_check(SEVERAL, "/"))["multiValueHeaders"]
    assert several == {"user-agent": ["ELB-HealthChecker/2.0"]}


def answered(answer: object, multi_value: bool = False) -> tuple[int, dict[str, str], bytes]:
    head, body = read(json.dumps(answer).encode(), multi_value=multi_value)
    return head.status, {name.lower(): value for name, value in head.headers}, body


def test_an_answer_becomes_http_without_what_the_balancer_says_itself() -> None:
    answer = {
        "statusCode": 404,
        "statusDescription": "404 Not Found",
        "headers": {"X-A": "b", "Connection": "close", "WWW-Authenticate": "Basic", "Date": "x"},
        "multiValueHeaders": {"X-Other": ["c"]},
        "body": base64.b64encode(b"\0").decode(),
        "isBase64Encoded": True,
    }
    status, headers, body = answered(answer)
    assert (status, body) == (404, b"\0")
    assert headers == {
        "x-a": "b",
        "www-authenticate": "Basic",
        "content-type": "application/octet-stream",
    }
    _, headers, _ = answered(answer, multi_value=True)
    assert headers == {"x-other": "c", "content-type": "application/octet-stream"}
    two = {"statusCode": 200, "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]}}
    head, _ = read(json.dumps(two).encode(), multi_value=True)
    assert head.headers[:2] == [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]


@pytest.mark.parametrize(
    "answer",
    [
        "text",
        None,
        [],
        {},
        {"statusCode": "ok"},
        {"statusCode": 99},
        {"statusCode": 200, "statusDescription": 200},
        {"statusCode": 200, "headers": []},
        {"statusCode": 200, "headers": {"a b": "c"}},
        {"statusCode": 200, "headers": {"a": "c\r\nd: e"}},
        {"statusCode": 200, "headers": {"a": ["b"]}},
        {"statusCode": 200, "body": {}},
        {"statusCode": 200, "body": "?", "isBase64Encoded": True},
        {"statusCode": 200, "body": "x" * ANSWER_BYTES},
    ],
)
def test_what_is_no_answer_is_found(answer: object) -> None:
    with pytest.raises(BadAnswer):
        answered(answer)
    with pytest.raises(BadAnswer):
        read(b"{", multi_value=False)
    many = {"statusCode": 200, "multiValueHeaders": {"a": ["b"] * 2000}}
    with pytest.raises(BadAnswer):
        answered(many, multi_value=True)


@pytest.mark.parametrize(
    ("host", "target", "found"),
    [
        ("localhost:80", f"/_alb/{ACCOUNT}/{REGION}/We-b", ("We-b", "/")),
        ("localhost:80", f"/_alb/{ACCOUNT}/{REGION}/We-b/a/b?c=d/e", ("We-b", "/a/b?c=d/e")),
        ("localhost:80", f"/_alb/{ACCOUNT}/{REGION}/We-b?c", ("We-b", "/?c")),
        (f"we-b-{ACCOUNT}.{REGION}.ELB.localhost:4566", "/a?b", ("we-b", "/a?b")),
        (f"web-1.{REGION}.elb.localhost", "/", None),
        ("localhost", f"/_alb/{ACCOUNT}/{REGION}/", None),
        ("localhost", "/_alb/1/2/3", None),
        ("localhost", "/", None),
    ],
)
def test_a_group_is_asked_by_name_or_by_path(
    host: str, target: str, found: tuple[str, str] | None
) -> None:
    wanted = found and GroupAddress(ACCOUNT, REGION, *found)
    assert group_asked(host, target) == wanted


def test_a_group_is_what_elastic_load_balancing_says_of_it() -> None:
    group = {"TargetGroupArn": ARN, "TargetType": "lambda"}
    health = [{"Target": {"Id": FUNCTION}}]
    assert described(ACCOUNT, group, health, [{"Key": MULTI_VALUE, "Value": "true"}]) == SEVERAL
    assert described(ACCOUNT, group, [], []).target == ""
    assert described(ACCOUNT, group, health, []) == ONE
