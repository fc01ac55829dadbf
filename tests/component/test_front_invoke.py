"""Invoke over real sockets: from headers and body to the invocation, from its result to the
answer."""

import asyncio
import base64
import json
import re
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from stoker.core import lineage
from stoker.core.errors import ServiceError, TooManyRequestsException
from stoker.core.invocation import Invocation, InvocationResult
from tests.front_door import (
    ACCOUNT,
    REGION,
    Answer,
    Done,
    Door,
    create_function,
    open_door,
    read_answer,
    refused,
    signed,
    target_of,
)

INVOKE = "/2015-03-31/functions/f/invocations"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
ROOT = "1-5759e988-bd862e3fe1be46a994272793"


def with_function(folder: Path, story: Callable[[Door], Awaitable[None]], **options: Any) -> None:
    """At a door where function `f` is Active."""

    async def main() -> None:
        async with open_door(folder) as door:
            await create_function(door)
            await story(door)

    asyncio.run(main())


async def invoke(door: Door, body: bytes = b"{}", path: str = INVOKE, **headers: str) -> Answer:
    return await door.send_raw(signed(door.host, "POST", path, body, **headers))


def test_boto3_gets_what_the_function_answered(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        answer = await door.call("lambda", "invoke", FunctionName="f", Payload=b'{"a": 1}')
        assert answer["Payload"] == b'{"a": 1}'
        assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
        assert "FunctionError" not in answer
        [invocation] = door.echo.invocations
        assert answer["ResponseMetadata"]["RequestId"] == invocation.request_id
        assert uuid.UUID(invocation.request_id).version == 4
        assert invocation.target.name == "f"
        assert invocation.event == b'{"a": 1}'
        assert invocation.invoked_arn == ARN

    with_function(tmp_path, story)


def test_the_second_invocation_takes_the_fast_path_to_the_same_answer(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        answers = [await invoke(door, b"[%d]" % number) for number in range(3)]
        assert [answer.body for answer in answers] == [b"[0]", b"[1]", b"[2]"]
        shape = [[name for name, _ in answer.headers] for answer in answers]
        assert shape[0] == shape[1] == shape[2]
        assert len({answer["x-amzn-RequestId"] for answer in answers}) == 3
        assert all(answer["Date"] for answer in answers)

    with_function(tmp_path, story)


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"name": "sqs"},
        {"name": "s3"},
        {"key": "210987654321"},
        {"key": "AKIAIOSFODNN7EXAMPLE"},
        {"key": "strange/key"},
        {"smithy-protocol": "rpc-v2-cbor"},
        {"x-amz-target": "AWSLambda.Invoke"},
        {"x-amz-invocation-type": "Never"},
        {"x-amz-log-type": "Head"},
    ],
)
def test_the_short_way_and_the_long_way_end_alike(tmp_path: Path, facts: dict[str, str]) -> None:
    """A closing slash takes the long way: through the service's model."""

    async def story(door: Door) -> None:
        short = await door.send_raw(signed(door.host, "POST", INVOKE, b"[1]", **facts))
        long = await door.send_raw(signed(door.host, "POST", INVOKE + "/", b"[1]", **facts))
        assert short.status == long.status
        assert (short.body == long.body) or b"operation" in short.body, "that quotes its path"
        named = [[name for name, _ in answer.headers] for answer in (short, long)]
        assert named[0] == named[1]
        assert (short.status == 200) == (len(door.echo.invocations) == 2)

    with_function(tmp_path, story)


