"""Extensions of real processes: how they take part in the life of an environment."""

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

from tests.component.test_environment import END, ID, INIT_START, START, assert_lines, report
from tests.extending import EXTENSION, LISTENER
from tests.invoking import ECHO, Ground, run

MS = r"\d+\.\d\d ms"
READY = r"EXTENSION\tName: agent\tState: Ready\tEvents: \[INVOKE, SHUTDOWN\]\n"


def extended(world: Ground, script: str = ECHO, *, agent: str = LISTENER, **facts: Any) -> Any:
    """A function with one external extension, `agent`."""
    layer = world.layer({"extensions/agent": EXTENSION + agent})
    return world.function(script, layers=(layer,), **facts)


def test_an_extension_hears_of_each_invocation_and_of_the_end(tmp_path: Path) -> None:
    leaving = '    if heard["eventType"] == "SHUTDOWN":\n'
    agent = LISTENER.replace(leaving, leaving + '        print("left", file=sys.stderr)\n')

    async def story(world: Ground) -> None:
        f = extended(world, agent=agent)
        assert (await world.invoke(f, b"1")).payload == b"1"
        await world.idle(f)
        assert (await world.invoke(f, b"2")).payload == b"2"
        await world.idle(f)
        world.invoker.retire(lambda _: False)
        await world.until(lambda: not world.views(f))
        assert_lines(
            await world.lines(f),
            INIT_START,
            READY,
            START,
            "agent INVOKE \n",
            END,
            report(rf"\tInit Duration: {MS}\t\n"),
            START,
            "agent INVOKE \n",
            END,
            report(),
            "agent SHUTDOWN spindown\n",
            "left\n",
        )

    run(tmp_path, story)


def failed(kind: str, rest: str = "") -> str:
    return report(rf"{rest}\tStatus: error\tError Type: {re.escape(kind)}\n")


def init_failed(phase: str, kind: str) -> str:
    return rf"INIT_REPORT Init Duration: {MS}\tPhase: {phase}\tStatus: error\tError Type: {kind}\n"


def seen(state: str, events: str = "INVOKE, SHUTDOWN", rest: str = "", name: str = "agent") -> str:
    return rf"EXTENSION\tName: {name}\tState: {state}\tEvents: \[{events}\]{rest}\n"


