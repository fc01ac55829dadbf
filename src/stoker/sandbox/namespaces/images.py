"""Snapshots of runtimes that have threads: images by CRIU, and the copies restored from them.

The launcher's side of it, for `snapshots.py`: what takes long runs in children (cradle.py).
"""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from stoker.runtimes.criu import Criu, find_criu, lacking
from stoker.sandbox.namespaces import cradle, inspection
from stoker.sandbox.namespaces import image as images
from stoker.sandbox.namespaces.cradle import Order, Tool
from stoker.sandbox.namespaces.idmap import LOOKS_LIKE_ROOT
from stoker.sandbox.namespaces.protobuf import Malformed
from stoker.sandbox.namespaces.stock import OPEN_FILES, Prepared

if TYPE_CHECKING:
    from stoker.sandbox.namespaces.launcher import Launcher
    from stoker.sandbox.namespaces.snapshots import Snapshot, Snapshots

_MOST_SAID = 4096


class Images:
    def __init__(self, launcher: "Launcher", snapshots: "Snapshots", runtimes_dir: str) -> None:
        self.launcher = launcher
        self.snapshots = snapshots
        self.runtimes_dir = Path(runtimes_dir) if runtimes_dir else None
        self._tools: dict[Criu, Tool] = {}

    def take(self, snapshot: "Snapshot") -> None:
        """Write the image; the answer comes through `snapshots`. Raise Unfit, or OSError.

        From here on nothing is forked in its sandbox. A child could write to the memory of the
        runtime while CRIU, which is root, speaks with its own code there.
        """
        tool, original = self._tool(), snapshot.original
        snapshot.tool = tool
        original.group.limit_pids(1)  # init
        snapshot.runtime = inspection.the_runtime(original.group.pids(), original.pid)
        image = images.image_of(snapshot.runtime, original.memory_mb)
        try:
            pid = _started(lambda: cradle.dump_and_exit(tool, image, original.pid))
        except OSError:
            image.close()
            raise
        self.launcher.children[pid] = lambda status: self._dumped(snapshot, image, status)

    def _tool(self) -> Tool:
        found = find_criu(self.runtimes_dir)
        if found is None:
            raise inspection.Unfit(lacking())
        if found not in self._tools:
            folder = os.open(found.prefix, os.O_PATH | os.O_DIRECTORY)
            places = (found.linker, found.linker.parent, found.program)
            linker, libraries, program = (str(p.relative_to(found.prefix)) for p in places)
            self._tools[found] = Tool(folder, linker, libraries, program)
        return self._tools[found]

    def _dumped(self, snapshot: "Snapshot", image: images.Image, status: int) -> None:
        try:
            if self.snapshots.all.get(snapshot.name) is not snapshot:
                raise inspection.Unfit("it is not wanted any more")
            if status:
                raise inspection.Unfit(f"CRIU refuses: {images.why(image.files)}")
            original = snapshot.original
            others = set(original.group.pids()) - {original.pid, snapshot.runtime}
            if others:
                raise inspection.Unfit("the runtime started another process meanwhile")
            images.seal(image)
        except inspection.Unfit as reason:
            image.close()
            self.snapshots.refuse(snapshot, str(reason), unfit=True)
        except (OSError, Malformed) as error:
            image.close()
            self.snapshots.refuse(snapshot, f"cannot take a snapshot: {error}")
        else:
            snapshot.image = image
            self.snapshots.taken(snapshot)

    def restore(
        self, snapshot: "Snapshot", prepared: Prepared, tmp: int, writers: list[int]
    ) -> None:
        """Make the sandbox of a copy, and its runtime in it; in the end `snapshots` is told. tmp:
        a mount for it, closed here."""
        assert snapshot.image is not None
        assert snapshot.tool is not None
        prepared.has_runtime = prepared.is_stopped = True
        block, stocks = self.launcher.networks.block, self.launcher.stocks
        reading, report = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        order = Order(
            snapshot.tool, snapshot.image, snapshot.original.pid, prepared.group,
            prepared.net.namespace, tmp, tuple(writers), prepared.inside()[0], self.launcher.init,
            block.uid(snapshot.original.slot), OPEN_FILES, bytes.fromhex(stocks.filter),
        )  # fmt: skip
        try:
            for writer in writers:  # CRIU opens them once more
                os.fchown(writer, LOOKS_LIKE_ROOT, LOOKS_LIKE_ROOT)
            pid = _started(lambda: cradle.restore_and_exit(order, report))
        except OSError as error:
            os.close(reading)
            self._stillborn(snapshot, prepared, f"cannot prepare a sandbox: {error}")
            return
        finally:
            os.close(report)
            os.close(tmp)
        self.launcher.children[pid] = lambda status: self._restored(
            snapshot, prepared, reading, status
        )

    def _restored(
        self, snapshot: "Snapshot", prepared: Prepared, reading: int, status: int
    ) -> None:
        said = b""
        with open(reading, "rb", buffering=0) as pipe, contextlib.suppress(BlockingIOError):
            said = pipe.read(_MOST_SAID) or b""
        if snapshot.booting.get(prepared.slot) is not prepared:
            return  # it is being buried
        if len(said) >= cradle.PID.size:
            (pid,) = cradle.PID.unpack_from(said)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 0)
                prepared.pid = pid
        try:
            if status or not prepared.pid:
                text = said[cradle.PID.size :] if prepared.pid else said
                raise OSError(text.decode(errors="replace") or "a copy died at birth")
            path = f"/proc/{prepared.pid}/ns/mnt"
            prepared.mounts = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            self._stillborn(snapshot, prepared, str(error))
        else:
            self.snapshots.copied(snapshot, prepared)

    def _stillborn(self, snapshot: "Snapshot", prepared: Prepared, error: str) -> None:
        del snapshot.booting[prepared.slot]
        self.launcher.bury(prepared)
        self.snapshots.failed(snapshot, error)


def _started(action: Callable[[], NoReturn]) -> int:
    """A child that does it."""
    pid = os.fork()
    if pid == 0:
        try:
            action()
        finally:
            os._exit(1)
    return pid
