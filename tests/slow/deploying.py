"""Tools that deploy, each as it comes from its registry, and the small projects they are given.

A tool is installed once, into build/tools, at the version that its test names: never into the
environment that the tests run in. Projects are copied before they are touched.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from tests.running import REGION
from tests.slow.from_registries import INSTALL_S, UV, node_packages

TOOLS = Path(__file__).parents[2] / "build" / "tools"
PROJECTS = Path(__file__).with_name("projects")
ACCOUNT = "000000000000"
TOOL_S = 600
COMPLETE = "complete"  # a file: what is beside it was installed to the end
# Of the two that the bench runs, too.
SAM = "aws-sam-cli==1.170.0"
SAM_DEPLOY = (
    *("sam", "deploy", "--resolve-s3", "--stack-name", "app", "--no-confirm-changeset"),
    *("--capabilities", "CAPABILITY_IAM"),
)
SAM_QUIET = {"SAM_CLI_TELEMETRY": "0"}
CDK, CDK_PYTHON = "aws-cdk@2.1148.1", "aws-cdk-lib==2.275.0"
CDK_LIBRARY = ("aws-cdk-lib@2.275.0", "constructs@10.8.1")  # of an app in JavaScript
CDK_BOOTSTRAP = ("cdk", "bootstrap", "--no-notices", f"aws://{ACCOUNT}/{REGION}")
CDK_DEPLOY = ("cdk", "deploy", "--no-notices", "--require-approval", "never")


class Server(Protocol):
    @property
    def url(self) -> str: ...


def python_tool(*packages: str) -> Path:
    """A virtual environment that has them: its folder of commands."""

    def install(folder: Path) -> None:
        subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, folder], check=True)
        python = folder / "bin" / "python"
        command = [UV, "pip", "install", "--quiet", "--python", python, *packages]
        subprocess.run(command, check=True, timeout=INSTALL_S)

    return _installed(packages, install) / "bin"


def node_tool(*packages: str) -> Path:
    """Their node_modules/.bin."""

    def install(folder: Path) -> None:
        node_packages(folder, *packages)

    return _installed(packages, install) / "node_modules" / ".bin"


def _installed(packages: tuple[str, ...], install: Callable[[Path], None]) -> Path:
    name = "+".join(packages).replace("/", "_").replace("==", "@")
    folder = TOOLS / name
    if not (folder / COMPLETE).exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        install(folder)
        (folder / COMPLETE).touch()
    return folder


def project(name: str, at: Path) -> Path:
    """A copy of one of the projects."""
    return shutil.copytree(PROJECTS / name, at / name)


def cdk_project(at: Path) -> Path:
    """A copy of CDK's project, with the library beside its app in JavaScript."""
    copy = project("cdk", at)
    (copy / "node_modules").symlink_to(node_tool(*CDK_LIBRARY).parent)
    return copy


class Shell:
    """Runs commands in a project, with the server's address and nothing else about it."""

    def __init__(
        self,
        server: Server,
        folder: Path,
        *commands: Path,
        environ: Mapping[str, str] = {},
        endpoint: bool = True,
    ) -> None:
        """commands: folders that come first on the PATH. endpoint: False for a tool that is told
        of the server in a way of its own."""
        ours = ("AWS_", "PYTHON", "LOCALSTACK_", "TF_")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        address = {"AWS_ENDPOINT_URL": server.url} if endpoint else {}
        self._folder = folder
        self._environ = {
            **kept,
            **address,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CI": "1",
            "HOME": str(folder),  # no settings but the project's
            "PATH": os.pathsep.join([*map(str, commands), os.environ["PATH"]]),
            **environ,
        }

    def run(self, *words: str | Path, answer: str = "", **environ: str) -> str:
        """What it says; it must end well. How long it took is in the test's output (-rP).
        answer: to what it asks."""
        status, said = self.tried(*words, answer=answer, **environ)
        assert status == 0, f"{words} ended with {status}: {said}"
        return said

    def tried(self, *words: str | Path, answer: str = "", **environ: str) -> tuple[int, str]:
        began = time.monotonic()
        done = subprocess.run(
            [str(shutil.which(words[0], path=self._environ["PATH"])), *words[1:]],
            cwd=self._folder,
            env={**self._environ, **environ},
            input=answer,
            capture_output=True,
            text=True,
            timeout=TOOL_S,
        )
        print(f"{time.monotonic() - began:6.1f} s", *words)
        return done.returncode, done.stdout + done.stderr

    def follow(self, *words: str, until: str) -> None:
        """It goes on by itself: it is ended when it has said that."""
        with subprocess.Popen(
            [str(shutil.which(words[0], path=self._environ["PATH"])), *words[1:]],
            cwd=self._folder,
            env={**self._environ, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            said = ""
            for line in process.stdout:
                said += line
                if until in line:
                    break
            process.terminate()
        assert until in said, f"{words} ended with {process.returncode}: {said}"


def replace_in(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text, f"{old!r} is not in {file.name}"
    file.write_text(text.replace(old, new))
