"""CloudWatch Logs Insights: StartQuery, GetQueryResults, StopQuery, DescribeQueries."""

from sqlite3 import Connection

from stoker.api.control import Call, Caller, Control
from stoker.api.log_names import group_identified, own_group
from stoker.api.logs import since
from stoker.api.shapes import logs as shapes
from stoker.core.errors import (
    InvalidParameterException,
    LimitExceededException,
    LogsResourceNotFoundException,
    NotImplementedException,
)
from stoker.core.log_insights.reading import MOST_ROWS, read
from stoker.observe import log_groups
from stoker.observe.insights import Query, TooMany, new_id
from stoker.observe.log_groups import Group
from stoker.observe.logs import now_ms

GROUPS = 50  # AWS: of one query
LISTED = 1000


async def start_query(
    control: Control, call: Call[shapes.StartQueryInput]
) -> shapes.StartQueryResponse:
    """Begin a search; GetQueryResults tells how far it is."""
    asked, caller = call.input, call.caller
    if asked.query_language not in (None, "CWLI"):
        raise NotImplementedException(
            f"Stoker has not built queries in {asked.query_language} yet."
        )
    ways = (asked.log_group_name, asked.log_group_names, asked.log_group_identifiers)
    if sum(one is not None for one in ways) != 1:
        raise InvalidParameterException(
            "Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be specified."
        )
    if asked.start_time > asked.end_time:
        raise InvalidParameterException("endTime must not be before startTime.")
    if asked.log_group_identifiers is not None:
        names = [group_identified(caller, one) for one in asked.log_group_identifiers]
    else:
        one_name = () if asked.log_group_name is None else (asked.log_group_name,)
        names = [own_group(caller, one) for one in asked.log_group_names or one_name]
    if not 0 < len(names) <= GROUPS:
        raise InvalidParameterException(f"A query has between 1 and {GROUPS} log groups.")
    read(asked.query_string)

    def look(db: Connection) -> list[Group]:
        return [log_groups.get_group(db, name) for name in dict.fromkeys(names)]

    groups = await control.logs_store.query(look)
    query = Query(
        new_id(), caller.account, caller.region, groups[0].name, asked.query_string,
        len(groups), now_ms(),
        names=tuple(group.name for group in groups),
        since_s=asked.start_time, until_s=asked.end_time,
    )  # fmt: skip
    work = {
        "query": asked.query_string,
        "limit": min(asked.limit or MOST_ROWS, MOST_ROWS),
        "until_ms": asked.end_time * 1000 + 999,
        "groups": [
            {
                "id": group.id,
                "name": f"{caller.account}:{group.name}",
                "since_ms": since(group, asked.start_time * 1000),
            }
            for group in groups
        ],
    }
    try:
        control.insights.start(query, control.logs_store.path, work)
    except TooMany:
        raise LimitExceededException("Too many queries run at a time.") from None
    return shapes.StartQueryResponse(query_id=query.id)


async def get_query_results(
    control: Control, call: Call[shapes.GetQueryResultsInput]
) -> shapes.GetQueryResultsResponse:
    """What a query has found: nothing before it is complete."""
    query = _found(control, call.input.query_id, call.caller)
    skip = _place(call.input.next_token)
    page = query.rows[skip : skip + (call.input.max_items or MOST_ROWS)]
    more = skip + len(page) < len(query.rows)
    return shapes.GetQueryResultsResponse(
        query_language="CWLI",
        results=tuple(
            tuple(shapes.ResultField(field=name, value=value) for name, value in row)
            for row in page
        ),
        statistics=shapes.QueryStatistics(
            records_matched=float(query.matched),
            records_scanned=float(query.scanned),
            estimated_records_skipped=0.0,
            bytes_scanned=float(query.scanned_bytes),
            estimated_bytes_skipped=0.0,
            log_groups_scanned=float(query.groups),
        ),
        status=query.status,
        next_token=str(skip + len(page)) if more else None,
    )


async def stop_query(
    control: Control, call: Call[shapes.StopQueryInput]
) -> shapes.StopQueryResponse:
    """End a query that is not over."""
    query = _found(control, call.input.query_id, call.caller)
    if not control.insights.stop(query):
        raise InvalidParameterException(f"Query {query.id} is {query.status}, and not running.")
    return shapes.StopQueryResponse(success=True)


async def describe_queries(
    control: Control, call: Call[shapes.DescribeQueriesInput]
) -> shapes.DescribeQueriesResponse:
    """The latest queries, the latest first."""
    asked, caller = call.input, call.caller
    found = [
        query
        for query in reversed(list(control.insights))
        if (query.account, query.region) == (caller.account, caller.region)
        and asked.log_group_name in (None, query.group)
        and asked.status in (None, query.status)
        and asked.query_language in (None, "CWLI")
    ]
    skip = _place(asked.next_token)
    page = found[skip : skip + (asked.max_results or LISTED)]
    return shapes.DescribeQueriesResponse(
        queries=tuple(
            shapes.QueryInfo(
                query_language="CWLI",
                query_id=query.id,
                query_string=query.text,
                status=query.status,
                create_time=query.created_ms,
                log_group_name=query.group,
                query_duration=max(query.ended_ms - query.created_ms, 0),
                bytes_scanned=float(query.scanned_bytes),
            )
            for query in page
        ),
        next_token=str(skip + len(page)) if skip + len(page) < len(found) else None,
    )


def _found(control: Control, id_: str, caller: Caller) -> Query:
    query = control.insights.find(caller.account, caller.region, id_)
    if query is None:
        raise LogsResourceNotFoundException(f"Query {id_[:256]} does not exist.")
    return query


def _place(token: str | None) -> int:
    if token is None:
        return 0
    if not (token.isascii() and token.isdecimal() and len(token) < 10):
        raise InvalidParameterException("The specified nextToken is invalid.")
    return int(token)
