"""What a function's runtime is made of on this machine.

    find_runtime("python3.12")      -> FoundRuntime, or RuntimeUnavailable with the remedy
    found_runtimes()                -> all there are; for `stoker doctor`

An interpreter of another version than the one that was asked for is never taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from stoker.core.limits import RUNTIMES, Family
from stoker.runtimes.installed import places
from stoker.runtimes.interpreters import Interpreter, candidates, probe
from stoker.runtimes.nodes import Node, node_candidates, probe_node

OLDEST_PYTHON = (3, 8)  # that the runtime client runs on
SUPPORTED = (
    "Stoker runs python3.8 and later, nodejs18.x and later, provided.al2023 and provided.al2"
)
SYSTEM_PREFIXES = (Path("/usr"), Path("/usr/local"))


class RuntimeUnavailable(Exception):
    """No interpreter for this runtime on this machine. The text names the remedy."""


class Layout(StrEnum):
    """How /var/lang is made."""

    PREFIX = "prefix"  # the prefix is bound there
    LINKS = "links"  # links into the system's /usr, which is visible anyway
    NONE = "none"  # nothing is there: the function brings its own program


@dataclass(frozen=True, slots=True)
class FoundRuntime:
    """A runtime that functions can use. Where `layout` is NONE the rest is empty."""

    runtime: str  # Lambda's identifier, e.g. "python3.11"
    version: str = ""  # of the language, e.g. "3.11.7"
    layout: Layout = Layout.NONE
    prefix: Path | None = None  # host path of the language's installation
    executable: Path | None = None  # host path of the interpreter
    program: str = ""  # the same, as a path below /var/lang
    start: str = ""  # the file of /var/runtime that it is to run
    links: tuple[tuple[str, str], ...] = ()  # (path below /var/lang, target), for LINKS
    libraries: tuple[Path, ...] = ()  # further directories to show, at these same paths

    @property
    def inside(self) -> str:
        """The interpreter's path in an environment; "" if there is none.

        An interpreter in a PREFIX may have its library in /var/lang/lib: start it with AWS's
        LD_LIBRARY_PATH.
        """
        return f"/var/lang/{self.program}" if self.program else ""


def find_runtime(
    runtime_id: str,
    *,
    runtimes_dir: Path | None = None,
    chosen: Mapping[str, Path] = {},
) -> FoundRuntime:
    """Find what runs functions of `runtime_id`. It may start interpreters to ask them: slow
    (up to a second) the first time.

    runtimes_dir: has a prefix per runtime, e.g. DIR/python3.12/bin/python3.12; looked at first.
    chosen: an interpreter, or a prefix, by runtime, as the configuration says. It is used, or
    the runtime is unavailable.
    """
    runtime = RUNTIMES.get(runtime_id)
    if runtime is None:
        raise RuntimeUnavailable(f"{runtime_id} is not a runtime that AWS Lambda has. {SUPPORTED}.")
    match runtime.family:
        case Family.OS_ONLY:
            return FoundRuntime(runtime_id)
        case Family.PYTHON:
            return _python(runtime_id, runtimes_dir, chosen)
        case Family.NODE:
            return _node(runtime_id, runtimes_dir, chosen)
    raise RuntimeUnavailable(
        f"{runtime_id} is not built into Stoker yet. {SUPPORTED}; a program that speaks the "
        "Runtime API runs on provided.al2023. docs/COMPATIBILITY.md says what is planned."
    )


def found_runtimes(
    *, runtimes_dir: Path | None = None, chosen: Mapping[str, Path] = {}
) -> list[FoundRuntime]:
    """Every runtime that functions can use here, in AWS's order. Takes seconds the first time."""
    found = []
    for runtime_id in RUNTIMES:
        try:
            found.append(find_runtime(runtime_id, runtimes_dir=runtimes_dir, chosen=chosen))
        except RuntimeUnavailable:
            continue
    return found


# --- Python -------------------------------------------------------------------------------------


