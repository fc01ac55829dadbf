"""Looking for somebody to talk to."""

import errno
import os
import socket
from concurrent.futures import ThreadPoolExecutor

TRY_S = 0.7


def addresses() -> dict[str, str]:
    """Ours, and the host's end of our wire."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        mine = str(probe.getsockname()[0])
    network, _, last = mine.rpartition(".")
    return {"mine": mine, "gateway": f"{network}.{int(last) - 1}"}


def connect(targets: list[tuple[str, int]]) -> dict[str, str]:
    """TCP to each, all at once: "connected", or the error's name."""
    with ThreadPoolExecutor(64) as pool:
        outcomes = pool.map(lambda target: _connect(*target), targets)
        return {f"{h} {p}": said for (h, p), said in zip(targets, outcomes, strict=True)}


def _connect(host: str, port: int) -> str:
    try:
        socket.create_connection((host, port), TRY_S).close()
    except TimeoutError:
        return "no answer"
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    return "connected"


def send(targets: list[tuple[str, int]]) -> None:
    """A UDP datagram to each."""
    for host, port in targets:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            try:
                sock.sendto(b"from inside", (host, port))
            except OSError:
                continue


def flood(host: str, count: int) -> int:
    """As many flows as one socket can begin: a datagram to each of many ports."""
    sent = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for port in range(1, count):
            try:
                sent += sock.sendto(b"x", (host, 1 + port % 65535))
            except OSError:
                continue
    return sent


def open_ports() -> list[int]:
    """Everything that listens on our own loopback."""
    found = []
    for port in range(1, 65536):
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0 and sock.getsockname()[1] != port:
                found.append(port)  # and not by chance to itself
    return found


def take_over(port: int) -> list[str]:
    """Listen where the server listens, by every way there is; the outcomes that differ."""
    outcomes = set()
    hosts = ("127.0.0.1", "0.0.0.0", "::", "::ffff:127.0.0.1")
    for host in hosts:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        for options in ((), ("REUSEADDR",), ("REUSEPORT",), ("REUSEADDR", "REUSEPORT")):
            with socket.socket(family) as sock:
                try:
                    for option in options:
                        sock.setsockopt(socket.SOL_SOCKET, getattr(socket, f"SO_{option}"), 1)
                    sock.bind((host, port))
                    sock.listen()
                    outcomes.add(f"it worked: {host} {options}")
                except OSError as error:
                    outcomes.add(errno.errorcode[error.errno or 0])
    return sorted(outcomes)


def endpoint_port() -> int:
    return int(os.environ["AWS_ENDPOINT_URL"].rpartition(":")[2])


def converse(host: str, port: int) -> str:
    """Say something to an echo."""
    with socket.create_connection((host, port), 5) as sock:
        sock.sendall(b"hello")
        return sock.recv(100).decode()
