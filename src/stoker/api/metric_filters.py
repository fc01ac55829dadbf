"""CloudWatch Logs' metric filters: metrics of what a group's events say."""

from stoker.api.control import Call, Control
from stoker.api.log_names import list_token, own_group, place_of
from stoker.api.shapes import logs as shapes
from stoker.core import metric_filters as rules
from stoker.core.errors import (
    InvalidOperationException,
    InvalidParameterException,
    NotImplementedException,
)
from stoker.core.log_patterns import parse
from stoker.core.metric_filters import Transformation
from stoker.observe import log_groups, metric_filters
from stoker.observe.logs import now_ms
from stoker.observe.metric_filters import MetricFilter

DESCRIBE_LIMIT = 50


async def put_metric_filter(control: Control, call: Call[shapes.PutMetricFilterInput]) -> None:
    """Count, from now on, what matches of the group's events. The metric's minutes are those of
    the events."""
    wanted = call.input
    for name, said in (
        ("applyOnTransformedLogs", wanted.apply_on_transformed_logs),
        ("fieldSelectionCriteria", wanted.field_selection_criteria),
        ("emitSystemFieldDimensions", wanted.emit_system_field_dimensions),
    ):
        if said:
            raise NotImplementedException(f"Stoker has not built {name} of PutMetricFilter yet.")
    group = own_group(call.caller, wanted.log_group_name)
    found = await control.logs_store.query(lambda db: log_groups.get_group(db, group))
    if found.group_class != "STANDARD":
        raise InvalidOperationException("The operation is not valid on the specified resource.")
    (given,) = wanted.metric_transformations
    transformation = Transformation(
        given.metric_name,
        given.metric_namespace,
        given.metric_value,
        given.default_value,
        dict(given.dimensions or {}),
        given.unit or "None",
    )
    rules.made(wanted.filter_pattern, transformation)
    kept = MetricFilter(
        group.name, wanted.filter_name, wanted.filter_pattern, transformation, now_ms()
    )
    await control.logs_store.change(lambda db: metric_filters.put(db, group, kept))
    await control.logs_store.refilter()


async def describe_metric_filters(
    control: Control, call: Call[shapes.DescribeMetricFiltersInput]
) -> shapes.DescribeMetricFiltersResponse:
    """A group's filters, or all; or those of one metric."""
    asked, caller = call.input, call.caller
    if (asked.metric_name is None) != (asked.metric_namespace is None):
        raise InvalidParameterException("metricName and metricNamespace must be given together.")
    every = await control.logs_store.query(
        lambda db: metric_filters.listed(db, caller.account, caller.region, asked.log_group_name)
    )
    prefix = (asked.filter_name_prefix or "") if asked.log_group_name is not None else ""
    metric = (asked.metric_namespace, asked.metric_name)
    after, limit = place_of(asked.next_token) or "", asked.limit or DESCRIBE_LIMIT
    found = [
        one
        for one in every
        if one.name.startswith(prefix)
        and metric in ((None, None), (one.transformation.namespace, one.transformation.name))
        and _place(one) > after
    ]
    return shapes.DescribeMetricFiltersResponse(
        metric_filters=tuple(map(_shown, found[:limit])),
        next_token=list_token(_place(found[limit - 1])) if len(found) > limit else None,
    )


def _place(one: MetricFilter) -> str:
    return f"{one.group}\0{one.name}"


def _shown(one: MetricFilter) -> shapes.MetricFilter:
    given = one.transformation
    return shapes.MetricFilter(
        filter_name=one.name,
        filter_pattern=one.pattern,
        metric_transformations=(
            shapes.MetricTransformation(
                metric_name=given.name,
                metric_namespace=given.namespace,
                metric_value=given.value,
                default_value=given.default,
                dimensions=dict(given.dimensions) or None,
                unit=given.unit,
            ),
        ),
        creation_time=one.created_ms,
        log_group_name=one.group,
        apply_on_transformed_logs=False,
    )


async def delete_metric_filter(
    control: Control, call: Call[shapes.DeleteMetricFilterInput]
) -> None:
    """What was counted until now stays."""
    group, name = own_group(call.caller, call.input.log_group_name), call.input.filter_name
    await control.logs_store.change(lambda db: metric_filters.delete(db, group, name))
    await control.logs_store.refilter()


async def test_metric_filter(
    control: Control, call: Call[shapes.TestMetricFilterInput]
) -> shapes.TestMetricFilterResponse:
    """Which of the messages match, and what is taken from them."""
    pattern = parse(call.input.filter_pattern)
    return shapes.TestMetricFilterResponse(
        matches=tuple(
            shapes.MetricFilterMatchRecord(
                event_number=number,
                event_message=message,
                extracted_values=rules.extracted(pattern, message),
            )
            for number, message in enumerate(call.input.log_event_messages, 1)
            if pattern.matches(message)
        )
    )
