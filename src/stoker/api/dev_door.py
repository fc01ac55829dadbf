"""Where `stoker dev` connects: a Unix socket, for it alone.

    GET /_stoker/api/dev                        {"socket": "stoker-dev-…"}: an abstract name
    dev ──► {"n": 1, "function": ARN, "fingerprint": "1f…", "debug": ""} + folder[, packages]
    dev ──► {"n": 2, "fingerprint": "9c…"}      it is in another state; or with other folders
    dev ──► {"n": 3, "attach": true}            a connection to the debugger's port, inside
    dev ──► {"n": 4, "detach": 3}
        ◄── {"n": .., "ok": {}} (+ a socket)    or {"n": .., "error": ".."}

One connection is about one function, and holds for as long as it stands: when it ends, however it
ends, the function has its deployed code again. A folder comes as a descriptor, opened by who
shares it; that must be its owner, or root, by what the kernel says of the connection. Web pages
cannot open such a socket, and the abstract names of environments are of their own networks.
"""

import asyncio
import json
import os
import secrets
import socket
import struct
import sys
from contextlib import suppress
from typing import Any

import orjson

from stoker.api.control import Control
from stoker.core.developing import DEBUGS, is_fingerprint
from stoker.core.errors import ServiceError, ValidationException
from stoker.core.model import FunctionKey
from stoker.core.names import parse_function_ref
from stoker.http.base import Exchange
from stoker.invoke.developing import Work
from stoker.invoke.invoker import Attachment
from stoker.invoke.tasks import Tasks

MOST = 256  # connections at a time
PACKET_BYTES = 4096
FOLDERS = 2  # with one message: the code, and packages beside it
ATTACHED = 16  # debuggers of one function, at a time
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid


class DevDoor:
    """From open() to close()."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._name = ""
        self._listener: socket.socket | None = None
        self._peers: set[_Conversation] = set()
        self._tasks = Tasks()

    @property
    def address(self) -> str:
        """Of the socket; "" on systems that have no such."""
        return self._name

    def open(self) -> None:
        if sys.platform != "linux":
            return
        self._name = f"stoker-dev-{secrets.token_hex(16)}"
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.setblocking(False)
        self._listener.bind(f"\0{self._name}")
        self._listener.listen(16)
        asyncio.get_running_loop().add_reader(self._listener, self._accept)

    async def close(self) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
        for peer in self._peers:
            peer.hang_up()
        await self._tasks.close()

    def _accept(self) -> None:
        assert self._listener is not None
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return
        if len(self._peers) >= MOST:
            sock.close()
            return
        sock.setblocking(False)
        peer = _Conversation(self._control, sock)
        self._peers.add(peer)
        self._tasks.start(self._converse(peer), "stoker dev")

    async def _converse(self, peer: "_Conversation") -> None:
        try:
            await peer.run()
        finally:
            self._peers.discard(peer)


async def address(control: Control, exchange: Exchange) -> None:
    """Answer where `stoker dev` is to connect."""
    name = control.dev_socket()
    if not name:
        exchange.respond(501, [], b'{"message": "`stoker dev` needs a server on Linux."}')
    else:
        headers = [("Content-Type", "application/json")]
        exchange.respond(200, headers, orjson.dumps({"socket": name}))


class _Conversation:
    def __init__(self, control: Control, sock: socket.socket) -> None:
        self._control = control
        self._sock = sock
        credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        self._pid, self._uid, _ = _CREDENTIALS.unpack(credentials)
        self._work: Work | None = None
        self._debug = ""
        self._attached: dict[int, Attachment] = {}
        self._attaching: dict[int, asyncio.Task[None]] = {}

    def hang_up(self) -> None:
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    data, fds = await self._receive()
                    if not data:
                        break
                    try:
                        if not await self._obey(json.loads(data), fds, group):
                            break
                    except (ValueError, TypeError, KeyError):
                        break  # it is not `stoker dev` that talks
                    finally:
                        for fd in fds:
                            os.close(fd)
                for task in self._attaching.values():
                    task.cancel()
        finally:
            for attachment in self._attached.values():
                attachment.end()
            if self._work is not None:
                self._work.end()
            self._sock.close()

    async def _obey(self, asked: dict[str, Any], fds: list[int], group: asyncio.TaskGroup) -> bool:
        number = int(asked["n"])
        if "attach" in asked:
            if len(self._attaching) + len(self._attached) >= ATTACHED:
                return self._answer(number, error="too many debuggers")
            self._attaching[number] = group.create_task(self._attach(number))
            return True
        if "detach" in asked:
            attachment = self._attached.pop(int(asked["detach"]), None)
            if attachment is not None:
                attachment.end()
            return self._answer(number)
        try:
            await self._show(asked, fds)
        except ServiceError as refusal:
            return self._answer(number, error=refusal.message)
        return self._answer(number)

    async def _show(self, asked: dict[str, Any], fds: list[int]) -> None:
        fingerprint = str(asked["fingerprint"])
        if not is_fingerprint(fingerprint) or len(fds) > FOLDERS:
            raise ValidationException("That is no state of a folder.")
        if self._work is None:
            self._debug = str(asked.get("debug", ""))
            if self._debug not in DEBUGS:
                raise ValidationException(f"debug: one of {DEBUGS}")
            if self._debug and self._control.settings.sandbox != "namespaces":
                raise ValidationException(
                    "A debugger needs isolated environments: start the server as root."
                )
            if not fds:
                raise ValidationException("There is no folder to show.")
        for folder in fds:
            if self._uid not in (0, os.fstat(folder).st_uid):
                raise ValidationException("The folder belongs to somebody else.")
        if self._work is None:
            key = _key(str(asked["function"]))
            self._control.catalog.resolve(key.account, key.region, key.name, None)  # if it is there
            assert self._control.developing is not None, "the door is open"
            self._work = self._control.developing.begin(key, f"process {self._pid}")
        if fds:
            await self._work.share(fds)
        self._work.show(fingerprint, self._debug)

    async def _attach(self, number: int) -> None:
        work = self._work
        try:
            if work is None or not self._debug:
                raise ValidationException("Nothing was said of a debugger.")
            key = work.key
            find = self._control.catalog.resolve
            attachment = await self._control.invoker.attach(
                lambda: find(key.account, key.region, key.name, None)
            )
        except ServiceError as refusal:
            self._answer(number, error=refusal.message)
        else:
            self._attached[number] = attachment
            with attachment.sock as sock:  # from now on it is the developer's
                self._answer(number, fds=[sock.fileno()])
        finally:
            self._attaching.pop(number, None)

    # ---- packets ----

    async def _receive(self) -> tuple[bytes, list[int]]:
        """Nothing: the other side is gone."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                data, fds, flags, _ = socket.recv_fds(
                    self._sock, PACKET_BYTES, FOLDERS, socket.MSG_CMSG_CLOEXEC
                )
            except BlockingIOError:
                readable = loop.create_future()
                loop.add_reader(self._sock, _set, readable)
                try:
                    await readable
                finally:
                    loop.remove_reader(self._sock)
                continue
            except OSError:
                return b"", []
            if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
                for fd in fds:
                    os.close(fd)
                return b"", []
            return data, list(fds)

    def _answer(self, number: int, *, error: str = "", fds: list[int] | None = None) -> bool:
        """False: the other side does not listen, or is gone."""
        said = {"n": number, "error": error} if error else {"n": number, "ok": {}}
        try:
            socket.send_fds(self._sock, [json.dumps(said).encode()], fds or [])
        except OSError:
            return False
        return True


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _key(arn: str) -> FunctionKey:
    ref = parse_function_ref(arn)
    if ref is None or ref.account is None or ref.region is None:
        raise ValidationException("The function is named by its ARN.")
    return FunctionKey(ref.account, ref.region, ref.name)
