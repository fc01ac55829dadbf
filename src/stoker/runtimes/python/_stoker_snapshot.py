"""SnapStart, inside: the function's hooks, and the call in which the snapshot is taken.

    before-snapshot hooks ── GET …/restore/next ══ snapshot, copies ══ 200 ── after-restore hooks

Everything behind that call happens in each copy by itself.
"""

from __future__ import annotations

import gc
import os
import sys
import warnings

TYPE_CHECKING = False  # typing's own constant, without importing typing
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from stoker.runtimes.python import _stoker_wire as wire
    from stoker.runtimes.python._stoker_runtime import Runtime
else:
    import _stoker_wire as wire

BEFORE_FAILED, AFTER_FAILED = 64, 65  # exit statuses of AWS's own client


def wait(runtime: Runtime) -> None:
    """Return when this process is a copy, and its hooks have run."""
    hooks: Any = sys.modules.get("snapshot_restore_py")  # whichever the function has imported
    try:
        before = hooks.get_before_snapshot() if hooks else []
        while before:
            func, args, kwargs = before.pop()
            func(*args, **kwargs)
    except BaseException as error:  # noqa: BLE001 (whatever a hook raises)
        _fail(runtime, error, "/init/error", "Runtime.BeforeSnapshotError", BEFORE_FAILED)
    _announce_fork()
    runtime.flush()
    gc.collect()
    gc.freeze()  # a collection in a copy would touch, and so own, every page
    status, _, _ = runtime.connection.call("GET", wire.API + "/restore/next")
    if status != 200:
        sys.exit(f"cannot be restored: the Runtime API answered {status}")
    try:
        _differ()
        for func, args, kwargs in list(hooks.get_after_restore()) if hooks else []:
            func(*args, **kwargs)
    except BaseException as error:  # noqa: BLE001 (as above)
        _fail(runtime, error, "/restore/error", "Runtime.AfterRestoreError", AFTER_FAILED)


def _fail(runtime: Runtime, error: BaseException, path: str, kind: str, status: int) -> NoReturn:
    runtime.fail(runtime.describe(error), path, kind)
    sys.exit(status)


def _announce_fork() -> None:
    """Libraries with threads of their own (OpenBLAS, say) end them when they hear of a fork, and
    start them again when they need them: in the copy. A thread that stays makes the snapshot
    fail."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python's, about forks among threads
        pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _differ() -> None:
    """Random numbers are not those of every other copy. What draws from the kernel, or looks for
    forks as OpenSSL does, needs nothing."""
    random: Any = sys.modules.get("random")
    if random is not None:
        random.seed()
    numpy: Any = sys.modules.get("numpy.random")
    if numpy is not None:
        numpy.seed()
