"""What a stack's events say."""

import pytest

from stoker.core.stacks.model import Event, Status, first_failure

STACK = "arn:stack"
BEGIN, AGAIN = ("S", Status.CREATE_IN_PROGRESS, ""), ("S", Status.UPDATE_IN_PROGRESS, "")
ONE = ("One", Status.CREATE_FAILED, "no such bucket")
TWO = ("Two", Status.CREATE_FAILED, "Resource creation cancelled")
BACK = ("S", Status.ROLLBACK_IN_PROGRESS, "one failed")


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ((BEGIN, ONE, TWO, BACK), "no such bucket"),
        ((BEGIN, ("One", Status.CREATE_IN_PROGRESS, ""), ONE), "no such bucket"),
        ((BEGIN, ONE, AGAIN, TWO), "Resource creation cancelled"),
        ((BEGIN, ONE, AGAIN), ""),
        ((BEGIN, BACK), ""),
    ],
)
def test_the_first_failure_of_the_latest_deployment_is_its_cause(
    told: tuple[tuple[str, Status, str], ...], why: str
) -> None:
    events = [
        Event("e", 0.0, name, STACK if name == "S" else "p", "K", status, reason)
        for name, status, reason in told
    ]
    assert first_failure(STACK, events) == why
