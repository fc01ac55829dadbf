"""Try a function: an event, saved or made up, and what comes of it."""

import base64
import time
import uuid
from dataclasses import dataclass
from typing import Any

import orjson

from stoker.console.asked import Asked, Moved, Shown
from stoker.console.pages.function import key_of, page
from stoker.console.pages.logs import trace_in
from stoker.console.pricing import terms_of
from stoker.core.errors import InvalidParameterValueException
from stoker.core.invocation_price import Terms
from stoker.core.names import LATEST
from stoker.core.report_lines import read_report
from stoker.core.sample_events import KINDS, Given, sample
from stoker.neighbours.calls import Refused

KIND = "console-events"  # beside the function in the store; gone with it
MOST_EVENTS, EVENT_BYTES = 50, 256 * 1024
_EVENT = '{\n  "key1": "value1",\n  "key2": "value2"\n}'


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an invocation."""

    good: bool
    head: str
    payload: str
    log: str
    report: tuple[tuple[str, str], ...]  # as the REPORT line has it
    price: str = ""  # what it would have cost on AWS, if that can be said
    trace: str = ""


async def show(asked: Asked) -> Shown:
    """The form, with the event that was asked for."""
    saved = await _saved(asked)
    chosen, made = asked.query.get("event", ""), asked.query.get("sample", "")
    payload = saved.get(chosen, _EVENT)
    if made in KINDS:
        payload = template(made, asked.where.account, asked.where.region)
    return await _page(asked, saved, payload=payload, chosen=chosen)


async def run(asked: Asked) -> Shown:
    """Invoke it, and wait."""
    payload = asked.form.get("payload", "")
    qualifier = asked.form.get("qualifier", "").strip()
    outcome, refusal = None, ""
    tenant = asked.form.get("tenant", "")
    more = {"Qualifier": qualifier} if qualifier else {}
    if tenant:
        more["TenantId"] = tenant
    try:
        answer = await asked.call(
            "lambda",
            "Invoke",
            FunctionName=asked.names["name"],
            Payload=payload.encode("utf-8", "replace"),
            LogType="Tail",
            **more,
        )
        outcome = outcome_of(answer, await terms_of(asked, asked.names["name"], qualifier))
    except Refused as error:
        refusal = f"{error.code}: {error.message}"
    saved = await _saved(asked)
    return await _page(
        asked, saved, payload=payload, outcome=outcome, refusal=refusal, qualifier=qualifier,
        tenant=tenant,
    )  # fmt: skip


async def save(asked: Asked) -> Moved:
    """Keep the event beside the function, under a name; an empty one is removed."""
    return await keep(asked, asked.form.get("title", ""), asked.form.get("payload", ""))


async def keep(asked: Asked, title: str, payload: str) -> Moved:
    """Keep this one, and go to where it can be sent."""
    name = title.strip()[:100]
    if not name or len(payload.encode("utf-8", "replace")) > EVENT_BYTES:
        raise InvalidParameterValueException(
            f"A saved event has a name, and {EVENT_BYTES // 1024} KB at most."
        )
    key = key_of(asked)
    await asked.call("lambda", "GetFunctionConfiguration", FunctionName=key.name)
    async with asked.control.store.transaction() as tx:
        saved = dict(await tx.settings.get(key, LATEST, KIND) or {})
        saved.pop(name, None)
        if payload:
            if len(saved) >= MOST_EVENTS:
                raise InvalidParameterValueException(f"A function keeps {MOST_EVENTS} events.")
            saved[name] = payload
        await tx.settings.put(key, LATEST, KIND, saved)
    return Moved(asked.where.path("functions", key.name, event=name if payload else ""))


async def _saved(asked: Asked) -> dict[str, str]:
    async with asked.control.store.transaction() as tx:
        found = await tx.settings.get(key_of(asked), LATEST, KIND)
    return {str(name): str(payload) for name, payload in (found or {}).items()}


async def _page(asked: Asked, saved: dict[str, str], **model: Any) -> Shown:
    whole = {"chosen": "", "outcome": None, "refusal": "", "qualifier": "", "tenant": "", **model}
    return await page(asked, "", "function_test.html", saved=sorted(saved), kinds=KINDS, **whole)


def template(kind: str, account: str, region: str) -> str:
    """What the trigger would send, as `stoker event` makes it."""
    made = sample(kind, Given({}, account, region, str(uuid.uuid4()), time.time()))
    return indented(made.encode())


def indented(payload: bytes) -> str:
    """JSON for people; what is none, or longer than anybody reads, as it is."""
    if len(payload) > EVENT_BYTES:
        return payload.decode("utf-8", "replace")
    try:
        return orjson.dumps(orjson.loads(payload), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return payload.decode("utf-8", "replace")


def outcome_of(answer: dict[str, Any], terms: Terms | None = None) -> Outcome:
    """Of the answer to an Invoke, as boto3 would show it."""
    error = answer.get("FunctionError")
    log = base64.b64decode(answer.get("LogResult") or "").decode("utf-8", "replace")
    version = answer.get("ExecutedVersion") or ""
    request_id = str(answer.get("ResponseMetadata", {}).get("RequestId", ""))
    measured = read_report(log, request_id)
    return Outcome(
        good=not error,
        head=(f"Failed: {error}" if error else "Succeeded") + (f" ({version})" if version else ""),
        payload=indented(answer.get("Payload") or b""),
        log=log,
        report=report_of(log),
        price=terms.line(measured) if terms is not None and measured is not None else "",
        trace=trace_in(log) if measured is not None else "",
    )


def report_of(log: str) -> tuple[tuple[str, str], ...]:
    """The numbers of the last REPORT line; none of another log format."""
    lines = [line for line in log.splitlines() if line.startswith("REPORT RequestId: ")]
    if not lines:
        return ()
    pairs = (part.partition(": ") for part in lines[-1].split("\t")[1:])
    return tuple((name.strip(), value.strip()) for name, _, value in pairs if value)
