"""What subscription filters want of log events is brought to their destinations.

    LogStore ──► wake() ──► each filter that has parcels, one at a time ──► function (events.db)
                                                                       └──► stream (neighbours)

A parcel leaves the log store when its destination has it, or will never take it. So none is lost
by a crash, and one may come twice after one. CloudWatch Logs tries again for 24 hours what may
get better, and what cannot (the function is gone, its policy says no) is not sent again. AWS then
leaves the destination alone for up to ten minutes, and skips what comes: here the next events are
tried at once.
"""

import asyncio
import hashlib
import logging
import uuid
from enum import Enum, auto
from functools import partial

from stoker.api.control import Control
from stoker.api.event_invocations import keep_for
from stoker.api.log_names import arn_of
from stoker.core import access, log_subscriptions
from stoker.core.errors import ServiceError
from stoker.core.invocation import Target
from stoker.core.limits import ASYNC_PAYLOAD_BYTES
from stoker.core.log_subscriptions import RETRIED_S, Destination, Sent, Vendor, rest_s
from stoker.core.names import parse_function_ref
from stoker.invoke.tasks import Tasks
from stoker.neighbours.acting import Actor, call_as
from stoker.neighbours.calls import Refused
from stoker.neighbours.neighbours import Unreachable
from stoker.observe import log_outbox
from stoker.observe.log_groups import GroupName
from stoker.observe.log_outbox import Parcel
from stoker.observe.logs import now_ms

log = logging.getLogger(__name__)

AT_ONCE = 16  # destinations that are brought something at the same time
IN_A_ROW = 16  # parcels of one filter before others get their turn
BY_STREAM = "ByLogStream"
SESSION = "CloudWatchLogs"  # the name of the role's session


class Fate(Enum):
    """What became of a parcel."""

    TAKEN = auto()
    LOST = auto()  # it will never be taken
    LATER = auto()


