"""The data folder's disk is full, or cannot be written at all."""

import io
import os
import re
import signal
import sqlite3
import subprocess
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stoker.sandbox.namespaces import syscalls
from stoker.sandbox.namespaces.disks import READY
from tests.faults.scene import ECHO, answer, until
from tests.running import PYTHON, STOKER, StokerProcess, deploy, wait_for, wait_until

pytestmark = pytest.mark.root

PRINTS = """
import os
def handler(event, context): print(event["say"], os.urandom(event["noise"]).hex())
"""


@contextmanager
def small_disk(folder: Path, size_mb: int) -> Iterator[Path]:
    folder.mkdir()
    syscalls.mount("small", str(folder), "tmpfs", 0, f"size={size_mb}m")
    try:
        yield folder
    finally:
        syscalls.umount(str(folder))


def fill(folder: Path) -> Path:
    """Not a byte is left."""
    path = folder / "filling"
    with path.open("wb", buffering=0) as file:
        size = 1 << 20
        while size:
            try:
                file.write(os.urandom(size))
            except OSError:
                size //= 2
    return path


def random_package(size: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("main.py", ECHO)
        archive.writestr("noise", os.urandom(size))
    return buffer.getvalue()


def try_to_create(functions: Any, name: str) -> None:
    create(functions, name, random_package(300_000))


def create(functions: Any, name: str, package: bytes) -> None:
    functions.create_function(
        FunctionName=name, Runtime=PYTHON, Handler="main.handler",
        Role="arn:aws:iam::000000000000:role/any", Code={"ZipFile": package},
    )  # fmt: skip


def test_a_full_disk_costs_new_functions_and_log_lines_but_nothing_that_runs(
    tmp_path: Path,
) -> None:
    with (
        small_disk(tmp_path / "data", 40) as data_dir,
        StokerProcess(data_dir) as server,
        closing(server.client("lambda")) as functions,
        closing(server.client("logs")) as logs,
    ):
        deploy(functions, ECHO, FunctionName="echo")
        deploy(functions, PRINTS, FunctionName="prints")
        say(functions, "before")
        wait_for(lambda: lines(logs), "before")
        assert answer(functions.invoke(FunctionName="echo", Payload="1")) == 1

        filling = fill(data_dir)
        refused = failure(lambda: try_to_create(functions, "more"))
        assert refused.response["ResponseMetadata"]["HTTPStatusCode"] >= 500
        assert refused.response["Error"]["Code"] == "ServiceException"
        for n in range(20):
            say(functions, f"lost {n}", noise=100_000)
        assert answer(functions.invoke(FunctionName="echo", Payload="2")) == 2
        assert names(functions) == ["echo", "prints"]
        wait_for(server.log.read_text, "logs cannot be stored")
        until(lambda: dropped(server), lambda count: count >= 20)  # and not merely waiting

        filling.unlink()
        wait_for(lambda: say(functions, "after") or lines(logs), "after")
        assert "could not be stored" in lines(logs), "the gap is marked"
        try_to_create(functions, "more")
        functions.get_waiter("function_active_v2").wait(FunctionName="more")
        assert names(functions) == ["echo", "more", "prints"]
        assert server.stop() == 0
        for name in ("stoker", "logs"):
            with closing(sqlite3.connect(data_dir / "state" / f"{name}.db")) as database:
                assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_cold_start_on_a_full_disk_is_refused_and_the_next_one_after_it_works(
    tmp_path: Path,
) -> None:
    with (
        small_disk(tmp_path / "data", 40) as data_dir,
        StokerProcess(data_dir, "--stock", "0") as server,
        closing(server.client("lambda")) as functions,
    ):
        for number in range(READY):
            deploy(functions, ECHO, FunctionName=f"echo-{number}")
        deploy(functions, ECHO, FunctionName="echo")
        filling = fill(data_dir)
        for number in range(READY):
            with suppress(ClientError):  # disks that were made before
                functions.invoke(FunctionName=f"echo-{number}", Payload="1")
        refused = failure(lambda: functions.invoke(FunctionName="echo", Payload="1"))
        assert refused.response["Error"]["Code"] == "ServiceException"
        assert "No space left on device" in refused.response["Error"]["Message"]
        filling.unlink()
        assert answer(functions.invoke(FunctionName="echo", Payload="2")) == 2
        assert server.stop() == 0


def test_a_start_after_kill_9_on_a_full_disk_says_so_and_has_every_function(tmp_path: Path) -> None:
    plain = "--sandbox", "process"  # an isolated one would be refused: it makes disks first
    with small_disk(tmp_path / "data", 40) as data_dir:
        blobs = data_dir / "blobs"
        with (
            StokerProcess(data_dir, *plain) as server,
            closing(server.client("lambda")) as functions,
        ):
            (blobs / "incoming").rmdir()  # or it might be quick enough to write the package there
            create(functions, "last", random_package(120_000))
            os.kill(server.pid, signal.SIGKILL)
            server.wait()
        filling = fill(data_dir)
        with (
            StokerProcess(data_dir, *plain) as server,
            closing(server.client("lambda")) as functions,
        ):
            assert "packages cannot be synced" in server.log.read_text()
            assert names(functions) == ["last"]
            filling.unlink()
            wait_until(functions, "function_active_v2", "last")
            assert answer(functions.invoke(FunctionName="last", Payload="1")) == 1
            until(lambda: [*blobs.glob("?" * 64)], bool)
            assert server.stop() == 0


def say(functions: Any, text: str, noise: int = 0) -> str:
    functions.invoke(FunctionName="prints", Payload=f'{{"say": "{text}", "noise": {noise}}}')
    return ""


def dropped(server: StokerProcess) -> float:
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found = re.search(r"^stoker_log_events_dropped_total\{\} (\S+)", text, re.MULTILINE)
    assert found
    return float(found[1])


def lines(logs: Any) -> str:
    """What was printed, less the noise."""
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName="/aws/lambda/prints")
    return "".join(message[:100] for message in pages.search("events[].message"))


def names(functions: Any) -> list[str]:
    listed = functions.list_functions()["Functions"]
    return sorted(function["FunctionName"] for function in listed)


def failure(call: Callable[[], object]) -> ClientError:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value


def test_a_folder_that_cannot_be_written_is_refused_in_words(tmp_path: Path) -> None:
    with small_disk(tmp_path / "data", 4) as data_dir:
        subprocess.run(["mount", "-o", "remount,ro", data_dir], check=True)
        refusal = refused(data_dir)
        assert f"cannot use the data folder {data_dir}: Read-only file system" in refusal
        assert "--data-dir" in refusal


@pytest.mark.parametrize("already", ["nothing", "functions"])
def test_a_disk_that_is_full_at_the_start_is_refused_in_words(already: str, tmp_path: Path) -> None:
    with small_disk(tmp_path / "data", 40) as data_dir:
        if already == "functions":
            with StokerProcess(data_dir) as server, closing(server.client("lambda")) as functions:
                deploy(functions, ECHO, FunctionName="echo")
        filling = fill(data_dir)
        refusal = refused(data_dir)
        assert "Traceback" not in refusal
        assert "No space left on device" in refusal or "disk" in refusal
        if already == "functions":
            filling.unlink()
            with StokerProcess(data_dir) as server, closing(server.client("lambda")) as functions:
                assert answer(functions.invoke(FunctionName="echo", Payload="3")) == 3


def refused(data_dir: Path) -> str:
    done = subprocess.run(
        [STOKER, "serve", "--port", "0", "--data-dir", data_dir],
        capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    return " ".join(done.stderr.split())
