"""CloudWatch Logs' subscription filters: what a group's events are sent to."""

from stoker.api.control import Call, Control
from stoker.api.log_deliveries import BY_STREAM, admitted, put_record
from stoker.api.log_names import list_token, own_group, place_of
from stoker.api.shapes import logs as shapes
from stoker.core import log_subscriptions
from stoker.core.errors import (
    InvalidOperationException,
    NotImplementedException,
    ServiceError,
)
from stoker.core.log_patterns import parse
from stoker.core.log_subscriptions import Destination, Vendor
from stoker.neighbours.calls import Refused
from stoker.neighbours.neighbours import Unreachable
from stoker.observe import log_groups, log_subscribers
from stoker.observe.log_groups import GroupName
from stoker.observe.log_subscribers import Subscription
from stoker.observe.logs import now_ms

DESCRIBE_LIMIT = 50


async def put_subscription_filter(
    control: Control, call: Call[shapes.PutSubscriptionFilterInput]
) -> None:
    """Send what the group gets from now on, and what of it matches, to a function of this
    account, or to a stream of the services beside us. The destination is tried first: a function
    by its policy, a stream with a message of its own."""
    wanted, caller = call.input, call.caller
    for name, said in (
        ("applyOnTransformedLogs", wanted.apply_on_transformed_logs),
        ("fieldSelectionCriteria", wanted.field_selection_criteria),
        ("emitSystemFields", wanted.emit_system_fields),
    ):
        if said:
            raise NotImplementedException(
                f"Stoker has not built {name} of PutSubscriptionFilter yet."
            )
    group = own_group(caller, wanted.log_group_name)
    found = await control.logs_store.query(lambda db: log_groups.get_group(db, group))
    if found.group_class != "STANDARD":
        raise InvalidOperationException("The operation is not valid on the specified resource.")
    parse(wanted.filter_pattern)
    where = log_subscriptions.destination(
        wanted.destination_arn, wanted.role_arn, caller.account, caller.region
    )
    await _try(control, where, wanted.role_arn or "", group)
    subscription = Subscription(
        name=wanted.filter_name,
        pattern=wanted.filter_pattern,
        destination=wanted.destination_arn,
        role=wanted.role_arn,
        distribution=wanted.distribution or BY_STREAM,
        created_ms=now_ms(),
    )
    await control.logs_store.change(lambda db: log_subscribers.put(db, group, subscription))


async def _try(control: Control, where: Destination, role: str, group: GroupName) -> None:
    if where.vendor is Vendor.LAMBDA:
        try:
            target = admitted(control, where.arn, group)
        except ServiceError:
            raise log_subscriptions.unreachable(where.vendor) from None
        log_subscriptions.check_circle(group.name, target.name, target.log.group)
        return
    message = log_subscriptions.control_message(where.vendor, now_ms())
    try:
        await put_record(control, where, role, message, "CloudwatchLogs")
    except (Refused, Unreachable):
        raise log_subscriptions.unreachable(where.vendor) from None


async def describe_subscription_filters(
    control: Control, call: Call[shapes.DescribeSubscriptionFiltersInput]
) -> shapes.DescribeSubscriptionFiltersResponse:
    """A group's filters by name."""
    asked = call.input
    group = own_group(call.caller, asked.log_group_name)
    prefix, after = asked.filter_name_prefix or "", place_of(asked.next_token) or ""
    limit = asked.limit or DESCRIBE_LIMIT
    found = await control.logs_store.query(
        lambda db: log_subscribers.listed(db, group, prefix=prefix, after=after)
    )
    return shapes.DescribeSubscriptionFiltersResponse(
        subscription_filters=tuple(_shown(group, one) for one in found[:limit]),
        next_token=list_token(found[limit - 1].name) if len(found) > limit else None,
    )


def _shown(group: GroupName, one: Subscription) -> shapes.SubscriptionFilter:
    return shapes.SubscriptionFilter(
        filter_name=one.name,
        log_group_name=group.name,
        filter_pattern=one.pattern,
        destination_arn=one.destination,
        role_arn=one.role,
        distribution=one.distribution,
        apply_on_transformed_logs=False,
        creation_time=one.created_ms,
    )


async def delete_subscription_filter(
    control: Control, call: Call[shapes.DeleteSubscriptionFilterInput]
) -> None:
    """What still waits for its destination is not sent."""
    group, name = own_group(call.caller, call.input.log_group_name), call.input.filter_name
    await control.logs_store.change(lambda db: log_subscribers.delete(db, group, name))
