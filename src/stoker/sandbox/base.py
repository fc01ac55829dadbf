"""What isolates one execution environment, seen from above.

Small interface, total contract. A `Backend` makes `Sandbox`es; a Sandbox runs the processes
of one environment. Implementations: namespaces/ (Linux, root), process.py (development).
tests/contract/ runs one suite over all of them.

    backend = ...; await backend.start()
    await backend.prepare(kind)                  # template, zygote, stock (idempotent)
    sandbox = await backend.create(spec)         # from stock if there is one
    sandbox.start(command)                       # -> Process with readable pipes
    sandbox.freeze(); sandbox.thaw()             # synchronous and cheap
    await sandbox.destroy()                      # idempotent, total, never raises
    await backend.close()                        # nothing of ours is left on the machine
"""

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from stoker.runtimes.found import RuntimeUnavailable as RuntimeUnavailable

RUNTIME = "runtime"  # the name of the runtime's process; every other name is an extension's


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be prepared ahead: a runtime, and whether its SDK is already imported."""

    runtime: str  # Lambda's identifier, e.g. "python3.11", "provided.al2023"
    preload_sdk: bool = False  # boto3 imported in the zygote


@dataclass(frozen=True, slots=True)
class Command:
    """A process to start inside. argv=None: the managed runtime of the sandbox's Kind."""

    name: str  # RUNTIME, or an extension's file name
    argv: tuple[str, ...] | None
    environ: Mapping[str, str]
    cwd: str


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    environment_id: str  # 32 hex digits, unique
    kind: Kind
    memory_mb: int
    ephemeral_mb: int
    code: Path  # unpacked, seen as /var/task
    opt: Path | None = None  # the layers, unpacked and merged, seen as /opt
    packages: Path | None = None  # more of its code, that `stoker dev` installed
    snapshot: str = ""  # environment_id of what it is to be a copy of, if it is
    # What will be started first, and as what, worked out when it is asked for. A backend may set it
    # off before create() returns, and says so by Sandbox.began; the owner's start() of an equal
    # command then takes it over.
    first: Callable[[], Command | None] | None = None


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended, or why it never began. Exactly one field is set."""

    code: int | None = None
    signal: int | None = None
    error: str | None = None  # Go's words, e.g. "fork/exec /var/task/bootstrap: permission denied"
    errno: int = 0  # of `error`


@dataclass(slots=True)
class Process:
    """A process of the sandbox. Our ends of its pipes are non-blocking file descriptors;
    whoever reads them closes them. -1: there is none."""

    name: str
    stdout: int
    stderr: int
    frames: int  # fd 62 inside: framed log records


@dataclass(frozen=True, slots=True)
class Usage:
    peak_bytes: int  # highest memory use so far, page cache excluded, monotone
    oom_kills: int  # so far


@dataclass(slots=True)
class Listener:
    """A socket inside the environment's network that is served from outside."""

    sock: socket.socket  # non-blocking; listens, or takes datagrams
    address: str  # "host:port" as seen inside


@dataclass(frozen=True, slots=True)
class Place:
    """Where things are in an environment, seen from inside: what its processes are told."""

    runtime_api: str  # host:port, as all of these
    endpoint: str | None
    xray: str
    task_root: str
    layer_root: str
    packages_root: str


