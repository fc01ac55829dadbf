"""Where the embedded neighbours come in: S3, SNS and EventBridge send to functions and queues, and
EventBridge to what else may be a target (core/target_calls.py).

They come over a socket of their own, so that nobody else can say that he is S3. A function takes
an event if its resource-based policy lets that service in for that bucket, topic or rule, and then
it runs asynchronously, as after Invoke with InvocationType Event. A schedule of EventBridge
Scheduler has a role of its account, and comes with that account's rights; so has a state machine of
Step Functions, which waits for the answer. A rotation of a secret waits, too.
Queues and other targets take what comes from their own account: their policies are not read yet.
Others than queues are reached through this server's own front door, as anybody reaches them.
Streams tell of their records here, so that pollers need not ask all the time.
"""

import asyncio
import base64
import logging
import time
from collections.abc import Mapping
from typing import Any

import orjson

from stoker.api import sampling
from stoker.api.control import Control
from stoker.api.event_invocations import keep_for
from stoker.api.identifiers import new_request_id
from stoker.api.inward import Inward
from stoker.core import access, neighbours, target_calls, trigger_targets
from stoker.core.errors import (
    AccessDeniedException,
    InvalidParameterValueException,
    RequestTooLargeException,
    ServiceError,
    ServiceException,
)
from stoker.core.invocation import Invocation, Target, Way
from stoker.core.limits import ASYNC_PAYLOAD_BYTES
from stoker.core.message_attributes import Value
from stoker.core.names import parse_function_ref
from stoker.core.queue_rules import QueueKey
from stoker.core.target_calls import Place
from stoker.http.base import Exchange, Headers
from stoker.neighbours.calls import Refused
from stoker.neighbours.neighbours import Unreachable
from stoker.queues.posting import Post, post

log = logging.getLogger(__name__)

SENDERS = (neighbours.EVENTS, neighbours.SCHEDULER)
Answer = tuple[int, Headers] | tuple[int, Headers, bytes]


