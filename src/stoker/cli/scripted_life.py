"""A scripted life for the extensions of one layer, in a server of its own.

    init ▸ warm ▸ slow ▸ log flood ▸ frozen ▸ timeout ▸ again ▸ crash ▸ again ▸ spindown

Everything is seen from outside: what callers get, the function's log in JSON, and
GET /_stoker/api/environments, which is looked at all the time.
"""

import io
import json
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from stoker.cli.timeline import environments
from stoker.core.extension_rules import Act, Farewell, Seen

NAME = "scripted-life"
REGION = "us-east-1"
TIMEOUT_S = 4
SLOW_S = 1.0
FLOOD_LINES = 2000
LOOK_S = 0.01
START_S = 60.0
PATIENCE_S = 60.0
FOLDER = "extensions/"
PROBE = """
import os, time

def handler(event, context):
    match event["do"]:
        case "slow":
            time.sleep(event["seconds"])
        case "flood":
            for n in range(event["lines"]):
                print("line", n, "of a function that talks much")
        case "hang":
            time.sleep(3600)
        case "crash":
            os._exit(1)
    return event["do"]
"""
# What is asked of the function, and the error that it ends with by itself.
SCRIPT: tuple[tuple[str, dict[str, object], str], ...] = (
    ("init and the first invocation", {"do": "nothing"}, ""),
    ("a warm invocation", {"do": "nothing"}, ""),
    ("a slow function", {"do": "slow", "seconds": SLOW_S}, ""),
    ("a function that logs much", {"do": "flood", "lines": FLOOD_LINES}, ""),
    ("after being frozen", {"do": "nothing"}, ""),
    ("a function that times out", {"do": "hang"}, "Sandbox.Timedout"),
    ("a start inside an invocation", {"do": "nothing"}, ""),
    ("a function that crashes", {"do": "crash"}, "Runtime.ExitError"),
    ("another start", {"do": "nothing"}, ""),
)
EXPECTED = {name: error for name, _, error in SCRIPT}
_FROZEN_BEFORE = "after being frozen"
_REASONS = {"a function that times out": "timeout", "a function that crashes": "failure"}


class CannotTry(Exception):
    """The life itself could not be led, and why."""


def present(layer: bytes) -> frozenset[str]:
    """The files that will be started. Raises CannotTry."""
    try:
        names = zipfile.ZipFile(io.BytesIO(layer)).namelist()
    except zipfile.BadZipFile as error:
        raise CannotTry(f"it is no zip file: {error}") from error
    found = (name.removeprefix(FOLDER) for name in names if name.startswith(FOLDER))
    return frozenset(name for name in found if name and "/" not in name)


def lead(layer: bytes, *, frozen_s: float, say: Callable[[str], None]) -> Seen:
    """Lead it through the whole script; some 20 seconds. Raises CannotTry."""
    files = present(layer)
    with _server() as server:
        server.deploy(layer)
        watch = _Watch(server)
        acts: list[Act] = []
        registered_ms: float | None = None
        farewells: list[Farewell] = []
        with watch.looking():
            for name, event, _ in SCRIPT:
                say(name)
                if name == _FROZEN_BEFORE:
                    watch.until(_at_rest)
                    time.sleep(frozen_s)
                acts.append(_act(server, watch, name, event))
                if len(acts) == 1:
                    registered_ms = watch.registered_ms()
                if acts[0].error:
                    break  # it never got to work: the rest would say the same
                if name in _REASONS and not acts[-1].error.startswith("Extension."):
                    took_ms = watch.reset_ms()
                    if took_ms is not None:
                        farewells.append(Farewell(_REASONS[name], took_ms))
            say("spindown")
            began = time.monotonic()
            leaving = watch.has("Idle")
            server.functions.delete_function(FunctionName=NAME)
            watch.until(lambda seen: not seen)
            if leaving:
                farewells.append(Farewell("spindown", (time.monotonic() - began) * 1000))
        registered, states, dropped = _told(server.log())
        return Seen(
            files, registered, registered_ms, states, tuple(acts), tuple(farewells),
            frozenset(watch.ports), dropped,
        )  # fmt: skip


def _act(server: "_Server", watch: "_Watch", name: str, event: dict[str, object]) -> Act:
    watch.at_work = ()
    began = time.monotonic()
    error = server.invoke(event)
    ms = (time.monotonic() - began) * 1000
    waited_for = watch.at_work
    answered = time.monotonic()
    watch.until(lambda seen: all(one["phase"] in ("Idle", "Blank") for one in seen))
    after_ms = (time.monotonic() - answered) * 1000 if not error else 0.0
    return Act(name, ms, error, waited_for if error else (), after_ms)


def _at_rest(seen: list[dict[str, Any]]) -> bool:
    return all(one["frozen"] or one["phase"] == "Blank" for one in seen)


def _told(lines: list[str]) -> tuple[dict[str, tuple[str, ...]], dict[str, str], int]:
    """What the platform said of extensions: their events, their errors, what they did not take."""
    registered: dict[str, tuple[str, ...]] = {}
    states: dict[str, str] = {}
    dropped = 0
    for line in lines:
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if not isinstance(said, dict) or not isinstance(record := said.get("record"), dict):
            continue
        if said.get("type") == "platform.extension":
            if error := record.get("errorType"):
                states[record["name"]] = f"{record['state']}: {error}"
            elif record["state"] != "Started":  # else it has not registered
                registered[record["name"]] = tuple(record.get("events", ()))
        elif said.get("type") == "platform.logsDropped":
            dropped += int(record.get("droppedRecords", 0))
    return registered, states, dropped


