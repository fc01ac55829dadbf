"""What is run, and what came of it: the two types that pass through the waist."""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType, Protocol

RequestId = NewType("RequestId", str)  # UUID v4, lower case


class Initialization(StrEnum):
    """What an environment was initialised for; inside, AWS_LAMBDA_INITIALIZATION_TYPE."""

    ON_DEMAND = "on-demand"
    PROVISIONED = "provisioned-concurrency"
    SNAP_START = "snap-start"


class Way(StrEnum):
    """How an invocation came to us."""

    REQUEST = "RequestResponse"
    STREAM = "Response stream"
    EVENT = "Event"
    MAPPING = "Event source mapping"
    URL = "Function URL"
    API = "API Gateway"
    BALANCER = "Load balancer"
    STATES = "Step Functions"


@dataclass(frozen=True, slots=True)
class LogSettings:
    """Where and how one version logs (AWS: LoggingConfig)."""

    group: str
    format: str = "Text"  # Text | JSON
    application_level: str = "INFO"  # only with JSON
    system_level: str = "INFO"  # only with JSON


@dataclass(frozen=True, slots=True)
class Developed:
    """What `stoker dev` makes of a target whose code is a folder that somebody is working on."""

    deployed: str  # the code that it has otherwise
    packages: str = ""  # the name, as `code` is one, of what it imports beside it; "" for nothing
    debug: str = ""  # "" | listen | wait: for a debugger, before its module is loaded


@dataclass(frozen=True, slots=True)
class Target:
    """A qualifier resolved to one immutable version: all that is needed to run it.

    Two invocations may share a warm environment if and only if their targets' `key` is equal.
    Its last part is the tenant, where there is one.
    """

    account: str  # 12 digits
    region: str
    name: str  # function name
    version: str  # "$LATEST" or decimal
    runtime: str  # Lambda's identifier, e.g. "python3.13", "provided.al2023"
    handler: str
    role: str  # ARN
    code: str  # SHA-256 of the zip, hex: a name in blobs/
    layers: tuple[str, ...]  # SHA-256 of each layer's zip, hex, in merge order
    memory_mb: int
    timeout_s: int
    ephemeral_mb: int  # size of /tmp
    environment: tuple[tuple[str, str], ...]  # the customer's variables, sorted
    log: LogSettings
    tracing: str = "PassThrough"  # PassThrough | Active
    dead_letters: str = ""  # ARN of what takes events that failed; no part of the key
    snap_start: bool = False  # its environments are copies of one that was initialised before
    developed: Developed | None = None
    architecture: str = "x86_64"  # or arm64
    creation: str = ""  # which function of this name it is of: one was deleted, another made
    per_tenant: bool = False  # an environment serves one tenant
    tenant: str = ""  # whom this runs for; "" of what is not isolated, and in the catalog
    key: tuple[str, ...] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        facts = (
            self.runtime, self.handler, self.role, self.code, self.layers, self.memory_mb,
            self.timeout_s, self.ephemeral_mb, self.environment, self.log, self.tracing,
            self.snap_start, self.developed, self.architecture, self.creation, self.per_tenant,
        )  # fmt: skip
        fingerprint = hashlib.sha256(repr(facts).encode()).hexdigest()
        key = (self.account, self.region, self.name, self.version, fingerprint)
        object.__setattr__(self, "key", (*key, self.tenant) if self.tenant else key)

    @property
    def for_all(self) -> tuple[str, ...]:
        """The key, whichever tenant it is for."""
        return self.key[:5]

    @property
    def opt(self) -> str | None:
        """The name, beside the digests of packages, of what the environment sees as /opt."""
        return opt_name(self.layers)

    @property
    def trees(self) -> frozenset[str]:
        """The names of all its code, of what that was unpacked from, and of what was merged."""
        return frozenset((self.code, *self.layers, self.opt or self.code))

    @property
    def arn(self) -> str:
        """The unqualified function ARN."""
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.name}"


def opt_name(layers: tuple[str, ...]) -> str | None:
    """What these layers are called once they are merged. One alone is its own merger."""
    if len(layers) < 2:
        return layers[0] if layers else None
    return hashlib.sha256("\n".join(layers).encode()).hexdigest()


class Flow(Protocol):
    """What can be held up for a while; both calls may be repeated."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class Recipient(Protocol):
    """A caller who takes the answer while it is made."""

    def began(self, flow: Flow, content_type: str) -> None:
        """The function streams its answer: write() follows any number of times. A function that
        does not is answered for in whole by the result, which comes last in either case.
        `flow` is to be paused while the caller does not take what was written."""
        ...

    def write(self, data: bytes) -> None: ...


@dataclass(slots=True)
class Invocation:
    """One accepted request to run a Target. `event` is handed on byte for byte."""

    request_id: RequestId
    target: Target
    event: bytes
    invoked_arn: str  # qualified if and only if the caller qualified it
    content_type: str = "application/json"
    client_context: str = ""  # decoded JSON text, "" if none
    cognito_identity: str = ""  # JSON text, "" if none
    trace_id: str = ""  # value of X-Amzn-Trace-Id, minted if the caller sent none
    tail: bool = False  # the caller wants the last 4 KiB of the log
    recipient: Recipient | None = None  # None: the caller wants its answer whole
    trace_parent: str = ""  # the caller's span, where `trace_id` names the function's own
    way: Way = Way.REQUEST


@dataclass(slots=True)
class InvocationResult:
    """What the caller gets: always HTTP 200 (a function error is a result, not an exception).

    Of an answer that was streamed it holds only what went wrong: the kind of the error in
    `function_error`, what is to be read about it in `payload`.
    """

    payload: bytes
    function_error: str | None = None  # None on success, else "Unhandled"
    executed_version: str = "$LATEST"
    log_tail: bytes | None = None  # last 4,096 bytes, if asked for
    content_type: str = "application/json"
