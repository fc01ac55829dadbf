"""The isolated backend beyond the contract: its instance on the machine, its launcher, its end."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import uvloop

from stoker.sandbox.base import (
    RUNTIME,
    Command,
    Exit,
    Kind,
    RuntimeUnavailable,
    SandboxFailed,
    SandboxSpec,
)
from stoker.sandbox.namespaces.backend import NamespacesBackend, NamespacesSettings
from stoker.sandbox.namespaces.parked import receive
from stoker.sandbox.namespaces.sandbox import NamespacesSandbox
from tests.faults import scene
from tests.instances import Instance, is_alive
from tests.running import PYTHON

pytestmark = pytest.mark.root

Story = Callable[[NamespacesBackend, Path], Awaitable[None]]
PATIENCE_S = 60.0
OWN = Kind("provided.al2023")
MANAGED = Kind(PYTHON)


async def _nothing() -> None: ...


uvloop.run(_nothing())  # libuv keeps a pipe for signals from its first loop on


def settings(folder: Path) -> NamespacesSettings:
    for name in ("code/empty", "runtimes", "scratch"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return NamespacesSettings(
        data_dir=folder,
        code_root=folder / "code",
        scratch_root=folder / "scratch",
        runtime_root=folder / "runtimes",
        resolver=(sys.executable, "-m", "stoker.runtimes.resolve"),
        endpoint_port=4566,
        stock=1,
    )


def spec(folder: Path, kind: Kind = OWN, memory_mb: int = 256) -> SandboxSpec:
    return SandboxSpec(
        environment_id=uuid.uuid4().hex,
        kind=kind,
        memory_mb=memory_mb,
        ephemeral_mb=512,
        code=folder / "code" / "empty",
    )


def play(folder: Path, story: Story, **changes: object) -> None:
    async def main() -> None:
        backend = NamespacesBackend(replace(settings(folder), **changes))  # type: ignore[arg-type]
        try:
            async with asyncio.timeout(PATIENCE_S):
                await backend.start()
                await story(backend, folder)
        finally:
            await backend.close()

    uvloop.run(main())


def run(sandbox: NamespacesSandbox, script: str) -> "asyncio.Future[Exit]":
    """Run a shell script inside; how it ended."""
    ended: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
    sandbox.on_exit = lambda _, how: ended.set_result(how)
    process = sandbox.start(Command(RUNTIME, ("/bin/sh", "-c", script), {}, "/"))
    os.close(process.stdout)
    os.close(process.stderr)
    return ended


async def until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110 (the kernel's doings: there is nothing to await)
        await asyncio.sleep(0.01)


def instance(folder: Path) -> Instance:
    return Instance.of(os.getpid(), folder)


def owner(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def test_while_it_runs_everything_bears_its_name_and_afterwards_nothing_does(
    tmp_path: Path,
) -> None:
    seen: list[Instance] = []

    async def story(backend: NamespacesBackend, folder: Path) -> None:
        sandbox = await backend.create(spec(folder))
        ours = instance(folder)
        seen.append(ours)
        assert ours.cgroups() and ours.interfaces() and ours.tables() and ours.loops()
        assert set(sandbox.pids()) <= set(ours.processes())

    play(tmp_path, story)
    assert seen[0].remains() == []


def test_memory_is_limited_and_the_kill_is_counted(tmp_path: Path) -> None:
    async def story(backend: NamespacesBackend, folder: Path) -> None:
        sandbox = await backend.create(spec(folder, memory_mb=128))
        how = await run(sandbox, "head -c 300m /dev/zero | tail -c 300m | wc -c; exit 7")
        assert how.signal == signal.SIGKILL or how.code != 0 or sandbox.usage().oom_kills
        assert sandbox.usage().oom_kills >= 1
        assert sandbox.usage().peak_bytes > 100 << 20

    play(tmp_path, story)


def test_without_egress_there_is_neither_interface_nor_rule(tmp_path: Path) -> None:
    async def story(backend: NamespacesBackend, folder: Path) -> None:
        sandbox = await backend.create(spec(folder))
        assert (await run(sandbox, "test ! -e /sys/class/net/eth0")).code == 0
        assert (instance(folder).interfaces(), instance(folder).tables()) == ([], [])

    play(tmp_path, story, egress="none")


def test_without_a_stock_every_sandbox_is_made_when_it_is_asked_for(tmp_path: Path) -> None:
    async def story(backend: NamespacesBackend, folder: Path) -> None:
        await backend.prepare(OWN)
        assert instance(folder).sandboxes() == set()
        sandboxes = await asyncio.gather(*(backend.create(spec(folder)) for _ in range(5)))
        assert len(instance(folder).sandboxes()) == 5
        await asyncio.gather(*(sandbox.destroy() for sandbox in sandboxes))
        assert instance(folder).sandboxes() == set()

    play(tmp_path, story, stock=0)


def test_a_burst_beyond_the_stock_gets_a_sandbox_each(tmp_path: Path) -> None:
    async def story(backend: NamespacesBackend, folder: Path) -> None:
        sandboxes = await asyncio.gather(*(backend.create(spec(folder, MANAGED)) for _ in range(9)))
        assert len({sandbox.pid for sandbox in sandboxes}) == 9
        uids = {owner(sandbox.pid) for sandbox in sandboxes}
        assert len(uids) == 9, "to the host, each is somebody else"

    play(tmp_path, story)


def early(folder: Path, script: str, **environ: str) -> SandboxSpec:
    """With a managed runtime as what is first; its function's module is this script."""
    code = folder / "code" / uuid.uuid4().hex
    code.mkdir()
    (code / "main.py").write_text(script)
    variables = {
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
        "LAMBDA_TASK_ROOT": "/var/task",
        "_HANDLER": "main.handler",
        "_LAMBDA_TELEMETRY_LOG_FD": "62",
        **environ,
    }
    kind = Kind(f"python3.{sys.version_info.minor}")
    first = Command(RUNTIME, None, variables, "/var/task")
    return replace(spec(folder, kind), code=code, first=lambda: first)


