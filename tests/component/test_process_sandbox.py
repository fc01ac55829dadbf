"""What is the process backend's own, and what the guard adds around any backend."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import uvloop

from stoker.sandbox.base import (
    RUNTIME,
    Backend,
    Command,
    Kind,
    Process,
    Sandbox,
    SandboxFailed,
    SandboxSpec,
)
from stoker.sandbox.guard import GuardedBackend
from stoker.sandbox.process import ProcessBackend
from stoker.sandbox.sessions import Sessions, kill_recorded
from tests import invoking  # warms uvloop up

PATIENCE_S = invoking.PATIENCE_S


def spec(folder: Path) -> SandboxSpec:
    code = folder / "code"
    code.mkdir(exist_ok=True)
    return SandboxSpec(uuid.uuid4().hex, Kind("provided.al2023"), 128, 512, code)


def shell(script: str) -> Command:
    return Command(RUNTIME, ("/bin/sh", "-c", script), {"PATH": os.environ["PATH"]}, "/")


def close(process: Process) -> None:
    for fd in {process.stdout, process.stderr, process.frames} - {-1}:
        os.close(fd)


def run(backend: Backend, story: Callable[[Backend], Awaitable[None]]) -> None:
    async def main() -> None:
        await backend.start()
        try:
            await story(backend)
        finally:
            await backend.close()

    uvloop.run(main())


def test_it_says_plainly_what_it_does_not_enforce(tmp_path: Path) -> None:
    backend = GuardedBackend(ProcessBackend(tmp_path))
    assert backend.name == "process"
    assert len(backend.limitations) >= 5
    assert all(sentence.endswith(".") for sentence in backend.limitations)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end
        os.sched_yield()


def test_a_start_clears_what_a_killed_predecessor_left_stopped(tmp_path: Path) -> None:
    """The predecessor is a process of its own that ends without a chance to clean up."""
    script = (
        "import asyncio, os, sys\n"
        "from pathlib import Path\n"
        "from stoker.sandbox.base import *\n"
        "from stoker.sandbox.process import ProcessBackend\n"
        "async def main():\n"
        "    backend = ProcessBackend(Path(sys.argv[1]))\n"
        "    await backend.start()\n"
        "    spec = SandboxSpec('e', Kind('provided.al2023'), 128, 512, Path(sys.argv[1]))\n"
        "    sandbox = await backend.create(spec)\n"
        "    argv = ('/bin/sh', '-c', 'sleep 600 & wait')\n"
        "    sandbox.start(Command(RUNTIME, argv, {}, '/'))\n"
        "    while len(sandbox.pids()) < 2: await asyncio.sleep(0.01)\n"
        "    sandbox.freeze()\n"
        "    print(*sandbox.pids(), flush=True)\n"
        "    os._exit(9)\n"
        "asyncio.run(main())\n"
    )
    source = Path(__file__).parents[2] / "src"
    dead = subprocess.run(
        [sys.executable, "-c", script, tmp_path],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(source)},
        check=False,
    )
    pids = [int(pid) for pid in dead.stdout.split()]
    assert len(pids) == 2, dead.stderr
    assert not any(gone(pid) for pid in pids)

    async def story(backend: Backend) -> None:
        assert not (tmp_path / "environments" / "e").exists()

    run(ProcessBackend(tmp_path), story)
    wait_until(lambda: all(gone(pid) for pid in pids))


def test_a_recorded_number_that_another_process_has_now_is_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        record = tmp_path / "sessions"
        Sessions(record).add(stranger.pid)
        pid, _, started = record.read_text().strip().partition(" ")
        record.write_text(f"{pid} {int(started) - 1}\nnonsense\n\n")
        kill_recorded(record)
        assert stranger.poll() is None
        record.write_text(f"{pid} {started}\n")
        kill_recorded(record)
        assert stranger.wait(PATIENCE_S) == -signal.SIGKILL
    finally:
        stranger.kill()
        stranger.wait()


def test_its_folder_goes_with_it(tmp_path: Path) -> None:
    async def story(backend: Backend) -> None:
        sandbox = await backend.create(spec(tmp_path))
        folder = tmp_path / "environments" / sandbox.id
        assert (folder / "tmp").is_dir()
        await sandbox.destroy()
        assert not folder.exists()

    run(GuardedBackend(ProcessBackend(tmp_path)), story)


class Fragile(ProcessBackend):
    """Its sandboxes break on demand, each in one of its parts."""

    breaks = ""

    async def create(self, spec: SandboxSpec) -> Sandbox:
        if self.breaks == "create":
            raise OSError(24, "Too many open files")
        sandbox = await super().create(spec)
        if self.breaks:

            def broken(*_: object) -> None:
                raise OSError(5, "Input/output error")

            setattr(sandbox, self.breaks, broken)
        return sandbox


@pytest.mark.parametrize("part", ["freeze", "kill_all", "signal", "start", "throttle_cpu", "usage"])
def test_an_error_in_a_sandbox_costs_the_sandbox_and_nothing_else(
    tmp_path: Path, part: str
) -> None:
    async def story(backend: Backend) -> None:
        sandbox = await backend.create(spec(tmp_path))
        lost: list[str] = []
        exits: list[object] = []
        sandbox.on_lost = lost.append
        sandbox.on_exit = lambda *how: exits.append(how)
        process = sandbox.start(shell("sleep 600"))
        sandbox.throttle_cpu(True)
        sandbox.usage()
        sandbox.signal("nobody", signal.SIGTERM)
        sandbox.freeze()
        sandbox.thaw()
        if part == "kill_all":
            sandbox.kill_all()
        assert lost == [], "not in the middle of the owner's own call"
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(lost) == 1
        assert "Input/output error" in lost[0]
        assert sandbox.pids() == []
        await sandbox.destroy()
        assert exits == []
        close(process)

    backend = Fragile(tmp_path)
    backend.breaks = part
    run(GuardedBackend(backend), story)


def test_a_creation_that_fails_is_told_in_one_way(tmp_path: Path) -> None:
    async def story(backend: Backend) -> None:
        with pytest.raises(SandboxFailed, match=r"cannot create a sandbox: .*Too many open files"):
            await backend.create(spec(tmp_path))

    backend = Fragile(tmp_path)
    backend.breaks = "create"
    run(GuardedBackend(backend), story)


class Slow(ProcessBackend):
    def __init__(self, state_dir: Path) -> None:
        super().__init__(state_dir)
        self.go_on = asyncio.Event()
        self.made: list[Sandbox] = []

    async def create(self, spec: SandboxSpec) -> Sandbox:
        self.made.append(await super().create(spec))
        await self.go_on.wait()
        return self.made[-1]


def test_a_sandbox_that_is_made_while_the_server_stops_is_taken_down(tmp_path: Path) -> None:
    slow = Slow(tmp_path)

    async def story(backend: Backend) -> None:
        asked = asyncio.ensure_future(backend.create(spec(tmp_path)))
        while not slow.made:  # noqa: ASYNC110 (a thread lays it out)
            await asyncio.sleep(0.001)
        await backend.close()
        slow.go_on.set()
        with pytest.raises(SandboxFailed, match="the server is stopping"):
            await asked
        assert slow.made[0].pids() == []
        assert slow.made[0].runtime_api.sock.fileno() == -1

    run(GuardedBackend(slow), story)


def test_of_a_sandbox_whose_creator_gave_up_nothing_is_left(tmp_path: Path) -> None:
    async def story(backend: Backend) -> None:
        asked = asyncio.ensure_future(backend.create(spec(tmp_path)))
        await asyncio.sleep(0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        await backend.close()
        assert not (tmp_path / "environments").exists()

    run(GuardedBackend(ProcessBackend(tmp_path)), story)


def test_nothing_is_created_once_it_is_closed(tmp_path: Path) -> None:
    async def story(backend: Backend) -> None:
        await backend.close()
        with pytest.raises(SandboxFailed):
            await backend.create(spec(tmp_path))

    run(GuardedBackend(ProcessBackend(tmp_path)), story)


def test_the_machine_is_examined_by_the_doctor(tmp_path: Path) -> None:
    async def story(backend: Backend) -> None:
        found = json.loads(await backend.examine())
        assert found["isolates"] in (True, False)
        assert "kernel" in [finding["name"] for finding in found["findings"]]

    run(GuardedBackend(ProcessBackend(tmp_path)), story)
