"""The demo: `make demo`. Starts a server, deploys and invokes a function, shows what happened.

Every claim that is printed has been checked; one that does not hold ends the demo with status 1.
"""

import contextlib
import ctypes
import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

FUNCTION = "hello"
LOG = "server.log"
RUNTIME = f"python3.{sys.version_info.minor}"
CODE = Path(__file__).parent / "function"
STOKER = Path(sys.executable).with_name("stoker")
IDLE_S = 2.0
ISOLATED = sys.platform == "linux" and os.geteuid() == 0  # as `stoker serve` chooses by itself

KEYS = {"AWS_ACCESS_KEY_ID": "demo", "AWS_SECRET_ACCESS_KEY": "demo"}

console = Console(highlight=False)


class Demo:
    """What the demo does with its server."""

    def __init__(self, url: str, server_log: Path) -> None:
        self.url = url
        self.server_log = server_log
        self.failed: list[str] = []  # claims that did not hold
        session = boto3.Session("demo", "demo", region_name="eu-central-1")
        pool = Config(max_pool_connections=8, retries={"total_max_attempts": 1})
        self.functions = session.client("lambda", endpoint_url=self.url, config=pool)
        self.logs = session.client("logs", endpoint_url=self.url)

    def claim(self, text: str, holds: bool) -> None:
        """Print a sentence with the proof's result."""
        console.print(f"  [green]✓[/] {text}" if holds else f"  [red]✗ {text}: NOT TRUE[/]")
        if not holds:
            self.failed.append(text)

    def deploy(self) -> None:
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            for path in CODE.glob("*.py"):
                archive.write(path, path.name)
        self.functions.create_function(
            FunctionName=FUNCTION,
            Runtime=RUNTIME,
            Handler="main.handler",
            Role="arn:aws:iam::000000000000:role/demo",
            Code={"ZipFile": package.getvalue()},
            MemorySize=1769,
            Timeout=30,
        )
        waiter = self.functions.get_waiter("function_active_v2")
        waiter.wait(FunctionName=FUNCTION, WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})

    def invoke(self, **event: Any) -> tuple[float, dict[str, Any]]:
        """Milliseconds as this client saw them, and the function's answer."""
        payload = json.dumps({"name": "world", **event})
        begun = time.perf_counter()
        answer = self.functions.invoke(FunctionName=FUNCTION, Payload=payload)
        body = answer["Payload"].read()
        took_ms = (time.perf_counter() - begun) * 1000
        if "FunctionError" in answer:
            raise RuntimeError(f"the function failed: {body.decode()}")
        return took_ms, json.loads(body)

    def introspect(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.url}/_stoker/api/environments", timeout=10) as answer:
            environments: list[dict[str, Any]] = json.load(answer)["environments"]
            return environments

    def log_lines(self) -> list[tuple[str, str]]:
        """(stream, line) of everything that was logged."""
        group = f"/aws/lambda/{FUNCTION}"
        pages = self.logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        return [
            (event["logStreamName"], event["message"].rstrip("\n"))
            for page in pages
            for event in page["events"]
        ]

    def wait_for_reports(self, count: int) -> list[tuple[str, str]]:
        """The log, once it has that many REPORT lines (they come after the answers)."""
        for _ in range(100):
            lines = self.log_lines()
            if sum(line.startswith("REPORT") for _, line in lines) >= count:
                return lines
            time.sleep(0.05)
        raise RuntimeError(f"the log has no {count} REPORT lines")


def main() -> int:
    begun = time.monotonic()
    adopt_orphans()
    before = traces()
    with (
        tempfile.TemporaryDirectory(prefix="stoker-demo-") as folder,
        progress() as step,
        server(Path(folder)) as url,
    ):
        demo = Demo(url, Path(folder, LOG))
        run(demo, step)
        step("stopping the server")
    console.rule("Afterwards", align="left")
    left = traces() - before
    demo.claim("nothing is left: no process, cgroup, mount or file", not left)
    for trace in sorted(left):
        console.print(f"    {trace}")
    took_s = time.monotonic() - begun
    if demo.failed:
        console.print(f"\n[red]{len(demo.failed)} claims do not hold.[/]")
        return 1
    console.print(f"\nAll of this took {took_s:.1f} s. Next: [bold]make serve[/]")
    return 0


