"""Somebody who listens for telemetry, well-behaved or not, and what is said to them."""

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any

import uvloop

from stoker.core.runtime_states import Answer
from stoker.core.subscriptions import Api, Subscription, parse

PATIENCE_S = 30.0


async def _nothing() -> None: ...


uvloop.run(_nothing())  # libuv keeps a pipe for signals from its first loop on
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"
Reply = Callable[["Subscriber"], bytes | None]  # None: says nothing, and keeps the connection


class Subscriber:
    """A server on a free port of the loopback. HTTP: batches are kept; `reply` makes the answer,
    which ends the connection if it is not of HTTP/1.1 with a length."""

    def __init__(self, reply: Reply | None = None, *, tcp: bool = False) -> None:
        self._reply = reply or (lambda _: OK)
        self._tcp = tcp
        self._moved = asyncio.Event()
        self._server: asyncio.Server | None = None
        self.heads: list[str] = []
        self.batches: list[list[dict[str, Any]]] = []
        self.connections = 0
        self.port = 0

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for batch in self.batches for event in batch]

    async def __aenter__(self) -> "Subscriber":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 24)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_error: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def until(self, condition: Callable[["Subscriber"], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition(self):
                self._moved.clear()
                await self._moved.wait()

    def subscription(self, **changes: Any) -> Subscription:
        """To everything, at once; as if it had been asked for."""
        destination: dict[str, Any] = {"protocol": "TCP", "port": self.port}
        if not self._tcp:
            destination = {"protocol": "HTTP", "URI": f"http://sandbox:{self.port}/in/here?x=1"}
        api = changes.pop("api", Api.TELEMETRY)
        body = {
            "schemaVersion": "2022-12-13" if api is Api.TELEMETRY else "2021-03-18",
            "types": ["platform", "function", "extension"],
            "buffering": {"timeoutMs": 25},
            "destination": destination,
        }
        asked = parse(api, json.dumps(body | changes).encode(), frozenset())
        assert not isinstance(asked, Answer), asked.body
        return asked

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await (self._line(reader) if self._tcp else self._request(reader, writer)):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _line(self, reader: asyncio.StreamReader) -> bool:
        line = await reader.readline()
        if line:
            self.batches.append([json.loads(line)])
            self._moved.set()
        return bool(line)

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        size = int(head.lower().partition("content-length: ")[2].split()[0])
        self.batches.append(json.loads(await reader.readexactly(size)))
        self.heads.append(head)
        answer = self._reply(self)
        self._moved.set()
        if answer is None:
            return bool(await reader.read(1))  # until the other side has had enough
        writer.write(answer)
        await writer.drain()
        return answer.startswith(b"HTTP/1.1") and b"Content-Length" in answer


async def plain_connector() -> socket.socket:
    sock = socket.socket()
    sock.setblocking(False)
    return sock


def kinds(events: list[dict[str, Any]]) -> list[str]:
    """The platform's types, and what was printed."""
    return [
        event["type"].removeprefix("platform.")
        if event["type"].startswith("platform.")
        else str(event["record"])
        for event in events
    ]


def lost(events: list[dict[str, Any]]) -> int:
    """How many events notices of drops speak of."""
    return sum(
        event["record"]["droppedRecords"]
        for event in events
        if event["type"] == "platform.logsDropped"
    )
