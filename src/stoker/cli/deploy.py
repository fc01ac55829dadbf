"""stoker deploy: a folder with a handler becomes a function, without any other tool."""

import ast
import io
import re
import stat
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from stoker.cli.client import DEFAULT_URL, Region, Url, client, fail, told

ROLE = "arn:aws:iam::000000000000:role/stoker-deploy"  # no such role: nothing is asked of it
WAIT = {"Delay": 0.2, "MaxAttempts": 600}  # two minutes
_LEFT_OUT = {".git", ".venv", "__pycache__", ".pytest_cache", ".mypy_cache", ".DS_Store"}
_FILES = ("lambda_function", "main", "app", "handler", "index", "function")  # in this order
_NAMES = ("lambda_handler", "handler", "main")
_NODE = "nodejs22.x"
_NODE_HANDLER = re.compile(
    r"\b(?:exports\.handler\s*=|export\s+(?:const|async function|function)\s+handler\b)"
)
_NAME = re.compile(r"[^a-zA-Z0-9_-]+")

out = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder seems to hold."""

    runtime: str
    handler: str


def deploy(
    folder: Annotated[
        Path, typer.Argument(help="With the handler in it.", file_okay=False, exists=True)
    ],
    name: Annotated[str, typer.Option(help="Default: the folder's.")] = "",
    runtime: Annotated[str, typer.Option(help="Default: what the folder looks like.")] = "",
    handler: Annotated[str, typer.Option(help="Default: what is found.")] = "",
    memory: Annotated[int, typer.Option(help="MB.")] = 0,
    timeout: Annotated[int, typer.Option(help="Seconds.")] = 0,
    env: Annotated[list[str], typer.Option(help="NAME=VALUE; may be repeated.")] = [],  # noqa: B006
    url: Annotated[
        bool, typer.Option("--url", help="Give it a URL that everybody may call.")
    ] = False,
    endpoint_url: Url = DEFAULT_URL,
    region: Region = "us-east-1",
) -> None:
    """Create the function in FOLDER, or update it: code, and the settings that are given."""
    called = name or _NAME.sub("-", folder.resolve().name)
    with told("deploy", endpoint_url):
        found = detect(folder)
        if found is None and not (runtime and handler):
            fail(
                "deploy",
                f"{folder} has no handler that can be recognised (main.py with a function "
                "`handler`, index.mjs that exports `handler`, or a `bootstrap`): say --runtime and "
                "--handler",
            )
        settings = _settings(memory, timeout, env)
        settings["Runtime"] = runtime or (found.runtime if found else "")
        settings["Handler"] = handler or (found.handler if found else "")
        aws = client("lambda", endpoint_url, region)
        code = package(folder)
        made = _put(aws, called, code, settings)
        aws.get_waiter("function_active_v2").wait(FunctionName=called, WaiterConfig=WAIT)
        address = _public_url(aws, called) if url else ""
    out.print(
        f"[green]{'created' if made else 'updated'}[/] {escape(called)}: {settings['Runtime']}, "
        f"{escape(settings['Handler'])}, {len(code):,} bytes"
    )
    if address:
        out.print(address)
    out.print(f"  stoker invoke {called} -e '{{}}'\n  stoker logs {called} -f", markup=False)


def detect(folder: Path) -> Found | None:
    """Runtime and handler by the files that are there; None: nothing that is known."""
    if (folder / "bootstrap").is_file():
        return Found("provided.al2023", "bootstrap")
    for stem in (*_FILES, *sorted(path.stem for path in folder.glob("*.py"))):
        path = folder / f"{stem}.py"
        function = path.is_file() and _python_handler(path.read_text(errors="replace"))
        if function:
            return Found(f"python3.{sys.version_info.minor}", f"{stem}.{function}")
    for stem in _FILES:
        for suffix in (".mjs", ".js", ".cjs"):
            path = folder / f"{stem}{suffix}"
            if path.is_file() and _NODE_HANDLER.search(path.read_text(errors="replace")):
                return Found(_NODE, f"{stem}.handler")
    return None


def package(folder: Path) -> bytes:
    """The folder as a zip, always the same for the same files: modes are kept, times are not."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in _files(folder):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix())
            entry.compress_type = zipfile.ZIP_DEFLATED
            link = path.is_symlink()
            mode = (
                stat.S_IFLNK | 0o777 if link else stat.S_IFREG | stat.S_IMODE(path.stat().st_mode)
            )
            entry.external_attr = mode << 16
            archive.writestr(entry, str(path.readlink()) if link else path.read_bytes())
    return buffer.getvalue()


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name in _LEFT_OUT:
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _files(path)
        elif path.is_file() or path.is_symlink():
            yield path


def _python_handler(source: str) -> str | None:
    try:
        functions = {
            node.name
            for node in ast.parse(source).body
            if isinstance(node, ast.FunctionDef) and len(node.args.args) == 2
        }
    except (SyntaxError, ValueError):
        return None
    return next((name for name in _NAMES if name in functions), None)


def _settings(memory: int, timeout: int, env: list[str]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if memory:
        settings["MemorySize"] = memory
    if timeout:
        settings["Timeout"] = timeout
    if env:
        pairs = [one.partition("=") for one in env]
        if not all(sign for _, sign, _ in pairs):
            raise ValueError("--env: NAME=VALUE")
        settings["Environment"] = {"Variables": {key: value for key, _, value in pairs}}
    return settings


def _put(aws: Any, name: str, code: bytes, settings: dict[str, Any]) -> bool:
    """Create or update it; say whether it was created."""
    try:
        aws.get_function_configuration(FunctionName=name)
    except aws.exceptions.ResourceNotFoundException:
        aws.create_function(FunctionName=name, Role=ROLE, Code={"ZipFile": code}, **settings)
        return True
    aws.update_function_code(FunctionName=name, ZipFile=code)
    updated = aws.get_waiter("function_updated_v2")
    updated.wait(FunctionName=name, WaiterConfig=WAIT)
    aws.update_function_configuration(FunctionName=name, **settings)
    updated.wait(FunctionName=name, WaiterConfig=WAIT)
    return False


def _public_url(aws: Any, name: str) -> str:
    try:
        return str(aws.get_function_url_config(FunctionName=name)["FunctionUrl"])
    except aws.exceptions.ResourceNotFoundException:
        pass
    address = aws.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    for sid, action, more in (
        (
            "FunctionURLAllowPublicAccess",
            "lambda:InvokeFunctionUrl",
            {"FunctionUrlAuthType": "NONE"},
        ),
        (
            "FunctionURLInvokeAllowPublicAccess",
            "lambda:InvokeFunction",
            {"InvokedViaFunctionUrl": True},
        ),
    ):
        aws.add_permission(FunctionName=name, StatementId=sid, Action=action, Principal="*", **more)
    return str(address)