def run(demo: Demo, step: Any) -> None:
    step(f"deploying {CODE.name}/main.py as {RUNTIME}")
    demo.deploy()

    step("invoking: cold, then warm three times")
    calls = [("cold", *demo.invoke())]
    calls += [("warm", *demo.invoke()) for _ in range(3)]
    step("invoking five times at once")
    with ThreadPoolExecutor(5) as pool:
        at_once = list(pool.map(lambda _: demo.invoke(work_ms=400), range(5)))
    calls += [("at once", *result) for result in at_once]
    show_answers(demo, calls)

    step("reading the log")
    show_log(demo, demo.wait_for_reports(len(calls)))

    step(f"waiting {IDLE_S:g} s, to see what a frozen thread does")
    show_environments(demo)
    show_isolation(demo)


def show_answers(demo: Demo, calls: list[tuple[str, float, dict[str, Any]]]) -> None:
    console.rule("Answers", align="left")
    table = Table("", "answer", "environment", "ms (seen by boto3)", box=None)
    for kind, took_ms, answer in calls:
        table.add_row(kind, answer["answer"], answer["environment"], f"{took_ms:.1f}")
    console.print(table)
    places = [answer["environment"] for _kind, _ms, answer in calls]
    demo.claim("one environment served the cold and the warm invocations", len({*places[:4]}) == 1)
    demo.claim("five invocations at once ran in five environments", len({*places[4:]}) == 5)


def show_log(demo: Demo, lines: list[tuple[str, str]]) -> None:
    console.rule(f"Log group /aws/lambda/{FUNCTION}", align="left")
    first = lines[0][0]
    shown = [line for stream, line in lines if stream == first][:9]
    for line in shown:
        console.print(f"  {line.expandtabs(2)}", markup=False, soft_wrap=True, style="dim")
    others = len(lines) - len(shown)
    console.print(f"  … and {others} lines more, in {len({s for s, _ in lines})} streams")
    for word, count in (("START", 9), ("END", 9), ("REPORT", 9)):
        found = sum(line.startswith(f"{word} RequestId: ") for _, line in lines)
        demo.claim(f"{count} {word} lines for 9 invocations", found == count)
    show_price(demo)


def show_price(demo: Demo) -> None:
    """What these would have cost on AWS."""
    where = ["--endpoint-url", demo.url, "--region", "eu-central-1"]
    told = subprocess.run(
        [STOKER, "cost", "--function", FUNCTION, "--json", *where],
        capture_output=True, check=True, env={**os.environ, **KEYS},
    )  # fmt: skip
    (cost,) = json.loads(told.stdout)["functions"]
    console.print(f"  on AWS: ${cost['total_dollars']:.7f}, at prices of {cost['prices_of']}")
    demo.claim("9 requests are what AWS would bill", cost["amounts"]["Requests"] == 9)


def show_environments(demo: Demo) -> None:
    console.rule("Execution environments", align="left")
    environments = demo.introspect()
    table = Table("environment", "now", "made in", "phases so far", box=None)
    for one in environments:
        now = one["phase"] + (", frozen" if one["frozen"] else "")
        steps = " · ".join(f"{step['name']} {step['ms']:.1f}" for step in one["steps"])
        table.add_row(one["log_stream"][-6:], now, steps, phases_of(one))
    console.print(table)
    console.print("  (milliseconds)", style="dim")
    demo.claim("five environments, all idle", [e["phase"] for e in environments] == ["Idle"] * 5)
    demo.claim("all of them frozen", all(one["frozen"] for one in environments))


