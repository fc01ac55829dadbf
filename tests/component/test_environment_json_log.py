"""LogFormat JSON in environments of real processes."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from stoker.core.invocation import LogSettings, Target
from tests.invoking import Ground, run

ID = "11111111-2222-4333-8444-abcdefabcdef"
SERVE = """
print("init", flush=True)
def handle(event):
    print(json.dumps({"level": "debug", "timestamp": "2024-11-02T16:51:31.587199Z"}), flush=True)
    print("hi", flush=True)
    print(os.environ["AWS_LAMBDA_LOG_FORMAT"], os.environ["AWS_LAMBDA_LOG_LEVEL"], flush=True)
    if event == "die":
        os._exit(3)
serve(handle)
"""


def in_json(target: Target, application: str = "INFO", system: str = "INFO") -> Target:
    return replace(target, log=LogSettings(target.log.group, "JSON", application, system))


async def records(world: Ground, target: Target) -> list[dict[str, Any]]:
    return [json.loads(line) for line in await world.lines(target)]


def kinds(lines: list[dict[str, Any]]) -> list[str]:
    """The platform's types; the others' messages."""
    return [line.get("type", "").removeprefix("platform.") or line["message"] for line in lines]


def test_a_cold_and_a_warm_invocation_at_level_info(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = in_json(world.function(SERVE))
        result = await world.invoke(f, request_id=ID, tail=True)
        await world.idle(f)
        await world.invoke(f)
        await world.idle(f)
        lines = await records(world, f)
        warm = ["start", "hi", "JSON INFO", "report"]
        assert kinds(lines) == ["initStart", "init", *warm, *warm]
        _, init, start, hi, _, report = lines[:6]
        assert "requestId" not in init
        assert hi["requestId"] == start["record"]["requestId"] == ID
        assert report["record"]["status"] == "success"
        assert report["record"]["metrics"]["initDurationMs"] > 0
        assert result.log_tail is not None
        assert [json.loads(line) for line in result.log_tail.splitlines()] == lines[:6]

    run(tmp_path, story)


def test_every_event_at_level_debug_and_nothing_but_trouble_at_warn(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = in_json(world.function(SERVE), "DEBUG", "DEBUG")
        await world.invoke(f)
        await world.idle(f)
        lines = await world.lines(f)
        debug = lines.pop(5)
        assert json.loads(debug) == {"level": "debug", "timestamp": "2024-11-02T16:51:31.587199Z"}
        assert kinds([json.loads(line) for line in lines]) == [
            "initStart", "init", "initRuntimeDone", "initReport", "start", "hi", "JSON DEBUG",
            "runtimeDone", "report",
        ]  # fmt: skip
        quiet = in_json(world.function(SERVE), "ERROR", "WARN")
        await world.invoke(quiet)
        await world.idle(quiet)
        await world.invoke(quiet, b'"die"')
        await world.idle(quiet)
        told = await records(world, quiet)
        assert kinds(told) == ["runtimeDone", "report"]
        for each in told:
            assert each["record"]["status"] == "error"
            assert each["record"]["errorType"] == "Runtime.ExitError"

    run(tmp_path, story)


def test_spans_of_a_slow_answer_add_up(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = in_json(
            world.function("serve(lambda event: time.sleep(0.05) or 'xyz')"), "INFO", "DEBUG"
        )
        await world.invoke(f)
        await world.idle(f)
        (done,) = [
            r["record"] for r in await records(world, f) if r["type"].endswith(".runtimeDone")
        ]
        spans = {span["name"]: span["durationMs"] for span in done["spans"]}
        assert list(spans) == ["responseLatency", "responseDuration", "runtimeOverhead"]
        assert spans["responseLatency"] >= 50
        assert abs(sum(spans.values()) - done["metrics"]["durationMs"]) < 0.01
        assert done["metrics"]["producedBytes"] == len('"xyz"')

    run(tmp_path, story)