def only_its_init(sandbox: NamespacesSandbox) -> bool:
    return len(sandbox.pids()) == 1


async def printed_by(sandbox: NamespacesSandbox, command: Command) -> tuple[bytes, Exit]:
    ended: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
    sandbox.on_exit = lambda _, how: ended.set_result(how)
    process = sandbox.start(command)
    how = await ended
    try:
        return os.read(process.stdout, 65536), how
    finally:
        for fd in (process.stdout, process.stderr, process.frames):
            os.close(fd)


def test_what_was_set_off_is_taken_over_alive_or_dead(tmp_path: Path) -> None:
    async def story(backend: NamespacesBackend, folder: Path) -> None:
        for dead in (False, True):
            asked = early(folder, "import os\nprint(os.getcwd(), flush=True)\nos._exit(7)\n")
            assert asked.first is not None
            first = asked.first()
            assert first is not None
            sandbox = await backend.create(asked)
            assert sandbox.began is not None
            if dead:
                await until(partial(only_its_init, sandbox))
                for _ in range(3):
                    await asyncio.sleep(0)  # the report of its init is read meanwhile
            assert await printed_by(sandbox, first) == (b"/var/task\n", Exit(code=7))
            await sandbox.destroy()

    play(tmp_path, story)


def test_what_is_too_long_to_be_told_early_is_told_later(tmp_path: Path) -> None:
    async def story(backend: NamespacesBackend, folder: Path) -> None:
        asked = early(folder, "import os\nprint(len(os.environ['X']), flush=True)\nos._exit(0)\n",
                      X="\u00e9" * 10_300)  # fmt: skip
        assert asked.first is not None
        first = asked.first()
        assert first is not None
        sandbox = await backend.create(asked)
        assert sandbox.began is None
        assert await printed_by(sandbox, first) == (b"10300\n", Exit(code=0))
        await sandbox.destroy()

    play(tmp_path, story)


