"""The log of a function: its latest events, filtered, followed."""

import re
import time
from typing import Any

from stoker.console.asked import Asked, Shown
from stoker.console.pages.function import page
from stoker.console.pricing import terms_in
from stoker.console.words import moment_of
from stoker.core.invocation_price import Terms
from stoker.core.report_lines import reported
from stoker.neighbours.calls import Refused

SHOWN = 300
LINE = 4000  # characters of an event that are shown
MINUTES = (5, 60, 1440, 20160)
_TRACE = re.compile(r"(?:XRAY TraceId: |\"Root=)(1-[0-9a-f]{8}-[0-9a-f]{24})\b")


async def show(asked: Asked) -> Shown:
    """The newest events of the log group that match, the newest at the end."""
    pattern = asked.query.get("filter", "")
    minutes = int(asked.query.get("minutes", "60")) if _known(asked) else 60
    name = asked.names["name"]
    shown = await page(asked, "logs", "function_logs.html")
    group = (shown.model["about"].get("LoggingConfig") or {}).get("LogGroup")
    group = group or f"/aws/lambda/{name}"
    events: list[dict[str, Any]] = []
    refusal, more_before = "", False
    try:
        found = await asked.call(
            "logs", "FilterLogEvents", logGroupName=group, limit=SHOWN, startFromHead=False,
            startTime=int(time.time() * 1000) - minutes * 60_000,
            **({"filterPattern": pattern} if pattern else {}),
        )  # fmt: skip
        events, more_before = found["events"], "nextToken" in found
    except Refused as error:
        if error.code != "ResourceNotFoundException":  # nothing was logged yet
            refusal = error.message
    more = {
        "group": group, "filter": pattern, "minutes": minutes,
        "events": lines(events, terms_in(shown.model["about"], asked.where.region)),
        "choices": MINUTES, "refusal": refusal, "more_before": more_before,
    }  # fmt: skip
    return Shown(shown.template, {**shown.model, **more}, shown.title)


def _known(asked: Asked) -> bool:
    return asked.query.get("minutes", "") in {str(one) for one in MINUTES}


def lines(events: list[dict[str, Any]], terms: Terms | None = None) -> list[dict[str, str]]:
    """The oldest first; a long one is cut. A REPORT has its price and its trace beside it."""
    found = []
    for event in reversed(events):
        text = str(event["message"]).rstrip("\n")
        cut = text if len(text) <= LINE else f"{text[:LINE]}… ({len(text) - LINE} more characters)"
        word = text[:12].split(" ", 1)[0]
        kind = word if word in ("START", "END", "REPORT", "INIT_START") else ""
        if "[ERROR]" in text[:64] or "Task timed out" in text[:200]:
            kind = "ERROR"
        moment = moment_of(event["timestamp"])[11:] + f".{event['timestamp'] % 1000:03d}"
        measured = reported(text) if terms is not None and len(text) <= LINE else None
        price = terms.brief(measured) if terms is not None and measured is not None else ""
        found.append(
            {
                "at": moment, "kind": kind, "text": cut, "stream": event["logStreamName"],
                "price": price, "trace": trace_in(cut) if measured is not None else "",
            }
        )  # fmt: skip
    return found


def trace_in(log: str) -> str:
    """The X-Ray trace that the last REPORT of a log names, if it names one."""
    found = _TRACE.findall(log)
    return str(found[-1]) if found else ""