def test_what_is_remembered_of_a_caller_does_not_outlive_the_function(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        assert (await invoke(door)).status == 200
        await door.call("lambda", "delete_function", FunctionName="f")
        answer = await invoke(door)
        assert (answer.status, answer["x-amzn-ErrorType"]) == (404, "ResourceNotFoundException")
        assert answer.json == {"Type": "User", "Message": f"Function not found: {ARN}"}

    with_function(tmp_path, story)


def test_another_account_invokes_what_its_policy_allows(tmp_path: Path) -> None:
    other = "222222222222"

    async def story(door: Door) -> None:
        await door.call("lambda", "publish_version", FunctionName="f")

        async def ask(name: str = ARN, key: str = other) -> Answer:
            path = f"/2015-03-31/functions/{name}/invocations"
            return await door.send_raw(signed(door.host, "POST", path, b"{}", key=key))

        denied = await ask()
        assert (denied.status, denied["x-amzn-ErrorType"]) == (403, "AccessDeniedException")
        assert denied.json["Message"] == (
            f"User: arn:aws:iam::{other}:root is not authorized to perform: lambda:InvokeFunction "
            f"on resource: {ARN} because no resource-based policy allows the lambda:InvokeFunction "
            "action"
        )
        assert (await ask(f"{ARN}x")).status == 403  # and not: there is none
        await door.call(
            "lambda", "add_permission", FunctionName="f", StatementId="s", Principal=other,
            Action="lambda:InvokeFunction",
        )  # fmt: skip
        for _ in range(2):  # also once the address is remembered
            assert (await ask()).status == 200
        assert (await ask(key="333333333333")).status == 403
        assert (await ask(f"{ARN}:1")).status == 403  # which has a policy of its own
        assert {one.target.account for one in door.echo.invocations} == {ACCOUNT}
        await door.call("lambda", "remove_permission", FunctionName="f", StatementId="s")
        assert (await ask()).status == 403

    with_function(tmp_path, story)


def test_a_deny_counts_for_the_account_itself(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        statement = {
            "Effect": "Deny", "Principal": "*", "Action": "lambda:*", "Resource": ARN,
        }  # fmt: skip
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        assert (await invoke(door)).status == 200
        await door.call("lambda", "put_resource_policy", ResourceArn=ARN, Policy=policy)
        answer = await invoke(door)
        assert answer.status == 403
        assert answer.json["Message"].endswith("with an explicit deny in a resource-based policy")
        await door.call("lambda", "delete_resource_policy", ResourceArn=ARN)
        assert (await invoke(door)).status == 200

    with_function(tmp_path, story)


def test_one_caller_s_function_is_not_another_account_s(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        assert (await invoke(door)).status == 200
        stranger = signed(door.host, "POST", INVOKE, b"{}", key="210987654321")
        assert (await door.send_raw(stranger)).status == 404

    with_function(tmp_path, story)


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("f", ""),
        (ARN, ""),
        (f"{ACCOUNT}:function:f", ""),
        ("function:f", ""),
        ("f:$LATEST", ":$LATEST"),
        (f"{ARN}:$LATEST", ":$LATEST"),
    ],
)
def test_a_function_goes_by_every_name_that_aws_knows(
    tmp_path: Path, name: str, suffix: str
) -> None:
    async def story(door: Door) -> None:
        await door.call("lambda", "invoke", FunctionName=name)
        assert door.echo.invocations[0].invoked_arn == ARN + suffix

    with_function(tmp_path, story)


def test_the_qualifier_may_stand_in_the_query_and_must_not_contradict(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        await door.call("lambda", "invoke", FunctionName="f", Qualifier="$LATEST")
        assert door.echo.invocations[0].invoked_arn == f"{ARN}:$LATEST"
        status, code, _ = await refused(
            door.call("lambda", "invoke", FunctionName="f:$LATEST", Qualifier="7")
        )
        assert (status, code) == (400, "InvalidParameterValueException")
        _, code, message = await refused(door.call("lambda", "invoke", FunctionName="f:7"))
        assert (code, message) == ("ResourceNotFoundException", f"Function not found: {ARN}:7")

    with_function(tmp_path, story)


NOT_JSON = (400, "InvalidRequestContentException", "Could not parse request body into json: ")
NO_CONTEXT = (400, "InvalidRequestContentException", "Client context must be")
INVALID = (400, "ValidationException")
UNBUILT = (501, "NotImplementedException")
TOO_LARGE = "Request must be smaller than 6291456 bytes for the InvokeFunction operation"
ELSEWHERE = f"arn:aws:lambda:us-west-2:{ACCOUNT}:function:f"
STRANGE = f"arn:aws:lambda:{REGION}:210987654321:function:f"


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"FunctionName": "a b"}, (*INVALID, "Value 'a b' at 'functionName'")),
        ({"Qualifier": "?"}, (*INVALID, "Value '?' at 'qualifier'")),
        ({"LogType": "Head"}, (*INVALID, "Value 'Head' at 'logType'")),
        ({"InvocationType": "Now"}, (*INVALID, "Value 'Now' at 'invocationType'")),
        ({"InvocationType": "Event", "Payload": b"{"}, NOT_JSON),
        (
            {"InvocationType": "Event", "Payload": b"1" * 1_048_577},
            (413, "RequestTooLargeException", TOO_LARGE.replace("6291456", "1048576")),
        ),
        ({"DurableExecutionName": "d"}, (*UNBUILT, "durable executions")),
        ({"ClientContext": "e30"}, NO_CONTEXT),
        ({"ClientContext": "W10="}, NO_CONTEXT),
        ({"ClientContext": base64.b64encode(b"{}" + b" " * 3000).decode()}, NO_CONTEXT),
        ({"Payload": b"{"}, NOT_JSON),
        ({"Payload": b"NaN"}, NOT_JSON),
        ({"Payload": b"[" + b"1," * 90_000}, NOT_JSON),
        ({"Payload": b'"' + b"\xff" * 90_000 + b'"'}, NOT_JSON),
        ({"Payload": b"{}" + b"\0" * 90_000}, NOT_JSON),
        ({"Payload": b" " * 6_291_457}, (413, "RequestTooLargeException", TOO_LARGE)),
        ({"FunctionName": ELSEWHERE}, (404, "ResourceNotFoundException", "not reachable")),
        ({"FunctionName": STRANGE}, (403, "AccessDeniedException", "no resource-based policy")),
    ],
)
@pytest.mark.parametrize("before", [False, True], ids=["first", "repeated"])
def test_a_bad_request_is_told_why_and_reaches_no_function(
    tmp_path: Path, parameters: dict[str, Any], told: tuple[int, str, str], before: bool
) -> None:
    async def story(door: Door) -> None:
        if before:
            await door.call("lambda", "invoke", FunctionName="f")
            door.echo.invocations.clear()
        call = door.call("lambda", "invoke", **{"FunctionName": "f", **parameters})
        status, code, message = await refused(call)
        assert (status, code) == told[:2]
        assert told[2] in message
        assert door.echo.invocations == []

    with_function(tmp_path, story)


