"""stoker dev: a folder whose saved files are live in the next invocation."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape

from stoker.cli import dev_view, logs
from stoker.cli.client import DEFAULT_URL, Region, Url, client, told, written
from stoker.cli.deploy import (
    Env,
    Handler,
    Memory,
    Name,
    Parameter,
    PublicUrl,
    Runtime,
    Timeout,
    What,
    called_by,
    deploy,
)
from stoker.cli.dev_life import Life
from stoker.cli.dev_link import door
from stoker.cli.dev_server import served
from stoker.cli.dev_session import Function
from stoker.cli.stack import Deployment, functions_of, template_in

POLL_S = 0.3  # of the functions' logs

out = Console(highlight=False, soft_wrap=True)


def dev(
    what: What,
    name: Name = "",
    runtime: Runtime = "",
    handler: Handler = "",
    memory: Memory = 0,
    timeout: Timeout = 0,
    env: Env = [],  # noqa: B006
    url: PublicUrl = False,
    parameter: Parameter = [],  # noqa: B006
    debug: Annotated[
        bool, typer.Option("--debug", help="Let debuggers in, at the language's usual port.")
    ] = False,
    debug_port: Annotated[
        list[str], typer.Option(help="PORT or FUNCTION=PORT, 0 for a free one; may be repeated.")
    ] = [],  # noqa: B006
    debug_wait: Annotated[
        bool, typer.Option("--debug-wait", help="Functions load when their debugger is there.")
    ] = False,
    endpoint_url: Url = DEFAULT_URL,
    region: Region = "us-east-1",
) -> None:
    """Deploy what is in a folder, and run it from there until Ctrl-C: a file that is saved is live
    in the next invocation.

    When this ends, the functions have again the code that was deployed."""
    folder = what if what.is_dir() else what.parent
    called = called_by(name, folder)
    template = None if runtime or handler else template_in(what)

    def deployed() -> list[Function]:
        deploy(
            what, name, runtime, handler, memory, timeout, env, url, parameter, endpoint_url, region
        )
        named = {called: folder}
        if template is not None:
            names = Deployment(endpoint_url, region, called).names()
            named = {names[each]: code for each, code in functions_of(template).items()}
        return list(_functions(client("lambda", endpoint_url, region), named))

    with told("dev", endpoint_url):
        ports = _ports(debug_port)
        wanted = "wait" if debug_wait else "listen" if debug or ports else ""
        with served(endpoint_url):
            functions = deployed()
            if not functions:
                raise ValueError("there is no function whose code is a folder")
            shown = _Logs(lambda: client("logs", endpoint_url, region))
            life = Life(door(endpoint_url), wanted, ports, template, deployed, _say, shown.follow)
            with closing(shown), asyncio.Runner() as runner:
                runner.run(life.run(functions))
    out.print("what was deployed is there again; `stoker deploy` deploys what is in the folder")


def _functions(aws: Any, named: Mapping[str, Path]) -> Iterator[Function]:
    for name, folder in named.items():
        if not folder.is_dir():
            _say(f"{name}: its code is a file, {folder}: `stoker deploy` when that is built again")
            continue
        found = aws.get_function_configuration(FunctionName=name)
        group = found["LoggingConfig"]["LogGroup"]
        yield Function(name, found["FunctionArn"], found["Runtime"], group, folder.resolve())


def _ports(given: list[str]) -> dict[str, int]:
    """By the name of the function, "" for the first."""
    ports: dict[str, int] = {}
    for one in given:
        function, _, port = one.rpartition("=")
        if not port.isdecimal() or not int(port) < 65536:
            raise ValueError(f"--debug-port {one}: PORT or FUNCTION=PORT")
        ports[function] = int(port)
    return ports


def _say(text: str) -> None:
    out.print(f"[dim]{datetime.now():%H:%M:%S}[/] {escape(written(text))}")


class _Logs:
    """The logs of functions are printed, under their names, until close()."""

    def __init__(self, cloud: Callable[[], Any]) -> None:
        self._cloud = cloud
        self._over = threading.Event()
        self._since_ms = int(time.time() * 1000)
        self._threads: dict[str, threading.Thread] = {}  # by log group

    def follow(self, function: Function) -> None:
        if function.group not in self._threads:
            thread = threading.Thread(target=self._print, args=(function,), daemon=True)
            self._threads[function.group] = thread
            thread.start()

    def close(self) -> None:
        self._over.set()
        for thread in self._threads.values():
            thread.join()

    def _print(self, function: Function) -> None:
        def again() -> bool:
            return not self._over.wait(POLL_S)

        with suppress(BotoCoreError, ClientError):  # the server is gone: others say that
            for event in logs.events(self._cloud(), function.group, "", self._since_ms, again):
                line = dev_view.line(function.name, event)
                if line is not None:
                    out.print(line)
