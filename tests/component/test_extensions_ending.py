"""How environments with extensions end: in good order, or against everyone's will."""

import json
import re
import sys
import time
from pathlib import Path

from tests.component.test_environment import INIT_START, assert_lines
from tests.component.test_extensions import MS, extended
from tests.extending import EXTENSION, LISTENER
from tests.invoking import ECHO, Ground, run

# A runtime that says when it is asked to leave, and leaves when it has said so.
POLITE = (
    """
def leave(*_):
    print("runtime SIGTERM", flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, leave)
"""
    + ECHO
)
STUBBORN = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + ECHO


async def retired(world: Ground, f: object) -> float:
    """Ends the environment of `f`; returns how long that took."""
    began = time.monotonic()
    world.invoker.retire(lambda _: False)
    await world.until(lambda: not world.invoker.environments())
    return time.monotonic() - began


def test_the_runtime_leaves_first_and_extensions_hear_when_it_is_gone(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = extended(world, POLITE)
        await world.invoke(f)
        await world.until(lambda: world.views(f)[0].frozen)
        await retired(world, f)
        assert (await world.lines(f))[-2:] == ["runtime SIGTERM\n", "agent SHUTDOWN spindown\n"]

    run(tmp_path, story)


def test_without_an_extension_the_runtime_is_not_asked(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(POLITE)
        await world.invoke(f)
        await world.idle(f)
        await retired(world, f)
        assert "runtime SIGTERM\n" not in await world.lines(f)

    run(tmp_path, story)


def test_an_internal_extension_is_enough_for_a_sigterm(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        inner = (
            EXTENSION.split("\n", 1)[1]
            + """
me = register(name="inner")
threading.Thread(target=event, args=(me,), daemon=True).start()
"""
        )
        f = world.function(inner + POLITE)
        await world.invoke(f)
        await world.until(lambda: world.views(f)[0].frozen)  # then any thread may take a signal
        await retired(world, f)
        assert (await world.lines(f))[-1] == "runtime SIGTERM\n"

    run(tmp_path, story)


def test_who_does_not_leave_is_killed_when_the_time_is_over(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        agent = "me = register('SHUTDOWN')\nsay(event(me)['eventType'])\nwhile True: time.sleep(9)"
        f = extended(world, STUBBORN, agent=agent)
        await world.invoke(f)
        pids = (await world.idle(f)).pids
        took_s = await retired(world, f)
        assert took_s > 1.9  # 2,000 ms for everyone, the runtime's 300 among them
        assert (await world.lines(f))[-1] == "agent SHUTDOWN\n"
        assert len(pids) == 2
        assert not [pid for pid in pids if alive(pid)]

    run(tmp_path, story)


def alive(pid: int) -> bool:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] not in "ZX"


def test_after_shutdown_there_is_no_next_event(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        agent = """
me = register("SHUTDOWN")
event(me)
for method, path in (("GET", "/event/next"), ("POST", "/exit/error"), ("GET", "/event/next")):
    try:
        wrong = {"Lambda-Extension-Function-Error-Type": "X.Y"}
        say(path, ask(method, EXT + path, None, {**me, **wrong})[0])
    except (ConnectionError, http.client.HTTPException) as error:
        say(path, "torn down")
"""
        f = extended(world, agent=agent)
        await world.invoke(f)
        await world.idle(f)
        await retired(world, f)
        assert (await world.lines(f))[-3:] == [
            "agent /event/next torn down\n",
            "agent /exit/error 202\n",
            "agent /event/next 403\n",
        ]

    run(tmp_path, story)


def test_a_server_that_stops_lets_extensions_leave(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = extended(world)
        await world.invoke(f)
        await world.idle(f)
        await world.invoker.close(20)
        assert (await world.lines(f))[-1] == "agent SHUTDOWN spindown\n"

    run(tmp_path, story)


def test_an_extension_that_never_registers_uses_up_the_time_for_init(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = extended(world, agent="time.sleep(60)", timeout_s=1)
        result = await world.invoke(f)
        assert json.loads(result.payload)["errorType"] == "Sandbox.Timedout"
        await world.idle(f)
        started = r"EXTENSION\tName: agent\tState: Started\tEvents: \[\]\n"
        assert_lines(
            await world.lines(f),
            INIT_START,
            started,
            rf"INIT_REPORT Init Duration: {MS}\tPhase: init\tStatus: timeout\n",
            started,
            rf"INIT_REPORT Init Duration: {MS}\tPhase: invoke\tStatus: timeout\n",
            r"START .*\n",
            r".* Task timed out after 1\.00 seconds\n",
            r"END .*\n",
            r"REPORT .*\tStatus: timeout\n",
        )

    run(tmp_path, story, init_limit_s=0.2)


def test_an_extension_with_a_false_name_is_an_internal_one_and_the_runtime_waits_on(
    tmp_path: Path,
) -> None:
    async def story(world: Ground) -> None:
        agent = "me = register('INVOKE', name='agent.sh')\nevent(me)"
        f = extended(world, agent=agent, timeout_s=1)
        assert b"Sandbox.Timedout" in (await world.invoke(f)).payload
        await world.idle(f)
        states = re.findall(r"Name: (\S+)\tState: (\w+)", "".join(await world.lines(f)))
        assert states == [("agent", "Started"), ("agent.sh", "Ready")] * 2

    run(tmp_path, story, init_limit_s=0.5)


def test_an_extension_that_forks_away_has_crashed_and_leaves_nobody_behind(
    tmp_path: Path,
) -> None:
    async def story(world: Ground) -> None:
        agent = f"""
if os.fork() == 0:
    with open({str(tmp_path / "pid")!r}, "w") as file:
        file.write(str(os.getpid()))
    {LISTENER.strip().splitlines()[0]}
    while True: event(me)
while not os.path.exists({str(tmp_path / "pid")!r}): time.sleep(0.005)
"""
        f = extended(world, agent=agent)
        result = await world.invoke(f)
        assert json.loads(result.payload)["errorType"] == "Extension.Crash"
        await world.idle(f)

    run(tmp_path, story)


def test_everything_starts_over_after_a_reset_but_files_stay(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        agent = """
me = register("INVOKE", "SHUTDOWN")
with open(os.environ["TMPDIR"] + "/lives", "a") as file:
    file.write("x")
while event(me)["eventType"] == "INVOKE":
    pass
"""
        script = """
def handle(event):
    if event == "die":
        os._exit(1)
    return [os.getpid(), open(os.environ["TMPDIR"] + "/lives").read()]
serve(handle)
"""
        f = extended(world, script, agent=agent)
        first = json.loads((await world.invoke(f)).payload)
        await world.idle(f)
        await world.invoke(f, b'"die"')
        before = await world.idle(f)
        second = json.loads((await world.invoke(f)).payload)
        assert (first[1], second[1]) == ("x", "xx")
        assert first[0] != second[0]
        assert (await world.idle(f)).id == before.id

    run(tmp_path, story)


def test_a_wrapper_is_started_in_place_of_a_managed_runtime_only(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        layer = world.layer({"wrapper": '#!/bin/sh\necho "wrapped $2"\nexport SEEN=1\nexec "$@"\n'})
        wrapper = world.folder / "code" / layer / "wrapper"
        environment = (("AWS_LAMBDA_EXEC_WRAPPER", str(wrapper)),)
        f = world.function(ECHO, layers=(layer,), environment=environment)
        assert (await world.invoke(f, b"1")).payload == b"1"
        assert not [line for line in await world.lines(f) if line.startswith("wrapped")]

        code = "import os\ndef handler(event, context): return os.environ['SEEN']"
        version = f"python3.{sys.version_info.minor}"
        f = world.target({"h.py": code}, runtime=version, layers=(layer,), environment=environment)
        assert (await world.invoke(f)).payload == b'"1"'
        (line,) = (line for line in await world.lines(f) if line.startswith("wrapped"))
        assert line.endswith("/bootstrap.py\n")

    run(tmp_path, story)