def test_an_absent_payload_is_an_empty_object(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        await invoke(door, b"")
        assert door.echo.invocations[0].event == b"{}"

    with_function(tmp_path, story)


@pytest.mark.parametrize("size", [0, 70_000, 6_291_454])
def test_an_event_arrives_byte_for_byte_whatever_its_size(tmp_path: Path, size: int) -> None:
    async def story(door: Door) -> None:
        event = b'"' + b"x" * size + b'"'
        for _ in range(2):
            answer = await invoke(door, event)
            assert answer.status == 200
            assert answer.body == event
            assert door.echo.invocations.pop().event == event

    with_function(tmp_path, story)


def test_a_dry_run_checks_and_runs_nothing(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        answer = await door.call("lambda", "invoke", FunctionName="f", InvocationType="DryRun")
        assert answer["StatusCode"] == 204
        _, code, _ = await refused(
            door.call("lambda", "invoke", FunctionName="g", InvocationType="DryRun")
        )
        assert code == "ResourceNotFoundException"
        assert door.echo.invocations == []

    with_function(tmp_path, story)


def test_the_tail_of_the_log_comes_back_when_asked_for(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        def answer(invocation: Invocation, done: Done) -> None:
            tail = b"START\nEND\n\xff" if invocation.tail else None
            done(InvocationResult(b"null", log_tail=tail))

        door.echo.answer = answer
        with_tail = await door.call("lambda", "invoke", FunctionName="f", LogType="Tail")
        assert base64.b64decode(with_tail["LogResult"]) == b"START\nEND\n\xff"
        without = await door.call("lambda", "invoke", FunctionName="f", LogType="None")
        assert "LogResult" not in without

    with_function(tmp_path, story)


def test_a_function_error_is_a_result(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        fault = b'{"errorMessage":"no"}'
        door.echo.answer = lambda _, done: done(InvocationResult(fault, "Unhandled", "3"))
        answer = await door.call("lambda", "invoke", FunctionName="f")
        assert answer["StatusCode"] == 200
        assert (answer["FunctionError"], answer["ExecutedVersion"]) == ("Unhandled", "3")
        assert answer["Payload"] == fault

    with_function(tmp_path, story)


def test_a_refusal_of_the_invoker_keeps_its_fields(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        refusal: ServiceError = TooManyRequestsException(
            "Rate Exceeded.", Reason="ConcurrentInvocationLimitExceeded", retryAfterSeconds="1"
        )
        door.echo.answer = lambda _, done: done(refusal)
        answer = await invoke(door)
        assert (answer.status, answer["Retry-After"]) == (429, "1")
        assert answer.json == {
            "Type": "User",
            "message": "Rate Exceeded.",
            "Reason": "ConcurrentInvocationLimitExceeded",
        }

    with_function(tmp_path, story)


def test_the_client_context_is_handed_on_decoded_and_on_one_line(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        for text in (b'{"custom": {"a": 1}}', '{"ü":1}'.encode(), b'{\r\n"a":\n1}'):
            encoded = base64.b64encode(text).decode()
            await door.call("lambda", "invoke", FunctionName="f", ClientContext=encoded)
            got = door.echo.invocations.pop().client_context
            assert json.loads(got) == json.loads(text)
            assert "\n" not in got and "\r" not in got

    with_function(tmp_path, story)


def test_a_trace_is_minted_or_handed_on_and_its_root_told(tmp_path: Path) -> None:
    async def traced(door: Door, **headers: str) -> tuple[str, str]:
        answer = await invoke(door, **headers)
        return door.echo.invocations.pop().trace_id, answer["X-Amzn-Trace-Id"]

    async def story(door: Door) -> None:
        minted, told = await traced(door)
        found = re.fullmatch(
            r"Root=(1-[0-9a-f]{8}-[0-9a-f]{24});Parent=[0-9a-f]{16};Sampled=0"
            r";Lineage=[0-9a-f]{8}:0",
            minted,
        )
        assert found
        assert told == f"root={found[1]};sampled=0"

        given = f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:1"
        handed, told = await traced(door, **{"X-Amzn-Trace-Id": given})
        assert told == f"root={ROOT};sampled=1"
        assert re.fullmatch(re.escape(given) + r"\|[0-9a-f]{8}:0", handed)

        completed, told = await traced(door, **{"X-Amzn-Trace-Id": "Self=1-2-3"})
        assert re.match(r"Root=1-\w{8}-\w{24};Self=1-2-3;", completed)

    with_function(tmp_path, story)


def test_a_chain_of_calls_that_comes_back_too_often_is_refused_unless_allowed(
    tmp_path: Path,
) -> None:
    async def story(door: Door) -> None:
        await invoke(door)
        trace = door.echo.invocations.pop().trace_id
        for _ in range(lineage.TURNS - 1):
            answer = await invoke(door, **{"X-Amzn-Trace-Id": trace})
            assert answer.status == 200
            trace = door.echo.invocations.pop().trace_id
        answer = await invoke(door, **{"X-Amzn-Trace-Id": trace})
        assert (answer.status, answer["x-amzn-ErrorType"]) == (400, "RecursiveInvocationException")
        assert door.echo.invocations == []
        allowed = {"FunctionName": "f", "RecursiveLoop": "Allow"}
        await door.call("lambda", "put_function_recursion_config", **allowed)
        assert (await invoke(door, **{"X-Amzn-Trace-Id": trace})).status == 200

    with_function(tmp_path, story)


def test_the_content_type_of_the_event_is_handed_on(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        await invoke(door, **{"Content-Type": "application/x-json"})
        await door.call("lambda", "invoke", FunctionName="f")
        assert [one.content_type for one in door.echo.invocations] == [
            "application/x-json",
            "application/json",
        ]

    with_function(tmp_path, story)


def test_a_client_that_vanishes_leaves_its_invocation_alone(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        waiting: asyncio.Queue[Done] = asyncio.Queue()
        door.echo.answer = lambda _, done: waiting.put_nowait(done)
        host, _, port = door.host.rpartition(":")
        for _ in range(2):  # the second over the fast path
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(signed(door.host, "POST", INVOKE, b"{}"))
            done = await waiting.get()
            writer.close()
            await writer.wait_closed()
            done(InvocationResult(b"too late"))
            assert await reader.read() == b""
        door.echo.answer = lambda _, done: done(InvocationResult(b"1"))
        assert (await invoke(door)).body == b"1"

    with_function(tmp_path, story)


def test_invocations_over_one_connection_are_answered_in_turn(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        host, _, port = door.host.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        for number in range(20):
            writer.write(signed(door.host, "POST", INVOKE, b"%d" % number))
        for number in range(20):
            assert (await read_answer(reader)).body == b"%d" % number
        writer.close()
        await writer.wait_closed()

    with_function(tmp_path, story)


def test_an_environment_invokes_as_itself_whatever_it_signs(tmp_path: Path) -> None:
    async def create() -> None:
        async with open_door(tmp_path) as door:
            await create_function(door)

    async def from_inside() -> None:
        async with open_door(tmp_path, inside=target_of()) as door:
            for key in ("210987654321", "AKIDEXAMPLE", ACCOUNT):
                for _ in range(2):
                    request = signed(door.host, "POST", INVOKE, b"{}", key=key)
                    assert (await door.send_raw(request)).status == 200
            assert {one.target.account for one in door.echo.invocations} == {ACCOUNT}

    asyncio.run(create())
    asyncio.run(from_inside())