class Sandbox(Protocol):
    id: str
    runtime_api: Listener  # port 9001
    endpoint: Listener | None  # the server's own front door, as the environment sees it
    xray: Listener  # UDP: where SDKs look for X-Ray's daemon
    task_root: str  # where the code is, seen from inside: /var/task
    layer_root: str  # /opt
    packages_root: str  # where SandboxSpec.packages are
    began: float | None  # when SandboxSpec.first was set off (monotonic); None: it was not

    # Told about deaths; set by the owner before the first start. Called from the event loop.
    on_exit: Callable[[str, Exit], None]  # a started process ended: (name, how)
    on_lost: Callable[[str], None]  # the whole sandbox is gone, and why; nothing follows

    def pids(self) -> list[int]:
        """Host pids of its processes now (for those who look inside, and tests)."""
        ...

    def start(self, command: Command) -> Process:
        """Start a process; failures arrive as on_exit with Exit.error. Names of living
        processes are unique."""
        ...

    def signal(self, name: str, number: int) -> None:
        """Signal that process's whole group; harmless if it is gone."""
        ...

    def kill_all(self) -> None:
        """SIGKILL everything inside but init: files and /tmp stay (AWS's reset). on_exit
        follows for each started process. The sandbox must be thawed."""
        ...

    def freeze(self) -> None:
        """No instruction of user code runs after this until thaw. Idempotent."""
        ...

    def thaw(self) -> None: ...

    def throttle_cpu(self, on: bool) -> None:
        """Off (as born): no cpu limit, for init. On: memory_mb/1769 of a core."""
        ...

    def usage(self) -> Usage: ...

    def peak_bytes(self) -> int:
        """usage().peak_bytes, for the end of each invocation."""
        ...

    def held_bytes(self) -> int:
        """Memory that is in use now, counted as the peak is; 0: nobody counts it."""
        ...

    async def connector(self) -> socket.socket:
        """A TCP socket of the environment's own network, non-blocking, not connected yet:
        127.0.0.1 is the environment's, for whoever listens inside. Who asked closes it.
        Raise SandboxFailed."""
        ...

    async def destroy(self) -> None:
        """Kill everything, free everything. Idempotent; never raises; nothing is left after."""
        ...


class Backend(Protocol):
    @property
    def name(self) -> str:
        """ "namespaces" or "process"."""
        ...

    @property
    def limitations(self) -> tuple[str, ...]:
        """What is *not* enforced, in plain sentences; () if all is."""
        ...

    @property
    def place(self) -> Place | None:
        """That of all its sandboxes; None if they differ."""
        ...

    async def start(self) -> None:
        """Also clears what a dead predecessor on the same data folder left behind."""
        ...

    async def prepare(self, kind: Kind) -> None:
        """Make ready to create sandboxes of this kind quickly. Raise RuntimeUnavailable."""
        ...

    async def create(self, spec: SandboxSpec) -> Sandbox:
        """Raise RuntimeUnavailable, or SandboxFailed for our or the machine's fault. Of one that
        is cancelled nothing runs, soon, and nothing is left after close()."""
        ...

    async def snapshot(self, sandbox: Sandbox, path: str) -> None:
        """Stop the sandbox for good; create() can copy it then, until it is destroyed or lost.
        Its runtime waits for the answer to GET `path` of the Runtime API, and so will each copy,
        on a connection of its own. Raise SnapshotRefused, or SandboxFailed; then it is of no
        more use."""
        ...

    async def share(self, name: str, folder: int) -> Path:
        """Let sandboxes see a folder of this machine, read-only, and nothing beside it: what is
        answered may be SandboxSpec.code or .packages from now on. `folder`: a descriptor of whoever
        may read it; it stays the caller's. Raise SandboxFailed."""
        ...

    async def unshare(self, name: str) -> None:
        """No more: only when no sandbox is made of it any more. Idempotent."""
        ...

    async def examine(self) -> bytes:
        """What `stoker doctor --json` finds here, asked with the rights that sandboxes are made
        with. Raise SandboxFailed."""
        ...

    async def close(self) -> None: ...


def place_of(sandbox: Sandbox) -> Place:
    endpoint = None if sandbox.endpoint is None else sandbox.endpoint.address
    return Place(
        sandbox.runtime_api.address,
        endpoint,
        sandbox.xray.address,
        sandbox.task_root,
        sandbox.layer_root,
        sandbox.packages_root,
    )


class SandboxFailed(Exception):
    """A sandbox could not be made: "cannot …", naming the thing and the way out."""


class SnapshotRefused(Exception):
    """What runs in the sandbox cannot be copied, and why: for whoever published it."""


class SnapshotGone(Exception):
    """There is no such snapshot, any more."""
