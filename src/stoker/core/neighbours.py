"""AWS's other services: who answers for them, and what of a request is passed on. Pure.

A neighbour is named as it is signed for: "s3", "dynamodb", "states".
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

ACCOUNT: Final = "x-moto-account-id"  # to the embedded ones: on whose behalf a request runs
INSIDE: Final = "x-stoker-inside"  # to them: a function asks; the service that it was judged for
ALIVE: Final = "/_stoker/alive"  # asked of them: no bucket has such a name
NOT_SERVED: Final = "x-stoker-not-served"  # from them: what they do not have
FAILED: Final = "x-stoker-failed"  # from them: how they failed

# What the embedded ones send to functions and queues says in headers:
TARGET: Final = "x-stoker-target"  # ARN
PRINCIPAL: Final = "x-stoker-principal"  # "s3.amazonaws.com"
SOURCE: Final = "x-stoker-source"  # ARN of the bucket, the topic, ...; of a stream, the shard
SOURCE_ACCOUNT: Final = "x-stoker-source-account"
EVENTS: Final = "events.amazonaws.com"
SCHEDULER: Final = "scheduler.amazonaws.com"  # the principal that comes with a role's rights
STATES: Final = "states.amazonaws.com"  # the same, and waits for the function's answer
SECRETS: Final = "secretsmanager.amazonaws.com"  # waits, too
SYNC_EXECUTION_S: Final = 300.0  # of an EXPRESS state machine (AWS)
SILENCE_S: Final = 70.0  # SQS makes its callers wait for 20 s; more than a minute is nobody's way
_SLOW: Final = {"AWSStepFunctions.StartSyncExecution": SYNC_EXECUTION_S + SILENCE_S}
TRACE: Final = "x-amzn-trace-id"
ERROR: Final = "x-amzn-errortype"  # to the embedded ones: by which name they are refused
LOG_TAIL: Final = "x-amz-log-result"

# Of one connection, or told by whoever speaks for itself: not the other side's to say.
_OF_THE_CONNECTION: Final = frozenset(
    {"connection", "expect", "keep-alive", "proxy-connection", "te", "trailer"}
    | {"transfer-encoding", "upgrade", "content-length"}
)
_NOT_PASSED_ON: Final = _OF_THE_CONNECTION | {ACCOUNT, INSIDE}
_OF_THE_ANSWER: Final = _OF_THE_CONNECTION - {"content-length"} | {"date", "server"}

_PLAIN: Final = re.compile("[^A-Za-z0-9.-]")

Headers = list[tuple[str, str]]


class BadEndpoint(ValueError):
    """What is wrong with it."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Who answers for which service."""

    configured: Mapping[str, str]  # service: "http://host:port"
    embedded: bool = True  # are there the embedded ones for all others?

    def serves(self, service: str) -> bool:
        return self.embedded or service in self.configured


def read_endpoint(text: str) -> tuple[str, str]:
    """ "s3=http://127.0.0.1:9000" is ("s3", "http://127.0.0.1:9000"). Raise BadEndpoint."""
    service, _, url = text.partition("=")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise BadEndpoint(f"{text!r}: {error}") from None
    if not service or parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadEndpoint(f"{text!r} is not SERVICE=http://HOST[:PORT]")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise BadEndpoint(f"{text!r} has more than a scheme, a host and a port")
    return service, f"{parts.scheme}://{parts.netloc}"


def silence_s(headers: Mapping[str, str]) -> float:
    """How long may whoever answers this say nothing?"""
    return _SLOW.get(headers.get("x-amz-target", ""), SILENCE_S)


def passed_on(headers: Mapping[str, str]) -> Headers:
    """A caller's headers, as its neighbour gets them."""
    return [(k, v) for k, v in headers.items() if k not in _NOT_PASSED_ON]


def passed_on_within(
    headers: Mapping[str, str], *, account: str, region: str, service: str,
    inside: str | None = None,
) -> Headers:  # fmt: skip
    """The same for an embedded one. It believes whose account we say it is, and takes region and
    service from the same place as we did, however the caller wrote them. `inside`: a function
    asks; the service that it may ask for this, "" if nobody was to say."""
    credential = f"{account}/20260101/{_PLAIN.sub('', region)}/{_PLAIN.sub('', service)}"
    signature = f"Credential={credential}/aws4_request, SignedHeaders=host, Signature=0"
    kept = [(name, value) for name, value in passed_on(headers) if name != "authorization"]
    told = [(ACCOUNT, account), *([] if inside is None else [(INSIDE, inside)])]
    return [*kept, ("authorization", f"AWS4-HMAC-SHA256 {signature}"), *told]


def passed_back(headers: Iterable[tuple[str, str]]) -> Headers:
    """A neighbour's headers, as the caller gets them. Of date and server there may only be one,
    which is ours."""
    return [(name, value) for name, value in headers if name.lower() not in _OF_THE_ANSWER]
