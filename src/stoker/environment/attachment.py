"""A debugger's way into an environment: a connection to what listens there for it."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass

from stoker.sandbox.base import Sandbox, SandboxFailed

LISTENS_S = 30.0  # within that the runtime must listen for its debugger
TRY_S = 0.02  # nobody out here is told when a program in there listens


@dataclass(slots=True, eq=False)
class Attachment:
    """From attached() to end()."""

    sock: socket.socket  # connected; whose it becomes closes it
    _over: Callable[[], None] | None

    def end(self) -> None:
        """The debugger is gone. Idempotent."""
        over, self._over = self._over, None
        if over is not None:
            over()


async def attached(
    sandbox: Sandbox, port: int, is_over: Callable[[], bool], over: Callable[[], None]
) -> Attachment:
    """Connected to that port of the environment's loopback; `over` is called once, when it has
    ended, or could not be. `is_over`: nobody will ever listen. Raise SandboxFailed."""
    try:
        return Attachment(await _connected(sandbox, port, is_over), over)
    except BaseException:
        over()
        raise


async def _connected(sandbox: Sandbox, port: int, is_over: Callable[[], bool]) -> socket.socket:
    loop = asyncio.get_running_loop()
    end = loop.time() + LISTENS_S
    while True:
        sock = await sandbox.connector()
        try:
            await loop.sock_connect(sock, ("127.0.0.1", port))
        except OSError as error:
            sock.close()
            if is_over() or loop.time() > end:
                raise SandboxFailed(
                    f"cannot attach a debugger: nothing listens on port {port} in the environment"
                ) from error
            await asyncio.sleep(TRY_S)
        except BaseException:
            sock.close()
            raise
        else:
            return sock
