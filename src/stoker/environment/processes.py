"""The processes of one environment: what they are started with, print, and end as."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from stoker.core import faults
from stoker.core.dialects import EXTENSION, FUNCTION
from stoker.core.environ import Credentials, Roots, extension_environ, runtime_environ
from stoker.core.faults import Fault
from stoker.core.frames import Event
from stoker.core.invocation import Initialization, Target
from stoker.core.invoke_limits import EXTENSIONS
from stoker.core.lifecycle_words import RUNTIME, Party
from stoker.environment.command import extension_command, runtime_command
from stoker.environment.streams import Outputs
from stoker.sandbox.base import Command, Exit, Sandbox


class Processes:
    def __init__(
        self,
        target: Target,
        sandbox: Sandbox,
        places: tuple[Path, Path | None],
        extensions: list[Party],
        *,
        log_stream: str,
        emit: Callable[[str, list[Event]], None],
        over: Callable[[Party, Fault], None],
        from_zygote: bool,
        initialization: Initialization,
    ) -> None:
        """`places`: the host's folders of the code and of /opt. `extensions`: external
        ones, in the order of their start. `over`: a process has ended, or cannot begin; called
        from the event loop, never from within start()."""
        self._target = target
        self._sandbox = sandbox
        self._places = places
        self._extensions = extensions
        self._emit = emit
        self._over = over
        self._from_zygote = from_zygote
        self._environ = _make_environ(target, sandbox, log_stream, initialization)
        self._outputs = Outputs()
        self._oom_kills = 0
        sandbox.on_exit = self._exited

    def start(self, party: Party) -> None:
        command = self._runtime() if party == RUNTIME else self._extension(party)
        if isinstance(command, Fault):
            asyncio.get_running_loop().call_soon(self._over, party, command)
            return
        emit = partial(self._emit, FUNCTION if party == RUNTIME else EXTENSION)
        self._outputs.add(self._sandbox.start(command), emit)

    def settled(self) -> bool:
        """All that was printed so far is in the log."""
        return self._outputs.settle()

    def close(self) -> None:
        """When the sandbox is gone: read what is there, up to a bound."""
        self._outputs.close()

    def _exited(self, name: str, how: Exit) -> None:
        oom_kills = self._sandbox.usage().oom_kills
        out_of_memory = oom_kills > self._oom_kills
        self._oom_kills = oom_kills
        facts = how.code, how.signal, how.error
        if name == RUNTIME:
            fault = faults.runtime_exit(*facts, out_of_memory=out_of_memory)
        else:
            fault = faults.extension_exit(*facts)
        self._over(Party(name), fault)

    def _runtime(self) -> Command | Fault:
        code, opt = self._places
        from_zygote = self._from_zygote
        return runtime_command(
            self._target, self._sandbox, self._environ, code, opt, from_zygote=from_zygote
        )

    def _extension(self, party: Party) -> Command | Fault:
        if party not in self._extensions[:EXTENSIONS]:
            return faults.TOO_MANY_EXTENSIONS
        return extension_command(party, self._sandbox, extension_environ(self._environ))


def _make_environ(
    target: Target, sandbox: Sandbox, log_stream: str, initialization: Initialization
) -> Mapping[str, str]:
    endpoint = sandbox.endpoint
    return runtime_environ(
        target,
        runtime_api=sandbox.runtime_api.address,
        endpoint_url=f"http://{endpoint.address}" if endpoint is not None else None,
        log_stream=log_stream,
        initialization=initialization,
        # The access key names the account; a role's own credentials come with issue 4.
        credentials=Credentials(target.account, "stoker", "stoker"),
        roots=Roots(task=sandbox.task_root, layers=sandbox.layer_root),
        xray=sandbox.xray.address,
    )