def test_the_events_are_those_of_aws(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = extended(
            world,
            """
while True:
    request_id, _, headers = next_event()
    respond(request_id, headers["Lambda-Runtime-Deadline-Ms"])
""",
            agent="""
me = register("INVOKE", "SHUTDOWN")
while True:
    status, body, headers = ask("GET", EXT + "/event/next", None, me)
    print(json.dumps([status, body, headers["Content-Type"],
                      headers["Lambda-Extension-Event-Identifier"]]), flush=True)
    if "SHUTDOWN" in body:
        break
""",
        )
        trace = "Root=1-5f84c7a7-0123456789abcdef01234567;Sampled=0"
        result = await world.invoke(f, request_id=ID, trace_id=trace)
        await world.idle(f)
        world.invoker.retire(lambda _: False)
        await world.until(lambda: not world.views(f))
        invoke, shutdown = (json.loads(s) for s in await world.lines(f) if s.startswith("["))
        assert invoke[1] == (
            f'{{"eventType":"INVOKE","deadlineMs":{result.payload.decode()},"requestId":"{ID}",'
            f'"invokedFunctionArn":"{f.arn}",'
            f'"tracing":{{"type":"X-Amzn-Trace-Id","value":"{trace}"}}}}'
        )
        assert re.fullmatch(
            r'{"eventType":"SHUTDOWN","deadlineMs":\d{13},"shutdownReason":"spindown"}', shutdown[1]
        )
        for status, _, content_type, identifier in (invoke, shutdown):
            assert (status, content_type) == (200, "application/json")
            assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", identifier)
        assert invoke[3] != shutdown[3]

    run(tmp_path, story)


def test_an_extension_starts_with_less_than_the_runtime_knows(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = extended(
            world,
            agent="""
print(json.dumps([dict(os.environ), os.getcwd(), sys.argv, os.getsid(0) == os.getpid()]))
sys.stdout.flush()
event(register())
""",
            environment=(("TABLE", "t=1"),),
        )
        await world.invoke(f)
        (line,) = (line for line in await world.lines(f) if line.startswith("["))
        environ, cwd, argv, leads = json.loads(line)
        assert (cwd, len(argv), leads) == ("/", 1, True)
        assert argv[0].endswith("/extensions/agent")
        assert environ["TABLE"] == "t=1"
        assert {"AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SESSION_TOKEN", "TZ"} <= set(environ)
        assert not [key for key in environ if key.startswith("_")]
        assert not {"LAMBDA_TASK_ROOT", "AWS_LAMBDA_LOG_STREAM_NAME"} & set(environ)

    run(tmp_path, story)


SLOW = """
me = register("INVOKE", "SHUTDOWN")
while True:
    heard = event(me)
    say(heard["eventType"], heard.get("shutdownReason", ""))
    if heard["eventType"] == "SHUTDOWN":
        sys.exit(0)
    while not os.path.exists(os.environ["GATE"]):
        time.sleep(0.005)
"""


def test_the_caller_is_answered_before_the_extensions_are_done(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        gate = tmp_path / "gate"
        f = extended(world, agent=SLOW, environment=(("GATE", str(gate)),))
        assert (await world.invoke(f, b"1")).payload == b"1"
        (view,) = world.views(f)
        assert view.phase == "Invoke"
        await world.until(lambda: world.views(f)[0].waiting_for == ("extension:agent",))
        gate.touch()
        assert (await world.idle(f)).waiting_for == ()

    run(tmp_path, story)


def test_a_timeout_counts_for_extensions_too(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = extended(
            world, agent=SLOW, environment=(("GATE", str(tmp_path / "gate")),), timeout_s=1
        )
        assert (await world.invoke(f, b"1", request_id=ID)).function_error is None
        await world.idle(f)
        (tmp_path / "gate").touch()
        assert (await world.invoke(f, b"2")).payload == b"2"
        await world.idle(f)
        assert_lines(
            await world.lines(f),
            INIT_START,
            READY,
            START,
            "agent INVOKE \n",
            rf"\S+Z {ID} Task timed out after 1\.00 seconds\n",
            END,
            rf"REPORT .*\tDuration: 1000\.00 ms\t.*\tInit Duration: {MS}\tStatus: timeout\n",
            READY,  # it was killed: it never asked for the SHUTDOWN event
            START,
            "agent INVOKE \n",
            END,
            report(),
        )

    run(tmp_path, story)


def test_a_timeout_of_the_function_is_told_to_extensions_that_wait(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = extended(world, "serve(lambda event: time.sleep(60))", timeout_s=1)
        result = await world.invoke(f)
        assert b"Sandbox.Timedout" in result.payload
        await world.idle(f)
        assert "agent SHUTDOWN timeout\n" in await world.lines(f)

    run(tmp_path, story)


def test_a_crash_of_the_runtime_is_told_to_extensions(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = extended(world, "serve(lambda event: os._exit(1))")
        assert b"Runtime.ExitError" in (await world.invoke(f)).payload
        assert (await world.idle(f)).phase == "Blank"
        assert "agent SHUTDOWN failure\n" in await world.lines(f)

    run(tmp_path, story)


def test_an_extension_that_exits_in_its_init_fails_the_init_twice(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = extended(world, agent="say('up'); sys.exit(3)")
        result = await world.invoke(f, request_id=ID)
        assert result.payload == (
            b'{"errorType":"Extension.Crash","errorMessage":"RequestId: %b Error: exit status 3"}'
            % ID.encode()
        )
        exited = seen("Exited", "", r"\tError Type: Extension\.Crash")
        await world.idle(f)
        assert_lines(
            await world.lines(f),
            INIT_START,
            "agent up\n",
            exited,
            init_failed("init", "Extension.Crash"),
            "agent up\n",
            exited,
            init_failed("invoke", "Extension.Crash"),
            START,
            rf"RequestId: {ID} Error: exit status 3\nExtension\.Crash",
            END,
            failed("Extension.Crash"),
        )

    run(tmp_path, story)


CRASHES = {
    "an exit while the function runs": ("event(me); sys.exit(0)", "exit status 0"),
    "a signal while the function runs": ("event(me); os.kill(os.getpid(), 11)",
                                         "signal: segmentation fault"),
}  # fmt: skip


def test_an_extension_that_dies_in_an_invocation_is_what_the_caller_hears_of(
    tmp_path: Path,
) -> None:
    async def story(world: Ground) -> None:
        for end, text in CRASHES.values():
            agent = f"me = register('INVOKE')\n{end}"
            f = extended(world, "serve(lambda event: time.sleep(60))", agent=agent)
            result = await world.invoke(f)
            assert json.loads(result.payload)["errorType"] == "Extension.Crash"
            assert json.loads(result.payload)["errorMessage"].endswith(f"Error: {text}")
            assert (await world.idle(f)).phase == "Blank"
            lines = await world.lines(f)
            assert re.fullmatch(failed("Extension.Crash", rf"\tInit Duration: {MS}"), lines[-1])

    run(tmp_path, story)


def test_an_extension_that_dies_between_invocations_costs_the_next_an_init(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = extended(world, "serve(lambda event: os.getpid())")
        first = await world.invoke(f)
        view = await world.idle(f)
        others = [pid for pid in view.pids if pid != int(first.payload)]
        for pid in others:
            os.kill(pid, signal.SIGKILL)
        await world.until(lambda: world.views(f)[0].phase == "Blank")
        second = await world.invoke(f)
        assert second.payload != first.payload
        assert len(others) == 1
        lines = await world.lines(f)
        assert sum(bool(re.fullmatch(INIT_START, line)) for line in lines) == 1
        assert sum(bool(re.fullmatch(READY, line)) for line in lines) == 2

    run(tmp_path, story, freeze_after_s=60.0)


def test_an_error_that_an_extension_reports_is_its_environments_end(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        wrong = {"Lambda-Extension-Function-Error-Type": "Agent.NoKey"}
        init = f"""
me = register("INVOKE", "SHUTDOWN")
assert ask("POST", EXT + "/init/error", "{{}}", {{**me, **{wrong}}})[:2] == (202, ACCEPTED)
assert ask("POST", EXT + "/init/error", "{{}}", {{**me, **{wrong}}})[0] == 202
say(ask("GET", EXT + "/event/next", None, me)[0])
"""
        f = extended(world, agent='ACCEPTED = \'{"status":"OK"}\'' + init)
        result = await world.invoke(f)
        assert json.loads(result.payload)["errorType"] == "Extension.InitError"
        assert json.loads(result.payload)["errorMessage"].endswith("Error: Agent.NoKey")
        await world.idle(f)
        lines = await world.lines(f)
        assert lines.count("agent 403\n") == 2
        stood = seen("InitError", rest=r"\tError Type: Agent\.NoKey")
        assert sum(bool(re.fullmatch(stood, line)) for line in lines) == 2

        late = f"""
me = register("INVOKE", "SHUTDOWN")
event(me)
say(ask("POST", EXT + "/init/error", "", {{**me, **{wrong}}})[0])
say(ask("POST", EXT + "/exit/error", "", {{**me, **{wrong}}})[0])
"""
        f = extended(world, "serve(lambda event: time.sleep(60))", agent=late)
        result = await world.invoke(f)
        assert json.loads(result.payload)["errorType"] == "Extension.ExitError"
        await world.idle(f)
        lines = await world.lines(f)
        assert lines.index("agent 403\n") < lines.index("agent 202\n")

    run(tmp_path, story)


def test_what_cannot_be_started_says_so(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        closed = world.layer({"extensions/agent": "#!/bin/sh\n"}, mode=0o644)
        alien = world.layer({"extensions/agent": "\x00\x01\x02"})
        many = world.layer({f"extensions/x{n:02}": EXTENSION + LISTENER for n in range(11)})
        for layer, text, kind in (
            (closed, "fork/exec .*/extensions/agent: permission denied", "PermissionDenied"),
            (alien, "fork/exec .*/extensions/agent: exec format error", "UnknownError"),
            (many, "Too many extensions", "TooManyExtensions"),
        ):
            f = world.function(ECHO, layers=(layer,))
            result = json.loads((await world.invoke(f)).payload)
            assert result["errorType"] == "Extension.LaunchError"
            assert re.fullmatch(rf"RequestId: \S+ Error: {text}", result["errorMessage"])
            await world.idle(f)
            stood = seen("LaunchError", "", rf"\tError Type: {kind}", name=r"\w+")
            assert sum(bool(re.fullmatch(stood, line)) for line in await world.lines(f)) == 2

    run(tmp_path, story)


def test_the_layers_are_merged_before_extensions_are_looked_for(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        base = world.layer(
            {
                "extensions/kept": EXTENSION + LISTENER,
                "extensions/covered": "#!/bin/false\n",
                "extensions/gone": "#!/bin/false\n",
                "extensions/folder/not-one": "#!/bin/false\n",
                "elsewhere/not-one": "#!/bin/false\n",
            }
        )
        top = world.layer(
            {
                "extensions/covered": EXTENSION + LISTENER,
                "extensions/gone/now-a-folder": "",
                "extensions/third.sh": EXTENSION + LISTENER,
            }
        )
        f = world.function(ECHO, layers=(base, top))
        assert (await world.invoke(f)).function_error is None
        lines = [line for line in await world.lines(f) if line.startswith("EXTENSION")]
        assert [re.findall(r"Name: (\S+)\t", line)[0] for line in lines] == [
            "covered", "kept", "third.sh",
        ]  # fmt: skip

        hidden = world.layer({"extensions": "no folder any more"})
        f = world.function(ECHO, layers=(base, hidden))
        assert (await world.invoke(f)).function_error is None
        assert not [line for line in await world.lines(f) if line.startswith("EXTENSION")]

    run(tmp_path, story)


def test_one_file_turns_all_extensions_off(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        switch = world.layer({"disable-extensions-jwigqn8j": ""})
        agent = world.layer({"extensions/agent": "#!/bin/false\n"})
        script = """
paths = ["/2020-01-01/extension/register", "/2022-07-01/telemetry", "/2020-08-15/logs"]
serve(lambda event: [call("POST", path, "{}")[0] for path in paths])
"""
        f = world.function(script, layers=(switch, agent))
        assert json.loads((await world.invoke(f)).payload) == [404, 404, 404]

    run(tmp_path, story)
