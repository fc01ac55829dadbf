"""A debugger comes into an environment, and no time runs out.

What stands for debugpy is ten lines long here; tests/slow/test_debuggers.py has the true ones.
"""

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.developing import Dev, answer
from tests.running import StokerProcess

pytestmark = pytest.mark.root

DEBUGPY = """
import queue, socket, threading
lines, peers = queue.Queue(), queue.Queue()
def listen(address, in_process_debug_adapter):
    listener = socket.create_server(address)
    threading.Thread(target=serve, args=[listener], daemon=True).start()
def serve(listener):
    while True:
        peer = listener.accept()[0]
        peers.put(peer)
        said = b""
        while line := peer.recv(100):
            said += line
            if said.endswith(b"on"):
                lines.put(said.decode())
"""
SOURCE = """
import debugpy
def handler(event, context):
    debugpy.peers.get().sendall(b"stands")
    return debugpy.lines.get()
"""
LIMIT_S = 1
GREETING = b"content-length:"


def test_an_invocation_that_is_debugged_takes_its_time(
    server: StokerProcess, lambda_client: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "debugged"
    (folder / "debugpy").mkdir(parents=True)
    (folder / "debugpy" / "__init__.py").write_text(DEBUGPY)
    (folder / "main.py").write_text(SOURCE)
    options = ["--debug-port", "debugged=0", "--timeout", str(LIMIT_S)]
    with ThreadPoolExecutor(1) as pool, Dev(folder, server.url, *options) as dev:
        port = dev.debug_port()
        dev.until("runs /")
        invoked = pool.submit(answer, lambda_client, "debugged")
        with socket.create_connection(("127.0.0.1", port), 60) as page:
            page.sendall(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
            with suppress(ConnectionResetError):
                assert page.recv(100) == b"", "a web page is not let in"
        with socket.create_connection(("127.0.0.1", port), 60) as debugger:
            debugger.sendall(GREETING)
            assert debugger.recv(100) == b"stands"
            debugger.settimeout(1.5 * LIMIT_S)
            with pytest.raises(TimeoutError):
                debugger.recv(1)  # nothing more comes: it stands
            debugger.sendall(b"go on")
            assert invoked.result(60) == "Content-Length:go on"
        dev.until("debugger gone")
        failed = answer(lambda_client, "debugged")
        assert failed["errorType"] == "Sandbox.Timedout", "and without one there is a limit again"
    lambda_client.delete_function(FunctionName="debugged")
