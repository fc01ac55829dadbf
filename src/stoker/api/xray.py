"""AWS X-Ray: segments are put, and traces and service graphs are read.

    PutTraceSegments ───────────────────► TraceStore ──► summaries, traces, graphs
    environments (SDKs, Lambda's own) ──┘  core/xray/ puts them together, in a thread

Documented at https://docs.aws.amazon.com/xray/latest/api/. There is one sampling rule, Default.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta

from stoker.api import xray_shown
from stoker.api.control import Call, Caller, Control
from stoker.api.shapes import xray as shapes
from stoker.core.errors import NotImplementedException, ServiceException
from stoker.core.tracing import FIXED_RATE, RESERVOIR_PER_S
from stoker.core.xray import filters
from stoker.core.xray.assembly import assembled
from stoker.core.xray.documents import TRACE_ID, glance, said_id
from stoker.core.xray.errors import InvalidRequestException, RejectedSegment
from stoker.core.xray.graphs import Node, graph
from stoker.core.xray.summaries import Summary, summary
from stoker.core.xray.works import works
from stoker.store.base import StoreUnavailable
from stoker.store.trace_store import Arrived, Place, Span, StoredTrace, TraceStore

SEGMENTS = 50  # of one PutTraceSegments
IDS = 5  # of one BatchGetTraces
SHOWN = 100  # summaries of one answer
SCANNED, SCANNED_BYTES = 1000, 16 * 1024 * 1024  # looked at for one answer
PAGE = 100
LONGEST = timedelta(hours=24)
DEFAULT = "Default"
INTERVAL_S = 10
EPOCH = datetime.fromtimestamp(0, UTC)


async def put_trace_segments(
    control: Control, call: Call[shapes.PutTraceSegmentsInput]
) -> shapes.PutTraceSegmentsResult:
    """Keep segment documents; those that are taken are on the disk when this answers."""
    documents = call.input.trace_segment_documents
    if not 0 < len(documents) <= SEGMENTS:
        raise InvalidRequestException(f"There must be between 1 and {SEGMENTS} documents.")
    caller = call.caller
    function = caller.environment.name if caller.environment is not None else ""
    where = (caller.account, caller.region, function)
    arrived: list[Arrived] = []
    refused: list[shapes.UnprocessedTraceSegment] = []
    for document in documents:
        text = document.encode()
        try:
            seen = glance(text)
        except RejectedSegment as rejected:
            refused.append(
                shapes.UnprocessedTraceSegment(
                    id=said_id(text), error_code=rejected.code, message=str(rejected)
                )
            )
        else:
            arrived.append(Arrived(*where, seen, text, time.time()))
    store = _store(control)
    try:
        await store.put(arrived)
    except StoreUnavailable as error:
        raise ServiceException(f"The traces cannot be written: {error}") from error
    if control.export is not None:
        control.export.spans([(*where, one.text) for one in arrived])
    if store.is_full:
        control.traces.came()  # whoever takes those makes room
    return shapes.PutTraceSegmentsResult(unprocessed_trace_segments=tuple(refused))


async def put_telemetry_records(
    control: Control, call: Call[shapes.PutTelemetryRecordsInput]
) -> shapes.PutTelemetryRecordsResult:
    """What X-Ray's daemon says of itself. Nobody can ask for it, on AWS either."""
    return shapes.PutTelemetryRecordsResult()


async def get_trace_summaries(
    control: Control, call: Call[shapes.GetTraceSummariesInput]
) -> shapes.GetTraceSummariesResult:
    """Traces of a time, the latest first, that a filter expression lets pass."""
    asked = call.input
    if asked.sampling_strategy is not None:
        raise NotImplementedException("Stoker has not built SamplingStrategy yet.")
    _check_times(asked.start_time, asked.end_time)
    passes = filters.read(asked.filter_expression) if asked.filter_expression else None
    when = asked.time_range_type or "TraceId"
    span = Span(asked.start_time.timestamp(), asked.end_time.timestamp(), when)
    found: list[tuple[Summary, int]] = []
    scanned, following = 0, None
    await _flush(control)
    async for page in _pages(control, call.caller, span, _place(asked.next_token)):
        scanned += len(page)
        found += await asyncio.to_thread(_summaries, page, passes)
        if len(found) >= SHOWN or scanned >= SCANNED:
            following = _token(page[-1].place)
            break
    return shapes.GetTraceSummariesResult(
        trace_summaries=tuple(
            xray_shown.summary(one, revision, call.caller.account) for one, revision in found
        ),
        approximate_time=datetime.now(UTC),
        traces_processed_count=scanned,
        next_token=following,
    )


