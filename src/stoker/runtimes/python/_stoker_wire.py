"""HTTP to the Runtime API over one connection, by hand: http.client costs more than an invocation.

Blocking and without time-outs: the environment may be frozen in the middle of any call.
"""

from __future__ import annotations

import _socket
import sys

TYPE_CHECKING = False  # typing's own constant, without importing typing
if TYPE_CHECKING:
    from collections.abc import Callable

API = "/2018-06-01/runtime"
RECV_BYTES = 16384  # larger buffers cost more per call than they save
RECEIPT = (  # as Stoker sends it, so that it need not be taken apart; any other will do
    b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n"
    b'{"status":"OK"}'
)
AGENT = "aws-lambda-python/{}.{}.{}-stoker".format(*sys.version_info)


class Connection:
    """The one connection to the Runtime API: blocking, without time-outs, HTTP/1.1 by hand."""

    def __init__(self, address: str, sock: _socket.socket | None = None) -> None:
        self._address = address
        self._host = b"Host: " + address.encode() + b"\r\n"
        self._next = b"GET " + API.encode() + b"/invocation/next HTTP/1.1\r\n" + self._host
        self._next += b"User-Agent: " + AGENT.encode() + b"\r\n\r\n"
        self._rest = b""  # received, and not yet looked at
        self._sock = sock or self._connect()

    def _connect(self) -> _socket.socket:
        host, _, port = self._address.rpartition(":")
        family = _socket.AF_INET6 if host.startswith("[") else _socket.AF_INET
        sock = _socket.socket(family, _socket.SOCK_STREAM)
        try:
            sock.connect((host.strip("[]"), int(port)))
            sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        except OSError as error:
            raise ConnectionLost from error
        return sock

    def ask(self, answer: bytes = b"") -> None:
        """Send the answer, if there is one, and ask for the next event: one send."""
        self.send(answer + self._next)

    def ask_first(self, function_ms: float) -> None:
        """Ask for the first event, and say how long the function's own code took to load."""
        self.send(self._next[:-2] + b"Stoker-Function-Init-Ms: %.3f\r\n\r\n" % function_ms)

    def event(self) -> tuple[dict[str, str], bytes]:
        status, headers, body = self.receive()
        if status != 200:
            sys.exit(f"cannot get the next event: the Runtime API answered {status}")
        return headers, body

    def receipt(self) -> None:
        """Take the platform's word on our answer. Whatever it is, the next event comes."""
        self._rest = self._rest or self._recv()
        if self._rest.startswith(RECEIPT):
            self._rest = self._rest[len(RECEIPT) :]
            return
        _, headers, _ = self.receive()
        if headers.get("connection") == "close":
            self._sock.close()
            self._sock, self._rest = self._connect(), b""
            self.ask()

    def receipt_at_rest(self, at_rest: Callable[[int], int]) -> int:
        """The same; and at_rest() is called while nothing comes, or the receipt came alone.
        Returns what it returned."""
        done = at_rest(self._sock.fileno())
        self.receipt()
        if not done and not self._rest:
            done = at_rest(self._sock.fileno())
        return done

    def post(self, path: str, body: bytes, content_type: str, header: bytes = b"") -> bytes:
        """The bytes of a request; `header` is a further line."""
        line = f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        return b"".join((b"POST ", path.encode(), b" HTTP/1.1\r\n", self._host, header, line, body))

    def call(self, method: str, path: str) -> tuple[int, dict[str, str], bytes]:
        """One request without a body, and its answer."""
        self.send(method.encode() + b" " + path.encode() + b" HTTP/1.1\r\n" + self._host + b"\r\n")
        return self.receive()

    def send(self, data: bytes) -> None:
        try:
            self._sock.sendall(data)
        except OSError as error:
            raise ConnectionLost from error

    def receive(self) -> tuple[int, dict[str, str], bytes]:
        """The next answer on the wire: status, headers by lower-case name, body."""
        end = self._rest.find(b"\r\n\r\n")
        while end < 0:
            self._rest += self._recv()
            end = self._rest.find(b"\r\n\r\n")
        head, self._rest = str(self._rest[:end], "utf-8", "replace"), self._rest[end + 4 :]
        lines = head.split("\r\n")
        status = int(lines[0][9:12])
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if status < 200:  # 1xx announces another answer
            return self.receive()
        if "chunked" in headers.get("transfer-encoding", ""):
            return status, headers, b"".join(iter(self._chunk, b""))
        return status, headers, self._take(int(headers.get("content-length", 0)))

    def _chunk(self) -> bytes:
        size = int(self._line().partition(b";")[0], 16)
        if size:
            return self._take(size + 2)[:-2]
        while self._line():  # trailers
            pass
        return b""

    def _line(self) -> bytes:
        while b"\r\n" not in self._rest:
            self._rest += self._recv()
        line, _, self._rest = self._rest.partition(b"\r\n")
        return line

    def _take(self, length: int) -> bytes:
        """Exactly `length` bytes; a large body is received into its place."""
        rest = self._rest
        if len(rest) >= length:
            self._rest = rest[length:]
            return rest[:length]
        self._rest = b""
        body = bytearray(length)
        body[: len(rest)] = rest
        view = memoryview(body)[len(rest) :]
        while view:
            try:
                count = self._sock.recv_into(view)
            except OSError as error:
                raise ConnectionLost from error
            if not count:
                raise ConnectionLost
            view = view[count:]
        return bytes(body)

    def _recv(self) -> bytes:
        try:
            data = self._sock.recv(RECV_BYTES)
        except OSError as error:
            raise ConnectionLost from error
        if not data:
            raise ConnectionLost
        return data


class ConnectionLost(Exception):
    """The platform is gone, or done with us."""
