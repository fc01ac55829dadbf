"""What an extension asks of the Telemetry API 2022-07-01 or of the Logs API 2020-08-15.

    PUT /2022-07-01/telemetry      PUT /2020-08-15/logs

A body is read whole before anything is said of it: a refusal names every problem, joined by
"; " as AWS does. The bounds are AWS's
(https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api-reference.html).
"""

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from stoker.core.invoke_limits import URI_CHARS
from stoker.core.runtime_states import Answer, error_answer


class Api(StrEnum):
    """The values are the prefixes of what each calls its errors."""

    TELEMETRY = "Telemetry"
    LOGS = "Logs"


TYPES = ("platform", "function", "extension")
SCHEMAS = {
    Api.TELEMETRY: ("2022-07-01", "2022-12-13", "2025-01-29"),
    Api.LOGS: ("2020-08-15", "2021-03-18"),
}
MAX_ITEMS, MAX_BYTES, TIMEOUT_MS = "maxItems", "maxBytes", "timeoutMs"
BOUNDS = {
    MAX_ITEMS: range(1_000, 10_000 + 1),
    MAX_BYTES: range(262_144, 1_048_576 + 1),
    TIMEOUT_MS: range(25, 30_000 + 1),
}
DEFAULTS = {MAX_ITEMS: 10_000, MAX_BYTES: 262_144, TIMEOUT_MS: 1_000}
HOSTS = ("sandbox.localdomain", "sandbox")
SUBSCRIBED = Answer(200, b'"OK"')


@dataclass(frozen=True, slots=True)
class Buffering:
    max_items: int = DEFAULTS[MAX_ITEMS]
    max_bytes: int = DEFAULTS[MAX_BYTES]
    timeout_ms: int = DEFAULTS[TIMEOUT_MS]


@dataclass(frozen=True, slots=True)
class Destination:
    """Where inside the environment somebody listens."""

    port: int
    path: str | None = None  # None: newline-delimited events over TCP; else HTTP
    host: str = HOSTS[0]  # as it was spelled
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Subscription:
    api: Api
    schema: str
    types: tuple[str, ...]  # as asked for
    buffering: Buffering
    destination: Destination


def parse(api: Api, body: bytes, reserved_ports: frozenset[int]) -> Subscription | Answer:
    """`reserved_ports`: where we listen inside the environment ourselves."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return _refused(api, ["body is not valid JSON"])
    if not isinstance(document, dict):
        return _refused(api, ["body should be an object"])
    problems: list[str] = []
    schema = _schema(api, document.get("schemaVersion"), problems)
    destination = _destination(api, document.get("destination"), reserved_ports, problems)
    types = _types(document.get("types"), problems)
    buffering = _buffering(document.get("buffering"), problems)
    if problems or destination is None:
        return _refused(api, problems)
    return Subscription(api, schema, types, buffering, destination)


def closed(api: Api) -> Answer:
    """Init is over."""
    return error_answer(403, f"{api} API subscription is closed", f"{api}.SubscriptionClosed")


def other_api(api: Api, taken: Api) -> Answer:
    """An extension uses one of the two."""
    return _refused(api, [f"extension is subscribed to the {taken} API already"])


def unreachable(api: Api, port: int) -> Answer:
    """TCP connects when it is asked for; nobody listened."""
    return _refused(api, [f"cannot connect to TCP port {port}"])


def too_many(api: Api) -> Answer:
    return error_answer(429, "Too many subscriptions are under way", f"{api}.TooManyRequests")


def too_large(api: Api) -> Answer:
    return error_answer(413, "The subscription is too large", f"{api}.RequestEntityTooLarge")


def _refused(api: Api, problems: list[str]) -> Answer:
    kind = "ValidationError" if api is Api.TELEMETRY else "Logs.ValidationError"
    return error_answer(400, "; ".join(problems), kind)


def _schema(api: Api, value: object, problems: list[str]) -> str:
    known = SCHEMAS[api]
    if value is None and api is Api.LOGS:
        return known[0]
    if value is None:
        problems.append("schemaVersion is not provided")
    elif not isinstance(value, str) or value not in known:
        problems.append(f"schemaVersion should be one of {', '.join(known)}")
    else:
        return value
    return ""


def _types(value: object, problems: list[str]) -> tuple[str, ...]:
    if value is None or value == []:
        problems.append("types should not be empty")
    elif not isinstance(value, list) or any(kind not in TYPES for kind in value):
        problems.append(f"types should be an array of {', '.join(TYPES)}")
    elif len(set(value)) < len(value):
        problems.append("types should be unique")
    else:
        return tuple(value)
    return ()


def _buffering(value: object, problems: list[str]) -> Buffering:
    if value is None:
        return Buffering()
    if not isinstance(value, dict):
        problems.append("buffering should be an object")
        return Buffering()
    found = {}
    for name, allowed in BOUNDS.items():
        asked: Any = value.get(name)
        if asked is None:
            asked = DEFAULTS[name]
        if type(asked) is not int or asked not in allowed:
            problems.append(f"{name} should be between {allowed[0]} and {allowed[-1]}")
            asked = DEFAULTS[name]
        found[name] = asked
    return Buffering(found[MAX_ITEMS], found[MAX_BYTES], found[TIMEOUT_MS])


def _destination(
    api: Api, value: object, reserved: frozenset[int], problems: list[str]
) -> Destination | None:
    if not isinstance(value, dict):
        problems.append("destination is not provided")
        return None
    protocol = value.get("protocol")
    if protocol == "TCP":
        return _tcp(value.get("port"), reserved, problems)
    if protocol == "HTTP":
        return _http(api, value, reserved, problems)
    problems.append("destination protocol should be HTTP or TCP")
    return None


def _tcp(port: object, reserved: frozenset[int], problems: list[str]) -> Destination | None:
    if port is None:
        problems.append("port is not provided")
    elif type(port) is not int or not 1 <= port <= 65535:
        problems.append("port should be between 1 and 65535")
    elif port in reserved:
        problems.append(f"port {port} is reserved")
    else:
        return Destination(port)
    return None


def _http(
    api: Api, value: dict[str, Any], reserved: frozenset[int], problems: list[str]
) -> Destination | None:
    method, encoding = "POST", "JSON"
    if api is Api.LOGS:
        method, encoding = value.get("method") or "POST", value.get("encoding") or "JSON"
    if method not in ("POST", "PUT"):
        problems.append("method should be POST or PUT")
    if encoding != "JSON":
        problems.append("encoding should be JSON")
    found = _uri(value.get("URI"), reserved, problems)
    if found is None:
        return None
    host, port, path = found
    return Destination(port, path, host, method if method in ("POST", "PUT") else "POST")


_PATH = re.compile(r"[!-~]*", re.ASCII)  # nothing that could end the line it is written on


def _uri(
    value: object, reserved: frozenset[int], problems: list[str]
) -> tuple[str, int, str] | None:
    if not value:
        problems.append("URI is not provided")
        return None
    if not isinstance(value, str) or len(value) > URI_CHARS or not _PATH.fullmatch(value):
        problems.append("URI is not valid")
        return None
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        problems.append("URI is not valid")
        return None
    before = len(problems)
    if parts.scheme != "http":
        problems.append("URI scheme should be http")
    if host not in HOSTS or "@" in parts.netloc:
        problems.append(f"URI host should be {HOSTS[0]}")
    if port is None:
        problems.append("URI port is not provided")
    elif port in reserved or port == 0:
        problems.append(f"URI port {port} is reserved")
    if len(problems) > before or host is None or port is None:
        return None
    return host, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
