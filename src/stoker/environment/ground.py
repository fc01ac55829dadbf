"""What an environment stands on, and how it is set."""

from dataclasses import dataclass, field
from pathlib import Path

from stoker.core.invocation import Initialization
from stoker.core.invoke_limits import FREEZE_S, INIT_S, KILL_S, PROVISIONED_INIT_S
from stoker.core.lifecycle_words import Origin
from stoker.core.pace import StreamLimits
from stoker.environment.credentials_api import RoleSessions
from stoker.environment.draft import Draft
from stoker.http.busy_poll import BusyPoll
from stoker.observe.base import LogSink
from stoker.observe.metrics import Metrics
from stoker.observe.recent import Recent
from stoker.observe.steps import Steps
from stoker.sandbox.base import Sandbox


@dataclass(frozen=True, slots=True)
class EnvironmentSettings:
    init_limit_s: float = INIT_S
    freeze_after_s: float = FREEZE_S
    kill_limit_s: float = KILL_S
    from_zygote: bool = True  # else managed runtimes are started from /var/runtime/bootstrap
    stream: StreamLimits = field(default_factory=StreamLimits)
    sessions: RoleSessions = field(default_factory=RoleSessions)
    insights: frozenset[str] = frozenset()  # functions that have Lambda Insights
    awake: BusyPoll | None = None  # told of what comes from inside

    def init_limit(self, initialization: Initialization, timeout_s: float) -> float:
        """AWS: on demand 10 seconds; ahead of invocations 130 or the function's timeout."""
        if initialization is Initialization.ON_DEMAND:
            return self.init_limit_s
        return max(PROVISIONED_INIT_S, timeout_s)


@dataclass(frozen=True, slots=True)
class Ground:
    """What an environment stands on: its sandbox and what was put into it."""

    sandbox: Sandbox
    code: Path
    opt: Path | None  # its layers, merged
    steps: Steps  # of making it, so far
    draft: Draft
    initialization: Initialization = Initialization.ON_DEMAND
    origin: Origin = Origin.ON_DEMAND
    metrics: Metrics = field(default_factory=Metrics)
    recent: Recent = field(default_factory=Recent)
    insights: LogSink | None = None  # where Lambda Insights writes of each invocation, if it does
