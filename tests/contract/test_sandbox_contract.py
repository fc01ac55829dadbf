"""What every sandbox promises (sandbox/base.py), held against every backend."""

import asyncio
import os
import signal
import socket
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import uvloop

from stoker.sandbox.base import (
    RUNTIME,
    Backend,
    Command,
    Exit,
    Kind,
    Listener,
    Process,
    RuntimeUnavailable,
    Sandbox,
    SandboxFailed,
    SandboxSpec,
)
from tests.faults.scene import nothing, until

Make = Callable[[Path], Backend]
FRAMES = "_LAMBDA_TELEMETRY_LOG_FD"
PATIENCE_S = 30.0
PATH = "/usr/local/bin:/usr/bin:/bin"


class Pipe:
    """Reads one pipe of a process to its end."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._loop = asyncio.get_running_loop()
        self._moved = asyncio.Event()
        self.data = b""
        self.ended = False
        self._loop.add_reader(fd, self._readable)

    def _readable(self) -> None:
        data = os.read(self._fd, 65536)
        self.data += data
        if not data:
            self.close()
        self._moved.set()

    def close(self) -> None:
        if not self.ended:
            self.ended = True
            self._loop.remove_reader(self._fd)
            os.close(self._fd)

    async def until(self, condition: Callable[[], bool]) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._moved.clear()
                await self._moved.wait()
        return self.data

    async def everything(self) -> bytes:
        return await self.until(lambda: self.ended)

    async def contains(self, text: bytes) -> bytes:
        return await self.until(lambda: text in self.data)


@dataclass
class World:
    backend: Backend
    folder: Path
    pipes: list[Pipe] = field(default_factory=list)

    def spec(self, files: dict[str, str], opt: dict[str, str] | None = None) -> SandboxSpec:
        return SandboxSpec(
            environment_id=uuid.uuid4().hex,
            kind=Kind("provided.al2023"),
            memory_mb=256,
            ephemeral_mb=512,
            code=self.tree(files),
            opt=None if opt is None else self.tree(opt),
        )

    def tree(self, files: dict[str, str]) -> Path:
        folder = self.folder / "code" / uuid.uuid4().hex
        folder.mkdir(parents=True)
        for name, text in files.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        return folder

    async def sandbox(self, script: str = "", opt: dict[str, str] | None = None) -> "Inside":
        """One whose bootstrap is this bash script."""
        files = {"bootstrap": "#!/bin/bash\n" + script} if script else {"empty": ""}
        return Inside(self, await self.backend.create(self.spec(files, opt)))


class Inside:
    """A sandbox with its exits kept."""

    def __init__(self, world: World, sandbox: Sandbox) -> None:
        self.it = sandbox
        self._world = world
        self._moved = asyncio.Event()
        self.exits: list[tuple[str, Exit]] = []
        self.lost: list[str] = []
        sandbox.on_exit = self._exited
        sandbox.on_lost = self.lost.append

    def _exited(self, name: str, how: Exit) -> None:
        self.exits.append((name, how))
        self._moved.set()

    async def exit(self, count: int = 1) -> Exit:
        """The latest, once there are so many."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.exits) < count:
                self._moved.clear()
                await self._moved.wait()
        return self.exits[-1][1]

    def start(self, *, name: str = RUNTIME, **environ: str) -> tuple[Process, Pipe, Pipe]:
        argv = (f"{self.it.task_root}/bootstrap",)
        environ = {"PATH": PATH, **environ}
        process = self.it.start(Command(name, argv, environ, self.it.task_root))
        out, err = Pipe(process.stdout), Pipe(process.stderr)
        self._world.pipes += [out, err]
        return process, out, err


Story = Callable[[World], Awaitable[None]]


def run(make_backend: Make, folder: Path, story: Story) -> None:
    async def main() -> None:
        backend = make_backend(folder)
        (folder / "code").mkdir()
        for part in (folder, folder / "code", *list(folder.parents)[:2]):
            part.chmod(0o755)  # code is read by another user
        await backend.start()
        world = World(backend, folder)
        try:
            await story(world)
        finally:
            await backend.close()
            for pipe in world.pipes:
                pipe.close()

    uvloop.run(main())


