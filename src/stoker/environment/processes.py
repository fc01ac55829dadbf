"""The processes of one environment: what they are started with, print, and end as."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

from stoker.core import faults
from stoker.core.dialects import EXTENSION, FUNCTION
from stoker.core.environ import extension_environ
from stoker.core.faults import Fault
from stoker.core.frames import Event
from stoker.core.invocation import Initialization, Target
from stoker.core.invoke_limits import EXTENSIONS
from stoker.core.lifecycle_words import RUNTIME, Party
from stoker.environment.command import extension_command, make_environ, runtime_command
from stoker.environment.draft import Draft
from stoker.environment.streams import Outputs
from stoker.sandbox.base import Command, Exit, Sandbox, place_of


class Processes:
    def __init__(
        self,
        target: Target,
        sandbox: Sandbox,
        places: tuple[Path, Path | None],
        draft: Draft,
        *,
        emit: Callable[[str, list[Event]], None],
        over: Callable[[Party, Fault], None],
        from_zygote: bool,
        initialization: Initialization,
    ) -> None:
        """`places`: the host's folders of the code and of /opt. `over`: a process has
        ended, or cannot begin; called from the event loop, never from within start()."""
        self._target = target
        self._sandbox = sandbox
        self._places = places
        self._extensions = draft.extensions
        self._emit = emit
        self._over = over
        self._from_zygote = from_zygote
        self._first = draft.first
        if draft.first is None:
            place = place_of(sandbox)
            self._environ = make_environ(
                target, place, draft.log_stream, initialization, draft.credentials, draft.token
            )
        else:
            self._environ = draft.first.environ
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
        if self._first is not None:
            return self._first
        (code, opt), place = self._places, place_of(self._sandbox)
        from_zygote = self._from_zygote
        return runtime_command(
            self._target, place, self._environ, code, opt, from_zygote=from_zygote
        )

    def _extension(self, party: Party) -> Command | Fault:
        if party not in self._extensions[:EXTENSIONS]:
            return faults.TOO_MANY_EXTENSIONS
        return extension_command(party, self._sandbox, extension_environ(self._environ))
