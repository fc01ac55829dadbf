"""The nouns: a function, and what one version of it is made of.

A `Function` is one aggregate: whatever changes in it is one write, guarded by its revision.
It holds two configurations, because AWS goes on serving the old one while it brings up the new:

    latest    what the API shows: $LATEST as last created or updated
    serving   what invocations run: the last configuration that became ready, None before that

    created ──► Pending ──activated──► Active
                   └──────failed─────► Failed        (nothing serves)

    updated ──► InProgress ──activated──► Successful (latest serves)
                   └─────────failed─────► Failed     (the old one goes on serving)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from stoker.core.errors import ResourceConflictException
from stoker.core.invocation import LogSettings, Target, opt_name
from stoker.core.names import LATEST, function_arn


class State(StrEnum):
    PENDING = "Pending"
    ACTIVE = "Active"
    FAILED = "Failed"


class UpdateStatus(StrEnum):
    IN_PROGRESS = "InProgress"
    SUCCESSFUL = "Successful"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class Code:
    """A deployment package: a zip in the blobs."""

    sha256: str  # hex
    size_bytes: int  # packed
    unpacked_bytes: int = 0  # 0: kept by a Stoker that did not count them


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer version as a function holds it: what it needs of it, also once that is deleted."""

    arn: str  # of the version
    code: Code


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything that one version is: typed where we act on it."""

    runtime: str
    handler: str
    role: str
    code: Code
    log: LogSettings
    description: str = ""
    memory_mb: int = 128
    timeout_s: int = 3
    ephemeral_mb: int = 512
    environment: tuple[tuple[str, str], ...] | None = None  # sorted; None: never given
    tracing: str = "PassThrough"
    snap_start: bool = False  # of published versions
    architecture: str = "x86_64"
    package_type: str = "Zip"
    layers: tuple[Layer, ...] = ()  # in merge order: a later one covers what earlier ones have
    # Of which function with this name it is: the revision that this was created with; "": an older
    # Stoker made it, and did not say.
    creation: str = ""
    per_tenant: bool = False  # TenantIsolationMode PER_TENANT, for as long as the function is there
    # What is shown as it was given, by AWS's member name and in AWS's shape: VpcConfig,
    # FileSystemConfigs, ImageConfig and KMSKeyArn, which have no effect, and DeadLetterConfig.
    kept: Mapping[str, Any] = field(default_factory=dict)

    @property
    def dead_letters(self) -> str:
        """The ARN of the queue or topic for events that failed; "" if there is none."""
        return (self.kept.get("DeadLetterConfig") or {}).get("TargetArn") or ""

    @property
    def without_effect(self) -> tuple[str, ...]:
        """AWS's names of the settings that are kept and shown, and do nothing."""
        return tuple(name for name in self.kept if name != "DeadLetterConfig")

    @property
    def layer_digests(self) -> tuple[str, ...]:
        return tuple(layer.code.sha256 for layer in self.layers)

    @property
    def digests(self) -> frozenset[str]:
        """The packages it cannot do without."""
        layers = self.layers  # mostly none, of ten thousand functions
        return frozenset((self.code.sha256, *self.layer_digests) if layers else (self.code.sha256,))

    @property
    def trees(self) -> frozenset[str]:
        """The same unpacked, and its layers merged."""
        opt = opt_name(self.layer_digests) if self.layers else None
        return self.digests | {opt} if opt else self.digests


