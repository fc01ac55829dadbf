"""The words of core/lifecycle.py: who takes part, what can happen, and what is to be done."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from stoker.core.extension_states import ExtensionState
from stoker.core.faults import Fault
from stoker.core.invocation import RequestId

Party = NewType("Party", str)
RUNTIME = Party("runtime")
_EXTENSION = "extension:"


def extension_party(name: str) -> Party:
    """An extension may have any name, also "runtime"."""
    return Party(_EXTENSION + name)


def extension_name(party: Party) -> str:
    return party.removeprefix(_EXTENSION)


class Origin(StrEnum):
    """How an environment comes to be. The first word is AWS's, for its INIT_START."""

    ON_DEMAND = "on-demand"
    SNAPSHOT = "snapshot"  # initialised once, to be copied
    RESTORED = "restored"  # a copy of such a one


class Phase(StrEnum):
    INIT = "Init"  # processes start; no invocation in hand yet
    RESTORE = "Restore"  # the copy of a snapshot: hooks run
    IDLE = "Idle"  # nobody is busy: frozen, may be assigned
    INVOKE = "Invoke"  # an invocation is with the parties
    RESET = "Reset"  # everyone is being killed
    BLANK = "Blank"  # nobody runs: may be assigned, and will then start over
    REINIT = "Reinit"  # starts over under the deadline of the invocation in hand
    SHUTDOWN = "Shutdown"  # extensions say goodbye
    DEAD = "Dead"


class Status(StrEnum):
    SUCCESS = "success"
    ERROR = "error"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True)
class Extension:
    """A registered extension: whose process it is, and what it wants to hear of."""

    name: Party
    external: bool
    invoke: bool = False
    shutdown: bool = False

    @property
    def events(self) -> tuple[str, ...]:
        """By AWS's names."""
        return ("INVOKE",) * self.invoke + ("SHUTDOWN",) * self.shutdown


@dataclass(frozen=True, slots=True)
class ExtensionSeen:
    """How an extension stands when an init is over."""

    party: Party
    state: ExtensionState
    extension: Extension | None = None  # None: it never registered
    error_type: str = ""


# Events: what the outside world did. (Those of every warm invocation, and its effects, are values
# like the others; they are not frozen because making them would take three times as long.)
@dataclass(frozen=True, slots=True)
class Born:
    """The sandbox is there."""


@dataclass(frozen=True, slots=True)
class Registered:
    extension: Extension


@dataclass(frozen=True, slots=True)
class AskedNext:
    party: Party


@dataclass(frozen=True, slots=True)
class InitErrorPosted:
    type: str  # already normalised, core.faults.posted_type


@dataclass(frozen=True, slots=True)
class ExtensionFailed:
    """It said that it cannot go on. state: InitError or ExitError; type: in its own words."""

    party: Party
    state: ExtensionState
    type: str


@dataclass(slots=True, unsafe_hash=True)
class Assigned:
    request_id: RequestId


@dataclass(frozen=True, slots=True)
class ResponseBegan:
    """The runtime streams its answer, and the caller takes it as it comes. Answered follows,
    unless the environment fails first."""

    request_id: RequestId


@dataclass(slots=True, unsafe_hash=True)
class Answered:
    """The runtime's answer is complete. fault: it cannot be used, and why."""

    request_id: RequestId
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Exited:
    party: Party
    fault: Fault


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    request_id: RequestId


@dataclass(frozen=True, slots=True)
class InitLimitPassed:
    pass


@dataclass(frozen=True, slots=True)
class AskedRestore:
    """The runtime asked for its restore: it is ready for the snapshot, or it is a copy of it."""


@dataclass(frozen=True, slots=True)
class RestoreErrorPosted:
    type: str  # already normalised, core.faults.posted_type


@dataclass(frozen=True, slots=True)
class RestoreLimitPassed:
    pass


@dataclass(frozen=True, slots=True)
class BudgetSpent:
    """The time given with Dismiss or after KillAll is over. The shell cancels that timer at
    BecomeIdle and Kill, so it never comes late."""


