"""debugpy, Node's inspector and JDWP, as they are, in a function that `stoker dev` runs."""

import asyncio
import itertools
import json
import socket
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.developing import Dev, answer
from tests.java_sources import compiled, javas, lacking
from tests.nodes import FOUND, needs_node
from tests.running import StokerProcess

pytestmark = [pytest.mark.slow, pytest.mark.root]

STANDS_S = 5
PATIENCE_S = 120.0


class Dap:
    """As much of the Debug Adapter Protocol as stands on a breakpoint."""

    def __init__(self, port: int) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self._file = self._sock.makefile("rb")
        self._numbers = itertools.count(1)

    def send(self, command: str, **arguments: Any) -> int:
        number = next(self._numbers)
        said = {"seq": number, "type": "request", "command": command, "arguments": arguments}
        body = json.dumps(said).encode()
        self._sock.sendall(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        return number

    def ask(self, command: str, **arguments: Any) -> Any:
        number = self.send(command, **arguments)
        answered = self._until(lambda said: said.get("request_seq") == number)
        assert answered["success"], answered
        return answered.get("body")

    def event(self, name: str) -> Any:
        return self._until(lambda said: said.get("event") == name).get("body")

    def _until(self, wanted: Callable[[Any], bool]) -> Any:
        while True:
            size = 0
            while line := self._file.readline().strip():
                size = int(line.rpartition(b":")[2])
            said = json.loads(self._file.read(size))
            if wanted(said):
                return said

    def __enter__(self) -> "Dap":
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()
        self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()


@pytest.mark.parametrize(
    ("option", "line", "seconds"), [("--debug", 4, STANDS_S), ("--debug-wait", 2, 12)]
)
def test_debugpy_stands_on_a_breakpoint_for_longer_than_the_limit(
    server: StokerProcess, lambda_client: Any, tmp_path: Path, option: str, line: int, seconds: int
) -> None:
    """In the handler, with a timeout of a second; and in what runs at its import, for longer than
    an initialisation may take."""
    folder = tmp_path / "debugged-py"
    folder.mkdir()
    source = folder / "main.py"
    source.write_text("import time\nvalue = 1\ndef handler(event, context):\n    return event\n")
    options = [option, "--debug-port", "0", "--timeout", "1"]
    with ThreadPoolExecutor(1) as pool, Dev(folder, server.url, *options) as dev:
        dev.until("runs /")
        if option == "--debug":
            assert answer(lambda_client, folder.name, "in") == "in"
        early = pool.submit(answer, lambda_client, folder.name, "in") if line == 2 else None
        with Dap(dev.debug_port()) as dap:
            dap.ask("initialize", adapterID="debugpy", pathFormat="path")
            mapping = {"localRoot": str(folder), "remoteRoot": "/var/task"}
            dap.send("attach", pathMappings=[mapping])
            dap.event("initialized")
            breakpoints = [{"line": line}]
            dap.ask("setBreakpoints", source={"path": str(source)}, breakpoints=breakpoints)
            dap.send("configurationDone")
            invoked = early or pool.submit(answer, lambda_client, folder.name, "in")
            stopped = dap.event("stopped")
            with pytest.raises(TimeoutError):
                invoked.result(seconds)
            frames = dap.ask("stackTrace", threadId=stopped["threadId"])["stackFrames"]
            assert (frames[0]["line"], frames[0]["source"]["path"]) == (line, str(source))
            if line == 4:
                value = dap.ask("evaluate", expression="event", frameId=frames[0]["id"])
                assert value["result"] == "'in'"
            dap.send("continue", threadId=stopped["threadId"])
            assert invoked.result(PATIENCE_S) == "in"
        dev.until("debugger gone")
    lambda_client.delete_function(FunctionName=folder.name)


class Inspector:
    """As much of Chrome's DevTools Protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    async def ask(self, method: str, **params: Any) -> Any:
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        return (await self._until(lambda said: said.get("id") == number))["result"]

    async def event(self, method: str) -> Any:
        return (await self._until(lambda said: said.get("method") == method))["params"]

    async def _until(self, wanted: Callable[[Any], bool]) -> Any:
        while True:
            said = await self._socket.receive_json(timeout=PATIENCE_S)
            if wanted(said):
                return said


@needs_node
def test_nodes_inspector_stands_on_a_breakpoint_for_longer_than_the_timeout(
    server: StokerProcess, lambda_client: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "debugged-js"
    folder.mkdir()
    (folder / "index.mjs").write_text(
        "export const handler = async (event) => {\n  return event;\n};\n"
    )

    async def debug(port: int, pool: ThreadPoolExecutor) -> None:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            async with session.get("/json/list") as listed:
                url = (await listed.json(content_type=None))[0]["webSocketDebuggerUrl"]
            async with session.ws_connect(url) as connection:
                inspector = Inspector(connection)
                await inspector.ask("Debugger.enable")
                where = {"urlRegex": "/var/task/index.mjs", "lineNumber": 1}
                await inspector.ask("Debugger.setBreakpointByUrl", **where)
                invoked = asyncio.get_running_loop().run_in_executor(
                    pool, answer, lambda_client, folder.name, "in"
                )
                paused = await inspector.event("Debugger.paused")
                assert paused["callFrames"][0]["functionName"] == "handler"
                done, _ = await asyncio.wait({invoked}, timeout=STANDS_S)
                assert not done
                await inspector.ask("Debugger.resume")
                assert await invoked == "in"

    options = ["--runtime", FOUND[-1], "--handler", "index.handler", "--timeout", "1"]
    options += ["--debug-port", "0"]
    with ThreadPoolExecutor(1) as pool, Dev(folder, server.url, *options) as dev:
        dev.until("runs /")
        assert answer(lambda_client, folder.name, "in") == "in"
        asyncio.run(debug(dev.debug_port(), pool))
        dev.until("debugger gone")
    lambda_client.delete_function(FunctionName=folder.name)


class Jdwp:
    """As much of Java's Debug Wire Protocol as stops everything, and lets it go on."""

    def __init__(self, port: int) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self._numbers = itertools.count(1)
        self._sock.sendall(b"JDWP-Handshake")
        assert self._read(14) == b"JDWP-Handshake"

    def ask(self, commands: int, command: int) -> None:
        number = next(self._numbers)
        self._sock.sendall(struct.pack(">IIBBB", 11, number, 0, commands, command))
        while True:
            size, answered, flags, error = struct.unpack(">IIBH", self._read(11))
            self._read(size - 11)
            if flags & 0x80 and answered == number:
                assert error == 0
                return

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += self._sock.recv(size - len(data))
        return data

    def __enter__(self) -> "Jdwp":
        return self

    def __exit__(self, *_error: object) -> None:
        self._sock.close()


@pytest.mark.skipif(bool(lacking()), reason=lacking() or "there is a Java")
def test_java_is_stopped_for_longer_than_its_timeout(
    server: StokerProcess, lambda_client: Any, tmp_path: Path
) -> None:
    source = "public class Main { public String in(String event) { return event; } }"
    folder = tmp_path / "debugged-java"
    folder.mkdir()
    for name, code in compiled(tmp_path / "built", {"Main.java": source}).items():
        (folder / name).write_bytes(code)
    runtime = javas()[-1].runtime
    options = ["--runtime", runtime, "--handler", "Main::in", "--timeout", "2"]
    options += ["--memory", "512", "--debug-port", "0"]
    virtual_machine, suspend, resume = 1, 8, 9
    with ThreadPoolExecutor(1) as pool, Dev(folder, server.url, *options) as dev:
        dev.until("runs /")
        assert answer(lambda_client, folder.name, "in") == "in"
        with Jdwp(dev.debug_port()) as debugger:
            debugger.ask(virtual_machine, suspend)
            invoked = pool.submit(answer, lambda_client, folder.name, "in")
            with pytest.raises(TimeoutError):
                invoked.result(STANDS_S)
            debugger.ask(virtual_machine, resume)
            assert invoked.result(PATIENCE_S) == "in"
        dev.until("debugger gone")
    lambda_client.delete_function(FunctionName=folder.name)
