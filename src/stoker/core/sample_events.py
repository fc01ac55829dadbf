"""Events to try a function with: what each trigger would send, made by the code that makes the true
ones. Pure: ids and the time are given.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from stoker.core import (
    alarm_messages,
    alb_events,
    http_events,
    kafka_records,
    log_subscriptions,
    queue_records,
    stream_records,
    trigger_events,
    url_events,
)
from stoker.core.alarms import State, moment
from stoker.core.event_matching import Filters
from stoker.core.log_events import Position
from stoker.core.proxy_events import Place, Request
from stoker.core.rest import authorizers, requests
from stoker.core.rest.routing import Route
from stoker.core.stream_batches import Batch
from stoker.core.target_groups import TargetGroup

AGENT = "stoker"
SEQUENCE = "49590338271490256608559692538361571095921575989136588898"
TOKEN = "Bearer token"  # what an authorizer is to judge
DAY_S = 86_400
ALARM_PERIOD_S = 60


@dataclass(frozen=True, slots=True)
class Given:
    """What the user said, by the name of the option; and what no event is without."""

    options: Mapping[str, str]
    account: str
    region: str
    id: str  # a UUID
    now: float

    def get(self, name: str, default: str) -> str:
        return self.options.get(name, default)

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


def sample(kind: str, given: Given) -> str:
    """The event's JSON. Raise ValueError for a kind that is not made, or an option that it has
    no use for."""
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is none of {', '.join(KINDS)}")
    make, names = KINDS[kind]
    for name in given.options:
        if name not in names:
            takes = ", ".join(f"--{one}" for one in names) or "none"
            raise ValueError(f"{kind} has no use for --{name} (its options: {takes})")
    made = make(given)
    return made.decode() if isinstance(made, bytes) else json.dumps(made)


def _s3(event: str) -> Callable[[Given], Any]:
    def make(given: Given) -> Any:
        body = given.get("body", "hello").encode()
        change = trigger_events.ObjectChange(
            event=event,
            region=given.region,
            account=given.account,
            bucket=given.get("bucket", "bucket"),
            configuration="sample",
            key=given.get("key", "key"),
            size_bytes=len(body),
            etag=hashlib.md5(body, usedforsecurity=False).hexdigest(),
            version=None,
            number=1,
            request_id=given.id.replace("-", ""),
            address="127.0.0.1",
        )
        return trigger_events.of_s3(change, given.now)

    return make


def _sqs(given: Given) -> Any:
    sent = str(int(given.now * 1000))
    facts = {
        "SenderId": given.account,
        "SentTimestamp": sent,
        "ApproximateReceiveCount": "1",
        "ApproximateFirstReceiveTimestamp": sent,
    }
    record = queue_records.record(
        given.arn("sqs", given.get("name", "queue")),
        given.get("body", "hello"),
        message_id=given.id,
        handle=given.id,
        facts=facts,
        attributes={},
    )
    return {"Records": [record]}


def _sns(given: Given) -> Any:
    topic = given.arn("sns", given.get("name", "topic"))
    message = trigger_events.TopicMessage(
        topic=topic,
        subscription=f"{topic}:{given.id}",
        message_id=given.id,
        message=given.get("body", "hello"),
        subject=given.options.get("subject"),
        attributes={},
    )
    return trigger_events.of_sns(message, given.now)


def _eventbridge(given: Given) -> Any:
    return trigger_events.of_eventbridge(
        {
            "version": "0",
            "id": given.id,
            "detail-type": given.get("detail-type", "sample"),
            "source": given.get("source", "my.application"),
            "account": given.account,
            "time": int(given.now),
            "region": given.region,
            "resources": [],
            "detail": _object(given),
        }
    )


def _schedule(given: Given) -> Any:
    occasion = trigger_events.Occasion(
        arn=given.arn("events", f"rule/{given.get('name', 'rule')}"),
        region=given.region,
        account=given.account,
        id=given.id,
        time=datetime.fromtimestamp(given.now, UTC),
    )
    return trigger_events.of_eventbridge(trigger_events.of_rule(occasion))


def _kinesis(given: Given) -> bytes:
    source = stream_records.Source(
        service="kinesis",
        arn=given.arn("kinesis", f"stream/{given.get('name', 'stream')}"),
        shard="shardId-000000000000",
        role=f"arn:aws:iam::{given.account}:role/any",
    )
    told = {
        "SequenceNumber": SEQUENCE,
        "PartitionKey": given.get("key", "1"),
        "Data": given.get("body", "hello").encode(),
        "ApproximateArrivalTimestamp": datetime.fromtimestamp(given.now, UTC),
    }
    return _batch(source, told)


def _dynamodb(given: Given) -> bytes:
    day = f"{datetime.fromtimestamp(given.now // DAY_S * DAY_S, UTC):%Y-%m-%dT%H:%M:%S.000}"
    table = given.get("name", "table")
    source = stream_records.Source(
        service="dynamodb",
        arn=given.arn("dynamodb", f"table/{table}/stream/{day}"),
        shard="shardId-000000000000",
    )
    keys = {"id": {"S": given.get("key", "1")}}
    image = {**_object(given), **keys}
    told = {
        "eventID": given.id.replace("-", ""),
        "eventName": "INSERT",
        "dynamodb": {
            "ApproximateCreationDateTime": datetime.fromtimestamp(given.now, UTC),
            "Keys": keys,
            "NewImage": image,
            "SequenceNumber": SEQUENCE[:21],
            "SizeBytes": len(json.dumps(keys)) + len(json.dumps(image)),  # about
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }
    return _batch(source, told)


def _object(given: Given) -> dict[str, Any]:
    """The body, which is one."""
    found = json.loads(given.get("body", "{}"))
    if not isinstance(found, dict):
        raise ValueError("--body has to be a JSON object")
    return found


def _batch(source: stream_records.Source, told: Mapping[str, Any]) -> bytes:
    record = stream_records.record(source, Filters(()), told)
    return stream_records.event(source, Batch(0, (record,)))


def _logs(given: Given) -> bytes:
    now_ms = int(given.now * 1000)
    digest = hashlib.md5(given.id.encode(), usedforsecurity=False).hexdigest()
    sent = log_subscriptions.Sent(
        account=given.account,
        group=given.get("name", "/aws/lambda/function"),
        stream=f"{datetime.fromtimestamp(given.now, UTC):%Y/%m/%d}/[$LATEST]{digest}",
        filter="filter",
        events=((Position(now_ms), given.get("body", "hello")),),
    )
    return log_subscriptions.function_event(log_subscriptions.data_message(sent))


def _kafka(given: Given) -> bytes:
    topic = given.get("name", "topic")
    place = kafka_records.Partition("b-1.kafka.example.com:9096", topic, 0)
    record = kafka_records.Given(
        offset=0,
        timestamp_ms=int(given.now * 1000),
        timestamp_type=0,
        key=given.get("key", "1").encode(),
        value=given.get("body", "hello").encode(),
    )
    return place.event(Batch(0, (place.record(Filters(()), record),)))


def _alarm(given: Given) -> bytes:
    """Of one that looks at a function's errors, and has seen one."""
    name = given.get("name", "alarm")

    def side(value: State, reason: str, age_s: float) -> dict[str, str]:
        at = moment(given.now - age_s)
        return {"value": value.value, "reason": reason, "reasonData": "", "timestamp": at}

    old = side(State.OK, "Threshold Crossed: no datapoints were received", ALARM_PERIOD_S)
    new = side(State.ALARM, given.get("body", "Threshold Crossed: 1 datapoint was greater"), 0)
    configuration = {
        "AlarmName": name,
        "Namespace": "AWS/Lambda",
        "MetricName": "Errors",
        "Dimensions": [{"Name": "FunctionName", "Value": "function"}],
        "Statistic": "Sum",
        "Period": ALARM_PERIOD_S,
    }
    told = alarm_messages.Told(
        arn=given.arn("cloudwatch", f"alarm:{name}"),
        account=given.account,
        region=given.region,
        configuration=configuration,
        configured=given.now,
        change={"old": old, "new": new},
    )
    return alarm_messages.of_lambda(told)


