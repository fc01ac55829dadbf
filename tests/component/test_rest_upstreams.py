"""Integrations of REST APIs with other servers, and with AWS's services through our own door."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.backends import open_backend
from tests.front_door import ACCOUNT, REGION, Door, at_the_door
from tests.rest_apis import X, ask, fetch, make, mapped, told

ROLE = f"arn:aws:iam::{ACCOUNT}:role/api"
ANSWER = (
    b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nX-Back: there\r\nContent-Length: %d\r\n"
    b"\r\n%b"
)


def answering(body: bytes, status: int = 200) -> bytes:
    return ANSWER % (status, len(body), body)


def proxy(uri: str, **more: Any) -> dict[str, Any]:
    integration = {"type": "http_proxy", "httpMethod": "ANY", "uri": uri, **more}
    return {"x-amazon-apigateway-any-method": {f"{X}-integration": integration}}


def aws(uri: str, **more: Any) -> dict[str, Any]:
    """A method with an AWS integration; a status of 4xx is shown as 409."""
    responses = {
        "default": {"statusCode": "200"},
        "4\\d{2}": {"statusCode": "409", "responseTemplates": {"application/json": "refused"}},
    }
    uri = f"arn:aws:apigateway:{REGION}:{uri}"
    given = {"type": "aws", "uri": uri, "credentials": ROLE, "responses": responses}
    return {"post": mapped(**{**given, **more})}


def test_a_request_goes_on_as_it_is_and_so_does_its_answer(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        async with open_backend() as backend:
            base = f"http://127.0.0.1:{backend.port}"
            parameters = {
                "integration.request.path.rest": "method.request.path.rest",
                "integration.request.querystring.q": "'set'",
                "integration.request.header.X-Added": "context.httpMethod",
            }
            api = await make(
                door,
                {"/base/{rest+}": proxy(f"{base}/v1/{{rest}}?k=1", requestParameters=parameters)},
            )
            answer = await fetch(
                door, api, "/base/a%20b/c?q=old&x=%2F&x=2", "PATCH", b"\0body", authorization="k"
            )
            assert (answer.status, answer.body) == (418, b"fine")
            assert [v for k, v in answer.headers if k == "Set-Cookie"] == ["a=b", "c=d"]
            head = backend.heads[0]
            assert head.startswith("patch /v1/a%20b/c?k=1&q=set&x=%2f&x=2 http/1.1")
            assert f"host: 127.0.0.1:{backend.port}" in head
            assert "authorization: k" in head
            assert "x-added: patch" in head
            assert f"via: 1.1 {api}.execute-api" in head
            assert backend.bodies == [b"\0body"]
            assert (await fetch(door, api, "/base/../x")).status == 500
            assert (await fetch(door, api, "/base/x", via=f"1.1 {api}.execute-api")).status == 500
            assert len(backend.heads) == 1

    at_the_door(tmp_path, story)


def test_templates_make_a_server_s_request_and_the_answer_by_its_status(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        async with open_backend() as backend:
            integration = {
                "type": "http",
                "httpMethod": "PUT",
                "uri": f"http://127.0.0.1:{backend.port}/things/{{id}}",
                "requestParameters": {
                    "integration.request.path.id": "method.request.body.id",
                    "integration.request.header.X-Who": "method.request.header.Who",
                },
                "requestTemplates": {"application/json": '{"wrapped": $input.json("$.n")}'},
                "responses": {
                    "default": {
                        "statusCode": "200",
                        "responseParameters": {
                            "method.response.header.X-From": "integration.response.header.X-Back"
                        },
                        "responseTemplates": {"application/json": '{"got": $input.json("$.m")}'},
                    },
                    "4\\d{2}": {"statusCode": "409"},
                },
            }
            api = await make(door, {"/": {"post": mapped(**integration)}})
            backend.answer = answering(b'{"m": [1]}')
            body = b'{"id": "a/b", "n": 7}'
            answer = await fetch(door, api, "/", "POST", body, who="me", secret="not passed on")
            assert told(answer) == (200, {"got": [1]})
            assert answer["X-From"] == "there"
            head = backend.heads[0]
            assert head.startswith("put /things/a%2fb http/1.1")
            assert "x-who: me" in head
            assert "secret" not in head
            assert backend.bodies == [b'{"wrapped": 7}']
            backend.answer = answering(b'{"m": 2}', 404)
            assert told(await fetch(door, api, "/", "POST", body)) == (409, {"m": 2})
            assert (await fetch(door, api, "/", "POST", b'{"n": 1}')).status == 500, "no id"
            assert len(backend.heads) == 2

    at_the_door(tmp_path, story)


def test_who_is_not_there_or_silent_or_says_too_much_is_a_504(tmp_path: Path) -> None:
    failed = {"message": "Network error communicating with endpoint"}

    async def story(door: Door) -> None:
        async with open_backend() as backend:
            base = f"http://127.0.0.1:{backend.port}/"
            api = await make(door, {"/": proxy(base), "/slow": proxy(base, timeoutInMillis=50)})
            backend.answer = b""
            answer = await fetch(door, api, "/slow")
            assert told(answer) == (504, {"message": "Endpoint request timed out"})
            large = b"x" * (10 * 1024 * 1024 + 1)
            for bad in (b"what?", answering(large)):
                backend.answer = bad
                assert told(await fetch(door, api)) == (504, failed)
        assert told(await fetch(door, api)) == (504, failed)

    at_the_door(tmp_path, story)


def test_nobody_reaches_the_server_s_own_api_through_an_integration(tmp_path: Path) -> None:
    """Whoever may ask the API could sign as any account there. Other APIs are reached."""

    async def story(door: Door) -> None:
        other = await make(
            door, {"/": {"get": {f"{X}-integration": {
                "type": "mock", "requestTemplates": {"application/json": '{"statusCode": 200}'},
                "responses": {"default": {"statusCode": "200"}},
            }, "responses": {"200": {}}}}},
        )  # fmt: skip
        parameters = {"integration.request.path.rest": "method.request.path.rest"}
        api = await make(
            door, {"/{rest+}": proxy(f"http://{door.host}/{{rest}}", requestParameters=parameters)}
        )
        signature = f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260101/{REGION}/lambda/aws4_request"
        listed = "/2015-03-31/functions"
        assert (await door.send("GET", listed, {"Authorization": signature})).status == 200
        answer = await fetch(door, api, listed, authorization=signature)
        assert answer.status == 403
        assert "this server's own API" in answer.body.decode()
        assert (await fetch(door, api, "/_stoker/api/environments")).status == 403
        through = await fetch(door, api, f"/restapis/{other}/dev/_user_request_/")
        assert through.status == 200

    at_the_door(tmp_path, story)


def test_messages_and_log_events_are_sent_without_a_function(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        queue = (await door.call("sqs", "create_queue", QueueName="q"))["QueueUrl"]
        await door.call("logs", "create_log_group", logGroupName="g")
        form = {"integration.request.header.Content-Type": "'application/x-www-form-urlencoded'"}
        body = "Action=SendMessage&MessageBody=$util.urlEncode($input.json('$'))"
        asked = {
            "integration.request.querystring.MessageBody": "method.request.querystring.m",
            "integration.request.querystring.QueueUrl": f"'{queue}'",
        }
        api = await make(
            door,
            {
                "/path": aws(
                    f"sqs:path/{ACCOUNT}/q",
                    requestParameters=form,
                    requestTemplates={"application/json": body},
                ),
                "/action": aws("sqs:action/SendMessage", requestParameters=asked),
                "/logs": aws(
                    "logs:action/CreateLogStream",
                    requestTemplates={
                        "application/json": '{"logGroupName": "g",'
                        ' "logStreamName": $input.json("$.name")}'
                    },
                ),
            },
        )
        assert (await fetch(door, api, "/path", "POST", b'{"n": "\xc3\xa4"}')).status == 200
        assert (await fetch(door, api, "/action?m=hello", "POST")).status == 200
        bodies = []
        for _ in range(2):
            got = await door.call("sqs", "receive_message", QueueUrl=queue, WaitTimeSeconds=20)
            bodies.append(got["Messages"][0]["Body"])
        assert json.loads(bodies[0]) == {"n": "ä"}
        assert bodies[1] == "hello"
        for expected in ((200, b""), (409, b"refused")):  # the second is already there
            answer = await fetch(door, api, "/logs", "POST", b'{"name": "s"}')
            assert (answer.status, answer.body.strip(b"{}")) == expected

    at_the_door(tmp_path, story)


def test_a_path_that_callers_choose_leads_to_sqs_and_to_no_page_of_ours(
    tmp_path: Path,
) -> None:
    async def story(door: Door) -> None:
        rest = {"integration.request.path.x": "method.request.path.x"}
        api = await make(door, {"/{x+}": aws("sqs:path/{x}", requestParameters=rest)})
        for page in ("metrics", "metrics/", "_stoker/api/events", "_stoker/health"):
            assert (await fetch(door, api, f"/{page}", "POST")).status in (500, 504), page
        there_is_none = await fetch(door, api, f"/{ACCOUNT}/q", "POST")
        assert there_is_none.status == 409, "the service itself refuses"

    at_the_door(tmp_path, story)


def test_aws_is_asked_with_a_role_of_the_api_s_account(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        for credentials, why in ((None, "Role ARN must be specified"), ("nobody", "Invalid ARN")):
            with pytest.raises(ClientError, match=why):
                await make(door, {"/": aws("sqs:path/1/q", credentials=credentials)})
        await door.call("sqs", "create_queue", QueueName="q")
        others = ROLE.replace(ACCOUNT, "1" * 12)
        uri, body = f"sqs:path/{ACCOUNT}/q", {"application/json": "Action=PurgeQueue"}
        api = await make(
            door,
            {
                "/others": aws(uri, credentials=others, requestTemplates=body),
                "/caller": aws(uri, credentials="arn:aws:iam::*:user/*", requestTemplates=body),
            },
        )
        for path in ("/others", "/caller"):
            assert (await fetch(door, api, path, "POST")).status == 500

    at_the_door(tmp_path, story)


def test_what_an_api_sends_is_a_stranger_s_here_whatever_its_owner_maps(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        scope = f"{'2' * 12}/20260101/{REGION}/sqs/aws4_request"
        signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
        here = f"{door.url}/?Action=ListQueues&Version=2012-11-05"
        assert (await door.send("GET", here, {"Authorization": signed})).status == 200
        key = {"integration.request.header.Authorization": "method.request.header.Authorization"}
        template = '#set($context.requestOverride.header.Via = "x"){}'
        api = await make(
            door,
            {
                "/mapped": proxy(
                    here, requestParameters={"integration.request.header.Via": "'x'"}
                ),
                "/set": {
                    "post": mapped(
                        type="http", httpMethod="POST", uri=here, requestParameters=key,
                        requestTemplates={"application/json": template},
                        responses={"default": {"statusCode": "200"}},
                    )
                },
            },
        )  # fmt: skip
        for path in ("/mapped", "/set"):
            answer = await fetch(door, api, path, "POST", b"{}", authorization=signed)
            assert b"Requests that come through an API" in answer.body

    at_the_door(tmp_path, story)


def test_no_integration_reaches_this_server_s_own_pages(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        key = {"integration.request.path.k": "method.request.path.k"}
        integration = aws("s3:path/{k}", httpMethod="GET", requestParameters=key)
        api = await make(door, {"/{k+}": {"get": integration["post"]}})
        assert (await door.send("GET", "/_stoker/health")).status == 200
        for page in ("_stoker/health", "_stoker/api/environments", "%5Fstoker/health"):
            assert (await fetch(door, api, f"/{page}")).status == 500

    at_the_door(tmp_path, story)


def test_what_is_not_built_is_kept_and_answered_501_by_name(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        uri = "http://127.0.0.1/"
        api = await make(
            door,
            {
                "/rekognition": aws("rekognition:action/DetectFaces"),
                "/link": proxy(uri, connectionType="VPC_LINK", connectionId="c"),
                "/insecure": proxy(uri, tlsConfig={"insecureSkipVerification": True}),
            },
        )
        for path, named in (
            ("/rekognition", "with rekognition"), ("/link", "with VPC_LINK"),
            ("/insecure", "with insecureSkipVerification"),
        ):  # fmt: skip
            answer = await fetch(door, api, path, "POST")
            assert (answer.status, answer["x-amzn-ErrorType"]) == (501, "NotImplementedException")
            assert named in answer.body.decode()
        await ask(door, "delete_rest_api", restApiId=api)

    at_the_door(tmp_path, story)
