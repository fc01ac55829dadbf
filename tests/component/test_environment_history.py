"""What those who look inside are told of an environment's life, while it lasts and after it."""

import re
from pathlib import Path

import pytest

from tests.component.test_extensions import SLOW, extended
from tests.extending import LISTENER
from tests.invoking import ECHO, Ground, run


def test_an_environment_says_what_it_does_and_where_its_start_went(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(ECHO)
        await world.invoke(f)
        view = await world.idle(f)
        assert [name for name, _ in view.steps] == ["create", "init"]
        assert all(duration_ms > 0 for _, duration_ms in view.steps)
        phases = [span.phase for span in view.history if span.phase != "Frozen"]
        assert phases == ["Create", "Init", "Idle", "Invoke", "Idle"]
        assert view.waiting_for == ()
        assert view.doings == (("runtime", "waits for the next event"),)
        assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", view.log_stream)

    run(tmp_path, story)


TELLS = """
time.sleep(0.05)
told = {"Stoker-Function-Init-Ms": os.environ["TOLD"]}
status, body, answer = call("GET", BASE + "/invocation/next", None, told)
respond(answer.headers["Lambda-Runtime-Aws-Request-Id"], body)
serve(lambda event: event)
"""


@pytest.mark.parametrize("told", ["nan", "-1", "1e999", "3600000", "0x1", "", "9" * 999])
def test_a_runtime_is_not_believed_what_cannot_be(told: str, tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(TELLS, environment=(("TOLD", told),))
        assert (await world.invoke(f, b"1")).payload == b"1"
        init = (await world.idle(f)).history[1]
        assert [part.party for part in init.parts] == ["runtime"]

    run(tmp_path, story)


def test_an_init_has_the_parts_that_its_runtime_tells_of(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(TELLS, environment=(("TOLD", "20.5"),))
        await world.invoke(f, b"1")
        init = (await world.idle(f)).history[1]
        runtime, function = init.parts
        assert (init.phase, runtime.party, function.party) == ("Init", "runtime", "function")
        assert function.duration_ms == pytest.approx(20.5, abs=0.01)
        assert runtime.duration_ms + function.duration_ms <= init.duration_ms + 0.01

    run(tmp_path, story)


def test_beside_an_extension_the_runtime_s_part_is_told_once(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = extended(world, TELLS, environment=(("TOLD", "20.5"),))
        await world.invoke(f, b"1")
        init = (await world.idle(f)).history[1]
        parties = sorted(part.party for part in init.parts)
        assert parties == ["extension:agent", "function", "runtime"]

    run(tmp_path, story)


def test_the_history_tells_who_left_when_and_is_there_when_all_have(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = extended(world)
        await world.invoke(f)
        before = await world.idle(f)
        world.invoker.retire(lambda _: False)
        await world.until(lambda: not world.views(f))
        (view,) = (ended for ended in world.invoker.ended() if ended.target.key == f.key)
        assert (view.id, view.reason, view.pids) == (before.id, "retired", ())
        kept = [span.phase for span in before.history]
        assert [span.phase for span in view.history][: len(kept)] == kept
        shutdown, dead = view.history[-2:]
        assert (shutdown.phase, dead.phase) == ("Shutdown", "Dead")
        runtime, agent = shutdown.parts
        assert (runtime.party, agent.party) == ("runtime", "extension:agent")
        assert agent.began_ms > runtime.began_ms

    run(tmp_path, story)


def test_the_history_tells_whose_work_a_timeout_broke_off(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        hang = "serve(lambda event: time.sleep(60))"
        f = extended(world, hang, agent=LISTENER, timeout_s=1)
        result = await world.invoke(f)
        assert result.function_error
        view = await world.idle(f)
        (invoke,) = (span for span in view.history if span.phase == "Invoke")
        parts = {part.party: part.duration_ms for part in invoke.parts}
        assert parts.keys() == {"runtime", "extension:agent"}
        assert parts["extension:agent"] <= parts["runtime"] <= invoke.duration_ms
        (reset,) = (span for span in view.history if span.phase == "Reset")
        assert [part.party for part in reset.parts] == ["runtime", "extension:agent"]

    run(tmp_path, story)


def test_the_history_tells_the_part_of_each_party(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        gate = tmp_path / "gate"
        f = extended(world, agent=SLOW, environment=(("GATE", str(gate)),))
        await world.invoke(f, b"1")
        await world.until(lambda: world.views(f)[0].waiting_for == ("extension:agent",))
        invoke = world.views(f)[0].history[-1]
        assert invoke.phase == "Invoke"
        assert [part.party for part in invoke.parts] == ["runtime", "extension:agent"]
        gate.touch()
        view = await world.idle(f)
        init, invoke = (span for span in view.history if span.parts)
        assert (init.phase, invoke.phase) == ("Init", "Invoke")
        parts = {part.party: part for part in init.parts}
        assert parts.keys() == {"runtime", "extension:agent"}
        assert parts["runtime"].began_ms > parts["extension:agent"].began_ms
        runtime, agent = sorted(invoke.parts, key=lambda part: part.duration_ms)
        assert (runtime.party, agent.party) == ("runtime", "extension:agent")
        assert agent.duration_ms <= invoke.duration_ms

    run(tmp_path, story)
