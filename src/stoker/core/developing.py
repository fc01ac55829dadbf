"""A function whose code is a folder that somebody is working on (`stoker dev`).

Nothing of it is kept: as long as a developer's connection is there, $LATEST of the function runs
the folder, and each state of the folder is code of its own. So a file that was saved makes the next
invocation ask for another key, and environments of the state before end as after any update.
"""

import re
from dataclasses import dataclass, replace

from stoker.core.invocation import Developed, Target
from stoker.core.limits import RUNTIMES, Family

# Where a debugger finds each family's runtime, inside; as each family's own tools have it. And how
# it begins to talk: a web page can send requests to a port of this machine, but not like this.
DEBUG_PORTS = {Family.PYTHON: 5678, Family.NODE: 9229, Family.JAVA: 5005}
GREETINGS = {
    Family.PYTHON: b"Content-Length:",
    Family.NODE: b"GET ",  # its inspector looks at the Host header, and its path is a secret
    Family.JAVA: b"JDWP-Handshake",
}
DEBUGS = ("", "listen", "wait")
_FINGERPRINT = re.compile(r"[0-9a-f]{1,64}")
_MARK = "@"  # between what is shared and its state: in no digest, and in no name


@dataclass(frozen=True, slots=True)
class Overlay:
    """What runs in place of a function's deployed code."""

    folder: str  # the name that it is shared by
    fingerprint: str  # of its state
    packages: str = ""
    debug: str = ""

    def over(self, target: Target) -> Target:
        """The target to run instead of this one."""
        developed = Developed(target.code, self.packages, self.debug)
        return replace(target, code=f"{self.folder}{_MARK}{self.fingerprint}", developed=developed)


def is_fingerprint(text: str) -> bool:
    return _FINGERPRINT.fullmatch(text) is not None


def folder_of(code: str) -> str | None:
    """Which shared folder this is a state of; None: it is deployed code."""
    folder, mark, _ = code.partition(_MARK)
    return folder if mark else None


def debug_port(runtime: str) -> int | None:
    """None: nobody knows how to debug it."""
    return DEBUG_PORTS.get(RUNTIMES[runtime].family)


def greeting(runtime: str) -> bytes:
    """What a debugger of this runtime says first."""
    return GREETINGS[RUNTIMES[runtime].family]


def variables(target: Target, packages_root: str) -> dict[str, str]:
    """What its runtime is told beyond what every runtime is."""
    developed = target.developed
    if developed is None:
        return {}
    said = {"_STOKER_PACKAGES": packages_root} if developed.packages else {}
    port = debug_port(target.runtime)
    if developed.debug and port is not None:
        if RUNTIMES[target.runtime].family is Family.JAVA:
            suspend = "y" if developed.debug == "wait" else "n"
            own = dict(target.environment).get("JAVA_TOOL_OPTIONS", "")
            agent = f"-agentlib:jdwp=transport=dt_socket,server=y,suspend={suspend}"
            said["JAVA_TOOL_OPTIONS"] = f"{own} {agent},address=127.0.0.1:{port}".strip()
        else:
            said["_STOKER_DEBUG"] = f"{port},{developed.debug}"
    return said
