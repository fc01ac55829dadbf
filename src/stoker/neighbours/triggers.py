"""In the child: what S3 and SNS send to functions and queues goes to the server, which has them;
and how anything goes there. (What EventBridge sends: rule_targets.py.)

moto would hand it to its own Lambda and SQS. Each hook below stands in the place of one of moto's
functions; tests/conformance/test_triggers.py fails when moto has moved it.
"""

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
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeBucket, NotificationConfiguration, S3Backend
from moto.sns.models import Subscription

from stoker.core import target_calls, trigger_targets
from stoker.core.neighbours import PRINCIPAL, SOURCE, SOURCE_ACCOUNT, TARGET, TRACE
from stoker.core.trigger_events import ObjectChange, TopicMessage, of_s3, of_sns

PATIENCE_S = 60
INVOKED_S = 1800.0  # a function runs for 900 s, and may wait before
_TARGETS = (
    trigger_targets.is_function,
    trigger_targets.is_queue,
    trigger_targets.is_stream,
    target_calls.read,
)
Hooks = tuple[tuple[Any, str, Any], ...]  # of whom, by which name, and ours
COMPLAINT_CHARACTERS = 2000  # an escaped one goes into the pipe at once
_numbers = count(time.time_ns() // 1000)  # grow, also from one start to the next
_log = threading.Lock()


class Refused(Exception):
    """The server does not take it: why."""


def send(
    method: str, target: str, principal: str, source: str, account: str, body: bytes = b""
) -> None:
    """POST: have the function invoked (`body` is its event) or the message queued (`body` is made
    by message()); it is on the server's disk when this returns. GET: only say whether that would
    be taken. `account`: that `source` belongs to, never whoever asked. Raise Refused."""
    if not any(is_one(target) for is_one in _TARGETS):
        raise Refused("the target is not the ARN of a function, a queue, or what else takes events")
    headers = {TARGET: target, PRINCIPAL: principal, SOURCE: source, SOURCE_ACCOUNT: account}
    if has_request_context() and TRACE in request.headers:
        headers[TRACE] = request.headers[TRACE]
    link = Link("localhost", timeout=PATIENCE_S)
    try:
        link.request(method, "/", body, headers)
        answer = link.getresponse()
        said = answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException, ValueError) as error:  # of headers, too
        raise Refused(repr(error)) from error
    finally:
        link.close()
    if answer.status >= 300:
        raise Refused(said)


def invoked(
    function: str, principal: str, source: str, account: str, event: bytes
) -> tuple[int, dict[str, str], str]:
    """Wait for what the function answers: status, headers (lower case) and body. Raise Refused, if
    there is no answer."""
    headers = {TARGET: function, PRINCIPAL: principal, SOURCE: source, SOURCE_ACCOUNT: account}
    link = Link("localhost", timeout=INVOKED_S)
    try:
        link.request("POST", "/", event, headers)
        answer = link.getresponse()
        said = answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Refused(repr(error)) from error
    finally:
        link.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, said


def message(body: str, **more: Any) -> bytes:
    """For a queue. `more`: attributes ({"k": {"Type": "String", "Value": "v"}}), group,
    deduplication. For what core/target_calls.py knows: what operations() there asks for."""
    return as_bytes({"body": body, **{name: said for name, said in more.items() if said}})


class Link(http.client.HTTPConnection):
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
        send("POST", fn_arn, "s3.amazonaws.com", bucket, account_id, as_bytes(event_body))
    except Refused as refusal:  # the object is there all the same, as on AWS
        complain("s3", fn_arn, refusal)


def _s3_to_queue(account_id: str, event_body: Any, queue_name: str, region_name: str) -> None:
    """In place of moto.s3.notifications._send_sqs_message. Also the test event comes here."""
    queue = f"arn:aws:sqs:{region_name}:{account_id}:{queue_name}"
    records = event_body.get("Records")
    bucket = records[0]["s3"]["bucket"]["name"] if records else event_body["Bucket"]
    source = f"arn:aws:s3:::{bucket}"
    try:
        body = message(json.dumps(event_body))
        send("POST", queue, "s3.amazonaws.com", source, account_id, body)
    except Refused as refusal:
        complain("s3", queue, refusal)


