"""The front door over real sockets: who is let in, which operation is meant, how it answers."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from stoker.api.control import Settings
from stoker.core.queue_rules import QueueKey
from tests.front_door import (
    ACCOUNT,
    REGION,
    Answer,
    Door,
    create_function,
    open_door,
    refused,
    request_bytes,
    signed,
    target_of,
)

LIST = "/2015-03-31/functions"


def at_the_door(folder: Path, story: Callable[[Door], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        async with open_door(folder, **options) as door:
            await story(door)

    asyncio.run(main())


def test_boto3_creates_finds_and_deletes_a_function(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        created = await create_function(door, "hello")
        assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
        assert created["FunctionArn"] == f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:hello"
        listed = await door.call("lambda", "list_functions")
        assert [one["FunctionName"] for one in listed["Functions"]] == ["hello"]
        await door.call("lambda", "delete_function", FunctionName="hello")
        status, code, _ = await refused(door.call("lambda", "get_function", FunctionName="hello"))
        assert (status, code) == (404, "ResourceNotFoundException")

    at_the_door(tmp_path, story)


def test_a_list_shows_what_a_function_is_now_also_if_it_was_listed_before(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        await create_function(door, "a")
        await create_function(door, "b", Environment={"Variables": {"KEY": "v"}})
        for description in ("", "other", "third"):
            await door.call("lambda", "update_function_configuration",
                            FunctionName="b", Description=description)  # fmt: skip
            waiter = door.client("lambda").get_waiter("function_updated_v2")
            often = {"Delay": 0.05, "MaxAttempts": 600}
            await asyncio.to_thread(waiter.wait, FunctionName="b", WaiterConfig=often)
            now = await door.call("lambda", "get_function_configuration", FunctionName="b")
            assert now["Description"] == description
            for _ in range(2):
                _, shown = (await door.call("lambda", "list_functions"))["Functions"]
                assert "State" not in shown
                assert shown == {name: now[name] for name in shown}

    at_the_door(tmp_path, story)


def test_the_account_is_the_key_of_twelve_digits_and_the_region_is_the_scope_s(
    tmp_path: Path,
) -> None:
    async def story(door: Door) -> None:
        await create_function(door, "mine")
        for key, found in ((ACCOUNT, 1), ("210987654321", 0), ("AKIDEXAMPLE", 0)):
            answer = await door.send_raw(signed(door.host, "GET", LIST, key=key))
            assert len(answer.json["Functions"]) == found, key

    at_the_door(tmp_path, story)


def test_any_other_key_is_the_default_account(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        async def logs(operation: str, body: bytes, key: str) -> Answer:
            target = {"X-Amz-Target": f"Logs_20140328.{operation}"}
            return await door.send_raw(
                signed(door.host, "POST", "/", body, name="logs", key=key, **target)
            )

        await logs("CreateLogGroup", b'{"logGroupName": "g"}', "AKIDEXAMPLE")
        for key in ("AKIDEXAMPLE", "12345", "1234567890123", "١٢٣٤٥٦٧٨٩٠١٢"):
            [group] = (await logs("DescribeLogGroups", b"{}", key)).json["logGroups"]
            assert group["logGroupArn"].split(":")[4] == "999999999999"

    at_the_door(tmp_path, story, settings=Settings(account="999999999999"))


def test_a_presigned_address_is_a_signature_too(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        credential = f"{ACCOUNT}%2F20261122%2F{REGION}%2Flambda%2Faws4_request"
        answer = await door.send("GET", f"{LIST}?X-Amz-Credential={credential}")
        assert answer.status == 200

    at_the_door(tmp_path, story)


@pytest.mark.parametrize(
    ("service", "query", "named"),
    [
        ("sqs", "Action=AddPermission&Version=2012-11-05&", "sqs:AddPermission"),  # query
        ("sqs", "", "signed for sqs"),
        ("sns", "Action=ListTopics&Version=2010-03-31&", "sns:ListTopics"),
        ("logs", "", "signed for logs"),
        ("dynamodb", "", "signed for dynamodb"),
    ],
)
def test_a_presigned_address_of_what_is_not_built_is_a_typed_501(
    tmp_path: Path, service: str, query: str, named: str
) -> None:
    async def story(door: Door) -> None:
        credential = f"{ACCOUNT}%2F20261122%2F{REGION}%2F{service}%2Faws4_request"
        answer = await door.send("GET", f"/?{query}X-Amz-Credential={credential}")
        assert (answer.status, answer["x-amzn-ErrorType"]) == (501, "NotImplementedException")
        assert named in answer.body.decode()

    at_the_door(tmp_path, story)


def test_every_answer_has_one_date_and_one_request_id(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        good = await door.send_raw(signed(door.host, "GET", LIST))
        bad = await door.send_raw(signed(door.host, "GET", f"{LIST}/none"))
        for answer in (good, bad):
            assert answer["Date"].endswith("GMT")
            assert len(answer["x-amzn-RequestId"]) == 36
        assert bad["x-amzn-ErrorType"] == "ResourceNotFoundException"
        assert bad.json["Type"] == "User"

    at_the_door(tmp_path, story)


FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
UNBUILT = [
    (
        "lambda",
        "list_durable_executions_by_function",
        {"FunctionName": "f"},
        "lambda:ListDurableExecutionsByFunction",
    ),
    (
        "lambda",
        "get_durable_execution",
        {"DurableExecutionArn": f"{FUNCTION}:1/durable-execution/a/b"},
        "lambda:GetDurableExecution",
    ),
    ("logs", "describe_query_definitions", {}, "logs:DescribeQueryDefinitions"),
    ("s3", "get_object", {"Bucket": "b", "Key": "a/b c"}, "s3:GetObject"),
    ("s3", "list_buckets", {}, "s3:ListBuckets"),
    ("s3", "put_object", {"Bucket": "b", "Key": "k", "Body": b"x" * 20_000_000}, "s3:PutObject"),
    ("s3", "copy_object", {"Bucket": "b", "Key": "k", "CopySource": "a/b"}, "s3:CopyObject"),
    ("sqs", "list_message_move_tasks", {"SourceArn": "a"}, "sqs:ListMessageMoveTasks"),
    ("sns", "list_topics", {}, "sns:ListTopics"),
    ("ec2", "describe_instances", {}, "ec2:DescribeInstances"),
    ("iam", "list_users", {}, "iam:ListUsers"),
    ("dynamodb", "list_tables", {}, "dynamodb:ListTables"),
    ("dynamodbstreams", "list_streams", {}, "dynamodbstreams:ListStreams"),
    ("stepfunctions", "list_state_machines", {}, "stepfunctions:ListStateMachines"),
    ("cloudwatch", "list_dashboards", {}, "cloudwatch:ListDashboards"),
    ("elbv2", "describe_load_balancers", {}, "elbv2:DescribeLoadBalancers"),
    ("route53", "list_hosted_zones", {}, "route53:ListHostedZones"),
    ("apigateway", "get_vpc_links", {}, "apigateway:GetVpcLinks"),
    ("apigatewayv2", "get_vpc_links", {}, "apigatewayv2:GetVpcLinks"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "operation", "parameters", "called"), UNBUILT, ids=[row[3] for row in UNBUILT]
)
def test_an_operation_that_is_not_built_is_named_in_its_own_protocol(
    tmp_path: Path, name: str, operation: str, parameters: dict[str, Any], called: str
) -> None:
    async def story(door: Door) -> None:
        assert await refused(door.call(name, operation, **parameters)) == (
            501,
            "NotImplementedException",
            f"Stoker does not implement {called} yet. See docs/COMPATIBILITY.md.",
        )

    at_the_door(tmp_path, story)


def test_an_operation_that_aws_does_not_have_is_an_honest_404(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        host = door.host
        for request in (
            signed(host, "GET", "/2015-03-31/nonsense"),
            signed(host, "GET", "/nonsense", name="nonsense"),
            signed(host, "POST", "/", b"{}", name="logs", **{"X-Amz-Target": "Logs_20140328.Sing"}),
            signed(host, "POST", "/", b"{}", name="x", **{"X-Amz-Target": "Songs_2014.Sing"}),
            signed(host, "POST", "/", b"Action=Sing", name="sns"),
            request_bytes("GET", "/_stoker/nonsense", {"Host": host}, b""),
        ):
            answer = await door.send_raw(request)
            assert answer.status == 404
            assert answer["x-amzn-ErrorType"] == "UnknownOperationException"

    at_the_door(tmp_path, story)


def test_an_unknown_signing_name_leaves_it_to_the_target_and_the_path(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        by_path = await door.send_raw(signed(door.host, "GET", LIST, name="gateway"))
        assert by_path.json == {"Functions": []}
        target = {"X-Amz-Target": "Logs_20140328.DescribeLogGroups"}
        by_target = await door.send_raw(
            signed(door.host, "POST", "/", b"{}", name="gateway", **target)
        )
        assert by_target.json == {"logGroups": []}

    at_the_door(tmp_path, story)


def test_a_closing_slash_of_older_clients_makes_no_difference(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        answer = await door.send_raw(signed(door.host, "GET", f"{LIST}/"))
        assert answer.json == {"Functions": []}

    at_the_door(tmp_path, story)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "MissingAuthenticationTokenException"),
        ({"Authorization": "Bearer x"}, "IncompleteSignatureException"),
        ({"Authorization": "AWS4-HMAC-SHA256 Credential=a/b"}, "IncompleteSignatureException"),
    ],
)
@pytest.mark.parametrize("target", [{}, {"X-Amz-Target": "Logs_20140328.DescribeLogGroups"}])
def test_unsigned_requests_are_refused(
    tmp_path: Path, headers: dict[str, str], code: str, target: dict[str, str]
) -> None:
    async def story(door: Door) -> None:
        method, path = ("POST", "/") if target else ("GET", LIST)
        answer = await door.send(method, path, {**headers, **target}, b"")
        assert (answer.status, answer["x-amzn-ErrorType"]) == (403, code)
        assert ("__type" in answer.json) is bool(target)

    at_the_door(tmp_path, story)


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1", True),
        ("127.0.0.1:4566", True),
        ("localhost:4566", True),
        ("LOCALHOST", True),
        ("[::1]:4566", True),
        ("sqs.localhost:4566", True),
        ("stoker.test:1", True),
        ("evil.test", False),
        ("localhost.evil.test", False),
        ("127.0.0.1.evil.test", False),
        ("10.0.0.1:4566", False),
        ("", False),
    ],
)
def test_only_names_of_ours_are_answered(tmp_path: Path, host: str, allowed: bool) -> None:
    """A web page can point a name of its own at 127.0.0.1; the browser still says that name."""

    async def story(door: Door) -> None:
        answer = await door.send("GET", "/_stoker/health", {"Host": host})
        assert answer.status == (200 if allowed else 403)

    at_the_door(tmp_path, story, settings=Settings(hosts=frozenset({"stoker.test"})))


def test_web_pages_are_refused_but_those_that_are_configured(tmp_path: Path) -> None:
    settings = Settings(origins=frozenset({"https://console.test"}))

    async def story(door: Door) -> None:
        for origin, status in (
            ("https://console.test", 200),
            ("https://evil.test", 403),
            ("http://localhost:3000", 403),
            ("null", 403),
        ):
            answer = await door.send("GET", "/_stoker/health", {"Origin": origin})
            assert answer.status == status, origin

    at_the_door(tmp_path, story, settings=settings)


def test_who_leaves_while_it_waits_for_a_message_does_not_get_it(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        url = (await door.call("sqs", "create_queue", QueueName="q"))["QueueUrl"]
        queue = door.control.queues.find(QueueKey(ACCOUNT, REGION, "q"))
        body = json.dumps({"QueueUrl": url, "WaitTimeSeconds": 20}).encode()
        headers = {
            "Host": door.host,
            "X-Amz-Target": "AmazonSQS.ReceiveMessage",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260101/{REGION}/sqs/"
            "aws4_request, SignedHeaders=host, Signature=0",
        }
        host, _, port = door.host.rpartition(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(request_bytes("POST", "/", headers, body))
        async with asyncio.timeout(30):
            while not queue.waiting:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            writer.close()
            while queue.waiting:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        await door.call("sqs", "send_message", QueueUrl=url, MessageBody="x")
        got = await door.call("sqs", "receive_message", QueueUrl=url)
        assert [message["Body"] for message in got["Messages"]] == ["x"]

    at_the_door(tmp_path, story)


def test_health_is_told_to_anybody_who_may_call(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        for path in ("/_stoker/health", "/_localstack/health"):
            answer = await door.send("GET", path)
            assert answer.json["services"] == {
                "lambda": "running",
                "logs": "running",
                "sqs": "running",
                "application-autoscaling": "running",
                "apigateway": "running",
                "apigatewayv2": "running",
                "cloudformation": "running",
                "cloudcontrol": "running",
                "sts": "running",
                "cloudwatch": "running",
                "xray": "running",
            }

    at_the_door(tmp_path, story)


def test_a_body_too_large_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        head = signed(door.host, "POST", LIST).replace(
            b"Content-Length: 0", b"Content-Length: 80000000\r\nExpect: 100-continue"
        )
        answer = await door.send_raw(head)
        assert answer.status == 413
        assert answer["x-amzn-ErrorType"] == "RequestEntityTooLargeException"
        assert answer.json["message"] == (
            "Request must be smaller than 70167211 bytes for the CreateFunction operation"
        )

    at_the_door(tmp_path, story)


def test_a_body_cut_off_is_told_to_whoever_still_listens(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        head = signed(door.host, "POST", LIST, b"{}").replace(
            b"Content-Length: 2", b"Content-Length: 9"
        )
        answer = await door.send_raw(head, end=True)
        assert (answer.status, answer["x-amzn-ErrorType"]) == (
            400,
            "InvalidRequestContentException",
        )

    at_the_door(tmp_path, story)


def test_a_failure_of_ours_is_a_500_with_a_request_id_that_the_log_knows(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(door: Door) -> None:
        await door.control.store.close()  # type: ignore[attr-defined]
        answer = await door.send_raw(signed(door.host, "GET", LIST))
        assert (answer.status, answer["x-amzn-ErrorType"]) == (500, "ServiceException")
        assert answer["x-amzn-RequestId"] in answer.json["Message"]
        failure = next(record for record in caplog.records if record.name == "stoker.api.front")
        assert failure.levelno == logging.ERROR
        assert vars(failure)["request_id"] == answer["x-amzn-RequestId"]
        assert failure.exc_info

    at_the_door(tmp_path, story)


def test_an_environment_may_not_touch_functions_and_is_told_in_aws_words(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        who = f"arn:aws:sts::{ACCOUNT}:assumed-role/tester/caller"
        where = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:victim"
        assert await refused(door.call("lambda", "delete_function", FunctionName="victim")) == (
            403,
            "AccessDeniedException",
            f"User: {who} is not authorized to perform: lambda:DeleteFunction on resource: {where}"
            " because no identity-based policy allows the lambda:DeleteFunction action",
        )
        for operation in ("list_functions", "get_account_settings"):
            _, code, message = await refused(door.call("lambda", operation))
            assert code == "AccessDeniedException"
            assert "on resource: *" in message

    at_the_door(tmp_path, story, inside=target_of())


def test_an_environment_s_logs_are_its_own_account_s_whatever_it_signs(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        await door.call("logs", "create_log_group", logGroupName="/mine")  # signed by ACCOUNT
        found = await door.call("logs", "describe_log_groups")
        assert [group["arn"].split(":")[3:5] for group in found["logGroups"]] == [
            ["us-east-2", "555555555555"]
        ]

    here = target_of(account="555555555555", region="us-east-2")
    at_the_door(tmp_path, story, inside=here)


def test_an_environment_gets_no_code_by_link(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        answer = await door.send("GET", f"/_stoker/code/{'0' * 64}?Expires=9&Signature=x")
        assert answer.status == 403
        assert answer["x-amzn-ErrorType"] == "AccessDeniedException"
        assert (await door.send("GET", "/_stoker/health")).status == 200

    at_the_door(tmp_path, story, inside=target_of())


def test_the_link_to_a_function_s_code_downloads(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        created = await create_function(door)
        found = await door.call("lambda", "get_function", FunctionName="f")
        link = found["Code"]["Location"]
        assert link.startswith(f"{door.url}/_stoker/code/")
        answer = await door.send_raw(
            request_bytes(
                "GET", link.removeprefix(door.url), {"Host": door.host, "Connection": "close"}, b""
            )
        )
        assert answer.status == 200
        assert created["CodeSize"] > 0

    at_the_door(tmp_path, story)
