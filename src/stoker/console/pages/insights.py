"""Logs Insights: a query over log groups, what it found as a table, and as a plot by time."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stoker.console.asked import Asked, Moved, Shown, Told
from stoker.console.words import bytes_of, count_of, lined, moment_of, ms_of
from stoker.core.errors import ResourceNotFoundException
from stoker.core.log_insights.errors import MalformedQueryException
from stoker.core.log_insights.reading import read
from stoker.core.log_insights.values import number
from stoker.neighbours.calls import Refused
from stoker.observe.insights import Query

MINUTES = (5, 60, 180, 1440, 10080, 43200)
GROUPS = 50  # that are offered at a time, and AWS's limit of a query
ROWS = 200  # of one page
CELL = 2000  # characters that are shown
LINES, POINTS = 6, 2000  # of a plot
LATEST = 8  # queries that are offered again
PATIENCE_S = 0.8  # most queries are over by then, and shown at once
HIDDEN = "@ptr"
TRACE = "@xrayTraceId"
DEFAULT = "fields @timestamp, @message\n| sort @timestamp desc\n| limit 100"

EXAMPLES = (
    ("The latest events", DEFAULT),
    ("Errors", "fields @timestamp, @logStream, @message\n"
     "| filter @message like /(?i)error|exception|timed out/\n| sort @timestamp desc\n| limit 100"),
    ("The slowest invocations", 'filter @type = "REPORT"\n'
     "| fields @timestamp, @requestId, @duration, @billedDuration, @initDuration, @xrayTraceId\n"
     "| sort @duration desc\n| limit 25"),
    ("Duration over time", 'filter @type = "REPORT"\n'
     "| stats avg(@duration) as mean, pct(@duration, 99) as p99, max(@duration) as most\n"
     "  by bin(1m)"),
    ("Invocations and cold starts over time", 'filter @type = "REPORT"\n'
     "| stats count(@requestId) as invocations, count(@initDuration) as cold by bin(1m)"),
    ("Memory that is not needed", 'filter @type = "REPORT"\n'
     "| stats max(@memorySize) / 1000000 as given_mb, max(@maxMemoryUsed) / 1000000 as used_mb,\n"
     "  given_mb - used_mb as spare_mb by @log"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    trace: str = ""  # an X-Ray trace that it names


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    numeric: bool


@dataclass(frozen=True, slots=True)
class Table:
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    number: int  # of the page
    pages: int


@dataclass(frozen=True, slots=True)
class Mistake:
    """Where a query cannot be read."""

    why: str
    before: str
    at: str
    after: str


async def show(asked: Asked) -> Shown:
    """The form, empty or with what the address has: group, query, minutes."""
    group = asked.query.get("group", "")
    chosen = (group,) if group else ()
    return await _page(asked, chosen, asked.query.get("query", DEFAULT), _minutes(asked.query))


async def start(asked: Asked) -> Shown | Moved:
    """StartQuery; its results have an address of their own."""
    text, minutes = lined(asked.form.get("query", "")), _minutes(asked.form)
    chosen = chosen_of(asked.form)
    now = int(time.time())
    try:
        begun = await asked.call(
            "logs", "StartQuery", logGroupNames=list(chosen), queryString=text,
            startTime=now - minutes * 60, endTime=now,
        )  # fmt: skip
    except Refused as refusal:
        wrong = mistake(text) if refusal.code == "MalformedQueryException" else None
        return await _page(asked, chosen, text, minutes, refusal=refusal.message, mistake=wrong)
    return Moved(asked.where.path("insights", begun["queryId"]))


async def results(asked: Asked) -> Shown:
    """A query and what it has found: until it is over, the page asks again."""
    query = _found(asked)
    await asked.control.insights.settled(query, PATIENCE_S)
    minutes = max(1, round((query.until_s - query.since_s) / 60))
    found = table(query.rows, asked.query.get("page", "1"))
    timed = bool(plots(query.rows)["times"])
    return await _page(
        asked, query.names, query.text, minutes, query=query, table=found, timed=timed,
        statistics=statistics(query),
    )  # fmt: skip


async def stop(asked: Asked) -> Moved:
    """StopQuery."""
    query = _found(asked)
    if not query.is_over:
        await asked.call("logs", "StopQuery", queryId=query.id)
    return Moved(asked.where.path("insights", query.id))


async def data(asked: Asked) -> Told:
    """What the plot draws."""
    return Told(plots(_found(asked).rows))


def _found(asked: Asked) -> Query:
    where, id_ = asked.where, asked.names["id"]
    query = asked.control.insights.find(where.account, where.region, id_)
    if query is None:
        raise ResourceNotFoundException(f"Query {id_[:100]} is not known here, or no longer.")
    return query


async def _page(asked: Asked, chosen: Sequence[str], text: str, minutes: int, **more: Any) -> Shown:
    search = asked.query.get("search", "").strip()
    named = {"logGroupNamePattern": search} if search else {}
    try:
        listed = await asked.call("logs", "DescribeLogGroups", limit=GROUPS, **named)
    except Refused:  # what was typed cannot be in a name
        listed = {"logGroups": []}
    names = [one["logGroupName"] for one in listed["logGroups"]]
    where = asked.where
    latest = [
        one
        for one in reversed(list(asked.control.insights))
        if (one.account, one.region) == (where.account, where.region)
    ]
    model = {
        "search": search, "offered": [*chosen, *(one for one in names if one not in chosen)],
        "chosen": frozenset(chosen), "more_groups": "nextToken" in listed,
        "text": text, "minutes": minutes, "choices": sorted({*MINUTES, minutes}),
        "examples": EXAMPLES, "latest": latest[:LATEST],
        "query": None, "table": None, "timed": False, "statistics": (), "refusal": "",
        "mistake": None, **more,
    }  # fmt: skip
    return Shown("insights.html", model, title="Logs Insights")


def _minutes(given: Mapping[str, str]) -> int:
    said = given.get("minutes", "60")
    known = said.isascii() and said.isdecimal() and len(said) < 7
    return min(max(int(said), 1), 366 * 1440) if known else 60


def chosen_of(form: Mapping[str, str]) -> tuple[str, ...]:
    """The groups whose boxes are ticked ("in:NAME"), and those that were typed."""
    ticked = [key.removeprefix("in:") for key in form if key.startswith("in:")]
    typed = form.get("others", "").replace(",", " ").split()
    return tuple(dict.fromkeys([*ticked, *typed]))


def mistake(query: str) -> Mistake | None:
    """Where it is, with the line around it."""
    try:
        read(query)
    except MalformedQueryException as error:
        at = error.at
        return Mistake(error.message, query[:at], query[at : at + 1] or " ", query[at + 1 :])
    return None


def table(rows: Sequence[Sequence[Sequence[str]]], asked_page: str) -> Table:
    """`rows`: as GetQueryResults has them, of (field, value). Columns as they first come."""
    names = [name for name in dict.fromkeys(n for row in rows for n, _ in row) if name != HIDDEN]
    pages = max(1, -(-len(rows) // ROWS))
    known = asked_page.isascii() and asked_page.isdecimal() and len(asked_page) < 9
    at = min(max(int(asked_page), 1), pages) if known else 1
    there = [_fields(row) for row in rows[(at - 1) * ROWS : at * ROWS]]
    columns = tuple(Column(name, _numeric(name, there)) for name in names)
    return Table(
        columns,
        tuple(tuple(_cell(column.name, row) for column in columns) for row in there),
        at,
        pages,
    )


def _fields(row: Sequence[Sequence[str]]) -> dict[str, str]:
    return {name: value for name, value in row}  # noqa: C416 (pairs are lists)


def _numeric(name: str, rows: Sequence[Mapping[str, str]]) -> bool:
    values = [row[name] for row in rows if row.get(name, "") != ""]
    return bool(values) and all(number(value) is not None for value in values)


def _cell(name: str, row: Mapping[str, str]) -> Cell:
    text = row.get(name, "")
    more = len(text) - CELL
    shown = f"{text[:CELL]}… ({more} more characters)" if more > 0 else text
    return Cell(shown, text if name == TRACE else "")


def plots(rows: Sequence[Sequence[Sequence[str]]]) -> dict[str, Any]:
    """Numbers by time, if the rows have a bin() each: a line for each column of numbers, or, where
    rows are grouped by more than time, for each of the groups. As monitor.js draws them."""
    found = [_fields(row) for row in rows[: POINTS * LINES]]
    name = next((n for n in (found[0] if found else ()) if n.lower().startswith("bin(")), None)
    moments = [_epoch_s(row.get(name, "")) for row in found] if name is not None else []
    if name is None or not moments or None in moments:
        return {"times": [], "plots": []}
    others = [one for one in found[0] if one not in (name, HIDDEN)]
    numbers = [one for one in others if _numeric(one, found)]
    groups = [one for one in others if one not in numbers]
    lines: dict[str, dict[int, float]] = {}
    for moment, row in zip(moments, found, strict=True):
        assert moment is not None
        of = " ".join(row.get(one, "") for one in groups)[:60]
        for column in numbers:
            value = number(row.get(column, ""))
            title = (f"{of}: {column}" if len(numbers) > 1 else of) if groups else column
            if value is not None and (title in lines or len(lines) < LINES):
                lines.setdefault(title, {})[moment] = value
    times = sorted({at for line in lines.values() for at in line})[-POINTS:]
    if len(times) == 1:  # a point has a place only between others
        times = [times[0] - 60, times[0], times[0] + 60]
    drawn = [
        {"name": title, "values": [line.get(at) for at in times]} for title, line in lines.items()
    ]
    return {"times": times, "plots": [{"title": f"By {name}", "unit": "", "lines": drawn}]}


def _epoch_s(text: str) -> int | None:
    """Of "2026-11-22 16:00:00.000"."""
    try:
        moment = datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f")
    except ValueError:
        return None
    return int(moment.replace(tzinfo=UTC).timestamp())


def statistics(query: Query) -> tuple[tuple[str, str], ...]:
    took = query.ended_ms - query.created_ms if query.is_over else 0
    return (
        ("Matched", count_of(query.matched)),
        ("Scanned", f"{count_of(query.scanned)} events, {bytes_of(query.scanned_bytes)}"),
        ("Log groups", count_of(query.groups)),
        ("Took", ms_of(took) if took else "—"),
        ("From", moment_of(query.since_s * 1000)),
        ("Until", moment_of(query.until_s * 1000)),
    )
