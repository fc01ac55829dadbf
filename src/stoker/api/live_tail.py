"""StartLiveTail: log events as they come, as an event stream.

initial-response, sessionStart, sessionUpdate …   until the caller is gone, or for three hours
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from sqlite3 import Connection

import orjson

from stoker.api.control import Call, Control
from stoker.api.log_names import group_identified
from stoker.api.shapes import logs as shapes
from stoker.api.streamed import Streamed, StreamedEvent
from stoker.core.errors import InvalidParameterException, LimitExceededException
from stoker.core.log_patterns import parse
from stoker.observe import log_groups
from stoker.observe.live_tails import Seen, Session, TooMany, Wanted

EVERY_S = 1.0  # an update, also if there is nothing new
APART_S = 0.2
LONGEST_S = 3 * 3600.0  # AWS


async def start_live_tail(control: Control, call: Call[shapes.StartLiveTailInput]) -> Streamed:
    """Follow log groups; streams and prefixes of streams only of a single one."""
    asked, caller = call.input, call.caller
    narrowed = asked.log_stream_names or asked.log_stream_name_prefixes
    if narrowed and len(asked.log_group_identifiers) > 1:
        raise InvalidParameterException("Log streams can be named for a single log group only.")
    if asked.log_stream_names and asked.log_stream_name_prefixes:
        raise InvalidParameterException(
            "logStreamNames and logStreamNamePrefixes cannot be specified together."
        )
    names = [group_identified(caller, one) for one in asked.log_group_identifiers]

    def look(db: Connection) -> None:
        for name in names:
            log_groups.get_group(db, name)

    await control.logs_store.query(look)
    pattern = asked.log_event_filter_pattern
    wanted = Wanted(
        caller.account,
        caller.region,
        frozenset(name.name for name in names),
        asked.log_stream_names or (),
        asked.log_stream_name_prefixes or (),
        parse(pattern) if pattern else None,
    )
    tails = control.logs_store.tails
    try:
        session = tails.open(wanted)
    except TooMany:
        raise LimitExceededException("Too many live tail sessions at a time.") from None
    return Streamed(_events(call, session), lambda: tails.close(session))


async def _events(
    call: Call[shapes.StartLiveTailInput], session: Session
) -> AsyncIterator[StreamedEvent]:
    asked = call.input
    started = {
        "requestId": call.request_id,
        "sessionId": str(uuid.uuid4()),
        "logGroupIdentifiers": asked.log_group_identifiers,
        "logStreamNames": asked.log_stream_names or (),
        "logStreamNamePrefixes": asked.log_stream_name_prefixes or (),
        "logEventFilterPattern": asked.log_event_filter_pattern or "",
    }
    yield StreamedEvent("initial-response", b"{}")
    yield StreamedEvent("sessionStart", orjson.dumps(started))
    until = time.monotonic() + LONGEST_S
    while not session.is_over and time.monotonic() < until:
        try:
            async with asyncio.timeout(EVERY_S):
                await session.news.wait()
        except TimeoutError:
            pass  # an empty update says that the session lives
        seen, sampled = session.take()
        update = {
            "sessionMetadata": {"sampled": sampled},
            "sessionResults": [_shown(one) for one in seen],
        }
        yield StreamedEvent("sessionUpdate", orjson.dumps(update))
        await asyncio.sleep(APART_S)  # what comes together goes together
    over = {"message": "The session has come to its end."}
    yield StreamedEvent("SessionTimeoutException", orjson.dumps(over), is_error=True)


def _shown(one: Seen) -> dict[str, object]:
    where = one.where
    return {
        "logStreamName": where.stream,
        "logGroupIdentifier": f"{where.account}:{where.group}",
        "message": one.message,
        "timestamp": one.time_ms,
        "ingestionTime": time.time_ns() // 1_000_000,
    }
