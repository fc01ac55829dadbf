"""What comes to the server's port and is no good, by boto3 where it can, else by hand."""

import io
import json
import socket
import stat
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.isolation.conftest import AUTHORIZATION
from tests.running import PYTHON, StokerProcess, make_zip

pytestmark = pytest.mark.root
PATH = "/2015-03-31/functions/neighbour/invocations"
MIB = 1 << 20
Package = Callable[[], bytes]


@pytest.fixture
def connection(server: StokerProcess) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), 20) as sock:
        yield sock


def head(*, length: int | None = None, method: str = "POST", path: str = PATH) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: {AUTHORIZATION}"]
    lines.append("Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}")
    return "\r\n".join([*lines, "Content-Type: application/json", "\r\n"]).encode()


def answer(sock: socket.socket) -> tuple[int, dict[str, str], Any]:
    """(status, headers, body) of one answer; all of them are JSON here."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += sock.recv(65536)
    first, *lines = data.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    headers = {n.lower(): v for n, _, v in (line.partition(": ") for line in lines)}
    body = data.partition(b"\r\n\r\n")[2]
    while len(body) < int(headers["content-length"]):
        body += sock.recv(65536)
    return int(first.split()[1]), headers, json.loads(body)


@pytest.mark.parametrize(
    "event",
    [b"{", b"not json", b'{"a": 1} x', b"\xff\xfe", b'{"a": NaN}', b"'a'", b"[" * 200_000, b"\0"],
    ids=["cut", "words", "more behind", "no UTF-8", "NaN", "Python", "deep", "NUL"],
)
def test_an_event_that_is_not_json_is_refused(event: bytes, connection: socket.socket) -> None:
    connection.sendall(head(length=len(event)) + event)
    status, headers, body = answer(connection)
    assert (status, headers["x-amzn-errortype"]) == (400, "InvalidRequestContentException")
    assert body["message"].startswith("Could not parse request body into json: ")


def test_a_large_event_that_is_not_json_is_refused_as_well(connection: socket.socket) -> None:
    event = b'["' + b"a" * 5 * MIB + b'", ]'
    connection.sendall(head(length=len(event)) + event)
    assert answer(connection)[0] == 400


@pytest.mark.parametrize("chunked", [False, True])
def test_an_event_that_is_too_large_is_refused(chunked: bool, connection: socket.socket) -> None:
    size = 6 * MIB + 1
    event = b'"' + b"a" * (size - 2) + b'"'
    wire = b"%x\r\n%b\r\n0\r\n\r\n" % (size, event) if chunked else event
    connection.sendall(head(length=None if chunked else size) + wire)
    status, headers, body = answer(connection)
    assert (status, headers["x-amzn-errortype"]) == (413, "RequestTooLargeException")
    wanted = "Request must be smaller than 6291456 bytes for the InvokeFunction operation"
    assert body["message"] == wanted


def test_an_event_of_10_gb_is_refused_before_it_comes(connection: socket.socket) -> None:
    connection.sendall(head(length=10 << 30))
    piece, sent = bytes(MIB), 0
    try:
        while sent < 512:
            connection.sendall(piece)
            sent += 1
    except OSError:
        pass  # it was cut off, some time after it had been told
    assert sent < 200


def test_an_event_that_ends_too_early_is_refused(connection: socket.socket) -> None:
    connection.sendall(head(length=100) + b'{"half":')
    connection.shutdown(socket.SHUT_WR)
    status, headers, _ = answer(connection)
    assert (status, headers["x-amzn-errortype"]) == (400, "InvalidRequestContentException")


def test_slow_events_delay_nobody_and_are_answered(server: StokerProcess) -> None:
    """A byte now and then, on many connections at once. The neighbour is the witness."""
    event = json.dumps({"slow": True}).encode()
    with ExitStack() as stack:
        slow = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 20))
            for _ in range(100)
        ]
        for sock in slow:
            sock.sendall(head(length=len(event)))
        for byte in event:
            for sock in slow:
                sock.sendall(bytes([byte]))
            time.sleep(0.02)
        for sock in slow[:10]:
            assert answer(sock)[::2] == (200, {"slow": True})


@pytest.mark.parametrize(
    "request_line",
    [b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"GET / HTTP/0.9\r\n\r\n", b"SSH-2.0-x\r\n\r\n"],
)
def test_what_is_no_http_is_cut_off(request_line: bytes, connection: socket.socket) -> None:
    connection.sendall(request_line + b"\r\n\r\n")
    said = connection.recv(65536)
    assert said == b"" or said.split(b" ")[1] in (b"400", b"501", b"505")


# --- packages -----------------------------------------------------------------------------------


def one(name: str, mode: int = stat.S_IFREG | 0o644, content: bytes = b"/etc/shadow") -> bytes:
    return several((name, mode, content))


def several(*entries: tuple[str, int, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, mode, content in entries:
            entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            entry.external_attr = mode << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return data.getvalue()


def lying_about_its_size() -> bytes:
    """A bomb whose directory says that it is small."""
    data = bytearray(one("a", content=bytes(300 * MIB)))
    size = (300 * MIB).to_bytes(4, "little")
    while (at := data.find(size)) >= 0:
        data[at : at + 4] = (1000).to_bytes(4, "little")
    return bytes(data)


LINK, FILE, FIFO, DEVICE = stat.S_IFLNK, stat.S_IFREG, stat.S_IFIFO, stat.S_IFBLK
PACKAGES: dict[str, Package] = {
    "a bomb": lambda: one("a", content=bytes(300 * MIB)),
    "a bomb in many files": lambda: several(*((f"{n}", FILE, bytes(30 * MIB)) for n in range(10))),
    "a bomb that lies": lying_about_its_size,
    "a way up": lambda: one("../../../../etc/cron.d/x"),
    "a way up within": lambda: one("a/../../x"),
    "an absolute path": lambda: one("/etc/cron.d/x"),
    "a backslash's way up": lambda: one("..\\..\\x\0"),
    "a link out": lambda: one("x", LINK, b"/etc/shadow"),
    "a link up": lambda: one("x", LINK, b"../../../etc/shadow"),
    "a file through a link": lambda: several(("x", LINK, b"/tmp"), ("x/y", FILE, b"")),
    "a pipe": lambda: one("x", FIFO),
    "a disk": lambda: one("x", DEVICE),
    "the same name twice": lambda: several(("x", FILE, b"1"), ("x", FILE, b"2")),
    "half of one": lambda: make_zip({"main.py": "x" * 1000})[:-40],
    "no zip": lambda: b"PK\x03\x04 but no more",
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("what", PACKAGES)
def test_a_hostile_package_is_refused(what: str, functions: Any) -> None:
    with pytest.raises(functions.exceptions.InvalidParameterValueException) as refused:
        functions.create_function(
            FunctionName="hostile",
            Runtime=PYTHON,
            Handler="main.handler",
            Role="arn:aws:iam::000000000000:role/any",
            Code={"ZipFile": PACKAGES[what]()},
        )
    message = refused.value.response["Error"]["Message"]
    sizes = "a bomb" in what and "lies" not in what
    assert ("must be smaller than 262144000 bytes" if sizes else "Could not unzip") in message
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.get_function(FunctionName="hostile")
