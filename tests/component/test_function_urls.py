"""What answers at function URLs: who may, what the function gets, what the caller gets."""

import asyncio
import json
from pathlib import Path

import pytest

from stoker.core.errors import ServiceError, TooManyRequestsException
from stoker.core.invocation import Invocation, InvocationResult
from tests.front_door import (
    ACCOUNT,
    REGION,
    Done,
    Door,
    create_function,
    open_door,
    signed,
    target_of,
)
from tests.urls import OK, allow, answering, ask, at_the_door, fetch, make

FORBIDDEN = {
    "Message": "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
}


def test_everybody_may_once_both_permissions_are_given(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        host = await make(door, public=False)
        answer = await fetch(door, host)
        assert (answer.status, answer.json) == (403, FORBIDDEN)
        assert answer["x-amzn-ErrorType"] == "AccessDeniedException"
        await allow(door, "lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE")
        assert (await fetch(door, host)).status == 403
        await allow(door, "lambda:InvokeFunction", InvokedViaFunctionUrl=True)
        assert (await fetch(door, host)).body == b"fine"
        await ask(door, "remove_permission", StatementId="lambdainvokefunctionurl")
        assert (await fetch(door, host)).status == 403
        await allow(door, "lambda:InvokeFunctionUrl", FunctionUrlAuthType="AWS_IAM")
        assert (await fetch(door, host)).status == 403
        assert len(door.echo.invocations) == 1

    at_the_door(tmp_path, story)


def test_requests_are_counted_by_what_they_were_answered(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        host = await make(door)
        assert (await fetch(door, host)).status == 200
        answering(door, TooManyRequestsException("too many"))
        assert (await fetch(door, host)).status == 429
        answering(door, InvocationResult(b"{}", function_error="Unhandled"))
        assert (await fetch(door, host)).status == 502
        await ask(door, "remove_permission", StatementId="lambdainvokefunction")
        assert (await fetch(door, host)).status == 403
        found: dict[str, list[float]] = {}
        for (source, _), values in door.control.metrics.take().items():
            assert dict(source.dimensions) == {"FunctionName": "f", "Resource": "f:$LATEST"}
            for name, one in values.items():
                total = found.setdefault(f"{name.name} in {name.unit}", [0, 0])
                total[0] += one.count
                total[1] += one.total
        assert found.pop("UrlRequestLatency in Milliseconds")[0] == 4
        assert found == {
            "UrlRequestCount in Count": [4, 4],
            "Url4xxCount in Count": [4, 2],
            "Url5xxCount in Count": [4, 1],
        }

    at_the_door(tmp_path, story)


def test_with_aws_iam_the_account_s_own_may_if_they_sign_for_lambda(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        host = await make(door, "AWS_IAM", public=False)
        assert (await fetch(door, host)).json == FORBIDDEN
        assert (await fetch(door, host, authorization="Bearer x")).status == 403
        assert (await door.send_raw(signed(host, "GET", "/", name="s3"))).status == 403
        assert (await door.send_raw(signed(host, "GET", "/"))).body == b"fine"
        event = json.loads(door.echo.invocations[0].event)
        iam = event["requestContext"]["authorizer"]["iam"]
        assert (iam["accountId"], iam["userArn"]) == (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root")
        assert "authorization" not in event["headers"]

    at_the_door(tmp_path, story)


def test_with_aws_iam_other_accounts_need_the_policy(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        host = await make(door, "AWS_IAM", public=False)
        other = "222222222222"
        assert (await door.send_raw(signed(host, "GET", "/", key=other))).status == 403
        await allow(
            door, "lambda:InvokeFunctionUrl", principal=other, FunctionUrlAuthType="AWS_IAM"
        )
        await allow(door, "lambda:InvokeFunction", principal=other)
        assert (await door.send_raw(signed(host, "GET", "/", key=other))).status == 200
        assert (await door.send_raw(signed(host, "GET", "/", key="3" * 12))).status == 403

    at_the_door(tmp_path, story)


def test_an_environment_of_the_account_needs_no_signature(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_door(tmp_path) as door:
            await create_function(door)
            host = await make(door, "AWS_IAM", public=False)
            url_id = host.partition(".")[0]
        for account, status in ((ACCOUNT, 200), ("2" * 12, 403)):
            async with open_door(tmp_path, inside=target_of(account)) as inside:
                answering(inside, OK)
                answer = await inside.send("GET", f"/_url/{url_id}/")
                assert answer.status == status

    asyncio.run(main())


def test_a_url_is_known_to_the_next_server_on_the_folder(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_door(tmp_path) as door:
            await create_function(door)
            kept = (await make(door)).partition(".")[0]
            await ask(door, "create_alias", Name="gone", FunctionVersion="$LATEST")
            gone = await make(door, public=False, Qualifier="gone")
            await ask(door, "delete_alias", Name="gone")
        async with open_door(tmp_path) as door:
            answering(door, OK)
            assert (await door.send("GET", f"/_url/{kept}/")).body == b"fine"
            assert (await door.send("GET", f"/_url/{gone[:32]}/")).status == 403

    asyncio.run(main())


def test_other_names_are_refused_as_ever_and_unknown_urls_are_forbidden(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        host = await make(door)
        rebound = host.partition(".")[0] + f".lambda-url.{REGION}.evil.example"
        answer = await fetch(door, rebound)
        assert (answer.status, answer["x-amzn-ErrorType"]) == (403, "AccessDeniedException")
        assert b"does not answer to the name" in answer.body
        unknown = await fetch(door, "a" * 32 + f".lambda-url.{REGION}.localhost")
        assert (unknown.status, unknown.json) == (403, {"Message": "Forbidden"})
        assert door.echo.invocations == []

    at_the_door(tmp_path, story)


# ---- requests and answers ----


def test_the_function_gets_the_request_and_the_caller_its_answer(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        host = await make(door)
        headers = {"X-Mine": "1", "Set-Cookie": "not=this"}
        shown = {"statusCode": 201, "headers": headers, "cookies": ["a=b"], "body": "made"}
        answering(door, InvocationResult(json.dumps(shown).encode()))
        answer = await fetch(
            door, host, "PUT", "/a/b?c=d", b'{"e":1}', Content_Type="application/json"
        )
        assert (answer.status, answer.body) == (201, b"made")
        assert (answer["X-Mine"], answer["Content-Type"]) == ("1", "application/json")
        cookies = [value for name, value in answer.headers if name == "Set-Cookie"]
        assert cookies == ["not=this", "a=b"]
        (invocation,) = door.echo.invocations
        event = json.loads(invocation.event)
        assert (event["rawPath"], event["rawQueryString"]) == ("/a/b", "c=d")
        assert (event["body"], event["isBase64Encoded"]) == ('{"e":1}', False)
        assert event["requestContext"]["http"]["method"] == "PUT"
        assert event["requestContext"]["requestId"] == answer["x-amzn-RequestId"]
        assert event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"
        root = invocation.trace_id.partition(";")[0]
        assert event["headers"]["x-amzn-trace-id"] == root
        assert answer["X-Amzn-Trace-Id"].startswith(root)

    at_the_door(tmp_path, story)


def test_by_path_the_page_is_in_a_sandbox_of_the_browser_s(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        url_id = (await make(door)).partition(".")[0]
        answer = await door.send("GET", f"/_url/{url_id}/a?b=c")
        assert (answer.status, answer.body) == (200, b"fine")
        assert answer["Content-Security-Policy"].startswith("sandbox ")
        event = json.loads(door.echo.invocations[0].event)
        assert (event["rawPath"], event["rawQueryString"]) == ("/a", "b=c")
        # What a page there asks of the API it asks from no origin.
        asked = await door.send("GET", "/2015-03-31/functions", {"Origin": "null"})
        assert asked.status == 403

    at_the_door(tmp_path, story)


def test_web_pages_may_call_a_url_and_cors_says_what_they_may_read(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        cors = {"AllowOrigins": ["https://a"], "AllowMethods": ["*"], "AllowHeaders": ["x-a"]}
        host = await make(door, Cors=cors)
        told = await fetch(
            door, host, "OPTIONS", Origin="https://a", Access_Control_Request_Method="PUT"
        )
        assert told.status == 200
        assert told["Access-Control-Allow-Origin"] == "https://a"
        assert told["Access-Control-Allow-Methods"] == "*"
        assert door.echo.invocations == []
        found = await fetch(door, host, Origin="https://a")
        assert (found.body, found["Access-Control-Allow-Origin"]) == (b"fine", "https://a")
        stranger = await fetch(door, host, Origin="https://b")
        assert stranger.body == b"fine"
        names = {name.lower() for name, _ in stranger.headers}
        assert "access-control-allow-origin" not in names

    at_the_door(tmp_path, story)


@pytest.mark.parametrize(
    "result",
    [
        InvocationResult(b'{"errorType": "KeyError"}', "Unhandled"),
        InvocationResult(b"not json"),
        InvocationResult(b'{"statusCode": 9}'),
        InvocationResult(b'{"statusCode": 200, "headers": {"a": "b\\r\\nc: d"}}'),
        InvocationResult(b'{"statusCode": 9, "body": "' + b"x" * 100_000 + b'"}'),
        ServiceError("any other refusal"),
    ],
    ids=range(6),
)
def test_what_goes_wrong_in_the_function_is_a_502(
    tmp_path: Path, result: InvocationResult | ServiceError
) -> None:
    async def story(door: Door) -> None:
        host = await make(door)
        answering(door, result)
        answer = await fetch(door, host)
        assert (answer.status, answer.body) == (502, b"Internal Server Error")
        assert answer["Content-Type"] == "application/json"

    at_the_door(tmp_path, story)


def test_too_many_are_told_so(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        host = await make(door)
        reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
        answering(door, TooManyRequestsException("Rate Exceeded.", Reason=reason))
        answer = await fetch(door, host)
        assert answer.status == 429
        assert answer.json == {"Reason": reason, "Type": "User", "message": "Rate Exceeded."}

    at_the_door(tmp_path, story)


def test_six_megabytes_go_in_and_more_do_not(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        host = await make(door)
        most = b"x" * (6 * 1024 * 1024)
        answer = await fetch(door, host, "POST", body=most, Content_Type="text/plain")
        assert answer.status == 200
        assert json.loads(door.echo.invocations[0].event)["body"] == most.decode()
        answer = await fetch(door, host, "POST", body=most + b"x", Content_Type="text/plain")
        assert (answer.status, answer["x-amzn-ErrorType"]) == (413, "RequestTooLargeException")
        assert len(door.echo.invocations) == 1

    at_the_door(tmp_path, story)


def test_large_answers_are_read_like_small_ones(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        host = await make(door)
        body = "y" * 200_000
        answering(door, InvocationResult(json.dumps({"statusCode": 200, "body": body}).encode()))
        assert (await fetch(door, host)).body == body.encode()

    at_the_door(tmp_path, story)


def test_an_invoke_remembered_for_its_path_is_not_taken_for_a_url_s(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        host = await make(door, "AWS_IAM", public=False)
        path = "/2015-03-31/functions/f/invocations"
        for _ in range(2):
            await door.send_raw(signed(door.host, "POST", path, b"{}"))
        await door.send_raw(signed(host, "POST", path, b"{}"))
        assert json.loads(door.echo.invocations[2].event)["rawPath"] == path

    at_the_door(tmp_path, story)


# ---- streamed ----


class Streams:
    """A function that answers in these pieces."""

    def __init__(self, content_type: str, *pieces: bytes, fails: str | None = None) -> None:
        self.content_type, self.pieces, self.fails = content_type, pieces, fails

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def __call__(self, invocation: Invocation, done: Done) -> None:
        assert invocation.recipient is not None
        invocation.recipient.began(self, self.content_type)
        for piece in self.pieces:
            invocation.recipient.write(piece)
        done(InvocationResult(b"", self.fails))


PRELUDE = "application/vnd.awslambda.http-integration-response"


async def stream(door: Door, function: Streams) -> tuple[str, bytes]:
    """Head and body, as they come."""
    host = (await ask(door, "get_function_url_config"))["FunctionUrl"].split("/")[2]
    door.echo.answer = function
    reader, writer = await asyncio.open_connection(*door.host.split(":"))
    try:
        writer.write(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        async with asyncio.timeout(30):
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
    return head.decode(), body


def test_an_answer_is_streamed_behind_its_prelude(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        await make(door, InvokeMode="RESPONSE_STREAM")
        head, body = await stream(
            door,
            Streams(
                PRELUDE, b'{"statusCode":418,"headers":{"X-A":"1"},"cookies":["c=d"]}\0\0\0',
                b"\0\0\0\0\0hel", b"lo",
            ),
        )  # fmt: skip
        assert head.startswith("HTTP/1.1 418 ")
        assert "X-A: 1\r\n" in head
        assert "Set-Cookie: c=d\r\n" in head
        assert body == b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"

    at_the_door(tmp_path, story)


def test_without_a_prelude_the_stream_is_the_body(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        await make(door, InvokeMode="RESPONSE_STREAM")
        head, body = await stream(door, Streams("text/plain", b"hi"))
        assert head.startswith("HTTP/1.1 200 ")
        assert "Content-Type: text/plain\r\n" in head
        assert body == b"2\r\nhi\r\n0\r\n\r\n"

    at_the_door(tmp_path, story)


def test_a_bad_prelude_is_a_502_and_a_broken_stream_has_no_end(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        await make(door, InvokeMode="RESPONSE_STREAM")
        for function in (
            Streams(PRELUDE, b"nonsense" + bytes(8), b"more"),
            Streams(PRELUDE, b" " * 70_000, b"more"),
            Streams(PRELUDE, b"{}"),
            Streams(PRELUDE, b"{", fails="Runtime.ExitError"),
        ):
            head, body = await stream(door, function)
            assert head.startswith("HTTP/1.1 502 ")
            assert body == b"Internal Server Error"
        head, body = await stream(door, Streams("text/plain", b"hi", fails="Sandbox.Timedout"))
        assert not body.endswith(b"0\r\n\r\n")

    at_the_door(tmp_path, story)


def test_what_does_not_stream_is_handed_on_unread(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        host = await make(door, InvokeMode="RESPONSE_STREAM")
        answer = await fetch(door, host)
        assert (answer.status, answer.body) == (200, OK.payload)
        answering(door, InvocationResult(b"{}", "Unhandled"))
        assert (await fetch(door, host)).status == 502

    at_the_door(tmp_path, story)
