"""The server's own log: text on a terminal, JSON lines otherwise, on standard error.

A record is a constant message (the name of what happened) and facts in `extra`:

    log.info("environment started", extra={"function": "f", "environment_id": "1a2b"})

What functions print never comes here; it is in observe/logs.py.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

_STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def open_journal(log_format: str, level: str, stream: TextIO = sys.stderr) -> None:
    """Send every logger's records to `stream`; log_format as in the configuration."""
    text = log_format == "text" or (log_format == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(TextLine() if text else JsonLine())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)  # libraries
    logging.getLogger("stoker").setLevel(level.upper())


def facts(record: logging.LogRecord) -> dict[str, object]:
    """What the caller gave as `extra`."""
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


class TextLine(logging.Formatter):
    """12:30:01.123 INFO environment started function=f environment_id=1a2b"""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created).strftime("%H:%M:%S.%f")[:-3]
        parts = [time, record.levelname, record.getMessage()]
        parts += [f"{key}={value}" for key, value in facts(record).items()]
        line = " ".join(parts)
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonLine(logging.Formatter):
    """{"time": "2026-11-22T12:30:01.123Z", "level": "INFO", "event": "environment started", …}"""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname,
            "event": record.getMessage(),
            "logger": record.name,
            **facts(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)
