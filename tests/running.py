"""`stoker serve` as a process of its own, and functions to give it."""

import io
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
import zipfile
from collections.abc import Callable, Mapping
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

STOKER = Path(sys.executable).with_name("stoker")
PYTHON = f"python3.{sys.version_info.minor}"  # the Lambda runtime that this machine surely has
REGION = "eu-central-1"
START_S = 60


class StokerProcess:
    """A server on a free port. Use as a context manager, or stop() it."""

    def __init__(
        self,
        data_dir: Path,
        *options: str,
        environ: Mapping[str, str] = {},
        through: tuple[str, ...] = (),
    ) -> None:
        """through: a command that executes the one behind it."""
        self.data_dir = data_dir
        self.log = data_dir.with_name(data_dir.name + ".log")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*through, STOKER, "serve", "--port", "0", "--data-dir", data_dir, *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **environ},
            )
        self.greeting = ""
        self.url = self._wait_until_ready()

    def _wait_until_ready(self) -> str:
        """The first line comes when requests are answered; its last word is the URL."""
        assert self.process.stdout
        first = self.process.stdout.readline()
        if "http://" not in first:
            self.process.wait(START_S)
            self.process.stdout.close()
            raise AssertionError(f"the server did not start: {self.log.read_text()}")
        self.greeting = first
        return first.split()[-1]

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        out = self.process.stdout
        assert out
        if not out.closed:
            with out:
                self.greeting += out.read()
        return self.process.wait(START_S)

    def client(self, service: str, **settings: Any) -> Any:
        """A boto3 client that talks to this server, and says so quickly when it cannot."""
        settings.setdefault("aws_access_key_id", "test")
        settings.setdefault("region_name", REGION)
        config = Config(
            connect_timeout=5,
            read_timeout=60,
            retries={"total_max_attempts": 1},
            max_pool_connections=20,
        )
        return boto3.client(
            service,
            endpoint_url=self.url,
            aws_secret_access_key="test",
            config=settings.pop("config", config),
            **settings,
        )

    def __enter__(self) -> "StokerProcess":
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()


def make_zip(
    files: Mapping[str, str | bytes],
    executable: tuple[str, ...] = (),
    compression: int = zipfile.ZIP_STORED,
) -> bytes:
    """A deployment package. Files named in `executable` get their x bits."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            entry.external_attr = (0o755 if name in executable else 0o644) << 16
            archive.writestr(entry, content, compression)
    return buffer.getvalue()


def deploy(
    functions: Any,
    files: str | Mapping[str, str | bytes],
    executable: tuple[str, ...] = (),
    **settings: Any,
) -> str:
    """Create a function that is Active; its name. A text is the whole of main.py."""
    code = {"main.py": files} if isinstance(files, str) else files
    settings.setdefault("FunctionName", f"f-{uuid.uuid4().hex[:12]}")
    settings.setdefault("Runtime", PYTHON)
    settings.setdefault("Handler", "main.handler")
    settings.setdefault("Role", "arn:aws:iam::000000000000:role/any")
    settings.setdefault("Timeout", 30)
    settings.setdefault("Code", {"ZipFile": make_zip(code, executable)})
    functions.create_function(**settings)
    name: str = settings["FunctionName"]
    wait_until(functions, "function_active_v2", name)
    return name


def bring_awslambdaric(folder: Path) -> None:
    """AWS's own Python client, which is installed beside Stoker, as `pip --target` lays it out."""
    for name in ("awslambdaric", "simplejson", "snapshot-restore-py"):
        for file in distribution(name).files or ():
            if ".." not in file.parts:
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file.locate(), folder / file)


def wait_until(functions: Any, waiter: str, name: str, **more: str) -> None:
    """Wait with one of boto3's waiters for Lambda, impatiently."""
    patience = {"Delay": 0.1, "MaxAttempts": 300}
    functions.get_waiter(waiter).wait(FunctionName=name, WaiterConfig=patience, **more)


def log_of(logs: Any, function: str) -> str:
    """All that the function's log group has now."""
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{function}")
    return "".join(event["message"] for page in pages for event in page["events"])


def wait_for(look: Callable[[], str], text: str) -> str:
    """What look() says, once `text` is in it."""
    end = time.monotonic() + START_S
    while text not in (seen := look()):
        assert time.monotonic() < end, f"no '{text}' in: {seen}"
        time.sleep(0.05)
    return seen