def phases_of(environment: dict[str, Any]) -> str:
    """Init 12.1 · Invoke 4 x 410.2 · Idle 4 x 1800.0"""
    times: dict[str, list[float]] = {}
    for span in environment["phases"]:
        times.setdefault(span["phase"], []).append(span["ms"])
    return " · ".join(
        f"{phase} {f'{len(spans)} x ' if len(spans) > 1 else ''}{sum(spans):.1f}"
        for phase, spans in times.items()
    )


def show_isolation(demo: Demo) -> None:
    console.rule("Isolation", align="left")
    for line in demo.server_log.read_text().splitlines():
        if line.startswith("not enforced: "):
            console.print(f"  {line}", style="yellow", markup=False, soft_wrap=True)
    _, running = demo.invoke(work_ms=500)
    time.sleep(IDLE_S)
    # Whichever environment was used last is used again.
    _, later = demo.invoke(write=["/var/task", "/usr", "/tmp"])
    worked = running["ticks_after"] - running["ticks_before"]
    stood = later["ticks_before"] - running["ticks_after"]
    demo.claim(
        "the same environment answered again", later["environment"] == running["environment"]
    )
    demo.claim(
        f"its background thread counted {worked} while a handler worked for 0.5 s, "
        f"and {stood} in {IDLE_S:g} s of being idle: frozen",
        worked >= 10 and stood <= 5,
    )
    writes = later["writes"]
    demo.claim(f"writing to /tmp: {writes['/tmp']}", writes["/tmp"] == "written")
    if ISOLATED:
        for folder in ("/var/task", "/usr"):
            refused = writes[folder] != "written"
            demo.claim(f"writing to {folder}: refused, {writes[folder]}", refused)


# --- the server, and what may be left of it -----------------------------------------------------


@contextlib.contextmanager
def progress() -> Iterator[Any]:
    """step("what is being done now")"""
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting the server")
        yield lambda text: bar.update(task, description=text)


@contextlib.contextmanager
def server(folder: Path) -> Iterator[str]:
    """`stoker serve` on a free port, with a data folder that goes away."""
    log = folder / LOG
    with log.open("wb") as err:
        process = subprocess.Popen(
            [STOKER, "serve", "--port", "0", "--data-dir", folder / "data"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
        )
    try:
        assert process.stdout
        first = process.stdout.readline()  # printed when requests are answered
        if "http://" not in first:
            process.wait(10)
            raise SystemExit(f"the server did not start:\n{log.read_text()}")
        yield first.split()[-1]
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(30)
        process.stdout.close()
        if status != 0:
            console.print(log.read_text(), markup=False)
            raise SystemExit(f"the server ended with status {status}")


def adopt_orphans() -> None:
    """Have what outlives the server become our child, so that it is noticed."""
    with contextlib.suppress(AttributeError):  # not Linux
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)


def traces() -> set[str]:
    """What a server could leave behind, and is there now; but not what living ones have."""
    found = {f"file {path}" for path in Path(tempfile.gettempdir()).glob("stoker*")}
    found |= {f"cgroup {path}" for path in Path("/sys/fs/cgroup").rglob("*stoker*")}
    found |= {f"interface {path.name}" for path in Path("/sys/class/net").glob("*")}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, _, rest = stat.read_text().rpartition(")")
            state, parent = rest.split()[:2]
            if int(parent) == os.getpid() and state != "Z":
                found.add(f"process {name})")
    with contextlib.suppress(OSError):
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
        found |= {f"mount {line}" for line in mounts if "stoker" in line}
    others = list(marks_of_living_servers())
    return {trace for trace in found if not any(mark in trace for mark in others)}


def marks_of_living_servers() -> Iterator[str]:
    """What the names of their cgroups and interfaces contain."""
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield from re.findall(
                r'"instance": "(stoker-\w+)"', command.read_text(errors="replace")
            )
    with contextlib.suppress(OSError):
        for number in re.findall(r"@stoker-block-(\d+)", Path("/proc/net/unix").read_text()):
            yield f"interface sk{int(number):02x}x"


if __name__ == "__main__":
    sys.exit(main())