async def batch_get_traces(
    control: Control, call: Call[shapes.BatchGetTracesInput]
) -> shapes.BatchGetTracesResult:
    """Whole traces, subsegments where they belong."""
    ids = _ids(call.input.trace_ids, IDS)
    await _flush(control)
    found = await _named(control, call.caller, ids)
    shown = await asyncio.to_thread(_traces, found)
    there = {one.id for one in found}
    return shapes.BatchGetTracesResult(
        traces=tuple(shown), unprocessed_trace_ids=tuple(id_ for id_ in ids if id_ not in there)
    )


async def get_service_graph(
    control: Control, call: Call[shapes.GetServiceGraphInput]
) -> shapes.GetServiceGraphResult:
    """Which services asked which, in the traces of a time: the latest 1,000, or 16 MB of them."""
    asked = call.input
    for group in (asked.group_name, asked.group_arn):
        if group is not None and group.rpartition("/")[2] != DEFAULT:
            raise InvalidRequestException(f"There is no group {group!r}.")
    _check_times(asked.start_time, asked.end_time)
    span = Span(asked.start_time.timestamp(), asked.end_time.timestamp())
    await _flush(control)
    pages = [page async for page in _pages(control, call.caller, span, None)]
    nodes = await asyncio.to_thread(_graph, [one for page in pages for one in page])
    return shapes.GetServiceGraphResult(
        start_time=asked.start_time,
        end_time=asked.end_time,
        services=tuple(xray_shown.node(one, call.caller.account) for one in nodes),
        contains_old_group_versions=False,
    )


async def get_trace_graph(
    control: Control, call: Call[shapes.GetTraceGraphInput]
) -> shapes.GetTraceGraphResult:
    """The same for some traces."""
    ids = _ids(call.input.trace_ids, IDS)
    await _flush(control)
    nodes = await asyncio.to_thread(_graph, await _named(control, call.caller, ids))
    return shapes.GetTraceGraphResult(
        services=tuple(xray_shown.node(one, call.caller.account) for one in nodes)
    )


async def get_sampling_rules(
    control: Control, call: Call[shapes.GetSamplingRulesInput]
) -> shapes.GetSamplingRulesResult:
    """The default rule, by which functions with active tracing are sampled."""
    rule = shapes.SamplingRule(
        rule_name=DEFAULT,
        rule_arn=f"arn:aws:xray:{call.caller.region}:{call.caller.account}:sampling-rule/{DEFAULT}",
        resource_arn="*",
        priority=10_000,
        fixed_rate=FIXED_RATE,
        reservoir_size=RESERVOIR_PER_S,
        service_name="*",
        service_type="*",
        host="*",
        http_method="*",
        url_path="*",
        version=1,
        attributes={},
    )
    record = shapes.SamplingRuleRecord(sampling_rule=rule, created_at=EPOCH, modified_at=EPOCH)
    return shapes.GetSamplingRulesResult(sampling_rule_records=(record,))


