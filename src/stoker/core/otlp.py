"""Where telemetry is exported to by OpenTelemetry's protocol, as an operator says it. Pure.

https://opentelemetry.io/docs/specs/otel/protocol/exporter/: below the endpoint each signal has a
path of its own; headers are `name=value`, their values may be percent-encoded.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

TRACES: Final = "traces"
METRICS: Final = "metrics"
LOGS: Final = "logs"
SIGNALS: Final = (TRACES, METRICS, LOGS)
MOST_HEADERS: Final = 32


class BadDestination(ValueError):
    """What was said names no place to export to: why, and by which option it was said."""

    def __init__(self, option: str, why: str) -> None:
        super().__init__(why)
        self.option = option


@dataclass(frozen=True, slots=True)
class Destination:
    """Where to, with which headers, and what."""

    endpoint: str  # without a slash at its end
    headers: tuple[tuple[str, str], ...] = ()
    signals: frozenset[str] = frozenset(SIGNALS)

    def url(self, signal: str) -> str:
        return f"{self.endpoint}/v1/{signal}"


def read_destination(
    endpoint: str, headers: Iterable[str], signals: Iterable[str]
) -> Destination | None:
    """None: nothing is exported. Raise BadDestination."""
    if not endpoint:
        return None
    try:
        parts = urlsplit(endpoint)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or parts.query or parts.fragment:
        raise BadDestination(
            "otlp_endpoint", f"'{endpoint}' is not a URL as http://127.0.0.1:4318 is"
        )
    wanted = frozenset(signals)
    if strange := wanted.difference(SIGNALS):
        raise BadDestination("otlp_signals", f"'{min(strange)}' is none of {', '.join(SIGNALS)}")
    return Destination(endpoint.rstrip("/"), read_headers(headers), wanted)


def read_headers(headers: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Raise BadDestination; what it says has no value in it, since that may be a secret."""
    found = []
    for one in headers:
        name, equals, value = one.partition("=")
        name, value = name.strip(), unquote(value.strip())
        if not equals or not name.isascii() or not name.replace("-", "").isalnum():
            raise BadDestination("otlp_headers", "a header is written name=value")
        if not value.isascii() or not value.isprintable():
            raise BadDestination(
                "otlp_headers", f"the value of header {name} has what no header may have"
            )
        found.append((name, value))
    if len(found) > MOST_HEADERS:
        raise BadDestination("otlp_headers", f"there are more than {MOST_HEADERS} headers")
    return tuple(found)
