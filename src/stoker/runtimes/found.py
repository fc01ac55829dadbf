"""What a function's runtime is made of on this machine.

    find_runtime("python3.12")      -> FoundRuntime, or RuntimeUnavailable with the remedy
    found_runtimes()                -> all there are

An interpreter of another version than the one that was asked for is never taken.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from stoker.core.limits import RUNTIMES, Family
from stoker.runtimes import javascript_sdk
from stoker.runtimes.installed import places
from stoker.runtimes.interpreters import Interpreter, candidates, probe
from stoker.runtimes.javas import java_candidates, major_of, probe_java
from stoker.runtimes.javascript_sdk import find_sdk
from stoker.runtimes.nodes import node_candidates, probe_node
from stoker.runtimes.rubies import probe_ruby, ruby_candidates

OLDEST_PYTHON = (3, 8)  # that the runtime client runs on
SUPPORTED = (
    "Stoker runs python3.8 and later, nodejs18.x and later, java11 and later, ruby3.2 and later, "
    "provided.al2023 and provided.al2"
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
    ahead: tuple[str, ...] = ()  # the command that starts it before its function is known
    modules: Path | None = None  # the AWS SDK for JavaScript, for /var/runtime/node_modules
    links: tuple[tuple[str, str], ...] = ()  # (path below /var/lang, target), for LINKS
    libraries: tuple[Path, ...] = ()  # further directories to show, at these same paths

    @property
    def node_modules(self) -> str | None:
        """Of Node.js: where its AWS SDK is, "" if there is none. Others: None."""
        is_node = RUNTIMES[self.runtime].family is Family.NODE
        return str(self.modules or "") if is_node else None

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
        case Family.JAVA:
            return _java(runtime_id, runtimes_dir, chosen)
        case Family.RUBY:
            return _ruby(runtime_id, runtimes_dir, chosen)
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


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A version of a language, and how its interpreters are known."""

    runtime: str
    language: str  # as people write it
    kind: str  # what a file must be to be one
    version: tuple[int, ...]
    program: str  # its file's name in bin
    probe: Callable[[Path], Interpreter | None]

    def find(self, chosen: Mapping[str, Path], paths: Iterable[Path]) -> Interpreter | None:
        if self.runtime in chosen:
            return self._chosen(chosen[self.runtime])
        asked = (self.probe(path) for path in paths)
        return next((it for it in asked if it is not None and self._is(it)), None)

    def _is(self, interpreter: Interpreter) -> bool:
        return interpreter.version[: len(self.version)] == self.version

    def _chosen(self, path: Path) -> Interpreter:
        executable = path / "bin" / self.program if path.is_dir() else path
        interpreter = self.probe(executable)
        if interpreter is not None and self._is(interpreter):
            return interpreter
        problem = f"is no {self.kind} that can be run"
        if interpreter is not None:
            problem = f"is {self.language} {interpreter.text}"
        raise RuntimeUnavailable(
            f"the configuration names {executable} for {self.runtime}, but that {problem}. "
            "Correct the entry, or remove it to have the machine searched."
        )


# --- Python -------------------------------------------------------------------------------------


def _python(runtime_id: str, runtimes_dir: Path | None, chosen: Mapping[str, Path]) -> FoundRuntime:
    text = runtime_id.removeprefix("python")
    version = tuple(int(number) for number in text.split("."))
    if version < OLDEST_PYTHON:
        raise RuntimeUnavailable(f"{runtime_id} is retired, by AWS too. {SUPPORTED}.")
    wanted = _Wanted(runtime_id, "Python", "CPython", version, runtime_id, probe)
    interpreter = wanted.find(chosen, candidates(text, places(runtimes_dir)))
    if interpreter is not None:
        return _made_of(runtime_id, interpreter)
    raise RuntimeUnavailable(
        f"there is no Python {text} on this machine. Get it (`stoker runtimes install "
        f"{runtime_id}` where Debian has it, `uv python install {text}`, `pyenv install {text}`, "
        f"or your distribution's {runtime_id}) so that `{runtime_id}` is on the server's PATH or "
        "in uv's or pyenv's folder; then restart the server, or deploy the function again (delete "
        "it first if it is Failed)."
    )


def _made_of(runtime_id: str, interpreter: Interpreter) -> FoundRuntime:
    is_system = interpreter.prefix in SYSTEM_PREFIXES
    return FoundRuntime(
        runtime=runtime_id,
        version=interpreter.text,
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
    wanted = _Wanted(runtime_id, "Node.js", "node", (major,), "node", probe_node)
    paths = node_candidates(runtime_id, major, places(runtimes_dir))
    node = wanted.find(chosen, paths)
    if node is None:
        raise _missing(runtime_id, f"Node.js {major}")
    ahead = ("/var/lang/bin/node", "/var/runtime/bootstrap.cjs", "parked")
    found = _of_one_program(runtime_id, node, "node", "bootstrap.cjs", ahead)
    sdk = find_sdk(runtimes_dir) if major >= javascript_sdk.OLDEST_NODE else None
    return found if sdk is None else replace(found, modules=sdk.modules)


def _missing(runtime_id: str, what: str) -> RuntimeUnavailable:
    return RuntimeUnavailable(
        f"there is no {what} on this machine. `stoker runtimes install {runtime_id}` "
        "brings one; then deploy the function again (delete it first if it is Failed)."
    )


def _of_one_program(
    runtime_id: str, it: Interpreter, program: str, start: str, ahead: tuple[str, ...]
) -> FoundRuntime:
    is_system = it.prefix in SYSTEM_PREFIXES
    return FoundRuntime(
        runtime=runtime_id,
        version=it.text,
        layout=Layout.LINKS if is_system else Layout.PREFIX,
        prefix=it.prefix,
        executable=it.executable,
        links=((f"bin/{program}", str(it.executable)),) if is_system else (),
        libraries=it.libraries,
        program=f"bin/{program}",
        start=start,
        ahead=ahead,
    )


# --- Java ---------------------------------------------------------------------------------------


def _java(runtime_id: str, runtimes_dir: Path | None, chosen: Mapping[str, Path]) -> FoundRuntime:
    major = major_of(runtime_id)
    wanted = _Wanted(runtime_id, "Java", "java", (major,), "java", probe_java)
    java = wanted.find(chosen, java_candidates(runtime_id, places(runtimes_dir)))
    if java is None:
        raise _missing(runtime_id, f"Java {major}")
    return _of_one_program(runtime_id, java, "java", "", ())


# --- Ruby ---------------------------------------------------------------------------------------


def _ruby(runtime_id: str, runtimes_dir: Path | None, chosen: Mapping[str, Path]) -> FoundRuntime:
    text = runtime_id.removeprefix("ruby")
    version = tuple(int(number) for number in text.split("."))
    wanted = _Wanted(runtime_id, "Ruby", "CRuby", version, "ruby", probe_ruby)
    ruby = wanted.find(chosen, ruby_candidates(runtime_id, text, places(runtimes_dir)))
    if ruby is None:
        raise RuntimeUnavailable(
            f"there is no Ruby {text} on this machine. Get it (`stoker runtimes install "
            f"{runtime_id}` where Debian has it, else rbenv, asdf, mise or ruby-install); then "
            "deploy the function again (delete it first if it is Failed)."
        )
    ahead = ("/var/runtime/bootstrap", "parked")
    return _of_one_program(runtime_id, ruby, "ruby", "bootstrap.rb", ahead)