def _http_api(version: str) -> Callable[[Given], Any]:
    def make(given: Given) -> Any:
        request, place = _request_of_http_api(given)
        return http_events.integration_event(
            version, request, place, request_id=given.id, now=given.now
        )

    return make


def _http_authorizer(given: Given) -> Any:
    request, place = _request_of_http_api(given)
    request = replace(request, headers={**request.headers, "authorization": TOKEN})
    path = request.target.partition("?")[0]
    arn = given.arn("execute-api", f"{place.id}/{place.stage}/{request.method}{path}")
    return http_events.authorizer_event(
        "2.0", request, place, [TOKEN], arn, request_id=given.id, now=given.now
    )


def _request_of_http_api(given: Given) -> tuple[Request, Place]:
    request = _request(given, "abcdefghij.execute-api")
    path = request.target.partition("?")[0]
    place = Place(
        account=given.account,
        id="abcdefghij",
        domain=request.headers["host"],
        route_key=f"{request.method} {path}",
    )
    return request, place


def _rest_api(given: Given) -> Any:
    return requests.proxy_event(_asked_of_rest_api(given), binary=False)


def _rest_authorizer(given: Given) -> bytes:
    return authorizers.event({"type": "TOKEN"}, _asked_of_rest_api(given), (TOKEN,))