@dataclass(frozen=True, slots=True)
class Retired:
    pass


@dataclass(frozen=True, slots=True)
class Lost:
    """The sandbox is gone, or we no longer know what is true of it."""

    reason: str


Event = (
    Born | Registered | AskedNext | InitErrorPosted | ExtensionFailed | Assigned | ResponseBegan
    | Answered
    | Exited | DeadlinePassed | InitLimitPassed | BudgetSpent | Retired | Lost
    | AskedRestore | RestoreErrorPosted | RestoreLimitPassed
)  # fmt: skip


# Effects: what the shell must do now, in this order.
@dataclass(frozen=True, slots=True)
class Start:
    party: Party


@dataclass(frozen=True, slots=True)
class InitBegan:
    phase: str  # "init", or "invoke" for an init inside an invocation


@dataclass(frozen=True, slots=True)
class InitEnded:
    phase: str
    status: Status = Status.SUCCESS
    fault: Fault | None = None
    extensions: tuple[ExtensionSeen, ...] = ()


@dataclass(frozen=True, slots=True)
class RestoreBegan:
    """A copy of a snapshot goes on: Start of its runtime follows, which runs already."""


@dataclass(frozen=True, slots=True)
class Restore:
    """Answer the runtime that it is restored: its hooks run."""


@dataclass(frozen=True, slots=True)
class RestoreEnded:
    status: Status = Status.SUCCESS
    fault: Fault | None = None


@dataclass(slots=True, unsafe_hash=True)
class Deliver:
    request_id: RequestId
    to: frozenset[Party]


@dataclass(slots=True, unsafe_hash=True)
class InvokeBegan:
    """Once for each invocation, after its delivery is under way (or never will be)."""

    request_id: RequestId


@dataclass(frozen=True, slots=True)
class RuntimeDone:
    """The runtime waits for its next event, and extensions do not yet. Only then: otherwise
    InitEnded or InvokeEnded says it all. None: it is done with an init."""

    request_id: RequestId | None


@dataclass(slots=True, unsafe_hash=True)
class Finish:
    """Hand the caller its result: the payload that came with the event in hand, or the fault.
    streamed: it has begun to take its answer, so that whatever is to be told goes behind that."""

    request_id: RequestId
    fault: Fault | None = None
    streamed: bool = False


@dataclass(frozen=True, slots=True)
class Abandon:
    """Tell the caller that we failed, not its function."""

    request_id: RequestId
    reason: str


@dataclass(slots=True, unsafe_hash=True)
class InvokeEnded:
    """Once for each invocation, after Finish or Abandon: nothing of it runs any more."""

    request_id: RequestId
    status: Status = Status.SUCCESS
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class BecomeIdle:
    """May be assigned from now on."""


@dataclass(frozen=True, slots=True)
class Withdraw:
    """May not be assigned after all, until it becomes idle again."""


@dataclass(frozen=True, slots=True)
class Dismiss:
    """Everyone is asked to leave, and has so long altogether. Terminate or Goodbye follows."""

    budget_ms: int


@dataclass(frozen=True, slots=True)
class Terminate:
    """SIGTERM to the runtime; SIGKILL if it is still there after the grace."""

    grace_ms: int


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The runtime is gone: SHUTDOWN to who wants to hear of it, SIGKILL to the other extensions."""

    reason: str  # spindown | timeout | failure
    to: frozenset[Party]
    kill: frozenset[Party]


@dataclass(frozen=True, slots=True)
class KillAll:
    """SIGKILL everything inside; exits are reported as usual."""


@dataclass(frozen=True, slots=True)
class Kill:
    """Destroy the sandbox. Nothing follows."""

    reason: str


Effect = (
    Start | InitBegan | InitEnded | Deliver | InvokeBegan | RuntimeDone | Finish | Abandon
    | InvokeEnded | BecomeIdle | Withdraw | Dismiss | Terminate | Goodbye | KillAll | Kill
    | RestoreBegan | Restore | RestoreEnded
)  # fmt: skip
