"""What is settled of an environment before there is a sandbox for it.

A backend that knows what its sandboxes look like from inside can be told what will run there
first: it then sets the runtime off while we are still taking the sandbox over.
"""

import time
from dataclasses import dataclass
from pathlib import Path

from stoker.core import telemetry
from stoker.core.environ import Credentials
from stoker.core.invocation import Initialization, Target
from stoker.core.lifecycle_words import Party, extension_party
from stoker.core.limits import RUNTIMES, Family
from stoker.environment.command import (
    external_extensions,
    has_extensions_disabled,
    make_environ,
    runtime_command,
)
from stoker.sandbox.base import Command, Place


@dataclass(frozen=True, slots=True)
class Draft:
    created_ms: int  # epoch
    log_stream: str
    no_extensions: bool  # they are switched off
    extensions: tuple[Party, ...]  # external ones, in the order of their start
    first: Command | None  # the runtime, if nobody starts before it and all is known of it
    credentials: Credentials  # of the function's role
    token: str = ""  # with which its runtime asks for credentials, if it was or is a snapshot


def draft(
    target: Target,
    environment_id: str,
    code: Path,
    opt: Path | None,
    initialization: Initialization,
    *,
    credentials: Credentials,
    place: Place | None,
    from_zygote: bool,
    token: str = "",
) -> Draft:
    """`code` and `opt` are the host's folders; `place`: the backend's."""
    created_ms = time.time_ns() // 1_000_000
    function = None if target.log.group == f"/aws/lambda/{target.name}" else target.name
    log_stream = telemetry.log_stream(created_ms, target.version, environment_id, function)
    disabled = has_extensions_disabled(opt)
    names = () if disabled else external_extensions(opt)
    first = None
    # Pipes of a program that is parked in its sandbox come with the sandbox; only a copy of a
    # running interpreter can be given its own.
    if place is not None and not names and RUNTIMES[target.runtime].family is Family.PYTHON:
        environ = make_environ(target, place, log_stream, initialization, credentials, token)
        command = runtime_command(target, place, environ, code, opt, from_zygote=from_zygote)
        if isinstance(command, Command) and command.argv is None:
            first = command
    parties = tuple(map(extension_party, names))
    return Draft(created_ms, log_stream, disabled, parties, first, credentials, token)
