"""A function says more than anybody can hear. The server's memory has a bound, whatever it says."""

from collections.abc import Callable
from contextlib import closing

import botocore.session
import pytest

from tests.isolation.conftest import Attack, Host
from tests.running import StokerProcess, wait_for

pytestmark = pytest.mark.root
Grown = Callable[[], float]
LOGS_MB = 100  # 64 MB may be pending, and Python needs room to work on them


@pytest.fixture
def grown(host: Host) -> Callable[[], float]:
    """How much more memory the server has had than before, in MB."""
    before = host.memory_mb()
    host.forget_peak()
    return lambda: host.peak_mb() - before


def test_a_line_of_50_mb_is_cut_into_events(
    attack: Attack, grown: Grown, server: StokerProcess
) -> None:
    answer = attack("flood.one_line", by="newborn", mb=50)
    assert not answer.error
    assert "the line after\n" in answer.log
    assert grown() < LOGS_MB
    with closing(server.client("logs")) as logs:
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName="/aws/lambda/newborn", filterPattern="lll"
        )
        stored = [event["message"] for page in pages for event in page["events"]]
        assert stored
        assert {len(message) for message in stored} == {256 * 1024}


def test_lines_without_end_end_with_the_time(
    attack: Attack, grown: Grown, server: StokerProcess
) -> None:
    answer = attack("flood.lines_without_end", by="short")
    assert answer.fault()[0] == "Sandbox.Timedout"
    assert grown() < LOGS_MB
    with closing(server.client("logs")) as logs:
        # What could not be stored is said to be missing, where it is missing.
        def said() -> str:
            found = logs.filter_log_events(
                logGroupName="/aws/lambda/short", filterPattern='"faster than they can be stored"'
            )
            return "".join(event["message"] for event in found["events"])

        wait_for(said, "dropped")


def test_frames_of_any_size_and_no_frames_at_all(attack: Attack, grown: Grown) -> None:
    assert not attack("flood.frames", seconds=1).error
    assert grown() < LOGS_MB
    assert not attack("life.counts").error


def test_requests_that_nobody_waits_for_are_answered_in_turn(attack: Attack, grown: Grown) -> None:
    assert attack("flood.pings", count=20_000).value == 20_000
    assert grown() < 16


def test_a_body_without_end_is_ended(attack: Attack, grown: Grown) -> None:
    path = "/2018-06-01/runtime/invocation/any/response"
    ended = attack("flood.body_without_end", path=path, seconds=10).value
    assert ended["ended"] in ("ConnectionResetError", "BrokenPipeError")
    assert ended["sent_mb"] < 200
    assert grown() < 32


@pytest.mark.parametrize(
    ("where", "connections", "mb_each", "held_mb"),
    [
        ("heads of the Runtime API", 120, 1.2, 32),
        ("heads of the endpoint", 120, 0.06, 64),
        ("invocations", 40, 5, 64),
        ("packages", 10, 20, 64),
    ],
)
def test_unfinished_requests_hold_little(
    where: str, connections: int, mb_each: float, held_mb: int, attack: Attack, grown: Grown
) -> None:
    answers = attack(
        "flood.unfinished", where=where, connections=connections, mb_each=mb_each
    ).value
    assert sum(answers.values()) == connections
    assert answers.keys() <= {"none yet", "503", "413", "403"}
    # Growing buffers are copied; freed memory is not always given back at once.
    assert grown() < 2 * held_mb + 16
    assert not attack("life.counts").error


def test_names_and_credentials_are_not_all_remembered(attack: Attack, grown: Grown) -> None:
    assert attack("flood.names", count=1000).value == 1000  # 60 MB of them
    assert grown() < 16


def test_answers_that_nobody_takes_hold_little(
    attack: Attack, grown: Grown, attackers: dict[str, str]
) -> None:
    asked = attack("flood.answers_not_taken", function=attackers["newborn"], connections=60)
    assert asked.value == 60
    assert grown() < 160  # of 300 MB


def test_models_of_unknown_services_are_not_all_kept(attack: Attack, grown: Grown) -> None:
    names = botocore.session.get_session().get_available_services()[::8]
    assert attack("flood.services", names=names).value == len(names)
    assert grown() < 32
