"""Many requests at once over many connections, from one thread."""

import selectors
import socket
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bench.client import PATIENCE_S, RECV_BYTES, BadAnswer, is_whole


@dataclass(slots=True)
class Exchange:
    begun: float  # seconds, time.perf_counter
    ended: float = 0.0
    answer: bytes = b""


@dataclass(slots=True)
class _Client:
    sock: socket.socket
    now: Exchange = field(default_factory=lambda: Exchange(0.0))


def drive(
    port: int, requests: Iterable[bytes], connections: int, until: float = float("inf")
) -> list[Exchange]:
    """Send all requests, as many at once as there are connections; stop sending at `until`."""
    waiting = iter(requests)
    clients = [_connected(port) for _ in range(connections)]
    done: list[Exchange] = []
    with selectors.DefaultSelector() as selector:
        try:
            busy = 0
            for client in clients:
                selector.register(client.sock, selectors.EVENT_READ, client)
            for client in clients:
                busy += _send_next(client, waiting, until)
            while busy:
                events = selector.select(PATIENCE_S)
                if not events:
                    raise BadAnswer(f"{busy} requests were not answered in {PATIENCE_S} s")
                for key, _ in events:
                    client = key.data
                    if _received_all(client):
                        done.append(client.now)
                        busy += _send_next(client, waiting, until) - 1
        finally:
            for client in clients:
                client.sock.close()
    return done


def _connected(port: int) -> _Client:
    sock = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return _Client(sock)


def _send_next(client: _Client, waiting: Iterator[bytes], until: float) -> int:
    """1 if a request was sent."""
    now = time.perf_counter()
    request = next(waiting, None) if now < until else None
    if request is None:
        return 0
    client.now = Exchange(now)
    client.sock.sendall(request)
    return 1


def _received_all(client: _Client) -> bool:
    data = client.sock.recv(RECV_BYTES)
    if not data:
        raise BadAnswer(f"the connection was closed after {client.now.answer[:200]!r}")
    client.now.answer += data
    if not is_whole(client.now.answer):
        return False
    client.now.ended = time.perf_counter()
    return True
