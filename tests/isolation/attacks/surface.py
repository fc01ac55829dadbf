"""Everything that answers inside, asked at random: the same requests for the same seed."""

import random
import socket
from typing import Any

PATHS = (
    "/2018-06-01/runtime/invocation/{id}/response",
    "/2018-06-01/runtime/invocation/{id}/error",
    "/2018-06-01/runtime/init/error",
    "/2018-06-01/runtime/restore/next",
    "/2018-06-01/runtime/restore/error",
    "/2018-06-01/ping",
    "/2020-01-01/extension/register",
    "/2020-01-01/extension/event/next",
    "/2020-01-01/extension/init/error",
    "/2020-01-01/extension/exit/error",
    "/2022-07-01/telemetry",
    "/2020-08-15/logs",
    "/",
    "*",
)
METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "get", "P\x00ST")
NAMES = (
    "Lambda-Extension-Identifier",
    "Lambda-Extension-Function-Error-Type",
    "Lambda-Extension-Accept-Feature",
    "Lambda-Runtime-Function-Error-Type",
    "Lambda-Runtime-Function-Response-Mode",
    "Content-Type",
    "Transfer-Encoding",
    "Trailer",
    "Expect",
    "Upgrade",
    "Content-Length",
    "Content-Encoding",
    "X",
)
VALUES = (
    "",
    "streaming",
    "chunked",
    "100-continue",
    "h2c",
    "gzip",
    "-1",
    "7",
    "99999999999999999999",
    "accountId",
    "application/json",
    "00000000-0000-4000-8000-000000000000",
    "x" * 5000,
    "\xff\xfe",
    "a\x00b",
)
BODIES = (
    b"",
    b"{}",
    b"[]",
    b"null",
    b"{",
    b'{"events": ["INVOKE", "SHUTDOWN"]}',
    b'{"events": "INVOKE"}',
    b'{"schemaVersion": "2022-12-13", "types": ["platform"], "destination": {}}',
    b'{"schemaVersion": 1, "types": {}, "buffering": {"maxItems": -1}, "destination": []}',
    b'{"destination": {"protocol": "HTTP", "URI": "http://169.254.169.254/"}, "types": []}',
    b"[" * 3000,
    b'{"a": "' + b"x" * 9000,
    b"\x00" * 100,
    b"5\r\nhello\r\n0\r\n\r\n",
    b"ffffffffffffffffff\r\n",
)
PARKED_S = 0.2  # whoever has said nothing by then waits for an event


def ask(seed: int, count: int) -> list[Any]:
    """How each of so many requests ended: a status, "nothing", or "silence"."""
    draw = random.Random(seed)
    return [_exchange(_request(draw)) for _ in range(count)]


def _request(draw: random.Random) -> bytes:
    if draw.random() < 0.1:
        return draw.randbytes(draw.randrange(1, 300)) + b"\r\n\r\n"
    path = draw.choice(PATHS)
    strange = ["x", "", "%00", "../..", "00000000-0000-4000-8000-000000000000"]
    path = path.replace("{id}", draw.choice(strange))
    if draw.random() < 0.2:
        path += draw.choice(("/", "?", "?a=b", "/%2e%2e", "\xe9", "//"))
    body = draw.choice(BODIES)
    lines = [f"{draw.choice(METHODS)} {path} HTTP/1.{draw.choice('1119')}"]
    lines += [f"{draw.choice(NAMES)}: {draw.choice(VALUES)}" for _ in range(draw.randrange(4))]
    if draw.random() < 0.8:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def _exchange(request: bytes) -> Any:
    with socket.create_connection(("127.0.0.1", 9001), 10) as connection:
        connection.settimeout(PARKED_S)
        try:
            connection.sendall(request)
            first = connection.recv(4096)
        except TimeoutError:
            return "silence"
        except OSError:
            return "nothing"
    words = first.split(b" ", 2)
    return int(words[1]) if len(words) > 1 else "nothing"
