"""The two listeners of an environment: its Runtime API, and the server's own front door."""

from dataclasses import replace
from functools import lru_cache

from stoker.http.base import Application
from stoker.http.limits import ENDPOINT, RUNTIME_API, Limits
from stoker.http.server import HttpServer
from stoker.sandbox.base import Sandbox


class Servers:
    """Serves both for as long as the sandbox lives; the sockets are the sandbox's."""

    def __init__(
        self,
        sandbox: Sandbox,
        runtime_api: Application,
        endpoint: Application | None,
        connections: int,
    ) -> None:
        limits = _limits(RUNTIME_API, connections)
        self._serving = [(HttpServer(runtime_api, limits=limits), sandbox.runtime_api)]
        if endpoint is not None and sandbox.endpoint is not None:
            # Its clients freeze with their environment, so nothing of theirs may time out.
            limits = _limits(ENDPOINT, connections)
            self._serving.append((HttpServer(endpoint, limits=limits), sandbox.endpoint))

    async def start(self) -> None:
        for server, listener in self._serving:
            await server.serve(listener.sock)

    async def close(self) -> None:
        """Before the sandbox is destroyed, which closes the sockets."""
        for server, _ in self._serving:
            await server.close(0)


@lru_cache(16)
def _limits(limits: Limits, connections: int) -> Limits:
    return replace(limits, connections=connections)