def _asked_of_rest_api(given: Given) -> requests.Asked:
    """Of a method of the path's own: an API with a resource for just that."""
    request = _request(given, "abcdefghij.execute-api")
    path, _, query = request.target.partition("?")
    stage = requests.Stage(given.account, given.region, "abcdefghij", "prod", "k1m2n3", {})
    incoming = requests.Incoming(
        method=request.method,
        path=path,
        shown_path=f"/{stage.name}{path}",
        query=query,
        headers=request.headers,
        body=request.body,
        peer=request.peer,
        domain=request.headers["host"],
        request_id=given.id,
        extended_id="AAAAAAAAAAAAAAA=",
        now=given.now,
        trace=f"Root=1-{int(given.now):x}-{given.id.replace('-', '')[:24]}",
    )
    route = Route({"id": "a1b2c3", "path": path}, {"httpMethod": request.method}, {})
    return requests.asked(stage, incoming, route)


def _function_url(given: Given) -> bytes:
    url_id = "abcdefghijklmnopqrstuvwxyz012345"
    request = _request(given, f"{url_id}.lambda-url")
    return url_events.event(
        request,
        url_id=url_id,
        domain=request.headers["host"],
        request_id=given.id,
        now=given.now,
    )


def _alb(*, multi_value: bool = False, checked: bool = False) -> Callable[[Given], bytes]:
    def make(given: Given) -> bytes:
        arn = given.arn("elasticloadbalancing", "targetgroup/functions/0123456789abcdef")
        group = TargetGroup(given.account, arn, "lambda", "", multi_value)
        if checked:
            return alb_events.health_check(group, given.get("path", "/"))
        return alb_events.event(_request(given, "balancer-0123456789.elb"), group)

    return make


def _request(given: Given, host: str) -> Request:
    body = given.get("body", "").encode()
    headers = {
        "host": f"{host}.{given.region}.amazonaws.com",
        "user-agent": AGENT,
    }
    if body:
        headers |= {"content-type": "application/json", "content-length": str(len(body))}
    return Request(
        method=given.get("method", "POST" if body else "GET").upper(),
        target=given.get("path", "/"),
        headers=headers,
        body=body,
        peer="127.0.0.1",
        signer=None,
    )


_HTTP = ("method", "path", "body")
KINDS: Mapping[str, tuple[Callable[[Given], Any], tuple[str, ...]]] = {
    "s3:put": (_s3("ObjectCreated:Put"), ("bucket", "key", "body")),
    "s3:delete": (_s3("ObjectRemoved:Delete"), ("bucket", "key")),
    "sqs": (_sqs, ("name", "body")),
    "sns": (_sns, ("name", "body", "subject")),
    "eventbridge": (_eventbridge, ("source", "detail-type", "body")),
    "schedule": (_schedule, ("name",)),
    "kinesis": (_kinesis, ("name", "key", "body")),
    "dynamodb": (_dynamodb, ("name", "key", "body")),
    "kafka": (_kafka, ("name", "key", "body")),
    "logs": (_logs, ("name", "body")),
    "alarm": (_alarm, ("name", "body")),
    "rest-api": (_rest_api, _HTTP),
    "rest-api:authorizer": (_rest_authorizer, ("method", "path")),
    "http-api": (_http_api("2.0"), _HTTP),
    "http-api:1.0": (_http_api("1.0"), _HTTP),
    "http-api:authorizer": (_http_authorizer, ("method", "path")),
    "function-url": (_function_url, _HTTP),
    "alb": (_alb(), _HTTP),
    "alb:multi-value": (_alb(multi_value=True), _HTTP),
    "alb:health-check": (_alb(checked=True), ("path",)),
}
