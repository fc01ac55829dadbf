"""What the Python runtime takes off the wire, in whichever pieces it comes."""

import socket

import pytest

from stoker.environment import runtime_api
from stoker.runtimes.python import _stoker_wire as wire

EVENT = b"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: r\r\nContent-Length: 2\r\n\r\n[]"
OTHER_RECEIPTS = [
    b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n0\r\n\r\n",
    b"HTTP/1.1 413 Too Large\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
]


def test_the_receipt_that_the_runtime_knows_is_the_one_it_gets() -> None:
    assert wire.RECEIPT == runtime_api.RECEIPT


@pytest.mark.parametrize("receipt", [wire.RECEIPT, *OTHER_RECEIPTS])
def test_behind_any_receipt_comes_the_event(receipt: bytes) -> None:
    for most_bytes in range(1, len(receipt + EVENT) + 1):
        there, end = socket.socketpair()
        with there, Slow(fileno=end.detach()) as here:
            here.most_bytes = most_bytes
            there.sendall(receipt + EVENT)
            connection = wire.Connection("127.0.0.1:0", here)
            connection.receipt()
            headers, body = connection.event()
        assert (headers["lambda-runtime-aws-request-id"], body) == ("r", b"[]")


class Slow(socket.socket):
    """Hands over what came in pieces."""

    most_bytes: int

    def recv(self, size: int, flags: int = 0) -> bytes:
        return super().recv(min(size, self.most_bytes), flags)