def _python(runtime_id: str, runtimes_dir: Path | None, chosen: Mapping[str, Path]) -> FoundRuntime:
    text = runtime_id.removeprefix("python")
    version = tuple(int(number) for number in text.split("."))
    if version < OLDEST_PYTHON:
        raise RuntimeUnavailable(f"{runtime_id} is retired, by AWS too. {SUPPORTED}.")
    if runtime_id in chosen:
        return _made_of(runtime_id, _chosen(runtime_id, version, chosen[runtime_id]))
    for path in candidates(text, places(runtimes_dir)):
        interpreter = probe(path)
        if interpreter is not None and interpreter.version[:2] == version:
            return _made_of(runtime_id, interpreter)
    raise RuntimeUnavailable(
        f"there is no Python {text} on this machine. Install it (`uv python install {text}`, "
        f"`pyenv install {text}`, or your distribution's {runtime_id}) so that `{runtime_id}` is "
        "on the server's PATH or in uv's or pyenv's folder; then restart the server, or deploy the "
        "function again (delete it first if it is Failed)."
    )


def _chosen(runtime_id: str, version: tuple[int, ...], path: Path) -> Interpreter:
    executable = path / "bin" / runtime_id if path.is_dir() else path
    interpreter = probe(executable)
    if interpreter is None:
        problem = "is no CPython that can be run"
    elif interpreter.version[:2] != version:
        problem = "is Python " + ".".join(map(str, interpreter.version))
    else:
        return interpreter
    raise RuntimeUnavailable(
        f"the configuration names {executable} for {runtime_id}, but that {problem}. "
        "Correct the entry, or remove it to have the machine searched."
    )


def _made_of(runtime_id: str, interpreter: Interpreter) -> FoundRuntime:
    is_system = interpreter.prefix in SYSTEM_PREFIXES
    return FoundRuntime(
        runtime=runtime_id,
        version=".".join(map(str, interpreter.version)),
        layout=Layout.LINKS if is_system else Layout.PREFIX,
        prefix=interpreter.prefix,
        executable=interpreter.executable,
        program=f"bin/{runtime_id}",
        start="bootstrap.py",
        links=_links(runtime_id, interpreter) if is_system else (),
        libraries=interpreter.libraries,
    )


def _links(runtime_id: str, interpreter: Interpreter) -> tuple[tuple[str, str], ...]:
    """What a prefix has at these places, pointing into a distribution's /usr."""
    executable = str(interpreter.executable)
    return (
        (f"bin/{runtime_id}", executable),
        ("bin/python3", executable),
        ("bin/python", executable),
        (f"lib/{runtime_id}", f"{interpreter.prefix}/lib/{runtime_id}"),
    )


# --- Node.js ------------------------------------------------------------------------------------


def _node(runtime_id: str, runtimes_dir: Path | None, chosen: Mapping[str, Path]) -> FoundRuntime:
    major = int(runtime_id.removeprefix("nodejs").partition(".")[0])
    if runtime_id in chosen:
        path = chosen[runtime_id]
        executable = path / "bin" / "node" if path.is_dir() else path
        node = probe_node(executable)
        if node is None or node.version[0] != major:
            problem = "is no node that can be run" if node is None else f"is Node.js {node.text}"
            raise RuntimeUnavailable(
                f"the configuration names {executable} for {runtime_id}, but that {problem}. "
                "Correct the entry, or remove it to have the machine searched."
            )
        return _made_of_node(runtime_id, node)
    for path in node_candidates(runtime_id, major, places(runtimes_dir)):
        node = probe_node(path)
        if node is not None and node.version[0] == major:
            return _made_of_node(runtime_id, node)
    raise RuntimeUnavailable(
        f"there is no Node.js {major} on this machine. `stoker runtimes install {runtime_id}` "
        "brings one; then deploy the function again (delete it first if it is Failed)."
    )


def _made_of_node(runtime_id: str, node: Node) -> FoundRuntime:
    is_system = node.prefix in SYSTEM_PREFIXES
    return FoundRuntime(
        runtime=runtime_id,
        version=node.text,
        layout=Layout.LINKS if is_system else Layout.PREFIX,
        prefix=node.prefix,
        executable=node.executable,
        links=(("bin/node", str(node.executable)),) if is_system else (),
        libraries=node.libraries,
        program="bin/node",
        start="bootstrap.cjs",
    )
