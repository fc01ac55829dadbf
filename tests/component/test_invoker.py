"""The waist: which environment runs what, how many, for how long, and who is refused."""

import asyncio
import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from stoker.core.errors import ServiceError, ServiceException
from stoker.core.invocation import Invocation, InvocationResult, RequestId, Target
from stoker.core.invoke_limits import ENDED_KEPT
from stoker.http.base import Exchange
from stoker.sandbox.base import Sandbox, SandboxFailed, SandboxSpec
from stoker.sandbox.process import ProcessBackend
from tests.gated import GATE, Gate, all_idle
from tests.invoking import ECHO, Ground, run

PID = "serve(lambda event: time.sleep(event) or os.getpid())"


def test_concurrent_invocations_get_an_environment_each(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(GATE)
        gates = [Gate(world, f) for _ in range(5)]
        for gate in gates:
            await gate.inside()
        assert len({await gate.open() for gate in gates}) == 5
        await all_idle(world, f, 5)
        # ... and the one after them runs where the last of them ran.
        last = await Gate(world, f).inside()
        pid = await last.open()
        await all_idle(world, f, 5)
        again = await Gate(world, f).inside()
        assert await again.open() == pid

    run(tmp_path, story)


def test_functions_never_share_an_environment(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(PID)
        twin = replace(f, name="twin")
        changed = replace(f, environment=(("A", "1"),))
        pids = {(await world.invoke(target, b"0")).payload for target in (f, twin, changed)}
        assert len(pids) == 3

    run(tmp_path, story)


def test_who_waits_for_a_new_environment_takes_one_that_is_free_first(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            """
first = os.environ["TMPDIR"].rsplit("/", 3)[0] + "/first"
if os.path.exists(first):
    while not os.path.exists(first + ".go"):
        time.sleep(0.002)
open(first, "w").close()
"""
            + GATE
        )
        holder = await Gate(world, f).inside()
        waiter = Gate(world, f)
        await world.until(lambda: len(world.views(f)) == 2)
        pid = await holder.open()
        await waiter.inside()
        (tmp_path / "sandbox" / "first.go").touch()
        (tmp_path / "first.go").touch()
        assert await waiter.open() == pid
        await all_idle(world, f, 2)

    run(tmp_path, story)


def test_environments_nobody_can_ask_for_are_shut_down_when_not_busy(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        old, kept = world.function(GATE), world.function(ECHO)
        await world.invoke(kept)
        busy = await Gate(world, old).inside()
        idle = await Gate(world, old).inside()
        await idle.open()
        await world.until(lambda: "Idle" in [v.phase for v in world.views(old)])
        world.invoker.retire(lambda target: target.key == kept.key)
        await world.until(lambda: len(world.views(old)) == 1)
        assert (await busy.open()).isdigit()
        await world.until(lambda: world.views(old) == [])
        assert len(world.views(kept)) == 1

    run(tmp_path, story)


def test_an_environment_unused_for_long_is_ended(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(ECHO)
        await world.invoke(f)
        await world.until(lambda: world.views(f) == [])

    run(tmp_path, story, idle_timeout_s=0.1)


def test_an_old_environment_is_replaced_but_not_while_it_works(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(PID)
        first = await world.invoke(f, b"0.2")
        await world.until(lambda: world.views(f) == [])
        assert (await world.invoke(f, b"0")).payload != first.payload

    run(tmp_path, story, max_age_s=0.1)


class Breaking(ProcessBackend):
    """A machine that fails to make what it is told to fail."""

    fails: Callable[[SandboxSpec], bool] = staticmethod(lambda spec: False)

    async def create(self, spec: SandboxSpec) -> Sandbox:
        if self.fails(spec):
            raise SandboxFailed("cannot make a network namespace: too many of them")
        return await super().create(spec)


def test_a_sandbox_that_cannot_be_made_fails_that_caller_only(tmp_path: Path) -> None:
    broken: list[Path] = []

    async def story(world: Ground) -> None:
        f, good = world.function(GATE), world.function(ECHO)
        holder = await Gate(world, f).inside()
        broken.append(world.folder / "code" / f.code)
        refusal = await world.refused(f)
        assert (refusal.code, refusal.status) == ("ServiceException", 500)
        assert "too many of them" in refusal.message
        assert (await world.invoke(good, b"1")).payload == b"1"
        await holder.open()
        await world.idle(f)
        await world.idle(good)
        assert world.invoker.running(f.account) == 0

    class Backend(Breaking):
        fails = staticmethod(lambda spec: spec.code in broken)

    run(tmp_path, story, backend=Backend)


def test_what_could_not_be_made_is_shown_and_only_so_much_of_it_is_kept(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(ECHO)
        for _ in range(ENDED_KEPT + 2):
            await world.refused(f)
        ended = world.invoker.ended()
        assert len({view.id for view in ended}) == len(ended) == ENDED_KEPT
        assert {(view.target.key, view.phase) for view in ended} == {(f.key, "Dead")}
        assert all("too many of them" in view.reason for view in ended)
        assert [name for name, _ in ended[0].steps] == ["create"]

    class Backend(Breaking):
        fails = staticmethod(lambda spec: True)

    run(tmp_path, story, backend=Backend)


def test_a_missing_interpreter_is_told_to_the_caller(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.target({"h.py": ""}, runtime="dotnet8")
        refusal = await world.refused(f)
        assert refusal.code == "InvalidRuntimeException"
        assert "dotnet8" in refusal.message

    run(tmp_path, story)


def test_managed_python_runs_and_its_multi_line_records_are_one_event(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        import sys

        runtime = f"python3.{sys.version_info.minor}"
        code = (
            "import logging\n"
            "def handler(event, context):\n"
            "    logging.warning('one\\ntwo')\n"
            "    return [event, context.aws_request_id]\n"
        )
        f = world.target({"h.py": code}, runtime=runtime)
        result = await world.invoke(f, b"[1]", request_id="11111111-2222-4333-8444-abcdefabcdef")
        assert json.loads(result.payload) == [[1], "11111111-2222-4333-8444-abcdefabcdef"]
        await world.idle(f)
        lines = await world.lines(f)
        assert len(lines) == 5
        assert lines[2].startswith("[WARNING]\t")
        assert lines[2].endswith("\tone\ntwo\n")

    run(tmp_path, story)


def test_a_wrapper_runs_in_place_of_the_interpreter(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        import sys

        f = world.target(
            {
                "h.py": "import os\ndef handler(event, context): return os.environ['WRAPPED']\n",
                "wrap": '#!/bin/sh\nexport WRAPPED="$1"\nexec "$@"\n',
            },
            runtime=f"python3.{sys.version_info.minor}",
        )
        wrapper = world.folder / "code" / f.code / "wrap"
        f = replace(f, environment=(("AWS_LAMBDA_EXEC_WRAPPER", str(wrapper)),))
        assert b"python3" in (await world.invoke(f)).payload

    run(tmp_path, story)


class NameOfTheCaller:
    """A front door that tells each environment which function it is."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def begin(self, exchange: Exchange) -> int:
        return 0

    def complete(self, exchange: Exchange) -> None:
        exchange.respond(200, [], self._target.name.encode())

    def lost(self, exchange: Exchange) -> None: ...


def test_an_environments_own_endpoint_knows_who_calls(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            """
def handle(event):
    host = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://")
    return call("GET", "/", on=http.client.HTTPConnection(host))[1].decode()
serve(handle)
"""
        )
        assert json.loads((await world.invoke(f)).payload) == f.name

    run(tmp_path, story, endpoint_app=NameOfTheCaller)


def test_a_caller_who_gives_up_does_not_stop_the_function(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(GATE)
        gate = await Gate(world, f).inside()
        gate.running.cancel()
        gate.path.with_suffix(".out").touch()
        view = await world.idle(f)
        assert view.phase == "Idle"

    run(tmp_path, story)


def test_closing_lets_what_runs_finish_and_refuses_the_rest(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(GATE)
        gate = await Gate(world, f).inside()
        closing = asyncio.create_task(world.invoker.close(30))
        await asyncio.sleep(0)
        assert (await world.refused(f)).code == "ServiceException"
        assert (await gate.open()).isdigit()
        await closing
        assert world.invoker.environments() == []

    run(tmp_path, story)


def test_closing_cuts_off_what_does_not_finish_and_answers_its_caller(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(GATE)
        gate = await Gate(world, f).inside()
        unstarted = world.function("time.sleep(60)")
        waiting = asyncio.create_task(world.refused(unstarted))
        await world.until(lambda: [v.phase for v in world.views(unstarted)] == ["Init"])
        await world.invoker.close(0.05)
        with pytest.raises(ServiceException):
            await gate.running
        assert (await waiting).code == "ServiceException"
        assert world.invoker.environments() == []
        assert world.invoker.running(f.account) == 0

    run(tmp_path, story)


def test_done_is_called_exactly_once_for_each_of_a_crowd(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function("serve(lambda event: os._exit(1) if event % 7 == 3 else event)")
        outcomes: dict[int, list[InvocationResult | ServiceError]] = {n: [] for n in range(60)}
        for n, seen in outcomes.items():
            invocation = Invocation(RequestId(str(uuid.uuid4())), f, b"%d" % n, f.arn)
            world.invoker.submit(invocation, seen.append)
        await world.until(lambda: all(outcomes.values()))
        await world.until(lambda: world.invoker.running(f.account) == 0)
        for n, seen in outcomes.items():
            assert len(seen) == 1
            result = seen[0]
            assert isinstance(result, InvocationResult)
            if n % 7 == 3:
                assert result.function_error == "Unhandled"
            else:
                assert result.payload == b"%d" % n

    run(tmp_path, story, environments=4, room_limit_s=60)