class FromNeighbours:
    """http.base.Application. POST: 202 once the event is on the disk. GET: whether it would be."""

    def __init__(self, control: Control, inward: Inward) -> None:
        self._control = control
        self._inward = inward
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, exchange: Exchange) -> int:
        return ASYNC_PAYLOAD_BYTES

    def complete(self, exchange: Exchange) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(exchange))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def lost(self, exchange: Exchange) -> None:
        """What has begun is carried out."""

    async def close(self) -> None:
        """Call after the HTTP server has closed."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _answer(self, exchange: Exchange) -> None:
        try:
            answer = await self._carried_out(exchange)
        except ServiceError as refusal:
            said = [(neighbours.ERROR, refusal.code)]
            exchange.respond(refusal.status, said, refusal.message.encode())
        except Exception:
            log.exception("trigger failed")
            exchange.respond(ServiceException.status, [], b"Stoker failed; its log says why")
        else:
            exchange.respond(*answer)

    async def _carried_out(self, exchange: Exchange) -> Answer:
        """The answer. Raises what the target, or its policy, refuses."""
        if exchange.oversized or exchange.truncated:
            raise RequestTooLargeException(f"an event has at most {ASYNC_PAYLOAD_BYTES} bytes")
        arn = exchange.headers.get(neighbours.TARGET, "")
        queue = trigger_targets.queue(arn)
        if queue is not None:
            return await self._posted(exchange, QueueKey(*queue)), []
        place = target_calls.read(arn)
        if place is not None and exchange.headers.get(neighbours.PRINCIPAL) in SENDERS:
            return await self._told(exchange, place)
        if trigger_targets.is_stream(arn):
            if self._control.mappings is not None:
                shard = exchange.headers.get(neighbours.SOURCE, "")
                self._control.mappings.stream_changed(arn, shard)
            return 202, []
        if not trigger_targets.is_function(arn):
            raise InvalidParameterValueException("the target is not the ARN of a function or queue")
        return await self._invoked(exchange, arn)

    async def _posted(self, exchange: Exchange, key: QueueKey) -> int:
        _check_account(exchange, key.account, "queues")
        self._control.queues.find(key)
        if exchange.method == "GET":
            return 204
        told = _message(exchange)
        attributes = {
            name: Value(one["Type"], None, base64.b64decode(one["Value"]))
            if one["Type"].startswith("Binary")
            else Value(one["Type"], one["Value"])
            for name, one in told.get("attributes", {}).items()
        }
        trace = exchange.headers.get(neighbours.TRACE, "")
        it = Post(told["body"], attributes, trace, told.get("group"), told.get("deduplication"))
        await post(self._control.queues, key, it)
        return 202

    async def _told(self, exchange: Exchange, place: Place) -> Answer:
        """What a rule or a schedule has for one of the other services."""
        _check_account(exchange, place.account, "targets")
        for one in target_calls.operations(place, _message(exchange), int(time.time() * 1000)):
            try:
                answer = await self._inward(
                    place.account, place.region, one.service, one.name, one.parameters
                )
            except Refused as refusal:
                if refusal.code == "ResourceAlreadyExistsException":
                    continue  # a log stream, for another target of the same rule
                return 400, [(neighbours.ERROR, refusal.code)], str(refusal).encode()
            except Unreachable as reason:
                raise ServiceException(str(reason)) from reason
            if answer.get("FailedEntryCount"):  # of PutEvents
                raise InvalidParameterValueException(str(answer["Entries"][0].get("ErrorMessage")))
        return 202, []

    async def _invoked(self, exchange: Exchange, arn: str) -> Answer:
        said = exchange.headers
        principal = said[neighbours.PRINCIPAL]
        ref = parse_function_ref(arn)
        account, region = ref.account or "", ref.region or ""
        asks = _asks(said)
        catalog = self._control.catalog
        target = catalog.resolve(account, region, ref.name, ref.qualifier)
        policy = catalog.policy(account, region, ref.name, ref.qualifier)
        access.check(policy, asks, owner=account, who=principal, resource=arn)
        if exchange.method == "GET":
            return 204, []
        if principal in (neighbours.STATES, neighbours.SECRETS):
            return await self._waited_for(exchange, arn, target)
        await keep_for(self._control, arn, target, exchange.body, said.get(neighbours.TRACE))
        return 202, []

    async def _waited_for(self, exchange: Exchange, arn: str, target: Target) -> Answer:
        """For a state machine, or a rotation: the function's answer, as Invoke gives it."""
        key = (target.account, target.region, target.name)
        given = exchange.headers.get(neighbours.TRACE)
        active = target.tracing == "Active"
        trace, _, parent = sampling.begun(self._control.sampling, key, given, active=active)
        request_id = new_request_id()
        result = await self._control.invoker.invoke(
            Invocation(
                request_id, target, exchange.body, arn, trace_id=trace, tail=True,
                trace_parent=parent, way=Way.STATES,
            )
        )  # fmt: skip
        facts = [
            ("x-amzn-requestid", request_id),
            ("x-amz-executed-version", result.executed_version),
            (neighbours.LOG_TAIL, base64.b64encode(result.log_tail or b"").decode()),
        ]
        if result.function_error:
            facts.append(("x-amz-function-error", result.function_error))
        return 200, facts, result.payload


def _check_account(exchange: Exchange, owner: str, what: str) -> None:
    if exchange.headers.get(neighbours.SOURCE_ACCOUNT) != owner:
        raise AccessDeniedException(f"{what} take nothing from other accounts")


def _message(exchange: Exchange) -> dict[str, Any]:
    told = orjson.loads(exchange.body)
    if not isinstance(told, dict) or not isinstance(told.get("body"), str):
        # another ARN where a function's belongs
        raise InvalidParameterValueException("what comes is an event and no message")
    return told


def _asks(said: Mapping[str, str]) -> access.Access:
    principal, account = said[neighbours.PRINCIPAL], said[neighbours.SOURCE_ACCOUNT]
    if principal in (neighbours.SCHEDULER, neighbours.STATES):
        return access.invoker(account)
    return access.Access(
        access.INVOKE,
        service=principal,
        facts={
            "aws:sourcearn": said[neighbours.SOURCE],
            "aws:sourceaccount": account,
            "aws:principalservicename": principal,
        },
    )
