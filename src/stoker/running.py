"""The server as a process: its port, its rights, its lock, its signals, its end.

    run(config, announce)    # returns when the server has stopped and left nothing

The order matters: the port first, since environments are told it; then the launcher, while we
are small and still root; then root is given up; then everything else, which is imported only
there, since the launcher becomes ready meanwhile.
"""

import asyncio
import errno
import fcntl
import gc
import logging
import os
import resource
import signal
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from stoker.config import Config, is_loopback
from stoker.journal import open_journal
from stoker.runtimes.found import find_runtime
from stoker.runtimes.installed import places
from stoker.sandbox import base
from stoker.sandbox.guard import GuardedBackend
from stoker.sandbox.namespaces import rootless
from stoker.sandbox.namespaces.backend import NamespacesBackend, NamespacesSettings
from stoker.sandbox.namespaces.privileges import drop_root, outlast_functions, own
from stoker.sandbox.process import ProcessBackend
from stoker.store.base import StoreUnavailable

if TYPE_CHECKING:
    from stoker.server import Server

log = logging.getLogger(__name__)

BACKLOG = 1024
IS_LINUX = sys.platform == "linux"
PORT_TRIES = 20  # to find a port that is free on both loopback addresses

Announce = Callable[[str, tuple[str, ...]], None]
"""Told the URL, and what the sandbox does not enforce, as soon as requests are answered."""


class CannotServe(Exception):
    """The server cannot start, or not go on: why, and what would do."""


def run(config: Config, announce: Announce) -> None:
    """Serve until SIGTERM or SIGINT. Raise CannotServe."""
    open_journal(config.log_format, config.log_level)
    gc.disable()  # until everything is there
    _allow_many_files()
    with _claimed(config.data_dir), _listening(config.host, config.port) as sockets:
        if config.ready_file:
            config.ready_file.unlink(missing_ok=True)  # of a server that is gone
        try:
            uvloop.run(_Process(config, sockets, announce).serve())
        except (OSError, sqlite3.Error, StoreUnavailable) as err:
            raise CannotServe(f"cannot work in the data folder {config.data_dir}: {err}") from err


class _Process:
    """One run of the server."""

    def __init__(self, config: Config, sockets: list[socket.socket], announce: Announce) -> None:
        self._config = config
        self._sockets = sockets
        self._announce = announce
        self._stop = asyncio.Event()
        self._failure = ""

    async def serve(self) -> None:
        config, port = self._config, self._sockets[0].getsockname()[1]
        isolated = _isolates(config)
        if isolated:
            launched = _launched(config, port)
            launched.on_lost = self._fail
            backend: base.Backend = launched
        else:
            find = partial(find_runtime, runtimes_dir=config.runtimes_dir)
            backend = ProcessBackend(
                config.data_dir / "sandbox", find, config.python_client, config.runtimes_dir
            )
        from stoker.server import Server

        guarded = GuardedBackend(backend)
        server = Server(config, self._sockets, guarded)
        self._obey_signals(server)
        try:
            await server.start()
        except base.SandboxFailed as err:
            raise CannotServe(
                f"{err}\n`stoker doctor` says what this machine lacks; "
                "`stoker serve --sandbox process` runs functions without isolation."
            ) from err
        # AWS's models and the code are here to stay: no collection shall look at them again, for
        # each look would hold up every caller.
        gc.freeze()
        try:
            # What is there now mostly stays: looking through it again and again takes as long as
            # starting does, and later holds up invocations.
            gc.freeze()
            gc.enable()
            url = f"http://{_shown(config.host)}:{port}"
            await self._write_ready_file(url, backend)
            self._announce(url, guarded.limitations)
            await self._stop.wait()
        finally:
            await server.stop()
        if self._failure:
            raise CannotServe(self._failure)

    async def _write_ready_file(self, url: str, backend: base.Backend) -> None:
        if isinstance(backend, NamespacesBackend):
            await backend.announce(url)  # the launcher may write where we may not any more
        elif self._config.ready_file:
            draft = self._config.ready_file.with_name(f".{self._config.ready_file.name}.partial")
            draft.write_text(f"{url}\n")
            draft.replace(self._config.ready_file)

    def _obey_signals(self, server: "Server") -> None:
        def on_signal() -> None:
            if self._stop.is_set():
                server.hurry()
            self._stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, on_signal)

    def _fail(self, reason: str) -> None:
        log.error("server cannot go on", extra={"reason": reason})
        self._failure = f"{reason}; start the server again"
        self._stop.set()


# --- what isolates ------------------------------------------------------------------------------


