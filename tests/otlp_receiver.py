"""A receiver of OTLP over HTTP that reads what it gets with OpenTelemetry's own messages."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

KINDS: dict[str, Any] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


@dataclass(slots=True)
class Receiver:
    """What has come; `answer` may say what is answered (None: with success)."""

    answer: Callable[[BaseHTTPRequestHandler], None] | None = None
    url: str = ""
    headers: list[dict[str, str]] = field(default_factory=list)
    requests: list[Any] = field(default_factory=list)

    def spans(self) -> list[tuple[dict[str, Any], Any]]:
        """Each with its resource's attributes."""
        return self._each("/v1/traces", "spans", "spans")

    def metrics(self) -> list[tuple[dict[str, Any], Any]]:
        return self._each("/v1/metrics", "metrics", "metrics")

    def lines(self) -> list[tuple[dict[str, Any], Any]]:
        return self._each("/v1/logs", "logs", "log_records")

    def _each(self, path: str, signal: str, items: str) -> list[tuple[dict[str, Any], Any]]:
        return [
            (said(each.resource.attributes), one)
            for request in list(self.requests)
            if isinstance(request, KINDS[path])
            for each in getattr(request, f"resource_{signal}")
            for scope in getattr(each, f"scope_{signal}")
            for one in getattr(scope, items)
        ]


def said(attributes: Any) -> dict[str, Any]:
    """Attributes by name."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@contextmanager
def receiving(
    answer: Callable[[BaseHTTPRequestHandler], None] | None = None,
) -> Iterator[Receiver]:
    """One on a port of its own, as long as this lasts."""
    receiver = Receiver(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.headers.append(dict(self.headers))
            receiver.requests.append(KINDS[self.path].FromString(body))
            if receiver.answer is not None:
                receiver.answer(self)
                return
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = False
        receiver.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
