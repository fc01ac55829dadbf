"""The client of all latencies: a blocking socket and requests that were built beforehand.

boto3 spends 1.5 ms per call, which hides the platform; a measure through it says so.
"""

import gc
import json
import socket
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

REGION = "eu-central-1"
PATIENCE_S = 60.0
RECV_BYTES = 65536
TAIL_BYTES = 12
EVENT = json.dumps({"data": "x" * 1000}).encode()
GOOD = b'xx"}'  # how every right answer to EVENT ends
ALONE: Mapping[str, str] = MappingProxyType({})
QUEUED: Mapping[str, str] = MappingProxyType({"X-Amz-Invocation-Type": "Event"})


class BadAnswer(Exception):
    """An answer that is not the function's."""


def invocation(
    port: int, path: str, event: bytes = EVENT, more: Mapping[str, str] = ALONE
) -> bytes:
    """A signed HTTP/1.1 request, as bytes; `more` are headers."""
    return _signed(port, path, event, {"Content-Type": "application/json", **more}, "lambda")


def _signed(port: int, path: str, body: bytes, headers: Mapping[str, str], scope: str) -> bytes:
    url = f"http://127.0.0.1:{port}{path}"
    request = AWSRequest("POST", url, dict(headers), body)
    SigV4Auth(Credentials("test", "test"), scope, REGION).add_auth(request)
    fields = {"Host": f"127.0.0.1:{port}", **request.headers, "Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def queue_counts(port: int, url: str, names: Sequence[str]) -> bytes:
    """A signed GetQueueAttributes, as bytes."""
    target = {
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": "AmazonSQS.GetQueueAttributes",
    }
    asked = json.dumps({"QueueUrl": url, "AttributeNames": [*names]}).encode()
    return _signed(port, "/", asked, target, "sqs")


def lambda_path(function: str) -> str:
    return f"/2015-03-31/functions/{function}/invocations"


class Connection:
    """One keep-alive connection, one request at a time."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        self.sock.close()

    def exchange(self, request: bytes) -> bytes:
        """Head and body of the answer, whatever its framing."""
        self.sock.sendall(request)
        answer = b""
        while not is_whole(answer):
            data = self.sock.recv(RECV_BYTES)
            if not data:
                raise BadAnswer(f"the connection was closed after {answer[:200]!r}")
            answer += data
        return answer

    def timed(self, request: bytes) -> tuple[float, bytes]:
        """(microseconds, answer)."""
        begun = time.perf_counter_ns()
        answer = self.exchange(request)
        return (time.perf_counter_ns() - begun) / 1000, answer

    def latencies(
        self, request: bytes, most: int, seconds: float, pause_s: float = 0.0
    ) -> list[float]:
        """Microseconds of each of up to `most` exchanges. Each answer must be right."""
        tail = require_good(self.exchange(request))[-TAIL_BYTES:]
        send, recv, clock = self.sock.sendall, self.sock.recv, time.perf_counter_ns
        taken: list[float] = []
        end = clock() + int(seconds * 1e9)
        gc.disable()
        try:
            for _ in range(most):
                if pause_s:
                    time.sleep(pause_s)
                begun = clock()
                send(request)
                answer = recv(RECV_BYTES)
                while not answer.endswith(tail):
                    more = recv(RECV_BYTES)
                    if not more:
                        raise BadAnswer(f"the connection was closed after {answer[:200]!r}")
                    answer += more
                ended = clock()
                taken.append((ended - begun) / 1000)
                if ended > end:
                    break
        except TimeoutError as error:
            raise BadAnswer(f"no whole answer in {PATIENCE_S} s: {answer[:400]!r}") from error
        finally:
            gc.enable()
        return taken


def is_whole(answer: bytes) -> bool:
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        return False
    head = head.lower()
    if b"transfer-encoding: chunked" in head:
        return body.endswith(b"\r\n0\r\n\r\n")
    start = head.index(b"content-length:") + 15
    end = head.find(b"\r\n", start)
    return len(body) >= int(head[start : end if end > 0 else None])


def require_good(answer: bytes) -> bytes:
    """The answer, if it is the function's to EVENT. Raise BadAnswer."""
    if not answer.startswith(b"HTTP/1.1 200") or GOOD not in answer[-20:]:
        raise BadAnswer(answer[:600].decode(errors="replace"))
    return answer


def require_accepted(answer: bytes) -> bytes:
    """The answer, if an event was queued. Raise BadAnswer."""
    if not answer.startswith(b"HTTP/1.1 202"):
        raise BadAnswer(answer[:600].decode(errors="replace"))
    return answer


def require_cold(answer: bytes) -> bytes:
    """The answer, if it is the first of its environment. Raise BadAnswer."""
    head, _, body = require_good(answer).partition(b"\r\n\r\n")
    if b'"count": 1,' not in body and b'"count":1,' not in body:
        raise BadAnswer(f"not a cold start: {head[:60]!r} {body[:40]!r}")
    return answer
