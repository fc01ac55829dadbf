"""Snapshots of published versions (SnapStart): one initialised environment each, which stands
still, and of which cold starts are copies.

    take(target, kind)   init, hooks, snapshot: then the version may become Active
    of(target)           what a cold start copies, or SnapshotGone
    keep(wanted)         those that no version needs any more are removed

A snapshot lives in memory. When it is lost (its keeper was killed, the server restarted), it is
made again before the version is Active: `lost` is told, and the activation reconciler acts.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from stoker.core.invocation import Initialization, Target
from stoker.core.invoke_limits import CREATE_S, SNAPSHOTS
from stoker.core.kept_time import KeptTime
from stoker.core.lifecycle_words import InitEnded, Origin, Status
from stoker.core.limits import RUNTIMES, Family
from stoker.environment.draft import draft
from stoker.environment.environment import Environment, EnvironmentSettings, Ground
from stoker.environment.view import EnvironmentView
from stoker.http.base import Application
from stoker.invoke.tasks import Tasks
from stoker.observe.base import Logs
from stoker.observe.steps import Steps
from stoker.observe.traces import Traces
from stoker.sandbox.base import (
    Backend,
    Exit,
    Kind,
    Sandbox,
    SandboxFailed,
    SandboxSpec,
    SnapshotGone,
    SnapshotRefused,
)

log = logging.getLogger(__name__)
SNAPSHOT = "Snapshot"  # a phase, for those who look inside
Key = tuple[str, ...]


class SnapshotFailed(Exception):
    """A version cannot be published with SnapStart. `code`: AWS's StateReasonCode."""

    def __init__(self, reason: str, code: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """What a cold start copies."""

    target: Target
    sandbox: Sandbox
    environment: Environment
    token: str  # with which its copies ask for credentials: they have it in a variable


class _Making:
    """environment.Owner until the snapshot is taken."""

    def __init__(self) -> None:
        self.ready: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.why = ""

    def answered(self, environment: Environment) -> None: ...

    def held(self, environment: Environment) -> None: ...

    def idle(self, environment: Environment) -> None:
        if not self.ready.done():
            self.ready.set_result(True)

    def dead(self, environment: Environment, reason: str) -> None:
        self.give_up(reason)

    def give_up(self, reason: str) -> None:
        self.why = reason
        if not self.ready.done():
            self.ready.set_result(False)


class Snapshots:
    def __init__(
        self,
        *,
        backend: Backend,
        logs: Logs,
        code_path: Callable[[str], Path],
        endpoint_app: Callable[[Target], Application] | None,
        traces: Traces,
        settings: EnvironmentSettings,
        set_aside: Callable[[int], None],
        lost: Callable[[], None],
    ) -> None:
        """`set_aside`: so much of the machine's memory, in MB, is taken (negative: free again)."""
        self._backend = backend
        self._logs = logs
        self._code_path = code_path
        self._endpoint_app = endpoint_app
        self._traces = traces
        self._settings = settings
        self._set_aside = set_aside
        self._lost = lost
        self._taken: dict[Key, Snapshot] = {}
        self.kept: KeptTime[Target] = KeptTime()  # how long each of them was there
        self._making: dict[Target, _Making] = {}
        self._tasks = Tasks()
        self._closing = False

    def has(self, target: Target) -> bool:
        return target.key in self._taken

    def of(self, target: Target) -> Snapshot:
        snapshot = self._taken.get(target.key)
        if snapshot is None:
            raise SnapshotGone("the snapshot is gone")
        return snapshot

    async def take(self, target: Target, kind: Kind) -> None:
        """Initialise an environment, and keep it as the snapshot of this target. Raise
        SnapshotFailed, SandboxFailed or RuntimeUnavailable."""
        if self._closing or len(self._taken) + len(self._making) >= SNAPSHOTS:
            raise SandboxFailed(f"cannot keep more than {SNAPSHOTS} snapshots on one machine")
        making = self._making[target] = _Making()
        self._set_aside(_memory_mb(target))
        try:
            snapshot = await self._take(target, kind, making)
        except BaseException:
            self._set_aside(-_memory_mb(target))
            raise
        finally:
            del self._making[target]
        self._taken[target.key] = snapshot
        self.kept.change(target, 1, time.monotonic())
        log.info("snapshot taken", extra=_facts(snapshot))

    async def _take(self, target: Target, kind: Kind, making: _Making) -> Snapshot:
        code = self._code_path(target.code)
        opt = None if target.opt is None else self._code_path(target.opt)
        name, token, initialization = uuid.uuid4().hex, str(uuid.uuid4()), Initialization.SNAP_START
        drawn = draft(
            target, name, code, opt, initialization,
            credentials=self._settings.sessions.new(target), place=self._backend.place,
            from_zygote=self._settings.from_zygote, token=token,
        )  # fmt: skip
        spec = SandboxSpec(
            name,
            kind,
            target.memory_mb,
            target.ephemeral_mb,
            code,
            opt,
            first=lambda: drawn.first,
        )
        async with asyncio.timeout(CREATE_S):
            sandbox = await self._backend.create(spec)
        environment = Environment(
            target,
            Ground(sandbox, code, opt, Steps(), drawn, initialization, Origin.SNAPSHOT),
            owner=making,
            logs=self._logs,
            endpoint_app=self._endpoint_app,
            traces=self._traces,
            settings=self._settings,
        )
        try:
            await environment.begin()
            if not await making.ready:
                raise _failure(environment.init_failure, target, making.why)
            await self._backend.snapshot(sandbox, environment.waits_at)
            if making.why:
                raise SnapshotFailed(f"the environment was lost: {making.why}", "InternalError")
            await environment.stand_still()
        except SnapshotRefused as error:
            await environment.destroy()
            reason = f"The snapshot could not be taken: {error}."
            raise SnapshotFailed(reason, "FunctionError") from error
        except BaseException:
            await environment.destroy()
            raise
        snapshot = Snapshot(target, sandbox, environment, token)
        sandbox.on_lost = lambda why: self._gone(snapshot, why)
        sandbox.on_exit = lambda _, how: self._gone(snapshot, _last_words(how))
        return snapshot

    def keep(self, wanted: Callable[[Target], bool]) -> None:
        """Remove the others; copies that are in use are left to finish."""
        for snapshot in list(self._taken.values()):
            if not wanted(snapshot.target):
                self._forget(snapshot)
                log.info("snapshot removed", extra=_facts(snapshot))
        for target, making in self._making.items():
            if not wanted(target):
                making.give_up("its version was deleted")

    def _gone(self, snapshot: Snapshot, why: str) -> None:
        if self._taken.get(snapshot.target.key) is snapshot:
            log.warning("snapshot lost", extra={**_facts(snapshot), "reason": why})
            self._forget(snapshot)
            self._lost()

    def _forget(self, snapshot: Snapshot) -> None:
        del self._taken[snapshot.target.key]
        self.kept.change(snapshot.target, 0, time.monotonic())
        self._set_aside(-_memory_mb(snapshot.target))
        self._tasks.start(snapshot.environment.destroy(), f"remove snapshot {snapshot.sandbox.id}")

    def targets(self) -> Iterator[Target]:
        yield from (snapshot.target for snapshot in self._taken.values())
        yield from self._making

    def views(self) -> list[EnvironmentView]:
        return [
            EnvironmentView(
                snapshot.sandbox.id,
                snapshot.target,
                SNAPSHOT,
                frozen=True,
                log_stream=snapshot.environment.log_stream,
                pids=tuple(snapshot.sandbox.pids()),
            )
            for snapshot in self._taken.values()
        ]

    async def close(self) -> None:
        """After the last copy has ended."""
        self._closing = True
        for snapshot in list(self._taken.values()):
            self._forget(snapshot)
        await self._tasks.close()


def _failure(ended: InitEnded | None, target: Target, why: str) -> Exception:
    """Why the init before a snapshot failed, with AWS's code for it."""
    if ended is None:
        return SnapshotFailed(f"the environment was lost: {why}", "InternalError")
    if ended.status is Status.TIMEOUT:
        return SnapshotFailed(
            "The function did not initialise in time.", "FunctionError.InitTimeout"
        )
    kind = ended.fault.type if ended.fault else "Runtime.Unknown"
    codes = {
        "Runtime.OutOfMemory": "FunctionError.InitResourceExhausted",
        "Runtime.InvalidEntrypoint": "FunctionError.InvalidEntryPoint",
    }
    code = codes.get(kind, "FunctionError.RuntimeInitError")
    text = ended.fault.text if ended.fault else ""
    reason = f"The function's initialisation failed: {kind}"
    stream = f"; its log ({target.log.group}) says more."
    return SnapshotFailed(f"{reason}{f' ({text})' if text else ''}{stream}", code)


def _memory_mb(target: Target) -> int:
    """What it may take of the machine. A copy that waits shares its memory with a snapshot that is
    forked, and shares none with an image."""
    is_forked = RUNTIMES[target.runtime].family is Family.PYTHON
    return target.memory_mb * (1 if is_forked else 2)


def _last_words(how: Exit) -> str:
    return f"its runtime ended: {how.signal or how.code or how.error}"


def _facts(snapshot: Snapshot) -> dict[str, object]:
    target = snapshot.target
    return {"environment_id": snapshot.sandbox.id, "function": target.name,
            "version": target.version}  # fmt: skip
