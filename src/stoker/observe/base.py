"""What the data plane may say to the log store: append, never wait."""

from typing import Protocol


class LogSink(Protocol):
    """One log stream of one group, open for writing by one environment."""

    @property
    def group(self) -> str: ...

    @property
    def stream(self) -> str: ...

    def append(self, timestamp_ms: int, message: bytes) -> None:
        """Keep one event (UTF-8, invalid bytes replaced when read; trailing newline is part
        of it). Never blocks, never raises; past the bound events are dropped and a marker
        event says how many. Durable and visible to readers within a fraction of a second."""
        ...

    def close(self) -> None:
        """No more events; what was appended still reaches the store."""
        ...


class Logs(Protocol):
    def open(self, account: str, region: str, group: str, stream: str) -> LogSink:
        """Open a stream, creating group and stream (lazily, at the first event). Never blocks."""
        ...