class _Server:
    def __init__(self, url: str) -> None:
        self.url = url
        settings = {
            "endpoint_url": url,
            "region_name": REGION,
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "config": Config(read_timeout=PATIENCE_S, retries={"total_max_attempts": 1}),
        }
        self.functions = boto3.client("lambda", **settings)
        self._logs = boto3.client("logs", **settings)

    def deploy(self, layer: bytes) -> None:
        published = self.functions.publish_layer_version(LayerName=NAME, Content={"ZipFile": layer})
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("main.py", PROBE)
        self.functions.create_function(
            FunctionName=NAME,
            Runtime=f"python3.{sys.version_info.minor}",
            Handler="main.handler",
            Role="arn:aws:iam::000000000000:role/any",
            Code={"ZipFile": package.getvalue()},
            Layers=[published["LayerVersionArn"]],
            MemorySize=512,
            Timeout=TIMEOUT_S,
            LoggingConfig={"LogFormat": "JSON"},
        )
        active = self.functions.get_waiter("function_active_v2")
        active.wait(FunctionName=NAME, WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})

    def invoke(self, event: dict[str, object]) -> str:
        """The errorType, or nothing."""
        answer = self.functions.invoke(FunctionName=NAME, Payload=json.dumps(event))
        payload = answer["Payload"].read()
        return str(json.loads(payload).get("errorType", "?")) if "FunctionError" in answer else ""

    def log(self) -> list[str]:
        """All that was logged."""
        pages = self._logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{NAME}"
        )
        return [event["message"] for page in pages for event in page["events"]]


@contextmanager
def _server() -> Iterator[_Server]:
    """`stoker serve` with a data folder of its own; nothing of it stays."""
    with tempfile.TemporaryDirectory(prefix="stoker-scripted-life-") as folder:
        Path(folder).chmod(0o755)  # a server that gave up root reads what is in it
        with (Path(folder) / "log").open("w+") as log:
            child = subprocess.Popen(
                [*(sys.executable, "-m", "stoker", "serve", "--port", "0"),
                 *("--data-dir", f"{folder}/data", "--log-level", "error")],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
            try:
                assert child.stdout is not None
                first = child.stdout.readline()
                if "http://" not in first:
                    child.wait(START_S)
                    log.seek(0)
                    raise CannotTry(log.read().strip() or "the server does not start")
                yield _Server(first.split()[-1])
            finally:
                child.terminate()
                child.communicate(timeout=START_S)


class _Watch:
    """Looks at the environments all the time, in a thread of its own."""

    def __init__(self, server: _Server) -> None:
        self._server = server
        self._latest: list[dict[str, Any]] = []
        self._looks = 0
        self._news = threading.Condition()
        self._over = False
        self.at_work: tuple[str, ...] = ()  # extensions, when everybody was last waited for
        self.ports: set[int] = set()

    @contextmanager
    def looking(self) -> Iterator[None]:
        thread = threading.Thread(target=self._look, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over = True
            thread.join()

    def until(self, is_so: Callable[[list[dict[str, Any]]], bool]) -> None:
        """Wait for a look that begins from now on and finds it so. Raises CannotTry."""
        end = time.monotonic() + PATIENCE_S
        with self._news:
            begun = self._looks + 1  # one may be under way that began before
            while not (self._looks > begun and is_so(self._latest)):
                if not self._news.wait(end - time.monotonic()):
                    raise CannotTry(f"waited for {PATIENCE_S:.0f} s, and still: {self._latest}")

    def has(self, phase: str) -> bool:
        with self._news:
            return any(one["phase"] == phase for one in self._latest)

    def registered_ms(self) -> float | None:
        """How long the runtime waited to be started, in the first init; None if it was not."""
        with self._news:
            spans = [span for one in self._latest for span in one["phases"]]
        for span in spans:
            for part in span["parts"]:
                if span["phase"] == "Init" and part["party"] == "runtime":
                    return float(part["began_ms"] - span["began_ms"])
        return None

    def reset_ms(self) -> float | None:
        """How long the latest reset took; None if there was none."""
        with self._news:
            spans = [span for one in self._latest for span in one["phases"]]
        resets = [float(span["ms"]) for span in spans if span["phase"] == "Reset"]
        return resets[-1] if resets else None

    def _look(self) -> None:
        while not self._over:
            found = environments(self._server.url, NAME)
            for one in found:
                waits = tuple(
                    party.removeprefix("extension:")
                    for party in one["waiting_for"]
                    if party != "runtime"
                )
                if one["phase"] in ("Init", "Reinit", "Invoke"):
                    self.at_work = waits
                self.ports |= _listening(one["pids"], self._server.url)
            with self._news:
                self._latest = found
                self._looks += 1
                self._news.notify_all()
            time.sleep(LOOK_S)


def _listening(pids: list[int], url: str) -> set[int]:
    """TCP ports that somebody inside listens on. Ours are on 127.0.0.1."""
    ours = {("0100007F", 9001), ("0100007F", int(url.rpartition(":")[2]))}
    found: set[int] = set()
    for pid in pids[:1]:  # they share one network
        if _same_network(pid):
            return set()
        for table in ("tcp", "tcp6"):
            with suppress(OSError):
                for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
                    fields = line.split()
                    address, _, port = fields[1].rpartition(":")
                    if fields[3] == "0A" and (address, int(port, 16)) not in ours:
                        found.add(int(port, 16))
    return found


def _same_network(pid: int) -> bool:
    """The host's own, as with --sandbox process: everybody's ports are there."""
    try:
        return Path(f"/proc/{pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink()
    except OSError:
        return True