_send_event = moto.s3.notifications.send_event


def _owners_event(account_id: str, event_name: Any, bucket: FakeBucket, key: Any) -> None:
    """In place of moto.s3.notifications.send_event: a bucket's events are its owner's, whoever
    has changed the object."""
    _send_event(bucket.account_id, event_name, bucket, key)


_put_configuration = S3Backend.put_bucket_notification_configuration


def _checked_configuration(
    self: S3Backend, bucket_name: str, notification_config: dict[str, Any]
) -> None:
    """As S3 does, ask first whether each target would take the events."""
    given = notification_config or {}
    wanted = NotificationConfiguration(
        cloud_function=given.get("CloudFunctionConfiguration"),
        queue=given.get("QueueConfiguration"),
        topic=given.get("TopicConfiguration"),
    )
    source, owner = f"arn:aws:s3:::{bucket_name}", self.get_bucket(bucket_name).account_id
    try:
        if not all(trigger_targets.is_topic(one.arn) for one in wanted.topic):
            raise Refused("the target is not the ARN of a topic")
        for one in (*wanted.cloud_function, *wanted.queue):
            send("GET", one.arn, "s3.amazonaws.com", source, owner)
    except Refused:
        raise S3ClientError(
            "InvalidArgument", "Unable to validate the following destination configurations"
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
    if self.protocol not in ("lambda", "sqs"):
        _publish(self, message, message_id, subject, message_attributes, **more)
        return
    matcher = self._filter_policy_matcher
    if matcher is not None and not matcher.matches(message_attributes, message):
        return
    if more.get("message_structure") == "json":
        message = self._parse_message_structure(message, self.protocol)
    attributes = message_attributes or {}
    if self.protocol == "lambda":
        sent = TopicMessage(self.topic.arn, self.arn, message_id, message, subject, attributes)
        body = as_bytes(of_sns(sent, time.time()))
    else:
        body = _for_queue(self, message, message_id, subject, attributes, more)
    try:
        source = self.topic.arn
        send("POST", self.endpoint, "sns.amazonaws.com", source, source.split(":")[4], body)
    except Refused as refusal:
        complain("sns", self.endpoint, refusal)


def _for_queue(
    self: Subscription, text: str, message_id: str, subject: str | None,
    attributes: dict[str, Any], more: dict[str, Any],
) -> bytes:  # fmt: skip
    """A message with its envelope, or raw, if the subscription says so."""
    line = {"group": more.get("group_id"), "deduplication": more.get("deduplication_id")}
    if str(self.attributes.get("RawMessageDelivery", "")).lower() == "true":
        return message(text, attributes=attributes, **line)
    envelope = self.get_post_data(text, message_id, subject, message_attributes=attributes)
    return message(json.dumps(envelope, indent=2), **line)


_HOOKS: Hooks = (
    (moto.s3.notifications, "send_event", _owners_event),
    (moto.s3.notifications, "_get_s3_event", _of_s3),
    (moto.s3.notifications, "_invoke_awslambda", _s3_to_function),
    (moto.s3.notifications, "_send_sqs_message", _s3_to_queue),
    (S3Backend, "put_bucket_notification_configuration", _checked_configuration),
    (Subscription, "publish", _sns_publish),
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


def as_bytes(event: Any) -> bytes:
    return json.dumps(event, separators=(",", ":"), default=str).encode()


def complain(service: str, function: str, refusal: BaseException | str) -> None:
    say(f"{service} could not reach {function}: {refusal}")


def say(complaint: str) -> None:
    """The server logs what comes here, a line each: what others have written is escaped."""
    with _log:
        os.write(1, complaint[:COMPLAINT_CHARACTERS].encode("unicode_escape") + b"\n")
