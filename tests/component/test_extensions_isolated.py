"""Extensions in real isolation: they share everything with their function, and with nobody else."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from stoker.core.invocation import Target
from tests.contract.conftest import namespaces
from tests.extending import EXTENSION, LISTENER
from tests.instances import is_alive
from tests.invoking import Ground, Story, run
from tests.running import PYTHON

pytestmark = pytest.mark.root

INSIDE = f"#!/var/lang/bin/{PYTHON} -IS\n" + EXTENSION.split("\n", 1)[1]
ECHO = "def handler(event, context): return event"
# With nothing but a shell: bash opens the connections itself.
BASH = """#!/bin/bash
api=${AWS_LAMBDA_RUNTIME_API/://}
ask() {
  exec 3<>"/dev/tcp/$api"
  printf '%s\\r\\n' "$1 HTTP/1.1" 'Host: x' 'Connection: close' "Content-Length: ${#3}" "$2" >&3
  printf '\\r\\n%s' "$3" >&3
  cat <&3
}
greeting=$(ask 'POST /2020-01-01/extension/register' "Lambda-Extension-Name: ${0##*/}" \\
  '{"events":["INVOKE","SHUTDOWN"]}')
id=$(grep -oiP '^lambda-extension-identifier: \\K[0-9a-f-]+' <<<"$greeting")
while true; do
  event=$(ask 'GET /2020-01-01/extension/event/next' "Lambda-Extension-Identifier: $id" '' |
    tail -n 1)
  echo "bash heard $event"
  [[ $event == *SHUTDOWN* ]] && exit 0
done
"""


def isolated(folder: Path, story: Story, **settings: Any) -> None:
    (folder / "code").mkdir()
    run(folder, story, backend=lambda _: namespaces(folder), **settings)


def extended(world: Ground, code: str, **extensions: str) -> Target:
    files = {f"extensions/{name}": script for name, script in extensions.items()}
    return world.target({"h.py": code}, runtime=PYTHON, layers=(world.layer(files),), memory_mb=256)


def test_the_whole_life_of_a_function_with_two_extensions(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = extended(world, ECHO, agent=INSIDE + LISTENER, shell=BASH)
        assert (await world.invoke(f, b"1")).payload == b"1"
        await world.idle(f)
        assert (await world.invoke(f, b"2")).payload == b"2"
        await world.until(lambda: world.views(f)[0].frozen)
        world.invoker.retire(lambda _: False)
        await world.until(lambda: not world.views(f))
        lines = await world.lines(f)
        assert lines.count("agent INVOKE \n") == 2
        assert "agent SHUTDOWN spindown\n" in lines
        heard = [json.loads(line[11:]) for line in lines if line.startswith("bash heard")]
        assert [event["eventType"] for event in heard] == ["INVOKE", "INVOKE", "SHUTDOWN"]

    isolated(tmp_path, story)


def test_an_extension_is_the_same_user_in_the_same_place(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        agent = """
me = register("INVOKE")
open("/tmp/agent", "w").write(json.dumps([
    os.getuid(), os.getgid(), os.getcwd(), sys.argv, os.readlink("/proc/self/ns/pid"),
    os.statvfs("/opt").f_flag & os.ST_RDONLY, open("/proc/self/status").read(),
]))
while True: event(me)
"""
        code = """
import json, os
def handler(event, context):
    return [json.load(open("/tmp/agent")), [os.getuid(), os.getgid()],
            os.readlink("/proc/self/ns/pid")]
"""
        f = extended(world, code, agent=INSIDE + agent)
        theirs, ours, pid_namespace = json.loads((await world.invoke(f)).payload)
        assert theirs[:4] == [*ours, "/", ["/opt/extensions/agent"]]
        assert theirs[4] == pid_namespace
        assert theirs[5] != 0
        assert re.search(r"CapEff:\s+0+\n", theirs[6])
        assert re.search(r"NoNewPrivs:\s+1\n", theirs[6])
        assert re.search(r"Seccomp:\s+2\n", theirs[6])

    isolated(tmp_path, story)


def test_an_extension_stands_still_between_invocations(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        agent = """
me = register("INVOKE")
def tick():
    while True:
        open("/tmp/ticks", "a").write("x")
        time.sleep(0.001)
threading.Thread(target=tick, daemon=True).start()
while True: event(me)
"""
        code = """
import os, time
def handler(event, context):
    if event:
        while os.stat("/tmp/ticks").st_size < event: time.sleep(0.001)
    return os.stat("/tmp/ticks").st_size
"""
        f = extended(world, code, agent=INSIDE + agent)
        before = int((await world.invoke(f, b"20")).payload)
        await world.until(lambda: world.views(f)[0].frozen)
        pids = world.views(f)[0].pids
        used = ticks(pids)
        # It would have run for as long as others do here, and it did not.
        other = extended(world, code, agent=INSIDE + agent)
        await world.invoke(other, b"200")
        assert ticks(pids) <= used + 1, "but for what it had begun when it was stopped"
        after = int((await world.invoke(f, b"0")).payload)
        assert before <= after < before + 150

    isolated(tmp_path, story)


def ticks(pids: tuple[int, ...]) -> int:
    """Times that these were given a processor."""
    found = (Path(f"/proc/{pid}/status").read_text() for pid in pids)
    return sum(int(n) for text in found for n in re.findall(r"ctxt_switches:\s+(\d+)", text))


def test_the_memory_of_an_extension_counts(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        agent = """
me = register("INVOKE")
event(me)
eaten = bytearray(b"x") * (400 << 20)
"""
        f = extended(world, "import time\ndef handler(*_): time.sleep(60)", agent=INSIDE + agent)
        result = json.loads((await world.invoke(f)).payload)
        assert result["errorType"] == "Extension.Crash"
        assert result["errorMessage"].endswith("Error: signal: killed")
        assert (await world.idle(f)).phase == "Blank"

    isolated(tmp_path, story)


def test_nobody_outlives_a_reset(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        agent = """
me = register("INVOKE", "SHUTDOWN")
if os.fork() == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True: time.sleep(60)
while event(me)["eventType"] == "INVOKE": pass
"""
        code = """
import os
def handler(event, context):
    if event == "die": os._exit(1)
    return len([name for name in os.listdir("/proc") if name.isdigit()])
"""
        f = extended(world, code, agent=INSIDE + agent)
        first = (await world.invoke(f)).payload
        before = (await world.idle(f)).pids
        assert b"Runtime.ExitError" in (await world.invoke(f, b'"die"')).payload
        blank = await world.idle(f)
        assert blank.phase == "Blank"
        # They die on their own time; PID 1 inside is not one of them.
        await world.until(lambda: len([pid for pid in before if is_alive(pid)]) == 1)
        assert (await world.invoke(f)).payload == first

    isolated(tmp_path, story)
