"""Dead letters on their way to an endpoint that answers for SQS in our place."""

import asyncio
import http.server
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stoker.core.event_records import Attribute
from stoker.core.neighbours import Endpoints
from stoker.events.deliveries import Failed, Message
from stoker.events.to_neighbours import ToNeighbours
from stoker.neighbours.embedded import Embedded
from stoker.neighbours.neighbours import Neighbours
from tests.eventing import QUEUE, F


async def nobody(listener: socket.socket) -> None:
    """Is embedded here."""


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes what comes, and answers what it is told."""

    def do_POST(self) -> None:
        server: Any = self.server
        length = int(self.headers["Content-Length"] or 0)
        server.came.append((self.headers["X-Amz-Target"], self.rfile.read(length)))
        self.send_response(server.status)
        self.send_header("Content-Length", str(len(server.answer)))
        self.end_headers()
        self.wfile.write(server.answer)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    server: Any
    with http.server.HTTPServer(("127.0.0.1", 0), Receiver) as server:
        server.came, server.status, server.answer = [], 200, b""
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def deliver(folder: Path, receiver: Any) -> None:
    async def main() -> None:
        url = f"http://127.0.0.1:{receiver.server_port}"
        neighbours = Neighbours(
            Endpoints({"sqs": url}, embedded=False), Embedded(folder / "neighbours", nobody, 1.0, 0)
        )
        attributes = {"ErrorCode": Attribute("Number", "200")}
        try:
            await ToNeighbours(neighbours).to_sqs(Message(F, QUEUE, b"{}", attributes, ""))
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