def test_a_process_gets_its_variables_its_folder_and_no_input(
    make_backend: Make, tmp_path: Path
) -> None:
    async def story(world: World) -> None:
        inside = await world.sandbox('echo "$GREETING from $(pwd)"; cat; echo oops >&2; exit 3')
        _, out, err = inside.start(GREETING="hello")
        assert await out.everything() == f"hello from {inside.it.task_root}\n".encode()
        assert await err.everything() == b"oops\n"
        assert await inside.exit() == Exit(code=3)
        assert inside.exits[0][0] == RUNTIME

    run(make_backend, tmp_path, story)


def test_the_end_by_a_signal_is_told_as_such(make_backend: Make, tmp_path: Path) -> None:
    async def story(world: World) -> None:
        inside = await world.sandbox("kill -TERM $$")
        inside.start()
        assert await inside.exit() == Exit(signal=signal.SIGTERM)

    run(make_backend, tmp_path, story)


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        (None, 0o755, "no such file or directory"),
        ("#!/bin/bash\n", 0o644, "permission denied"),
        ("neither script nor program", 0o755, "exec format error"),
    ],
)
def test_what_cannot_be_started_says_so_in_gos_words(
    make_backend: Make, tmp_path: Path, text: str | None, mode: int, words: str
) -> None:
    async def story(world: World) -> None:
        spec = world.spec({"empty": ""} if text is None else {"bootstrap": text})
        if text is not None:
            (spec.code / "bootstrap").chmod(mode)
        inside = Inside(world, await world.backend.create(spec))
        _, out, err = inside.start()
        how = await inside.exit()
        assert how.error == f"fork/exec {inside.it.task_root}/bootstrap: {words}"
        assert how.errno > 0
        assert (how.code, how.signal) == (None, None)
        assert await out.everything() == await err.everything() == b""

    run(make_backend, tmp_path, story)


def test_framed_records_have_a_descriptor_if_the_command_asks_for_it(
    make_backend: Make, tmp_path: Path
) -> None:
    async def story(world: World) -> None:
        inside = await world.sandbox(f'printf framed >&"${FRAMES}"; sleep 60')
        process, *_ = inside.start(**{FRAMES: "62"})
        frames = Pipe(process.frames)
        world.pipes.append(frames)
        assert await frames.contains(b"framed") == b"framed"
        process, *_ = inside.start(name="other")
        assert process.frames == -1

    run(make_backend, tmp_path, story)


