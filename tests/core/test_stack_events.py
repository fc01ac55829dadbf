"""What a stack's events say."""

import pytest

from stoker.core.stacks.model import KIND_OF_STACK, Event, Status, first_failure, gone_with

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


GONE = ("DELETE_IN_PROGRESS", "A DELETE_COMPLETE", "DELETE_COMPLETE")


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (("CREATE_COMPLETE", *GONE), "A"),
        (("UPDATE_COMPLETE", "Old DELETE_COMPLETE", *GONE), "A"),
        (
            ("CREATE_COMPLETE", "DELETE_IN_PROGRESS", "B DELETE_SKIPPED", "DELETE_FAILED", *GONE),
            "AB",
        ),
        (("ROLLBACK_IN_PROGRESS", "B DELETE_COMPLETE", "ROLLBACK_COMPLETE", *GONE), "AB"),
        (("CREATE_IN_PROGRESS", *GONE), "A"),
    ],
)
def test_a_deleted_stack_had_what_went_with_it(told: tuple[str, ...], shown: str) -> None:
    """And not what an update had removed before."""
    events = []
    for text in told:
        logical, _, status = text.rpartition(" ")
        kind, physical = ("K", f"id-{logical}") if logical else (KIND_OF_STACK, STACK)
        events.append(Event("e", 1.0, logical or "S", physical, kind, Status(status)))
    found = gone_with(STACK, events)
    assert "".join(sorted(found)) == shown
    assert found["A"].physical == "id-A"
