"""In the child: what S3, SNS and EventBridge send to functions goes to the server, which has them.

moto would hand it to its own Lambda. Each hook below stands in the place of one of moto's
functions; tests/conformance/test_triggers.py fails when moto has moved it.
"""

import copy
import http.client
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

import moto.s3.notifications
import moto.s3.responses
from flask import has_request_context, request
from jsonpath_ng.ext.parser import parse as jsonpath
from moto.events.models import Rule
from moto.events.utils import EventTemplateParser
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeBucket, NotificationConfiguration, S3Backend
from moto.sns.models import Subscription

from stoker.core.neighbours import FUNCTION, PRINCIPAL, SOURCE, SOURCE_ACCOUNT, TRACE
from stoker.core.trigger_events import ObjectChange, TopicMessage, of_eventbridge, of_s3, of_sns

PATIENCE_S = 60
_numbers = count(time.time_ns() // 1000)  # grow, also from one start to the next
_log = threading.Lock()


class Refused(Exception):
    """The server does not take it: why."""


def send(
    method: str, function: str, principal: str, source: str, account: str, body: bytes = b""
) -> None:
    """POST: have the function invoked; it is on the server's disk when this returns. GET: only
    say whether that would be taken. Raise Refused."""
    headers = {FUNCTION: function, PRINCIPAL: principal, SOURCE: source, SOURCE_ACCOUNT: account}
    if has_request_context() and TRACE in request.headers:
        headers[TRACE] = request.headers[TRACE]
    link = _Link("localhost", timeout=PATIENCE_S)
    try:
        link.request(method, "/", body, headers)
        answer = link.getresponse()
        said = answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise Refused(repr(error)) from error
    finally:
        link.close()
    if answer.status >= 300:
        raise Refused(said)


class _Link(http.client.HTTPConnection):
    """To the server."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect("functions.sock")  # in the working directory


# --- S3 -----------------------------------------------------------------------------------------


def _of_s3(
    event_name: str, bucket: FakeBucket, key: Any, notification_id: str
) -> dict[str, list[dict[str, Any]]]:
    """In place of moto.s3.notifications._get_s3_event."""
    change = ObjectChange(
        event=str(getattr(event_name, "value", event_name)).removeprefix("s3:"),
        region=bucket.region_name,
        account=bucket.account_id,
        bucket=bucket.name,
        configuration=notification_id,
        key=key.name,
        size_bytes=key.size,
        etag=key.etag.strip('"'),
        version=str(key.version_id) if bucket.is_versioned else None,
        number=next(_numbers),
        request_id=uuid.uuid4().hex,
        address="127.0.0.1",
    )
    return of_s3(change, time.time())


def _s3_to_function(account_id: str, event_body: Any, fn_arn: str, region_name: str) -> None:
    """In place of moto.s3.notifications._invoke_awslambda."""
    bucket = event_body["Records"][0]["s3"]["bucket"]["arn"]
    try:
        send("POST", fn_arn, "s3.amazonaws.com", bucket, account_id, _bytes(event_body))
    except Refused as refusal:  # the object is there all the same, as on AWS
        complain("s3", fn_arn, refusal)


_put_configuration = S3Backend.put_bucket_notification_configuration


def _checked_configuration(
    self: S3Backend, bucket_name: str, notification_config: dict[str, Any]
) -> None:
    """As S3 does, ask first whether each function would take the events."""
    wanted = NotificationConfiguration(
        cloud_function=(notification_config or {}).get("CloudFunctionConfiguration")
    )
    source = f"arn:aws:s3:::{bucket_name}"
    for one in wanted.cloud_function:
        try:
            send("GET", one.arn, "s3.amazonaws.com", source, self.account_id)
        except Refused:
            raise S3ClientError(
                "InvalidArgument",
                "Unable to validate the following destination configurations",
            ) from None
    _put_configuration(self, bucket_name, notification_config)


# --- SNS ----------------------------------------------------------------------------------------

_publish = Subscription.publish


def _sns_publish(
    self: Subscription, message: str, message_id: str, subject: str | None = None,
    message_attributes: dict[str, Any] | None = None, **more: Any,
) -> None:  # fmt: skip
    if self.protocol in ("http", "https"):
        complain("sns", self.endpoint, Refused("nothing is sent over the network"))
        return
    if self.protocol != "lambda":
        _publish(self, message, message_id, subject, message_attributes, **more)
        return
    matcher = self._filter_policy_matcher
    if matcher is not None and not matcher.matches(message_attributes, message):
        return
    if more.get("message_structure") == "json":
        message = self._parse_message_structure(message, self.protocol)
    sent = TopicMessage(
        self.topic.arn, self.arn, message_id, message, subject, message_attributes or {}
    )
    body = _bytes(of_sns(sent, time.time()))
    try:
        send("POST", self.endpoint, "sns.amazonaws.com", self.topic.arn, self.account_id, body)
    except Refused as refusal:
        complain("sns", self.endpoint, refusal)


# --- EventBridge --------------------------------------------------------------------------------

send_to_targets = Rule.send_to_targets  # moto's own


def _to_targets(self: Rule, event: Any, transform_input: bool = True) -> None:
    """In place of moto's, which raises at the first function among the targets."""
    if self.state != "ENABLED":
        return
    functions, others = by_kind(self)
    send_to_targets(others, event, transform_input)
    if self.event_pattern.matches_event(event):
        to_functions(functions, event, transform_input)


def by_kind(rule: Rule) -> tuple[Rule, Rule]:
    """It, with the functions among its targets, and with all others."""
    both = copy.copy(rule), copy.copy(rule)
    for one in both:
        one.targets = []
    for target in rule.targets:
        both[":lambda:" not in target["Arn"]].targets.append(target)
    return both


def to_functions(rule: Rule, event: Any, transform_input: bool = True) -> None:
    """Send an event to the rule's targets, which are functions all."""
    whole = of_eventbridge(event)
    for target in rule.targets:
        try:
            body = _bytes(_input(target, whole) if transform_input else whole)
            source = (rule.arn, rule.account_id)
            send("POST", target["Arn"], "events.amazonaws.com", *source, body)
        except (Refused, ValueError) as refusal:
            complain("events", target["Arn"], refusal)


def _input(target: dict[str, Any], event: dict[str, Any]) -> Any:
    """What this target wants of the event. Raise ValueError for JSON that is none."""
    if "Input" in target:
        return json.loads(target["Input"])
    if "InputPath" in target:
        return next((found.value for found in jsonpath(target["InputPath"]).find(event)), None)
    if "InputTransformer" in target:
        wanted = target["InputTransformer"]
        paths = wanted.get("InputPathsMap", {})
        known: Any = {**event, "ingestion-time": event["time"]}  # it may be asked for
        return EventTemplateParser.parse(wanted["InputTemplate"], paths, known)
    return event


_HOOKS: tuple[tuple[Any, str, Any], ...] = (
    (moto.s3.notifications, "_get_s3_event", _of_s3),
    (moto.s3.notifications, "_invoke_awslambda", _s3_to_function),
    (S3Backend, "put_bucket_notification_configuration", _checked_configuration),
    (Subscription, "publish", _sns_publish),
    (Rule, "send_to_targets", _to_targets),
)


def install() -> None:
    """Call once, before the first request."""
    hook(_HOOKS)


def hook(hooks: Iterable[tuple[Any, str, Any]]) -> None:
    """Put functions of ours in the place of those that moto has by these names."""
    for owner, name, ours in hooks:
        assert hasattr(owner, name), f"moto has no {name} any more"
        setattr(owner, name, _function(ours))


def _function(ours: Callable[..., Any]) -> Callable[..., Any]:
    """What a class makes a method of, whatever kind of callable `ours` is."""

    def instead(*given: Any, **asked: Any) -> Any:
        return ours(*given, **asked)

    return instead


def _bytes(event: Any) -> bytes:
    return json.dumps(event, separators=(",", ":"), default=str).encode()


def complain(service: str, function: str, refusal: BaseException | str) -> None:
    """The server logs what comes here."""
    with _log:
        os.write(1, f"{service} could not reach {function}: {refusal}\n".encode())