def runs(pid: int) -> bool:
    """A zombie does not: it waits for whoever adopted it."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


async def greeted(listener: Listener) -> bytes:
    """What the next one to connect says first."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(PATIENCE_S):
        connection, _ = await loop.sock_accept(listener.sock)
        with connection:
            connection.setblocking(False)
            said = await loop.sock_recv(connection, 4096)
            await loop.sock_sendall(connection, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
            return said


def test_its_listeners_are_reached_from_inside(make_backend: Make, tmp_path: Path) -> None:
    async def story(world: World) -> None:
        inside = await world.sandbox('for at in $WHERE; do curl -sS "http://$at/x"; done')
        listeners = [each for each in (inside.it.runtime_api, inside.it.endpoint) if each]
        _, out, _ = inside.start(WHERE=" ".join(each.address for each in listeners))
        for listener in listeners:
            assert (await greeted(listener)).startswith(b"GET /x HTTP/1.1\r\n")
        assert await out.everything() == b"hi" * len(listeners)

    run(make_backend, tmp_path, story)


def test_datagrams_from_inside_arrive_at_its_xray_socket(
    make_backend: Make, tmp_path: Path
) -> None:
    async def story(world: World) -> None:
        inside = await world.sandbox("printf 'a segment' >/dev/udp/$HOST/$PORT")
        host, _, port = inside.it.xray.address.partition(":")
        inside.start(HOST=host, PORT=port)
        assert await inside.exit() == Exit(code=0)
        assert inside.it.xray.sock.recv(100) == b"a segment"

    run(make_backend, tmp_path, story)


def test_a_connector_reaches_who_listens_inside_and_nobody_else(
    make_backend: Make, tmp_path: Path
) -> None:
    async def story(world: World) -> None:
        one, other = await world.sandbox("sleep 60"), await world.sandbox("sleep 60")
        loop = asyncio.get_running_loop()
        host, _, port = one.it.runtime_api.address.rpartition(":")
        with await one.it.connector() as sock:
            assert sock.gettimeout() == 0, "never blocks"
            await loop.sock_connect(sock, (host, int(port)))
            ours, _ = await loop.sock_accept(one.it.runtime_api.sock)
            with ours:
                await loop.sock_sendall(sock, b"hello")
                assert await loop.sock_recv(ours, 5) == b"hello"
        other.it.runtime_api.sock.close()  # as if nobody listened there
        host, _, port = other.it.runtime_api.address.rpartition(":")
        with await other.it.connector() as sock, pytest.raises(ConnectionRefusedError):
            await loop.sock_connect(sock, (host, int(port)))
        await one.it.destroy()
        with pytest.raises(SandboxFailed, match="gone"):
            await one.it.connector()

    run(make_backend, tmp_path, story)


def test_nothing_runs_between_freeze_and_thaw(make_backend: Make, tmp_path: Path) -> None:
    async def story(world: World) -> None:
        inside = await world.sandbox("while true; do echo tick; sleep 0.01; done & wait")
        _, out, _ = inside.start()
        await out.contains(b"tick")
        inside.it.freeze()
        inside.it.freeze()
        await asyncio.sleep(0.05)  # what was in the pipe
        before = out.data
        await asyncio.sleep(0.3)
        assert out.data == before
        inside.it.thaw()
        inside.it.thaw()
        await out.until(lambda: len(out.data) > len(before))

    run(make_backend, tmp_path, story)


def test_kill_all_ends_everybody_and_the_sandbox_can_be_used_again(
    make_backend: Make, tmp_path: Path
) -> None:
    async def story(world: World) -> None:
        # Where /tmp is not the environment's own, TMPDIR is.
        inside = await world.sandbox(
            'kept="${TMPDIR:-/tmp}/kept"; [ -e "$kept" ] && exec echo again\n'
            'touch "$kept"; (trap "" TERM; echo child; while true; do sleep 1; done) & wait'
        )
        _, out, _ = inside.start()
        await out.contains(b"child")
        assert len(inside.it.pids()) >= 2
        inside.it.kill_all()
        assert await inside.exit() == Exit(signal=signal.SIGKILL)
        await out.everything()  # ends only when the child is gone, too
        _, out, _ = inside.start()
        assert await out.everything() == b"again\n"
        assert await inside.exit(2) == Exit(code=0)

    run(make_backend, tmp_path, story)


def test_a_signal_reaches_the_whole_group_of_one_process(
    make_backend: Make, tmp_path: Path
) -> None:
    async def story(world: World) -> None:
        inside = await world.sandbox("echo up; sleep 60 & wait")
        _, first, _ = inside.start(name="first")
        _, second, _ = inside.start(name="second")
        await first.contains(b"up")
        await second.contains(b"up")
        inside.it.signal("first", signal.SIGTERM)
        await first.everything()
        assert await inside.exit() == Exit(signal=signal.SIGTERM)
        assert inside.exits == [("first", Exit(signal=signal.SIGTERM))]
        assert not second.ended
        inside.it.signal("first", signal.SIGTERM)
        inside.it.signal("nobody", signal.SIGTERM)

    run(make_backend, tmp_path, story)


def test_layers_are_at_their_root_and_without_any_it_is_empty(
    make_backend: Make, tmp_path: Path
) -> None:
    async def story(world: World) -> None:
        inside = await world.sandbox('cat "$OPT/a"', {"a": "of a layer"})
        _, out, _ = inside.start(OPT=inside.it.layer_root)
        assert await out.everything() == b"of a layer"
        without = await world.sandbox('ls -d "$OPT"/* "$OPT"', None)
        _, out, _ = without.start(OPT=without.it.layer_root)
        assert (await out.everything()).split() == [without.it.layer_root.encode()]

    run(make_backend, tmp_path, story)


def test_folders_of_the_machine_are_shown(make_backend: Make, tmp_path: Path) -> None:
    async def story(world: World) -> None:
        shown = []
        for files in ({"bootstrap": '#!/bin/bash\ncat "$PACKAGES/a"'}, {"a": "of a package"}):
            descriptor = os.open(
                world.tree(files).rename(tmp_path / next(iter(files))), os.O_RDONLY
            )
            shown.append(await world.backend.share(str(len(shown)), descriptor))
            os.close(descriptor)
        spec = replace(world.spec({}), code=shown[0], packages=shown[1])
        inside = Inside(world, await world.backend.create(spec))
        _, out, _ = inside.start(PACKAGES=inside.it.packages_root)
        assert await out.everything() == b"of a package"
        await world.backend.unshare("0")

    run(make_backend, tmp_path, story)


def test_use_of_memory_is_measured_and_never_falls(make_backend: Make, tmp_path: Path) -> None:
    async def story(world: World) -> None:
        inside = await world.sandbox(
            "x=$(head -c 20000000 /dev/zero | tr '\\0' x); echo big; read -r < <(sleep 60)"
        )
        _, out, _ = inside.start()
        await out.contains(b"big")
        peak = inside.it.usage().peak_bytes
        assert 20_000_000 < peak <= inside.it.peak_bytes() < 256 * 1024 * 1024
        assert 20_000_000 < inside.it.held_bytes() <= inside.it.usage().peak_bytes
        inside.it.kill_all()
        await inside.exit()
        after = inside.it.usage()
        assert inside.it.peak_bytes() >= after.peak_bytes >= peak
        assert after.oom_kills == 0

    run(make_backend, tmp_path, story)


def test_cpu_is_throttled_and_let_go_without_complaint(make_backend: Make, tmp_path: Path) -> None:
    async def story(world: World) -> None:
        inside = await world.sandbox("echo done")
        for on in (True, False, True):
            inside.it.throttle_cpu(on)
        _, out, _ = inside.start()
        assert await out.everything() == b"done\n"

    run(make_backend, tmp_path, story)


def test_sandboxes_do_not_concern_each_other(make_backend: Make, tmp_path: Path) -> None:
    async def story(world: World) -> None:
        one, other = await world.sandbox("echo up; sleep 60"), await world.sandbox("cat <<<there")
        _, out, _ = one.start()
        await out.contains(b"up")
        one.it.kill_all()
        await one.it.destroy()
        _, out, _ = other.start()
        assert await out.everything() == b"there\n"
        assert one.it.id != other.it.id

    run(make_backend, tmp_path, story)


def test_destroy_ends_everything_and_may_be_called_at_any_time_again(
    make_backend: Make, tmp_path: Path
) -> None:
    async def story(world: World) -> None:
        inside = await world.sandbox("echo up; sleep 60 & wait")
        _, out, _ = inside.start()
        await out.contains(b"up")
        pids = inside.it.pids()
        assert pids
        inside.it.freeze()
        await asyncio.gather(inside.it.destroy(), inside.it.destroy())
        await inside.it.destroy()
        await out.everything()
        assert not [pid for pid in pids if runs(pid)]
        assert (inside.exits, inside.lost) == ([], [])

    run(make_backend, tmp_path, story)


def test_late_calls_are_harmless(make_backend: Make, tmp_path: Path) -> None:
    async def story(world: World) -> None:
        inside = await world.sandbox("echo never")
        await inside.it.destroy()
        _, out, err = inside.start()
        assert await out.everything() == await err.everything() == b""
        inside.it.freeze()
        inside.it.thaw()
        inside.it.kill_all()
        inside.it.signal(RUNTIME, signal.SIGTERM)
        inside.it.throttle_cpu(True)
        assert inside.it.peak_bytes() == inside.it.usage().peak_bytes
        assert (inside.it.held_bytes(), inside.it.pids()) == (0, [])
        await inside.it.destroy()
        assert (inside.exits, inside.lost) == ([], [])

    run(make_backend, tmp_path, story)


def test_closing_the_backend_destroys_what_is_left(make_backend: Make, tmp_path: Path) -> None:
    pids: list[int] = []

    async def story(world: World) -> None:
        inside = await world.sandbox("echo up; sleep 60")
        _, out, _ = inside.start()
        await out.contains(b"up")
        pids.extend(inside.it.pids())

    run(make_backend, tmp_path, story)
    assert pids
    until(lambda: [pid for pid in pids if runs(pid)], nothing)  # killed, and soon gone


def test_a_runtime_that_is_not_there_is_refused_with_a_remedy(
    make_backend: Make, tmp_path: Path
) -> None:
    async def story(world: World) -> None:
        with pytest.raises(RuntimeUnavailable, match=r"python3\.7"):
            await world.backend.prepare(Kind("python3.7"))

    run(make_backend, tmp_path, story)


def test_a_listener_is_one_environments_alone(make_backend: Make, tmp_path: Path) -> None:
    async def story(world: World) -> None:
        one, other = await world.sandbox("true"), await world.sandbox("true")
        inodes = {os.fstat(each.it.runtime_api.sock.fileno()).st_ino for each in (one, other)}
        assert len(inodes) == 2
        sock = one.it.runtime_api.sock
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
        assert sock.gettimeout() == 0

    run(make_backend, tmp_path, story)
