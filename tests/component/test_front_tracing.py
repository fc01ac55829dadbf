"""Tracing at the front door: who decides what is sampled, and where the segments are read."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from stoker.core.tracing import Segment, fields_of
from stoker.observe.traces import Owner
from tests.component.test_front_invoke import INVOKE
from tests.front_door import ACCOUNT, REGION, Door, create_function, open_door, signed

ROOT = "1-5759e988-bd862e3fe1be46a994272793"


async def traced(door: Door, header: str = "") -> tuple[dict[str, str], str]:
    """What the function got of the trace, and what its caller was told."""
    headers = {"X-Amzn-Trace-Id": header} if header else {}
    answer = await door.send_raw(signed(door.host, "POST", INVOKE, b"{}", **headers))
    assert answer.status == 200
    return fields_of(door.echo.invocations.pop().trace_id), answer["X-Amzn-Trace-Id"]


def with_tracing(folder: Path, mode: str, story: Callable[[Door], Awaitable[None]]) -> None:

    async def main() -> None:
        async with open_door(folder) as door:
            await create_function(door, TracingConfig={"Mode": mode})
            await story(door)

    asyncio.run(main())


def test_a_function_with_active_tracing_samples_where_its_caller_has_not(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        first, told = await traced(door)
        assert first["Sampled"] == "1"
        assert told == f"root={first['Root']};sampled=1"
        sampled = [(await traced(door))[0]["Sampled"] for _ in range(50)]
        assert "0" in sampled
        given, _ = await traced(door, f"Root={ROOT}")
        assert given["Root"] == ROOT
        assert given["Sampled"] in ("0", "1")

    with_tracing(tmp_path, "Active", story)


@pytest.mark.parametrize("sampled", ["0", "1"])
def test_its_caller_s_decision_stands_and_the_parent_is_its_own_segment(
    sampled: str, tmp_path: Path
) -> None:
    async def story(door: Door) -> None:
        parent = "53995c3f42cd8ad8"
        header = f"Root={ROOT};Parent={parent};Sampled={sampled};Lineage=1:2:3"
        parents = {parent}
        for _ in range(3):
            got, told = await traced(door, header)
            assert (got["Root"], got["Sampled"]) == (ROOT, sampled)
            assert got["Lineage"].startswith("1:2:3|")
            assert told == f"root={ROOT};sampled={sampled}"
            parents.add(got["Parent"])
        assert len(parents) == 4

    with_tracing(tmp_path, "Active", story)


def test_pass_through_decides_nothing(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        assert {(await traced(door))[0]["Sampled"] for _ in range(5)} == {"0"}
        header = {"Root": ROOT, "Parent": "53995c3f42cd8ad8", "Sampled": "1"}
        got, _ = await traced(door, ";".join(f"{name}={value}" for name, value in header.items()))
        assert got.pop("Lineage").endswith(":0")
        assert got == header

    with_tracing(tmp_path, "PassThrough", story)


def test_the_kept_segments_are_shown_by_trace_the_latest_first(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        traces = door.control.traces
        for n, (function, trace_id) in enumerate((("f", "1-a"), ("g", "1-b"), ("f", "1-a"))):
            owner = Owner(ACCOUNT, REGION, function)
            traces.put(owner, Segment(trace_id, b'{"name": "%d"}' % n), n)

        async def shown(query: str = "") -> object:
            answer = await door.send("GET", f"/_stoker/api/traces{query}")
            assert answer["Content-Type"] == "application/json"
            return [
                (trace["id"], [segment["document"]["name"] for segment in trace["segments"]])
                for trace in json.loads(answer.body)["traces"]
            ]

        assert await shown() == [("1-a", ["0", "2"]), ("1-b", ["1"])]
        assert await shown("?function=g") == [("1-b", ["1"])]
        assert await shown("?trace_id=1-a") == [("1-a", ["0", "2"])]
        assert await shown("?function=g&trace_id=1-a") == []
        answer = await door.send("GET", "/_stoker/api/traces?trace_id=1-b")
        assert json.loads(answer.body)["traces"][0]["segments"] == [
            {
                "function": "g",
                "account": ACCOUNT,
                "region": REGION,
                "came_ms": 1,
                "document": {"name": "1"},
            }
        ]

    with_tracing(tmp_path, "PassThrough", story)
