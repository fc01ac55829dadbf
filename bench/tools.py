"""Whole tools: how long `sam deploy` and `cdk deploy` of a small project take, and once more.

Each time with a back end that has just been started and has nothing, a copy of the project that
has never been deployed, and the tool's own command from its start to its end: reading the project,
what it waits for, and its output. The tools and the projects are those of the slow tests, and what
was deployed must answer.
"""

import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench import names
from bench.package import RUNTIME
from bench.session import Broken, Session
from bench.stoker import Stoker
from bench.systems import Ministack, aws_client
from tests.slow import deploying
from tests.slow.deploying import Shell

SERVERS: dict[str, Callable[[Session, Path], Stoker | Ministack]] = {
    names.STOKER: lambda session, folder: Stoker(session.peers, folder),
    names.MINISTACK: lambda session, folder: Ministack(session.peers, folder),
}
AGAIN = {names.STOKER: names.STOKER_UNCHANGED, names.MINISTACK: names.MINISTACK_UNCHANGED}


@dataclass(frozen=True, slots=True)
class Tool:
    measured: str  # the measure's name
    project: Callable[[Path], Path]  # a copy of it, in that folder
    before: tuple[tuple[str, ...], ...]  # commands that are not measured
    deploy: tuple[str, ...]
    function: str  # in the name of the one that must answer
    commands: Callable[[Session], tuple[Path, ...]]  # folders for the PATH; installs what lacks
    environ: Mapping[str, str]


def _sam_project(at: Path) -> Path:
    project = deploying.project("sam", at)
    deploying.replace_in(project / "template.yaml", "python3.11", RUNTIME)
    return project


def _cdk(_: Session) -> tuple[Path, ...]:
    deploying.node_tool(*deploying.CDK_LIBRARY)
    return (deploying.node_tool(deploying.CDK),)


TOOLS = (
    Tool(
        names.SAM_DEPLOY,
        _sam_project,
        (("sam", "build"),),
        (*deploying.SAM_DEPLOY, "--no-fail-on-empty-changeset"),
        "Hello",
        lambda session: (deploying.python_tool(deploying.SAM), session.peers.python.parent),
        deploying.SAM_QUIET,
    ),
    Tool(
        names.CDK_DEPLOY,
        deploying.cdk_project,
        (deploying.CDK_BOOTSTRAP,),
        (*deploying.CDK_DEPLOY, "--no-validation"),
        "Fn",
        _cdk,
        {"RUNTIME": RUNTIME},
    ),
)


@dataclass(frozen=True, slots=True)
class Address:
    url: str


def measure(session: Session) -> None:
    ready = []
    for tool in TOOLS:
        try:
            ready.append((tool, tool.commands(session)))
        except (OSError, subprocess.SubprocessError) as error:
            session.leave_out(tool.measured, error)
    runs = [(tool, commands, server) for tool, commands in ready for server in SERVERS]
    for number in session.rounds("whole tools"):
        for run in runs[:: -1 if number % 2 else 1]:
            tool, _, server = run
            try:
                _one_round(session, *run, number)
            except (*Broken, AssertionError) as error:
                session.leave_out(f"{server}: {tool.measured}", error)
                runs.remove(run)


def _one_round(
    session: Session, tool: Tool, commands: tuple[Path, ...], server: str, number: int
) -> None:
    folder = Path(tempfile.mkdtemp(prefix=f"{tool.deploy[0]}-", dir=session.folder))
    folder.chmod(0o755)
    system = SERVERS[server](session, folder)
    try:
        system.serve()
        project = tool.project(folder)
        address = Address(f"http://127.0.0.1:{system.port}")
        shell = Shell(address, project, *commands, environ=tool.environ)
        for command in tool.before:
            shell.run(*command)
        idle = session.quiet()
        for name in (server, AGAIN[server]):
            begun = time.perf_counter()
            shell.run(*tool.deploy)
            taken = time.perf_counter() - begun
            session.book.add(tool.measured, name, "s", number, [taken], idle=idle)
        _used(system.port, tool.function)
    finally:
        system.stop()


def _used(port: int, function: str) -> None:
    """Raise RuntimeError unless what was deployed answers."""
    functions = aws_client("lambda", port)
    found = [one["FunctionName"] for one in functions.list_functions()["Functions"]]
    name = next((name for name in found if function in name), None)
    if name is None:
        raise RuntimeError(f"there is no function {function}, but {found}")
    said = functions.invoke(FunctionName=name)["Payload"].read()
    if said != b'"hello"':
        raise RuntimeError(f"{name} answers {said[:200]!r}")