@dataclass(frozen=True, slots=True)
class FunctionKey:
    """What a function is known by; functions of different accounts or regions never meet."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return function_arn(self.region, self.account, self.name)


@dataclass(frozen=True, slots=True)
class SettingKey:
    """What is kept beside a function, a version or an alias, and goes with it."""

    function: FunctionKey
    qualifier: str  # "$LATEST": the function's
    kind: str


@dataclass(frozen=True, slots=True)
class Setting:
    value: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Function:
    key: FunctionKey
    latest: Configuration
    serving: Configuration | None
    state: State
    revision_id: str
    last_modified: str
    state_reason: str | None = None
    state_reason_code: str | None = None
    update_status: UpdateStatus | None = None  # AWS shows none before the first activation
    update_reason: str | None = None
    update_reason_code: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    policy: str = ""  # JSON (core/policies.py)
    reserved: int | None = None  # concurrency set aside for it

    @property
    def unsettled(self) -> bool:
        """Waits for the activation reconciler."""
        return self.state is State.PENDING or self.update_status is UpdateStatus.IN_PROGRESS

    @property
    def digests(self) -> frozenset[str]:
        """The packages it cannot do without."""
        return frozenset().union(*(c.digests for c in self._configurations))

    @property
    def trees(self) -> frozenset[str]:
        return frozenset().union(*(c.trees for c in self._configurations))

    @property
    def _configurations(self) -> tuple[Configuration, ...]:
        if self.serving is None or self.serving is self.latest:
            return (self.latest,)
        return self.latest, self.serving


_CREATING = {"reason": "The function is being created.", "code": "Creating"}


def new_function(
    key: FunctionKey,
    latest: Configuration,
    tags: Mapping[str, str],
    *,
    revision: str,
    now: str,
) -> Function:
    return Function(
        key,
        replace(latest, creation=revision),
        serving=None,
        state=State.PENDING,
        state_reason=_CREATING["reason"],
        state_reason_code=_CREATING["code"],
        revision_id=revision,
        last_modified=now,
        tags=tags,
    )


def check_free(function: Function) -> None:
    """Refuse what AWS refuses while a function is being made, changed, or is broken."""
    if function.state is not State.ACTIVE:
        raise ResourceConflictException(in_state(function.state))
    if function.update_status is UpdateStatus.IN_PROGRESS:
        raise ResourceConflictException(
            "The operation cannot be performed at this time. "
            f"An update is in progress for resource: {function.key.arn}"
        )


def in_state(state: State) -> str:
    return (
        "The operation cannot be performed at this time. "
        f"The function is currently in the following state: {state}"
    )


def updated(function: Function, latest: Configuration, *, revision: str, now: str) -> Function:
    """Ask for another configuration; the old one serves until this one is ready."""
    check_free(function)
    return replace(
        function,
        latest=latest,
        # AWS gives an update in progress the reason of a creation (recorded Nov 2023).
        update_status=UpdateStatus.IN_PROGRESS,
        update_reason=_CREATING["reason"],
        update_reason_code=_CREATING["code"],
        revision_id=revision,
        last_modified=now,
    )


def revised(function: Function, *, revision: str) -> Function:
    """Something that belongs to it changed, and not its configuration."""
    return replace(function, revision_id=revision)


def activated(function: Function, *, revision: str) -> Function:
    """What was asked for is ready. AWS gives a new revision for this, too."""
    return replace(
        function,
        serving=function.latest,
        state=State.ACTIVE,
        state_reason=None,
        state_reason_code=None,
        update_status=UpdateStatus.SUCCESSFUL,
        update_reason=None,
        update_reason_code=None,
        revision_id=revision,
    )


def failed(function: Function, reason: str, code: str, *, revision: str) -> Function:
    """What was asked for cannot be made ready. Whatever served before goes on serving."""
    if function.serving is None:
        return replace(
            function,
            state=State.FAILED,
            state_reason=reason,
            state_reason_code=code,
            revision_id=revision,
        )
    return replace(
        function,
        update_status=UpdateStatus.FAILED,
        update_reason=reason,
        update_reason_code=code,
        revision_id=revision,
    )


def restoring(function: Function, *, revision: str) -> Function:
    """Make a function ready once more that failed (the machine may have changed), or whose code
    was lost. Nothing serves it meanwhile."""
    return replace(
        function,
        serving=None,
        state=State.PENDING,
        state_reason="The function is being restored.",
        state_reason_code="Restoring",
        revision_id=revision,
    )


def target(key: FunctionKey, configuration: Configuration, version: str = LATEST) -> Target:
    """All that is needed to run this configuration."""
    return Target(
        account=key.account,
        region=key.region,
        name=key.name,
        version=version,
        runtime=configuration.runtime,
        handler=configuration.handler,
        role=configuration.role,
        code=configuration.code.sha256,
        layers=configuration.layer_digests,
        memory_mb=configuration.memory_mb,
        timeout_s=configuration.timeout_s,
        ephemeral_mb=configuration.ephemeral_mb,
        environment=configuration.environment or (),
        log=configuration.log,
        tracing=configuration.tracing,
        dead_letters=configuration.dead_letters,
        snap_start=configuration.snap_start and version != LATEST,
        architecture=configuration.architecture,
        creation=configuration.creation,
        per_tenant=configuration.per_tenant,
    )
