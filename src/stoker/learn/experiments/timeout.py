"""Timeout: what takes too long is ended, and the environment begins anew."""

from collections.abc import Sequence

from stoker.learn.answers import Outcome
from stoker.learn.experiment import DOCS, Claim, Experiment, Made, Page, Step

_NAME = "learn-timeout"
_SOURCE = """\
import time

calls = 0  # made when the environment starts


def handler(event, context):
    global calls
    calls += 1
    left_ms = context.get_remaining_time_in_millis()
    time.sleep(event["seconds"])
    return {"calls": calls, "left_ms": left_ms}
"""


def _judge(seen: Sequence[Outcome]) -> tuple[Claim, ...]:
    before, late, after = (outcome.answers[0] for outcome in seen)
    told = str(late.told("errorMessage") or "")
    return (
        Claim(
            f"In time it answered: {before.told('calls')} call so far, and it knew that it had"
            f" {before.told('left_ms')} ms left when it began.",
            not before.error
            and before.told("calls") == 1
            and 0 < (before.told("left_ms") or 0) <= 1000,
        ),
        Claim(
            f"The one that took too long was ended, and its caller told: {told!r}.",
            bool(late.error) and "Task timed out after 1.00 seconds" in told,
        ),
        Claim(
            "All of the second was billed, and its REPORT says Status: timeout.",
            late.measured is not None
            and late.measured.billed_ms >= 1000
            and "Status: timeout" in late.log,
        ),
        Claim(
            f"The next invocation found the counter at {after.told('calls')}: its process had been"
            " ended, and what that had in memory was gone.",
            not after.error and after.told("calls") == 1,
        ),
    )


EXPERIMENT = Experiment(
    name="timeout",
    title="A function that takes too long",
    learns="A function has a timeout. When that is over, Lambda ends it where it stands: the caller"
    " gets an error, the time is billed, and nothing is cleaned up by your code. The next"
    " invocation starts with an empty memory. A function can ask how much time it has left.",
    on_aws="The timeout is 3 seconds if you say nothing, and 15 minutes at most. Time of the init"
    " that an environment needs after a timeout counts as part of the next invocation.",
    pages=(
        Page("Configure Lambda function timeout", DOCS + "configuration-timeout.html"),
        Page("Failures during the invoke phase", DOCS + "lambda-runtime-environment.html"),
    ),
    functions=(Made(_NAME, _SOURCE, more={"Timeout": 1}),),
    steps=(
        Step(
            "Invoke it, and let it sleep for a hundredth of a second; its timeout is 1 second.",
            lambda bench: bench.invoke(_NAME, {"seconds": 0.01}),
        ),
        Step(
            "Let it sleep for a minute.",
            lambda bench: bench.invoke(_NAME, {"seconds": 60}),
        ),
        Step(
            "Invoke it again, with no sleep.",
            lambda bench: bench.invoke(_NAME, {"seconds": 0}),
        ),
    ),
    judge=_judge,
    slow=True,
)