def _isolates(config: Config) -> bool:
    if config.sandbox == "process":
        return False
    if IS_LINUX and os.geteuid() == 0:
        return True
    why_not = rootless.why_not() if IS_LINUX else "this is not Linux"
    if why_not and config.sandbox == "namespaces":
        raise CannotServe(
            f"--sandbox namespaces is not possible without root here: {why_not}. Run it as root, "
            "or use --sandbox process, which runs functions without isolation"
        )
    return not why_not


def _launched(config: Config, port: int) -> NamespacesBackend:
    """A backend whose launcher runs; after this, we are not root any more, if we were."""
    folder, root = config.data_dir, os.geteuid() == 0
    runtimes = folder / "runtimes"  # stays root's: the launcher believes what is in it
    runtimes.mkdir(exist_ok=True)
    resolver = [sys.executable, "-P", "-m", "stoker.runtimes.resolve"]
    if config.runtimes_dir:
        resolver += ["--runtimes-dir", str(config.runtimes_dir)]
    if config.python_client:
        resolver += ["--python-client", str(config.python_client)]
    for name in ("state", "blobs", "code", "scratch"):
        if root:
            own(folder / name)
        else:
            (folder / name).mkdir(exist_ok=True)
    (folder / "code").chmod(0o700)  # functions' code concerns no other user of this machine
    backend = NamespacesBackend(
        NamespacesSettings(
            data_dir=folder,
            code_root=folder / "code",
            scratch_root=folder / "scratch",
            runtime_root=runtimes,
            resolver=tuple(resolver),
            endpoint_port=port,
            egress=config.egress,
            stock=config.stock,
            ready_file=config.ready_file,
            runtimes_dir=config.runtimes_dir,
            rootless=not root,
        )
    )
    outlast_functions()
    backend.launch()
    if not root:
        return backend
    imported_from = [Path(entry).absolute() for entry in sys.path]
    looked_at = places(config.runtimes_dir)  # whether CRIU is there
    drop_root([folder, Path(sys.prefix), Path(sys.base_prefix), *imported_from, *looked_at])
    return backend


# --- what a process has -------------------------------------------------------------------------


@contextmanager
def _claimed(data_dir: Path) -> Iterator[None]:
    """Make the folder, and be the only server that uses it."""
    try:
        data_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
        (data_dir / "state").mkdir(exist_ok=True)
        lock = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as err:
        raise CannotServe(
            f"cannot use the data folder {data_dir}: {err.strerror} (choose one with --data-dir)"
        ) from err
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.read(lock, 20).decode().strip()
        os.close(lock)
        raise CannotServe(
            f"{data_dir} is in use by another server (process {owner}): stop it, "
            "or choose another folder with --data-dir"
        ) from None
    try:
        os.ftruncate(lock, 0)
        os.write(lock, f"{os.getpid()}\n".encode())
    except OSError as err:
        os.close(lock)
        raise CannotServe(f"cannot write to the data folder {data_dir}: {err.strerror}") from err
    try:
        yield
    finally:
        os.close(lock)


@contextmanager
def _listening(host: str, port: int) -> Iterator[list[socket.socket]]:
    """Sockets that listen and do not block: on both loopback addresses if host is one."""
    hosts = ["127.0.0.1", "::1"] if host in ("127.0.0.1", "::1", "localhost") else [host]
    tries = PORT_TRIES if port == 0 else 1
    sockets: list[socket.socket] = []
    try:
        while not sockets:
            tries -= 1
            try:
                sockets = _listen_on(hosts, port)
            except OSError as err:
                if tries and err.errno == errno.EADDRINUSE:
                    continue
                raise CannotServe(
                    f"cannot listen on {host}, port {port}: {os.strerror(err.errno or 0)} "
                    "(choose another port with --port; 0 takes a free one)"
                ) from err
        yield sockets
    finally:
        for sock in sockets:
            sock.close()


def _listen_on(hosts: list[str], port: int) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    try:
        for host in hosts:
            found_addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            family, kind, protocol, _, address = found_addresses[0]
            try:
                sock = socket.socket(family, kind, protocol)
            except OSError as err:
                if err.errno == errno.EAFNOSUPPORT and sockets:
                    continue  # a machine without IPv6
                raise
            sockets.append(sock)
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                sock.bind((address[0], port))
            except OSError as err:
                if err.errno == errno.EADDRNOTAVAIL and len(sockets) > 1:
                    sockets.pop().close()  # IPv6 is there, but not on loopback
                    continue
                raise
            sock.listen(BACKLOG)
            port = sock.getsockname()[1]
    except BaseException:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def _allow_many_files() -> None:
    """Each environment takes about ten descriptors, each client one."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS has a bound of its own
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _shown(host: str) -> str:
    if is_loopback(host):
        return "127.0.0.1" if host in ("127.0.0.1", "::1", "localhost") else host
    return f"[{host}]" if ":" in host else host