def test_what_is_set_off_and_never_taken_over_ends_with_its_sandbox(tmp_path: Path) -> None:
    async def story(backend: NamespacesBackend, folder: Path) -> None:
        sandbox = await backend.create(early(folder, "import time\ntime.sleep(3600)\n"))
        assert len(sandbox.pids()) == 2
        await sandbox.destroy()
        outside = replace(early(folder, ""), code=folder / "code" / "nothing")
        with pytest.raises(SandboxFailed, match="cannot fit a sandbox"):
            await backend.create(outside)

    play(tmp_path, story)


def fitted(folder: Path) -> int:
    """The PID 1 of the one sandbox that has been fitted to a function, as soon as there is one."""
    while True:
        for group in instance(folder).cgroups():
            with contextlib.suppress(OSError):
                for pid in map(int, (group / "cgroup.procs").read_text().split()):
                    if " /var/task " in Path(f"/proc/{pid}/mountinfo").read_text():
                        return pid
        time.sleep(0.001)


def told(folder: Path, first: Callable[[], Command | None]) -> SandboxSpec:
    return replace(spec(folder), first=first)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_sandbox_that_dies_before_its_runtime_can_be_told_anything_is_refused(
    tmp_path: Path,
) -> None:
    async def story(backend: NamespacesBackend, folder: Path) -> None:
        def kill_it() -> None:
            os.kill(init := fitted(folder), signal.SIGKILL)
            while is_alive(init):
                time.sleep(0.001)

        with pytest.raises(SandboxFailed, match="its sandbox died"):
            await backend.create(told(folder, kill_it))
        await (await backend.create(told(folder, lambda: None))).destroy()

    play(tmp_path, story)


def test_who_cannot_say_what_comes_first_leaves_nothing_behind(tmp_path: Path) -> None:
    def unknown() -> Command:
        raise LookupError("nobody knows")

    async def story(backend: NamespacesBackend, folder: Path) -> None:
        await backend.prepare(OWN)
        had = descriptors()
        for _ in range(3):
            with pytest.raises(LookupError):
                await backend.create(told(folder, unknown))
        await until(lambda: descriptors() == had)
        await until(lambda: len(instance(folder).sandboxes()) == 1)  # the stock

    play(tmp_path, story)


def test_who_gives_up_long_after_the_asking_leaves_nothing_behind(tmp_path: Path) -> None:
    async def story(backend: NamespacesBackend, folder: Path) -> None:
        asked = early(folder, "import time\ntime.sleep(3600)\n")

        def late() -> Command | None:
            scene.until(instance(folder).sandboxes, lambda seen: len(seen) == 2)  # a stock anew
            task.cancel()
            return asked.first() if asked.first else None

        await backend.prepare(asked.kind)
        await until(lambda: len(instance(folder).sandboxes()) == 1)  # the stock
        task = asyncio.ensure_future(backend.create(replace(asked, first=late)))
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: len(instance(folder).sandboxes()) == 1)

    play(tmp_path, story)


def test_who_gives_up_while_the_launcher_is_busy_leaves_nothing_behind(tmp_path: Path) -> None:
    long = Command(RUNTIME, None, {"FILLER": "x" * 40_000}, "/var/task")  # a few fill its queue

    async def story(backend: NamespacesBackend, folder: Path) -> None:
        await backend.prepare(OWN)
        had, launcher = descriptors(), instance(folder).launcher
        os.kill(launcher, signal.SIGSTOP)
        asked = [
            asyncio.ensure_future(backend.create(told(folder, lambda: long))) for _ in range(12)
        ]
        await asyncio.sleep(0)
        for task in asked:
            task.cancel()
        os.kill(launcher, signal.SIGCONT)
        for task in asked:
            with pytest.raises(asyncio.CancelledError):
                await task
        await (await backend.create(told(folder, lambda: None))).destroy()
        await until(lambda: descriptors() == had)
        await until(lambda: len(instance(folder).sandboxes()) == 1)  # the stock

    play(tmp_path, story)


