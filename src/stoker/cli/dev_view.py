"""What functions print, and a line for each invocation, as `stoker dev` shows them."""

import json
import re
from datetime import datetime
from typing import Any

from rich.text import Text

from stoker.cli.client import written

_REPORT = re.compile(
    r"REPORT RequestId: \S+\s+Duration: (?P<duration>[\d.]+) ms\s+"
    r"Billed Duration: (?P<billed>[\d.]+) ms\s+Memory Size: (?P<memory>\d+) MB\s+"
    r"Max Memory Used: (?P<used>\d+) MB\s*(?:Init Duration: (?P<init>[\d.]+) ms)?"
    r"(?:.*?Status: (?P<status>\w+))?(?:\s+Error Type: (?P<error>\S+))?",
    re.DOTALL,
)
_UNTOLD = ("START RequestId:", "END RequestId:", "INIT_START ", "INIT_REPORT ", "XRAY TraceId:")
# What the runtime says before each error: that it might be a new version of itself.
_WARNING = re.compile(r"\[WARNING\]\t\S+\t\S*\tLAMBDA_WARNING: Unhandled exception\. ")


def line(function: str, event: dict[str, Any]) -> Text | None:
    """How this event of the function's log is shown; None: not at all."""
    moment = datetime.fromtimestamp(event["timestamp"] / 1000)
    head = Text().append(f"{moment:%H:%M:%S.%f}"[:-3], style="dim")
    head.append(f" {function} ", style="cyan")
    message = str(event["message"]).rstrip("\r\n")
    report = _report(message)
    if report is not None:
        return head.append_text(_invocation(report))
    if message.startswith(_UNTOLD) or _WARNING.match(message) or _is_platforms(message):
        return None
    return head.append(written(message), style="default")


def _report(message: str) -> dict[str, str | None] | None:
    read = _REPORT.match(message)
    if read is not None:
        return read.groupdict()
    if '"platform.report"' not in message:
        return None
    try:
        record = json.loads(message)["record"]
        metrics = record["metrics"]
        return {
            "duration": f"{metrics['durationMs']}",
            "billed": f"{metrics['billedDurationMs']}",
            "memory": f"{metrics['memorySizeMB']}",
            "used": f"{metrics['maxMemoryUsedMB']}",
            "init": f"{metrics['initDurationMs']}" if "initDurationMs" in metrics else None,
            "status": None if record.get("status") == "success" else record.get("status"),
            "error": record.get("errorType"),
        }
    except (ValueError, KeyError, TypeError):
        return None  # a function printed it


def _is_platforms(message: str) -> bool:
    if not message.startswith("{"):
        return False
    try:
        said = json.loads(message)
    except ValueError:
        return False
    return isinstance(said, dict) and str(said.get("type", "")).startswith("platform.")


def _invocation(report: dict[str, str | None]) -> Text:
    status, error = report["status"], report["error"]
    shown = Text("✗ " if status else "✓ ", style="red" if status else "green")
    shown.append(f"{report['duration']} ms", style="bold")
    shown.append(f", billed {report['billed']} ms, {report['used']} of {report['memory']} MB")
    if report["init"]:
        shown.append(f", init {report['init']} ms")
    if status:
        shown.append(f", {written(f'{status} {error or str()}'.strip())}", style="red")
    return shown
