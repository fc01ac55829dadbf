"""Dead letters on their way to an endpoint that answers for SQS in our place."""

import asyncio
import http.server
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from stoker.core.architectures import Machine
from stoker.core.event_records import Attribute
from stoker.core.neighbours import Endpoints
from stoker.events.deliveries import Failed, Message
from stoker.events.to_neighbours import ToNeighbours
from stoker.invoke.catalog import Catalog
from stoker.neighbours.embedded import Embedded
from stoker.neighbours.neighbours import Neighbours
from tests.eventing import QUEUE, scene


async def nobody(listener: socket.socket) -> None:
    """Is embedded here."""


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes what comes, and answers what it is told."""

    def do_POST(self) -> None:
        server: Any = self.server
        length = int(self.headers["Content-Length"] or 0)
        body = self.rfile.read(length)
        asked = self.headers["X-Amz-Target"] or parse_qs(body.decode())["Action"][0]
        server.came.append((asked, body))
        server.headers.append(dict(self.headers))
        answer = server.assumed if asked == "AssumeRole" else server.answer
        self.send_response(server.status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    server: Any
    with http.server.HTTPServer(("127.0.0.1", 0), Receiver) as server:
        server.came, server.headers, server.status = [], [], 200
        server.answer, server.assumed = b"", b""
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def deliver(folder: Path, receiver: Any, *more: str, times: int = 1) -> None:
    """`more`: other services that this endpoint answers for, beside SQS."""

    async def main() -> None:
        url = f"http://127.0.0.1:{receiver.server_port}"
        endpoints = Endpoints(dict.fromkeys(("sqs", *more), url), embedded=False)
        neighbours = Neighbours(endpoints, Embedded(folder / "neighbours", nobody, 1.0, 0))
        attributes = {"ErrorCode": Attribute("Number", "200")}
        async with scene(folder) as it:
            key, catalog = await it.function(), Catalog(Machine())
            await catalog.follow(it.store)
            others = ToNeighbours(neighbours, catalog)
            try:
                for _ in range(times):
                    await others.to_sqs(Message(key, QUEUE, b"{}", attributes, ""))
            finally:
                await neighbours.close()

    asyncio.run(main())


def test_a_queue_elsewhere_gets_the_event_with_its_attributes(
    tmp_path: Path, receiver: Any
) -> None:
    receiver.answer = b'{"QueueUrl": "http://elsewhere/1/q"}'
    deliver(tmp_path, receiver)
    (asked, _), (sent, body) = receiver.came
    assert (asked, sent) == ("AmazonSQS.GetQueueUrl", "AmazonSQS.SendMessage")
    assert json.loads(body) == {
        "QueueUrl": "http://elsewhere/1/q",
        "MessageBody": "{}",
        "MessageAttributes": {"ErrorCode": {"DataType": "Number", "StringValue": "200"}},
    }


def test_what_is_refused_there_has_failed(tmp_path: Path, receiver: Any) -> None:
    receiver.status = 400
    receiver.answer = b'{"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "no queue"}'
    with pytest.raises(Failed, match="no queue"):
        deliver(tmp_path, receiver)


ASSUMED = b"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId>
<SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>
<Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""


@pytest.mark.parametrize("expires", ["2099-01-01T00:00:00Z", "2001-01-01T00:00:00Z"])
def test_where_sts_is_elsewhere_too_the_function_s_role_calls(
    tmp_path: Path, receiver: Any, expires: str
) -> None:
    """It is assumed once, and again when its credentials come to their end."""
    receiver.answer = b'{"QueueUrl": "http://elsewhere/1/q"}'
    receiver.assumed = ASSUMED % expires.encode()
    deliver(tmp_path, receiver, "sts", times=2)
    asked = [what for what, _ in receiver.came]
    sending = ["AmazonSQS.GetQueueUrl", "AmazonSQS.SendMessage"]
    if expires > "2026":
        assert asked == ["AssumeRole", *sending, *sending]
    else:
        assert asked == [what for one in sending * 2 for what in ("AssumeRole", one)]
    said = parse_qs(receiver.came[0][1].decode())
    assert said["RoleArn"] == ["arn:aws:iam::123456789012:role/r"]
    assert said["RoleSessionName"] == ["lambda-f"]
    for (what, _), headers in zip(receiver.came, receiver.headers, strict=True):
        named = "ASIAROLE" if what != "AssumeRole" else "test"
        assert headers["Authorization"].startswith(f"AWS4-HMAC-SHA256 Credential={named}/")
        assert headers.get("X-Amz-Security-Token") == ("token" if named == "ASIAROLE" else None)


def test_a_role_that_may_not_be_assumed_delivers_nothing(tmp_path: Path, receiver: Any) -> None:
    receiver.status = 403
    receiver.assumed = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message>"
    receiver.assumed += b"</Error></ErrorResponse>"
    with pytest.raises(Failed, match="AccessDenied: not you"):
        deliver(tmp_path, receiver, "sts")
    assert [what for what, _ in receiver.came] == ["AssumeRole"]
