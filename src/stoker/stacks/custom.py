"""Custom resources: what a function of the user's own makes.

    event ─► the function, asynchronously ─► PUT ResponseURL ─► Answers.take ─► whoever waits

The URL is an address of this server with a word that nobody can guess; a function reaches it from
within its environment. One answer counts, of at most ANSWER_BYTES, in the time that AWS gives it.
"""

import asyncio
import secrets
import uuid
from dataclasses import dataclass, field
from typing import Any

import orjson

from stoker.core.stacks import naming
from stoker.core.stacks.changes import plain
from stoker.core.stacks.errors import ValidationError
from stoker.stacks.work import Made, Work

PATH = "/_stoker/cloudformation/answers/"
ANSWER_BYTES = 4096  # AWS: "the response body can't exceed 4096 bytes"
WAIT_S = 3600  # AWS: unless ServiceTimeout says less
EVENT_KEYS = ("ServiceTimeout",)


@dataclass(slots=True)
class Answers:
    """What is waited for, by the last part of its URL."""

    base_url: str = ""  # of this server, from inside an environment
    _waiting: dict[str, "asyncio.Future[dict[str, Any]]"] = field(default_factory=dict)

    def open(self) -> tuple[str, "asyncio.Future[dict[str, Any]]"]:
        """A URL, and what will be sent to it."""
        word = secrets.token_urlsafe(32)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[word] = answer
        answer.add_done_callback(lambda _: self._waiting.pop(word, None))
        return f"{self.base_url}{PATH}{word}", answer

    def take(self, word: str, body: bytes) -> bool:
        """Say whether somebody waits for it. Raise ValueError for what is no answer."""
        waiting = self._waiting.get(word)
        if waiting is None or waiting.done():
            return False
        if len(body) > ANSWER_BYTES:
            answer: Any = {"Status": "FAILED", "Reason": "Response object is too long."}
        else:
            answer = orjson.loads(body)
        if not isinstance(answer, dict) or answer.get("Status") not in ("SUCCESS", "FAILED"):
            raise ValueError("an answer is an object with Status SUCCESS or FAILED")
        waiting.set_result(answer)
        return True


async def create(work: Work) -> Made:
    return await _asked(work, "Create")


async def update(work: Work) -> Made:
    """An answer with another PhysicalResourceId says that it was replaced: then the old one is
    deleted (deployment.py sees to it)."""
    return await _asked(work, "Update", OldResourceProperties=plain(dict(work.before)))


async def delete(work: Work) -> None:
    await _asked(work, "Delete")


async def _asked(work: Work, request: str, **more: Any) -> Made:
    token = str(work.must("ServiceToken"))
    answers: Answers = work.around.answers
    url, answer = answers.open()
    event: dict[str, Any] = {
        "RequestType": request, "ServiceToken": token, "ResponseURL": url,
        "StackId": work.stack_id, "RequestId": str(uuid.uuid4()),
        "LogicalResourceId": work.logical, "ResourceType": work.kind,
        "ResourceProperties": plain(await work.resolved(work.without(*EVENT_KEYS))),
        **more,
    }  # fmt: skip
    if request != "Create":
        event["PhysicalResourceId"] = work.physical
    seconds = min(float(work.properties.get("ServiceTimeout", WAIT_S)), WAIT_S)
    try:
        await _send(work, token, event)
        found = await _waited(work, answer, seconds)
    finally:
        answer.cancel()
    if found["Status"] != "SUCCESS":
        raise ValidationError(
            f"Received response status [FAILED] from custom resource. Message returned:"
            f" {str(found.get('Reason', ''))[:1000]} (RequestId: {event['RequestId']})"
        )
    data = found.get("Data")
    physical = str(found.get("PhysicalResourceId") or work.physical)
    if not physical:
        physical = f"{work.stack_name}-{work.logical}-{naming.token(event['RequestId'])}"
    return Made(physical[:1024], data if isinstance(data, dict) else {})


async def _send(work: Work, token: str, event: dict[str, Any]) -> None:
    if token.startswith("arn:aws:sns:"):
        await work.ask(
            "sns", "Publish", TopicArn=token, Message=orjson.dumps(event).decode(),
            Subject="AWS CloudFormation custom resource request",
        )  # fmt: skip
    elif token.startswith("arn:aws:lambda:"):
        await work.around.invoke(token, work.account, orjson.dumps(event))
    else:
        raise ValidationError(f"Invalid service token: {token}")


async def _waited(
    work: Work, answer: "asyncio.Future[dict[str, Any]]", seconds: float
) -> dict[str, Any]:
    cancelled = asyncio.ensure_future(work.cancelled())
    either: set[asyncio.Future[Any]] = {answer, cancelled}
    try:
        await asyncio.wait(either, timeout=seconds, return_when="FIRST_COMPLETED")
    finally:
        cancelled.cancel()
    if answer.done():
        return answer.result()
    if cancelled.done() and not cancelled.cancelled():
        raise ValidationError("Resource creation cancelled")
    raise ValidationError(
        f"CloudFormation did not receive a response from your Custom Resource in {seconds:.0f}"
        f" seconds. Please check your logs for the function {work.properties['ServiceToken']}"
    )
