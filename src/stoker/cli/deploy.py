"""stoker deploy, stoker destroy: a folder with a handler becomes a function, a template a stack, a
CDK app its stacks, without any other tool.
"""

import ast
import re
import sys
from base64 import b64encode
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from stoker.cli.cdk import is_app, stacks_of
from stoker.cli.client import DEFAULT_URL, Region, Url, client, told
from stoker.cli.package import package
from stoker.cli.stack import Deployment, template_in

ROLE = "arn:aws:iam::000000000000:role/stoker-deploy"  # no such role: nothing is asked of it
WAIT = {"Delay": 0.2, "MaxAttempts": 600}  # two minutes
_FILES = ("lambda_function", "main", "app", "handler", "index", "function")  # in this order
_NAMES = ("lambda_handler", "handler", "main")
_NODE = "nodejs22.x"
_NODE_HANDLER = re.compile(
    r"\b(?:exports\.handler\s*=|export\s+(?:const|async function|function)\s+handler\b)"
)
NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]+")

out = Console(highlight=False, soft_wrap=True)


# What `stoker deploy` and `stoker dev` take alike, but for CDK apps.
What = Annotated[
    Path,
    typer.Argument(
        metavar="FOLDER", help="With a handler or a template; or a template.", exists=True
    ),
]
Name = Annotated[str, typer.Option(help="Of the function or the stack. Default: the folder's.")]
Runtime = Annotated[str, typer.Option(help="Default: what the folder looks like.")]
Handler = Annotated[str, typer.Option(help="Default: what is found.")]
Memory = Annotated[int, typer.Option(help="MB.")]
Timeout = Annotated[int, typer.Option(help="Seconds.")]
Env = Annotated[list[str], typer.Option(help="NAME=VALUE; may be repeated.")]
PublicUrl = Annotated[bool, typer.Option("--url", help="Give it a URL that everybody may call.")]
Parameter = Annotated[list[str], typer.Option(help="Of the template, NAME=VALUE; may be repeated.")]


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder seems to hold."""

    runtime: str
    handler: str


def deploy(
    what: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="Or its template, CDK app or cdk.out alone.", exists=True
        ),
    ],
    name: Name = "",
    runtime: Runtime = "",
    handler: Handler = "",
    memory: Memory = 0,
    timeout: Timeout = 0,
    env: Env = [],  # noqa: B006
    url: PublicUrl = False,
    parameter: Parameter = [],  # noqa: B006
    endpoint_url: Url = DEFAULT_URL,
    region: Region = "us-east-1",
) -> None:
    """Create or update the function in a folder (its code, and the settings that are given), the
    stack of a template (CloudFormation, SAM), with the code it names, or a CDK app's stacks."""
    folder = what if what.is_dir() else what.parent
    called = called_by(name, folder)
    with told("deploy", endpoint_url):
        template = None if runtime or handler else template_in(what)
        if template in (None, what) and not (runtime or handler) and is_app(what):
            _deploy_app(what, name, pairs("--parameter", parameter), endpoint_url, region)
            return
        if template is not None:
            stack = Deployment(endpoint_url, region, called)
            stack.deploy(template, pairs("--parameter", parameter))
            return
        found = _found(folder, runtime, handler)
        settings = _settings(memory, timeout, env)
        settings |= {"Runtime": found.runtime, "Handler": found.handler}
        aws = client("lambda", endpoint_url, region)
        code = package(folder)
        done = _put(aws, called, code, settings)
        aws.get_waiter("function_active_v2").wait(FunctionName=called, WaiterConfig=WAIT)
        address = _public_url(aws, called) if url else ""
    if done:
        out.print(
            f"[green]{done}[/] {escape(called)}: {found.runtime}, {escape(found.handler)}, "
            f"{len(code):,} bytes"
        )
    else:
        out.print(f"nothing to change in {escape(called)}")
    if address:
        out.print(address)
    out.print(f"  stoker invoke {called} -e '{{}}'\n  stoker logs {called} -f", markup=False)


def destroy(
    name: Annotated[str, typer.Argument(help="Of a stack or a function.")],
    endpoint_url: Url = DEFAULT_URL,
    region: Region = "us-east-1",
) -> None:
    """Delete a stack with all that is in it, or, if there is no stack of that name, a function."""
    with told("destroy", endpoint_url):
        if not Deployment(endpoint_url, region, name).destroy():
            client("lambda", endpoint_url, region).delete_function(FunctionName=name)
    out.print(f"[green]deleted[/] {escape(name)}")


def _deploy_app(
    what: Path, name: str, parameters: dict[str, str], endpoint_url: str, region: str
) -> None:
    """All stacks of a CDK app, or the one of that name."""
    account = client("sts", endpoint_url, region).get_caller_identity()["Account"]
    every = stacks_of(what, account, region)
    wanted = [stack for stack in every if name in ("", stack.name)]
    if not wanted:
        raise ValueError(f"{what} has no stack {name}, but {', '.join(one.name for one in every)}")
    for stack in wanted:
        deployment = Deployment(endpoint_url, stack.region, stack.name)
        for bucket in {asset.bucket for asset in stack.assets}:
            deployment.make_bucket(bucket)
        for asset in stack.assets:
            made = partial(package, asset.path) if asset.zipped else asset.path.read_bytes
            deployment.put(asset.bucket, asset.key, made)
        if len(wanted) > 1:
            out.print(f"[bold]{escape(stack.name)}[/]")
        deployment.deploy_body(stack.template, parameters)


def called_by(name: str, folder: Path) -> str:
    """What the function, or the stack, is to be called."""
    return name or NOT_IN_NAMES.sub("-", folder.resolve().name)


def _found(folder: Path, runtime: str, handler: str) -> Found:
    if runtime and handler:
        return Found(runtime, handler)
    found = detect(folder)
    if found is None:
        raise ValueError(
            f"{folder} has no template.yaml and no handler that can be recognised (main.py with a "
            "function `handler`, index.mjs that exports `handler`, or a `bootstrap`): say "
            "--runtime and --handler"
        )
    return Found(runtime or found.runtime, handler or found.handler)


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
        settings["Environment"] = {"Variables": pairs("--env", env)}
    return settings


def pairs(option: str, given: list[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in given]
    if not all(sign for _, sign, _ in pairs):
        raise ValueError(f"{option}: NAME=VALUE")
    return {key: value for key, _, value in pairs}


def _put(aws: Any, name: str, code: bytes, settings: dict[str, Any]) -> str:
    """Create or update it; say what was done, "" for nothing."""
    try:
        found = aws.get_function_configuration(FunctionName=name)
    except aws.exceptions.ResourceNotFoundException:
        aws.create_function(FunctionName=name, Role=ROLE, Code={"ZipFile": code}, **settings)
        return "created"
    done = ""
    whole = found["State"] == "Active"  # else it is tried again
    if not (whole and found["CodeSha256"] == b64encode(sha256(code).digest()).decode()):
        aws.update_function_code(FunctionName=name, ZipFile=code)
        done = "updated"
    updated = aws.get_waiter("function_updated_v2")
    updated.wait(FunctionName=name, WaiterConfig=WAIT)
    if any(found.get(key) != value for key, value in settings.items()):
        aws.update_function_configuration(FunctionName=name, **settings)
        updated.wait(FunctionName=name, WaiterConfig=WAIT)
        done = "updated"
    return done


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
