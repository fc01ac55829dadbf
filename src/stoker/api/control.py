"""What API operations work with: who asks, what is asked, and the parts of the server.

An operation is `async def create_function(control: Control, call: Call[CreateFunctionInput])
-> FunctionConfiguration`. When it runs, the request has been routed, parsed and validated
against AWS's model; whatever it refuses, it raises as a `core.errors.ServiceError`.
"""

import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

from stoker.api.function_lists import Listed
from stoker.api.gateways import Gateways
from stoker.api.identities import Identities
from stoker.api.sampling import Sampling
from stoker.api.target_groups import TargetGroups
from stoker.blobs.directory import DirectoryBlobs
from stoker.core.account_limits import AWS as AWS_LIMITS
from stoker.core.account_limits import AccountLimits
from stoker.core.invocation import RequestId, Target
from stoker.core.quotas import AWS, Quotas
from stoker.core.sessions import SECRET_BYTES, Session, assumed_role_arn, root
from stoker.events.dispatcher import Dispatcher
from stoker.events.mappings import Mappings
from stoker.invoke.catalog import Catalog
from stoker.invoke.developing import Developing
from stoker.invoke.invoker import Invoker
from stoker.neighbours.calls import Reachable
from stoker.neighbours.neighbours import Neighbours
from stoker.observe.insights import Insights
from stoker.observe.logs import LogStore
from stoker.observe.metrics import Metrics
from stoker.observe.otlp.export import Export
from stoker.observe.recent import Recent
from stoker.observe.traces import Traces
from stoker.queues.broker import Broker
from stoker.stacks.stacks import Stacks
from stoker.store.base import Store
from stoker.store.metric_store import MetricStore
from stoker.store.trace_store import TraceStore

Input = TypeVar("Input")


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf a request runs."""

    account: str  # 12 digits
    region: str
    access_key: str
    environment: Target | None = None  # set if the call came from inside an environment
    session: Session | None = None  # whose temporary credentials it was signed with, if ours

    @property
    def role(self) -> str:
        """The ARN of the role that it acts with, if there is one."""
        if self.environment is not None:
            return self.environment.role
        return self.session.role if self.session is not None else ""

    @property
    def arn(self) -> str:
        """By which AWS would name it in a refusal."""
        if self.environment is not None:
            return assumed_role_arn(self.environment.role, self.environment.name)
        return self.session.arn if self.session is not None else root(self.account)

    @property
    def arns(self) -> frozenset[str]:
        """All by which a policy may name it, besides its account."""
        if self.role:
            return frozenset((self.arn, self.role))
        return frozenset(() if self.session is None else (self.arn,))


@dataclass(frozen=True, slots=True)
class Call(Generic[Input]):
    """One API call, already routed, parsed and validated."""

    input: Input
    caller: Caller
    request_id: RequestId
    base_url: str  # how this caller reaches us, without a trailing slash: "http://127.0.0.1:4566"
    trace: str = ""  # the request's X-Amzn-Trace-Id
    peer: str = ""  # the IP address of who asks; "" if this server asks itself


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator decided about the API."""

    sandbox: str = ""  # what isolates: "namespaces", "process"
    account: str = "000000000000"  # of callers whose access key is not 12 digits
    region: str = "us-east-1"  # of callers whose credential scope names none
    hosts: frozenset[str] = frozenset()  # names besides loopback's (the bound address!) that are us
    origins: frozenset[str] = frozenset()  # web pages that may call us: "https://host[:port]"
    limits: AccountLimits = AWS_LIMITS
    quotas: Quotas = AWS
    metrics_mb: int = 1024  # a larger file takes nothing more of strangers
    lacks_images: Callable[[], str] = str  # why there is no SnapStart but Python's; "" if there is
    runtimes: Callable[[], Sequence[str]] = tuple  # that this machine has; slow the first time


@dataclass(frozen=True, slots=True)
class Control:
    store: Store
    blobs: DirectoryBlobs
    catalog: Catalog
    invoker: Invoker
    events: Dispatcher
    logs_store: LogStore
    metric_store: MetricStore
    queues: Broker
    settings: Settings
    changed: Callable[[], None]  # the store changed: reconcilers, look now
    metrics: Metrics = field(default_factory=Metrics)
    metering: Callable[[], Awaitable[None]] | None = None  # brings what is counted to the store
    recent: Recent = field(default_factory=Recent)  # invocations, with their events
    traces: Traces = field(default_factory=Traces)
    insights: Insights = field(default_factory=Insights)
    trace_store: TraceStore | None = None
    tracing: Callable[[], Awaitable[None]] | None = None  # brings segments that came to the store
    export: Export | None = None  # of telemetry; None: there is none
    sampling: Sampling = field(default_factory=Sampling)
    listed: Listed = field(default_factory=Listed)
    identities: Identities = field(default_factory=Identities)  # what functions' roles may
    gateways: Gateways = field(default_factory=Gateways)  # APIs of API Gateway
    target_groups: TargetGroups = field(default_factory=TargetGroups)  # of load balancers
    polled: frozenset[str] = frozenset()  # services whose event source mappings are polled
    mappings: Mappings | None = None  # what polls them
    neighbours: Neighbours | None = None  # AWS's other services; None: there are none
    inward: Reachable | None = None  # this server's own front door
    stacks: Stacks | None = None  # CloudFormation's
    developing: Developing | None = None  # functions whose code is a folder
    examine: Callable[[], Awaitable[bytes]] | None = None  # what `stoker doctor --json` finds
    limitations: Callable[[], tuple[str, ...]] = tuple  # what is not enforced, in sentences
    dev_socket: Callable[[], str] = str  # where `stoker dev` connects; "" if it cannot
    secret: bytes = field(default_factory=partial(os.urandom, SECRET_BYTES))  # of sessions

    def __post_init__(self) -> None:
        self.store.watch(self.listed.change)