class LogDeliveries:
    """`wake()` when there may be something; `await close()` at the end."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._tasks = Tasks()
        self._busy: set[int] = set()  # filters whose parcels are under way
        self._failures: dict[int, int] = {}  # of those that rest, one after the other
        self._resting: dict[int, asyncio.TimerHandle] = {}
        self._last = 0  # the filter that had its turn
        self._looking = self._again = self._closed = False

    def wake(self) -> None:
        """Look whether somebody waits for log events."""
        self._again = True
        if not self._looking and not self._closed:
            self._looking = True
            self._tasks.start(self._look(), "log subscriptions")

    async def close(self) -> None:
        """What is under way is finished; the rest waits for the next start."""
        self._closed = True
        for timer in self._resting.values():
            timer.cancel()
        await self._tasks.close()

    async def _look(self) -> None:
        try:
            while self._again and not self._closed:
                self._again = False
                found = await self._control.logs_store.query(log_outbox.waiting, flushed=False)
                turn = sorted(found, key=lambda id: (id <= self._last, id))
                for id in turn:
                    if len(self._busy) < AT_ONCE and id not in self._busy | self._resting.keys():
                        self._last = id
                        self._busy.add(id)
                        self._tasks.start(self._serve(id), f"log subscription {id}")
        except ServiceError:  # the log store has said why
            asyncio.get_running_loop().call_later(rest_s(1), self.wake)
        finally:
            self._looking = False

    async def _serve(self, id: int) -> None:
        """Bring what waits for one filter, unless its destination has to rest: after a failure of
        its own, of the log store, which has said why, or of ours, which the task reports."""
        rests = True
        try:
            rests = not await self._served(id)
        except ServiceError:
            pass
        finally:
            self._busy.discard(id)
            if rests and not self._closed:
                self._rest(id)
            self.wake()  # some may have come meanwhile, or another filter may have its turn

    async def _served(self, id: int) -> bool:
        """Whether all went well."""
        logs = self._control.logs_store
        for _ in range(IN_A_ROW):
            parcel = await logs.query(partial(log_outbox.first, subscription_id=id), flushed=False)
            if parcel is None or self._closed:
                break
            if await self._bring(parcel) is Fate.LATER:
                return False
            await logs.change(partial(log_outbox.sent, parcel=parcel), flushed=False)
        self._failures.pop(id, None)
        return True

    def _rest(self, id: int) -> None:
        failures = self._failures[id] = self._failures.get(id, 0) + 1
        loop = asyncio.get_running_loop()
        self._resting[id] = loop.call_later(rest_s(failures), self._rested, id)

    def _rested(self, id: int) -> None:
        del self._resting[id]
        self.wake()

    async def _bring(self, parcel: Parcel) -> Fate:
        sent = Sent(parcel.account, parcel.group, parcel.stream, parcel.filter, parcel.events)
        where = log_subscriptions.kept(parcel.destination)
        try:
            if where.vendor is Vendor.LAMBDA:
                fate, reason = await self._to_function(parcel, sent)
            else:
                message = await asyncio.to_thread(log_subscriptions.data_message, sent)
                key = _partition_key(parcel)
                await put_record(self._control, where, parcel.role, message, key)
                fate, reason = Fate.TAKEN, ""
        except Unreachable as error:
            fate, reason = Fate.LATER, str(error)
        except Refused as error:
            again = "Throughput" in error.code or "Thrott" in error.code or error.code[:1] == "5"
            fate, reason = Fate.LATER if again else Fate.LOST, str(error)
        except ServiceError as refusal:
            again = refusal.status in (409, 429) or refusal.status >= 500
            fate, reason = Fate.LATER if again else Fate.LOST, refusal.message
        if fate is Fate.LATER and now_ms() - parcel.queued_ms > RETRIED_S * 1000:
            fate = Fate.LOST
        if fate is not Fate.TAKEN:
            facts = {
                "log_group": parcel.group,
                "filter": parcel.filter,
                "destination": parcel.destination,
                "events": len(parcel.events),
                "reason": reason,
            }
            said = "log events not sent" if fate is Fate.LOST else "log events are sent later"
            log.warning(said, extra=facts)
        return fate

    async def _to_function(self, parcel: Parcel, sent: Sent) -> tuple[Fate, str]:
        group = GroupName(parcel.account, parcel.region, parcel.group)
        target = admitted(self._control, parcel.destination, group)
        if log_subscriptions.is_circle(parcel.group, target.name, target.log.group):
            return Fate.LOST, "the function would be sent what it logs"
        message = await asyncio.to_thread(log_subscriptions.data_message, sent)
        event = log_subscriptions.function_event(message)
        if len(event) > ASYNC_PAYLOAD_BYTES:
            return Fate.LOST, f"an event has at most {ASYNC_PAYLOAD_BYTES} bytes"
        await keep_for(self._control, parcel.destination, target, event)
        return Fate.TAKEN, ""


def admitted(control: Control, arn: str, group: GroupName) -> Target:
    """The function, if it lets in what CloudWatch Logs has of this group. Raise what refuses."""
    ref = parse_function_ref(arn)
    place = ref.account or "", ref.region or "", ref.name, ref.qualifier
    target = control.catalog.resolve(*place)
    facts = {"aws:sourcearn": f"{arn_of(group)}:*", "aws:sourceaccount": group.account}
    policy = control.catalog.policy(*place)
    said = {
        access.verdict(policy, access.Access(access.INVOKE, service=service, facts=facts))
        for service in ("logs.amazonaws.com", f"logs.{group.region}.amazonaws.com")
    }
    if access.Verdict.ALLOWED not in said or access.Verdict.DENIED in said:
        raise log_subscriptions.unreachable(Vendor.LAMBDA)
    return target


async def put_record(
    control: Control, where: Destination, role: str, message: bytes, key: str
) -> None:
    """As the filter's role. Raise Refused, Unreachable."""
    _, _, service, region, account, _ = where.arn.split(":", 5)
    if control.neighbours is None or not control.neighbours.serves(service):
        raise Refused("ResourceNotFoundException", f"this server has no {service}")
    asked = (
        {"StreamName": where.resource, "Data": message, "PartitionKey": key}
        if where.vendor is Vendor.KINESIS
        else {"DeliveryStreamName": where.resource, "Record": {"Data": message}}
    )
    who = Actor(account, role, SESSION)
    await call_as(control.neighbours, who, service, "PutRecord", asked, region=region)


def _partition_key(parcel: Parcel) -> str:
    """Events of one log stream keep their order, unless they are to be spread."""
    if parcel.distribution == BY_STREAM:
        return hashlib.sha256(parcel.stream.encode()).hexdigest()
    return uuid.uuid4().hex
