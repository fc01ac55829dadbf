"""A machine out there: a network namespace with one address, behind a wire to this host.

    with Outside() as outside: outside.address, outside.port        an echo over TCP

`connect(host, port)` tries to come in from there; `udp_seen()` is what came by UDP.
"""

import json
import os
import socket
import subprocess
import sys
import threading
from typing import Any

from stoker.sandbox.namespaces import syscalls as sys_
from stoker.sandbox.namespaces.netlink import Netlink
from tests.leaks import WIRE, WIRE_NUMBER

PORT = 7000
TRY_S = 0.7


class Outside:
    def __init__(self) -> None:
        base = WIRE_NUMBER * 4  # 198.51.100.0/24 is for documentation
        self.address, self.host_address = (f"198.51.100.{base + n}" for n in (2, 1))
        self.port = PORT
        self._wire = WIRE

    def __enter__(self) -> "Outside":
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.isolation.outside", self.address, self.host_address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert self._heard() == "unshared"
        namespace = os.open(f"/proc/{self._process.pid}/ns/net", os.O_RDONLY)
        links = Netlink()
        try:
            links.add_veth(self._wire, "eth0", namespace)
            links.add_address(self._wire, self.host_address, 30)
        finally:
            links.close()
            os.close(namespace)
        assert self.ask() == "listening"
        return self

    def __exit__(self, *_error: object) -> None:
        assert self._process.stdin and self._process.stdout
        with self._process.stdin, self._process.stdout:
            self._process.kill()
        self._process.wait()

    def connect(self, host: str, port: int) -> str:
        return str(self.ask("connect", host, port))

    def udp_seen(self) -> list[str]:
        return list(self.ask("udp"))

    def ask(self, *words: Any) -> Any:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        return self._heard()

    def _heard(self) -> Any:
        assert self._process.stdout
        return json.loads(self._process.stdout.readline())


def serve(address: str, gateway: str) -> None:
    """The process out there."""
    sys_.unshare(sys_.CLONE_NEWNET)
    _say("unshared")
    sys.stdin.readline()  # the wire is there
    links = Netlink()
    links.up("lo")
    links.add_address("eth0", address, 30)
    links.up("eth0")
    links.add_default_route(gateway)
    links.close()
    listener = socket.create_server((address, PORT))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((address, PORT))
    udp.setblocking(False)
    threading.Thread(target=_accept, args=(listener,), daemon=True).start()
    _say("listening")
    for line in sys.stdin:
        verb, *arguments = json.loads(line)
        _say(_connect(*arguments) if verb == "connect" else _received(udp))


def _accept(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_echo, args=(connection,), daemon=True).start()


def _echo(connection: socket.socket) -> None:
    with connection:
        while data := connection.recv(4096):
            connection.sendall(data)


def _connect(host: str, port: int) -> str:
    try:
        socket.create_connection((host, port), TRY_S).close()
    except OSError as error:
        return type(error).__name__
    return "connected"


def _received(udp: socket.socket) -> list[str]:
    found = []
    try:
        while len(found) < 10_000:
            found.append(udp.recv(100).decode())
    except BlockingIOError:
        return found
    return found


def _say(what: object) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    serve(*sys.argv[1:])