async def get_sampling_targets(
    control: Control, call: Call[shapes.GetSamplingTargetsInput]
) -> shapes.GetSamplingTargetsResult:
    """How many requests a client may sample until it asks again: each what the rule has."""
    if call.input.sampling_boost_statistics_documents:
        raise NotImplementedException("Stoker has not built boosts of sampling rates yet.")
    targets: list[shapes.SamplingTargetDocument] = []
    unknown: list[shapes.UnprocessedStatistics] = []
    until = datetime.now(UTC) + timedelta(seconds=INTERVAL_S)
    for one in call.input.sampling_statistics_documents:
        if one.rule_name != DEFAULT:
            told = shapes.UnprocessedStatistics(
                rule_name=one.rule_name, error_code="400", message="Unknown rule"
            )
            unknown.append(told)
            continue
        targets.append(
            shapes.SamplingTargetDocument(
                rule_name=DEFAULT,
                fixed_rate=FIXED_RATE,
                reservoir_quota=RESERVOIR_PER_S,
                reservoir_quota_ttl=until,
                interval=INTERVAL_S,
            )
        )
    return shapes.GetSamplingTargetsResult(
        sampling_target_documents=tuple(targets),
        last_rule_modification=EPOCH,
        unprocessed_statistics=tuple(unknown),
        unprocessed_boost_statistics=(),
    )


# --- what is asked for --------------------------------------------------------------------------


def _check_times(start: datetime, end: datetime) -> None:
    if start >= end:
        raise InvalidRequestException("StartTime must be before EndTime.")
    if end - start > LONGEST:
        raise InvalidRequestException("Time range cannot be longer than 24 hours.")


def _ids(asked: Sequence[str], most: int) -> list[str]:
    if not 0 < len(asked) <= most:
        raise InvalidRequestException(f"There must be between 1 and {most} trace ids.")
    for one in asked:
        if TRACE_ID.fullmatch(one) is None:
            raise InvalidRequestException(f"Invalid trace id: {one[:100]}")
    return list(dict.fromkeys(asked))


def _place(token: str | None) -> Place | None:
    if token is None:
        return None
    made, _, number = token.partition("-")
    if not (made.isdecimal() and number.isdecimal() and token.isascii() and len(token) < 40):
        raise InvalidRequestException("NextToken is not one of ours.")
    return Place(min(int(made), 2**62), min(int(number), 2**62))


def _token(place: Place) -> str:
    return f"{place.made}-{place.number}"


# --- from the store -----------------------------------------------------------------------------


async def _flush(control: Control) -> None:
    """What came until now is seen as well."""
    if control.tracing is not None:
        await control.tracing()


def _store(control: Control) -> TraceStore:
    assert control.trace_store is not None, "a server has one"
    return control.trace_store


async def _pages(
    control: Control, caller: Caller, span: Span, after: Place | None
) -> AsyncIterator[list[StoredTrace]]:
    """Until there are no more, or as much as may be looked at was."""
    scanned = size = 0
    while scanned < SCANNED and size < SCANNED_BYTES:
        try:
            page = await _store(control).find(caller.account, caller.region, span, PAGE, after)
        except StoreUnavailable as error:
            raise ServiceException(f"The traces cannot be read: {error}") from error
        if not page:
            return
        yield page
        after = page[-1].place
        scanned += len(page)
        size += sum(one.size_bytes for one in page)


async def _named(control: Control, caller: Caller, ids: list[str]) -> list[StoredTrace]:
    try:
        return await _store(control).get(caller.account, caller.region, ids)
    except StoreUnavailable as error:
        raise ServiceException(f"The traces cannot be read: {error}") from error


# --- in a thread --------------------------------------------------------------------------------


def _summaries(
    page: list[StoredTrace], passes: Callable[[Summary], bool] | None
) -> list[tuple[Summary, int]]:
    found = []
    for one in page:
        trace = assembled(one.id, one.documents)
        if trace is not None:
            told = summary(trace)
            if passes is None or passes(told):
                found.append((told, one.revision))
    return found


def _traces(found: list[StoredTrace]) -> list[shapes.Trace]:
    whole = ((one, assembled(one.id, one.documents)) for one in found)
    return [xray_shown.trace(trace, cut=one.cut) for one, trace in whole if trace is not None]


def _graph(found: list[StoredTrace]) -> list[Node]:
    traces = (assembled(one.id, one.documents) for one in found)
    return graph(work for trace in traces if trace is not None for work in works(trace))
