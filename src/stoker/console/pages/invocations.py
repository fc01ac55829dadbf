"""A function's latest invocations with what each cost, and each once more with its event."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stoker.console.asked import Asked, Moved, Shown
from stoker.console.pages.function import key_of, page
from stoker.console.pages.trying import indented, keep, outcome_of
from stoker.console.pricing import terms_of
from stoker.console.words import moment_of
from stoker.core.errors import InvalidRequestContentException, ResourceNotFoundException
from stoker.core.invocation_price import Terms, of_target, snapshots_cost
from stoker.core.lifecycle_words import Status
from stoker.core.names import LATEST
from stoker.core.prices import Prices, prices, said
from stoker.core.report_lines import Measured
from stoker.core.telemetry import Report, billed_ms, max_memory_mb
from stoker.neighbours.calls import Refused
from stoker.observe.recent import Ended

TOO_LARGE = "The event of this invocation was too large to be kept (recent_function_mb)."
THROTTLED = "This invocation was throttled and did not run. Events of such ones are not kept."


@dataclass(frozen=True, slots=True)
class Row:
    """An invocation that is over."""

    request_id: str
    at: str  # tells apart attempts of the same event
    moment: str  # when it began: UTC, to the millisecond
    qualifier: str  # as the caller said it
    version: str
    way: str
    duration_ms: float
    before_ms: float  # init, or restore
    billed_ms: int
    memory_mb: int
    most_mb: int
    price: str
    status: str
    mood: str
    event_bytes: int
    kept: bool
    ran: bool  # else there are no numbers


async def show(asked: Asked) -> Shown:
    """The latest first."""
    recent, key = asked.control.recent, key_of(asked)
    return await page(
        asked,
        "invocations",
        "function_invocations.html",
        rows=rows(recent.of(key), asked.where.region),
        most_bytes=recent.most_bytes,
        function_bytes=recent.function_bytes,
    )


async def inspect(asked: Asked) -> Shown:
    """One, with its event."""
    return await _page(asked, _find(asked))


async def replay(asked: Asked) -> Shown:
    """Invoke the function with the same event, as it is now, and wait."""
    found = _find(asked)
    if found.event is None:
        raise InvalidRequestContentException(_why_not(found))
    outcome, refusal = None, ""
    try:
        answer = await asked.call("lambda", "Invoke", **again(found))
        qualifier = qualifier_of(found.invoked_arn)
        outcome = outcome_of(answer, await terms_of(asked, found.target.name, qualifier))
    except Refused as error:
        refusal = f"{error.code}: {error.message}"
    return await _page(asked, found, outcome=outcome, refusal=refusal)


async def save(asked: Asked) -> Moved:
    """As a test event, under a name."""
    found = _find(asked)
    if not found.event:
        raise InvalidRequestContentException(_why_not(found))
    return await keep(asked, asked.form.get("title", ""), indented(found.event))


def rows(ended: Sequence[Ended], region: str) -> list[Row]:
    at = {one.target.architecture: _prices(region, one) for one in ended}
    return [row(one, at[one.target.architecture]) for one in ended]


def row(one: Ended, at: Prices) -> Row:
    report, target = one.report, one.target
    billed = replace(of_target(target), provisioned=one.provisioned)
    terms = Terms(billed, at, snapshots_cost(target.runtime))
    found = measured(report)
    status = status_of(one)
    return Row(
        request_id=one.request_id,
        at=at_of(one),
        moment=f"{moment_of(one.began_ms)}.{int(one.began_ms) % 1000:03}",
        qualifier=qualifier_of(one.invoked_arn) or LATEST,
        version=target.version,
        way=str(one.way),
        duration_ms=found.duration_ms,
        before_ms=found.before_ms,
        billed_ms=found.billed_ms,
        memory_mb=found.memory_mb,
        most_mb=found.max_memory_mb,
        price="" if one.throttled else said(terms.dollars(found)),
        status=status or "Succeeded",
        mood="bad" if status else "good",
        event_bytes=one.event_bytes,
        kept=one.event is not None,
        ran=not one.throttled,
    )


def measured(report: Report) -> Measured:
    """As its REPORT line says it."""
    restore = report.restore
    return Measured(
        duration_ms=report.duration_ms,
        billed_ms=billed_ms(report.duration_ms, report.to_bill_ms),
        memory_mb=report.memory_size_mb,
        max_memory_mb=max_memory_mb(report.max_memory_bytes, report.memory_size_mb),
        init_ms=report.init_ms or 0.0 if restore is None else 0.0,
        restore_ms=0.0 if restore is None else restore.duration_ms,
        billed_restore_ms=0.0 if restore is None else restore.billed_ms,
    )


def status_of(one: Ended) -> str:
    """What went wrong; "": nothing."""
    if one.throttled:
        return f"Throttled: {one.throttled}"
    if one.report.status is Status.TIMEOUT:
        return "Timed out"
    if one.report.fault is not None:
        return one.report.fault.type
    return one.error


def qualifier_of(arn: str) -> str:
    """arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]"""
    parts = arn.split(":")
    return parts[7] if len(parts) > 7 else ""


def again(one: Ended) -> dict[str, Any]:
    """The Invoke that repeats it."""
    qualifier = qualifier_of(one.invoked_arn)
    context = base64.b64encode(one.client_context.encode()).decode()
    return {
        "FunctionName": one.target.name,
        "Payload": one.event,
        "LogType": "Tail",
        **({"Qualifier": qualifier} if qualifier else {}),
        **({"ClientContext": context} if context else {}),
    }


def chosen(ended: Sequence[Ended], request_id: str, at: str) -> Ended | None:
    """Attempts of an event have the same id: the one that began then, else the latest."""
    mine = [one for one in ended if one.request_id == request_id]
    return next((one for one in mine if at_of(one) == at), mine[0] if mine else None)


def at_of(one: Ended) -> str:
    return f"{one.began:.6f}"


def _find(asked: Asked) -> Ended:
    given: Mapping[str, str] = {**asked.query, **asked.form}
    ended = asked.control.recent.of(key_of(asked))
    found = chosen(ended, asked.names["id"], given.get("at", ""))
    if found is None:
        raise ResourceNotFoundException(
            f"Of invocation {asked.names['id']} nothing is kept (any more): only the latest of each"
            " function are, since the server's start."
        )
    return found


async def _page(asked: Asked, found: Ended, **model: Any) -> Shown:
    """A body of megabytes is cut where it is shown."""
    event = None if found.event is None else indented(found.event)
    whole = {
        "outcome": None,
        "refusal": "",
        **model,
        "row": row(found, _prices(asked.where.region, found)),
    }
    return await page(
        asked,
        "invocations",
        "function_invocation.html",
        event=event,
        why_not=_why_not(found),
        **whole,
    )


def _why_not(found: Ended) -> str:
    """There is no event."""
    return THROTTLED if found.throttled else TOO_LARGE


def _prices(region: str, of: Ended) -> Prices:
    return prices(region, of.target.architecture)
