"""ARNs of targets, as anybody may have written them."""

import pytest

from stoker.core import target_calls, trigger_targets

QUEUE = "arn:aws:sqs:eu-central-1:123456789012:q"
FUNCTION = "arn:aws:lambda:eu-central-1:123456789012:function:f"


def test_a_queue_s_arn_says_its_account_region_and_name() -> None:
    assert trigger_targets.queue(QUEUE) == ("123456789012", "eu-central-1", "q")
    assert trigger_targets.queue(f"{QUEUE}.fifo") == ("123456789012", "eu-central-1", "q.fifo")
    assert trigger_targets.queue(FUNCTION) is None


@pytest.mark.parametrize("arn", [FUNCTION, f"{FUNCTION}:1", f"{FUNCTION}:$LATEST", f"{FUNCTION}:a"])
def test_functions_are_named_with_and_without_a_qualifier(arn: str) -> None:
    assert trigger_targets.is_function(arn)
    assert not trigger_targets.is_queue(arn)


@pytest.mark.parametrize(
    "arn",
    [
        "", "x", "a:b", "arn:aws:sqs", "arn:aws:sqs:r:acct", f"{QUEUE}\n", f"{QUEUE}:more",
        f"{FUNCTION}\r\nx-stoker-source: y", f"x{QUEUE}", "arn:aws:sqs:r:12345678901٢:q",
        QUEUE + "q" * 80, FUNCTION + "f" * 200, "arn:aws:lambda:r:123456789012:f",
    ],
)  # fmt: skip
def test_anything_else_is_no_target(arn: str) -> None:
    assert not trigger_targets.is_function(arn)
    assert not trigger_targets.is_queue(arn)
    assert not trigger_targets.is_topic(arn)
    assert target_calls.read(arn) is None
    assert trigger_targets.queue(arn) is None


def test_topics_of_both_kinds_are_known() -> None:
    assert trigger_targets.is_topic("arn:aws:sns:eu-central-1:123456789012:t.fifo")