class Hasty(NamespacesBackend):
    """Whoever asks it for something gives up in the moment in which the answer comes."""

    asking: "asyncio.Future[NamespacesSandbox] | None" = None

    def _expect(self, number: int) -> "asyncio.Future[tuple[dict[str, Any], list[int]]]":
        answer = super()._expect(number)
        answer.add_done_callback(lambda _: self.asking and self.asking.cancel())
        return answer


def test_an_answer_that_comes_as_its_asker_gives_up_leaves_nothing_behind(tmp_path: Path) -> None:
    async def main() -> None:
        backend = Hasty(settings(tmp_path))
        try:
            async with asyncio.timeout(PATIENCE_S):
                await backend.start()
                await backend.prepare(OWN)
                had = descriptors()
                backend.asking = asyncio.ensure_future(backend.create(spec(tmp_path)))
                with pytest.raises(asyncio.CancelledError):
                    await backend.asking
                await until(lambda: descriptors() == had)
                await until(lambda: len(instance(tmp_path).sandboxes()) == 1)  # the stock
        finally:
            await backend.close()

    uvloop.run(main())


def test_code_outside_the_code_folder_cannot_be_asked_for(tmp_path: Path) -> None:
    async def story(backend: NamespacesBackend, folder: Path) -> None:
        (folder / "code" / "link").symlink_to("/etc")
        wanted = spec(folder)
        for path in ("link", "../scratch", "empty/../../scratch"):
            with pytest.raises(SandboxFailed):
                await backend.create(replace(wanted, code=folder / "code" / path))
        assert await backend.create(wanted)

    play(tmp_path, story)


def test_an_unknown_runtime_is_refused_again_and_again(tmp_path: Path) -> None:
    async def story(backend: NamespacesBackend, folder: Path) -> None:
        for _ in range(2):
            with pytest.raises(RuntimeUnavailable):
                await backend.prepare(Kind("python2.7"))
            with pytest.raises(RuntimeUnavailable):
                await backend.create(spec(folder, Kind("python2.7")))
        await backend.prepare(OWN)

    play(tmp_path, story)


def test_a_sandbox_whose_pid_1_dies_is_lost_once_and_destroyed_without_complaint(
    tmp_path: Path,
) -> None:
    async def story(backend: NamespacesBackend, folder: Path) -> None:
        sandbox = await backend.create(spec(folder))
        lost: list[str] = []
        sandbox.on_lost = lost.append
        sandbox.freeze()
        os.kill(sandbox.pid, signal.SIGKILL)
        await until(lambda: lost)
        await sandbox.destroy()
        await sandbox.destroy()
        assert len(lost) == 1
        await until(lambda: len(instance(folder).sandboxes()) == 1)  # the stock

    play(tmp_path, story)


def test_without_its_launcher_all_ends_and_every_question_has_an_answer(tmp_path: Path) -> None:
    async def story(backend: NamespacesBackend, folder: Path) -> None:
        gone: list[str] = []
        backend.on_lost = gone.append
        sandbox = await backend.create(spec(folder))
        sandbox.freeze()
        ours, pids = instance(folder), sandbox.pids()
        os.kill(ours.launcher, signal.SIGSTOP)
        asked = asyncio.ensure_future(backend.create(spec(folder)))
        await asyncio.sleep(0)
        os.kill(ours.launcher, signal.SIGKILL)
        with pytest.raises(SandboxFailed, match="the launcher died"):
            await asked
        assert gone == ["the launcher died"]
        with pytest.raises(SandboxFailed, match="restart the server"):
            await backend.create(spec(folder))
        await sandbox.destroy()
        await until(lambda: not any(map(is_alive, pids)))
        await until(lambda: not ours.remains())

    play(tmp_path, story)


def test_who_is_killed_before_it_read_all_has_just_ended() -> None:
    """Else the launcher would end with a zygote that was killed while it was asked for more."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        ours.send(b"asked")
        theirs.close()
        assert receive(ours) == (b"", [])
