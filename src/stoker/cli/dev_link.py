"""stoker dev's connection to the server (api/dev_door.py): one for each function.

As long as it stands, the function runs the folder.
"""

import asyncio
import json
import os
import socket
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ANSWER_S = 60.0
PACKET_BYTES = 65536


class LinkLost(Exception):
    """The server is gone."""


class Refused(ValueError):
    """The server's words."""


def door(url: str) -> str:
    """The name of the socket. Raise OSError or ValueError."""
    try:
        with urllib.request.urlopen(f"{url}/_stoker/api/dev", timeout=ANSWER_S) as answer:
            return str(json.load(answer)["socket"])
    except urllib.error.HTTPError as refusal:
        with refusal:
            raise ValueError(f"this server does not do that: {refusal}") from refusal


class Link:
    """Use it from one event loop. `lost` is set when the server is gone."""

    def __init__(self, name: str) -> None:
        """Raise OSError: a server on another machine cannot see a folder of this one."""
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._sock.connect(f"\0{name}")
        except BaseException:
            self._sock.close()
            raise
        self._sock.setblocking(False)
        self._answers: dict[int, asyncio.Future[list[int]]] = {}
        self._number = 0
        self.lost = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._sock, self._heard)

    async def show(
        self, function: str, fingerprint: str, debug: str, folders: Sequence[Path] = ()
    ) -> None:
        """Run this: the state of the folder that was shown last, or of these, which are the code
        and packages beside it. Raise Refused, LinkLost, OSError."""
        fds: list[int] = []
        try:
            for folder in folders:
                fds.append(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
            asked = {"function": function, "fingerprint": fingerprint, "debug": debug}
            async with asyncio.timeout(ANSWER_S):
                await self._ask(asked, fds)[1]
        finally:
            for fd in fds:
                os.close(fd)

    async def attach(self) -> tuple[int, socket.socket]:
        """A connection to the debugger in the newest environment, or in the next that is made; and
        the number to detach() it by. Waits as long as that takes."""
        number, answer = self._ask({"attach": True})
        (fd,) = await answer
        return number, socket.socket(fileno=fd)

    async def detach(self, number: int) -> None:
        async with asyncio.timeout(ANSWER_S):
            await self._ask({"detach": number})[1]

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._sock)
        self._sock.close()
        self._all_lost()

    def _ask(
        self, asked: dict[str, Any], fds: Sequence[int] = ()
    ) -> tuple[int, asyncio.Future[list[int]]]:
        if self.lost.is_set():
            raise LinkLost
        self._number += 1
        answer: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
        self._answers[self._number] = answer
        try:
            message = json.dumps({"n": self._number, **asked}).encode()
            socket.send_fds(self._sock, [message], fds)
        except OSError as error:
            raise LinkLost from error
        return self._number, answer

    def _heard(self) -> None:
        try:
            data, fds, _, _ = socket.recv_fds(self._sock, PACKET_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return
        except OSError:
            data, fds = b"", []
        if not data:
            asyncio.get_running_loop().remove_reader(self._sock)
            self._all_lost()
            return
        said = json.loads(data)
        answer = self._answers.pop(said["n"], None)
        if answer is None or answer.done():
            for fd in fds:
                os.close(fd)
        elif "error" in said:
            answer.set_exception(Refused(said["error"]))
        else:
            answer.set_result(list(fds))

    def _all_lost(self) -> None:
        self.lost.set()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(LinkLost())
        self._answers.clear()
