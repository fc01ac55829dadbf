"""A function calls the Runtime API itself: beside its runtime, wrongly, or with garbage."""

import json
import re
from collections.abc import Callable

import pytest

from tests.isolation.conftest import FILES, Alone, Attack, Host

pytestmark = pytest.mark.root
NO_SUCH_ID = [400, "InvalidRequestID"]
NOT_NOW = [403, "InvalidStateTransition"]


def test_wrong_calls_are_refused_and_change_nothing(attack: Attack) -> None:
    assert attack("calls.wrongly").value == {
        "an unknown id": NO_SUCH_ID,
        "no id": NO_SUCH_ID,
        "dots": [404, "404 page not found"],
        "an escaped id": NO_SUCH_ID,
        "upper case": NO_SUCH_ID,
        "init is over": NOT_NOW,
        "a wrong method": [405, ""],
        "a wrong path": [404, "404 page not found"],
        "another version": [404, "404 page not found"],
    }


def test_a_late_answer_is_nobodys(alone: Alone) -> None:
    alone("calls.wrongly")
    assert alone("calls.late").value == NO_SUCH_ID


def test_only_the_first_answer_counts(attack: Attack) -> None:
    answer = attack("calls.twice")
    assert (answer.value, answer.error) == ("the first", False)
    outcomes = re.search(r"outcomes (.*)", answer.log)
    assert outcomes
    assert json.loads(outcomes[1]) == [202, NOT_NOW, NOT_NOW]
    assert attack("life.counts").value == [0, 0]  # the runtime itself lives on


def test_a_child_may_answer_too_and_then_the_runtime_may_not(attack: Attack) -> None:
    answer = attack("calls.from_a_child")
    assert (answer.value, answer.error) == ("from the child", False)
    assert attack("calls.from_a_child").value == "from the child"


def test_an_event_that_a_stranger_took_is_lost_with_its_invocation(
    create: Callable[..., str], attack: Attack, host: Host
) -> None:
    """Who asks for events gets them, as on AWS; then the environment is reset."""
    alone = Alone(create(FILES, MemorySize=1769, Timeout=2), attack, host)
    alone("calls.ask_for_more_and_leave")
    for _ in range(4):  # sooner or later it is the stranger's turn, if it came in time to wait
        answer = alone("life.counts")
        if answer.error:
            assert answer.fault()[0] == "Sandbox.Timedout"
            break
    assert alone("life.counts").value == [0, 0]


def test_garbage_is_answered_and_cut_off(attack: Attack) -> None:
    assert attack("calls.garbage").value == [
        "HTTP/1.1 400 Bad Request",
        "HTTP/1.1 400 Bad Request",
        "HTTP/1.1 400 Bad Request",
        "HTTP/1.1 431 Request Header Fields Too Large",
        "HTTP/1.1 400 Bad Request",
        "HTTP/1.1 501 Not Implemented",
    ]
