"""The two listeners of an environment: its Runtime API, and the server's own front door."""

from dataclasses import replace
from typing import Final

from stoker.core.invoke_limits import RUNTIME_API_CONNECTIONS
from stoker.http.base import Application
from stoker.http.busy_poll import BusyPoll
from stoker.http.limits import ENDPOINT, RUNTIME_API
from stoker.http.server import HttpServer
from stoker.sandbox.base import Sandbox


class Servers:
    """Serves both for as long as the sandbox lives; the sockets are the sandbox's."""

    def __init__(
        self,
        sandbox: Sandbox,
        runtime_api: Application,
        endpoint: Application | None,
        awake: BusyPoll | None = None,
    ) -> None:
        api = HttpServer(runtime_api, limits=_RUNTIME_API, awake=awake)
        self._serving = [(api, sandbox.runtime_api)]
        if endpoint is not None and sandbox.endpoint is not None:
            # Its clients freeze with their environment, so nothing of theirs may time out.
            self._serving.append((HttpServer(endpoint, limits=_ENDPOINT), sandbox.endpoint))

    async def start(self) -> None:
        for server, listener in self._serving:
            await server.serve(listener.sock)

    async def close(self) -> None:
        """Before the sandbox is destroyed, which closes the sockets."""
        for server, _ in self._serving:
            await server.close(0)


_RUNTIME_API: Final = replace(RUNTIME_API, connections=RUNTIME_API_CONNECTIONS)
_ENDPOINT: Final = replace(ENDPOINT, connections=RUNTIME_API_CONNECTIONS)
