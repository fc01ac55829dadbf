"""Messages per second through an event source mapping of an SQS queue, batches of 10.

A round: the mapping is disabled, the queue is filled, the mapping is enabled. It ends when the
queue's attributes say that nothing is there nor in flight, which in both systems means deleted
after the function has returned. Then the function's log has to tell of as many messages: each
one too few or too many counts as an error. Everything through AWS's API, the same calls for both.

While it runs, the queue is asked by a request that was built beforehand (boto3 needs 1.5 ms of the
cores that are measured for each), each time when half of what seems to be left of it is over:
few looks, and the last ones close together.
"""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench import names
from bench.client import PATIENCE_S, BadAnswer, Connection, queue_counts
from bench.session import Broken, Session
from bench.stoker import Stoker
from bench.systems import Ministack, aws_client

FUNCTION, HANDLER = "batch", "main.batch"
BATCH = 10
BODY = "x" * 100
LOOK_S = 0.02
LAST_LOOK_S = 0.002  # so long at least between two looks at a queue that is nearly empty
FIRST_LOOKS_S = 0.25  # and so long at most: what comes first may be slow
EMPTY_S = 180.0  # for one round
COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


def measure(session: Session) -> None:
    systems: list[Stoker | Ministack] = [Stoker(session.peers, session.folder)]
    if session.peers.ministack:
        systems.append(Ministack(session.peers, session.folder))
    with session.running(systems) as alive:
        mapped: list[_Mapped] = []
        for system in systems:
            if system not in alive:
                continue
            try:
                mapped.append(_mapped(system))
            except Broken as error:
                session.leave_out(system.name, error)
        for number in session.rounds(names.MAPPED):
            for each in mapped[:: -1 if number % 2 else 1]:
                try:
                    _one_round(session, each, number)
                except Broken as error:
                    session.leave_out(each.name, error)
                    mapped.remove(each)


@dataclass(slots=True)
class _Mapped:
    """A queue, its mapping and the function, in one of the systems."""

    name: str
    port: int
    functions: Any
    queues: Any
    queue: str = ""  # its URL
    mapping: str = ""  # its UUID
    sent: int = 0
    handled: int = 0  # as the function's log has it

    def enable(self, enabled: bool) -> None:
        self.functions.update_event_source_mapping(UUID=self.mapping, Enabled=enabled)

    def state(self) -> str:
        state: str = self.functions.get_event_source_mapping(UUID=self.mapping)["State"]
        return state

    def fill(self, messages: int) -> None:
        for first in range(0, messages, BATCH):
            entries = [
                {"Id": str(n), "MessageBody": f"{first + n} {BODY}"}
                for n in range(min(BATCH, messages - first))
            ]
            answer = self.queues.send_message_batch(QueueUrl=self.queue, Entries=entries)
            self.sent += len(answer["Successful"])

    def emptied(self) -> None:
        """Wait until the queue is empty."""
        asked = queue_counts(self.port, self.queue, COUNTS)
        begun, there = time.monotonic(), _left(self.port, asked)
        left = there
        while left:
            gone_s = time.monotonic() - begun
            if gone_s > EMPTY_S:
                raise TimeoutError(f"{left} messages are left after {EMPTY_S:g} s")
            done = there - left
            half_s = gone_s * left / done / 2 if done > 0 else LOOK_S
            time.sleep(min(max(LAST_LOOK_S, half_s), FIRST_LOOKS_S))
            left = _left(self.port, asked)

    def logged(self) -> int:
        """How many messages the function has had, all rounds together."""
        pages = aws_client("logs", self.port).get_paginator("filter_log_events")
        found = pages.paginate(logGroupName=f"/aws/lambda/{FUNCTION}", filterPattern="messages")
        said = "\n".join(event["message"] for page in found for event in page["events"])
        return sum(map(int, re.findall(r"messages: (\d+)", said)))


def _left(port: int, asked: bytes) -> int:
    connection = Connection(port)  # each time: one of the systems closes it after a thousand
    try:
        answer = connection.exchange(asked)
    finally:
        connection.close()
    if not answer.startswith(b"HTTP/1.1 200"):
        raise BadAnswer(repr(answer[:200]))
    counts = json.loads(answer.partition(b"\r\n\r\n")[2])["Attributes"]
    return sum(int(counts[name]) for name in COUNTS)


def _mapped(system: Stoker | Ministack) -> _Mapped:
    system.deploy(FUNCTION, handler=HANDLER)
    mapped = _Mapped(
        system.name, system.port, aws_client("lambda", system.port), aws_client("sqs", system.port)
    )
    mapped.queue = mapped.queues.create_queue(
        QueueName=FUNCTION, Attributes={"VisibilityTimeout": "180"}
    )["QueueUrl"]
    attributes = mapped.queues.get_queue_attributes(
        QueueUrl=mapped.queue, AttributeNames=["QueueArn"]
    )["Attributes"]
    mapped.mapping = mapped.functions.create_event_source_mapping(
        FunctionName=FUNCTION, EventSourceArn=attributes["QueueArn"], BatchSize=BATCH
    )["UUID"]
    _until("the mapping is enabled", lambda: mapped.state() == "Enabled", PATIENCE_S)
    mapped.fill(BATCH)  # the first environment is made here
    mapped.emptied()
    return mapped


def _one_round(session: Session, mapped: _Mapped, number: int) -> None:
    mapped.enable(False)
    _until("the mapping is disabled", lambda: mapped.state() == "Disabled", PATIENCE_S)
    messages = session.effort.messages
    mapped.fill(messages)
    idle = session.quiet()
    begun = time.perf_counter()
    mapped.enable(True)
    mapped.emptied()
    rate = messages / (time.perf_counter() - begun)
    session.book.add(
        names.MAPPED, mapped.name, "per second", number, [rate],
        errors=_miscounted(mapped), idle=idle,
    )  # fmt: skip


def _miscounted(mapped: _Mapped) -> int:
    """The difference between sent and handled of this round, once the log has had time."""
    due = mapped.sent - mapped.handled
    end = time.monotonic() + PATIENCE_S / 6
    while (handled := mapped.logged()) - mapped.handled < due and time.monotonic() < end:
        time.sleep(LOOK_S)
    wrong = abs(due - (handled - mapped.handled))
    mapped.sent = mapped.handled = handled
    return wrong


def _until(what: str, is_so: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:g} s until {what}")
        time.sleep(LOOK_S)
