"""Background work: it stands still with its environment, and resumes with the next invocation."""

import asyncio
from collections.abc import Sequence

from stoker.learn.answers import Outcome
from stoker.learn.bench import Bench
from stoker.learn.experiment import DOCS, Claim, Experiment, Made, Page, Step

_NAME = "learn-background"
_PAUSE_S = 0.5
_SOURCE = """\
import threading
import time

done = 0  # pieces of work
longest_ms = 0  # that nothing was done


def work():
    global done, longest_ms
    last = time.monotonic()
    while done < 60:
        time.sleep(0.005)
        now = time.monotonic()
        longest_ms = max(longest_ms, round(1000 * (now - last)))
        last = now
        done += 1
    print("the work is done")


worker = threading.Thread(target=work)


def handler(event, context):
    if event["begin"]:
        worker.start()  # ... and return without waiting
    else:
        worker.join()
    return {"done": done, "longest_ms": longest_ms}
"""


async def _wait(_bench: Bench) -> Outcome:
    await asyncio.sleep(_PAUSE_S)
    return Outcome(facts={"waited": f"{_PAUSE_S} s"})


def _judge(seen: Sequence[Outcome]) -> tuple[Claim, ...]:
    begun, ended = seen[0].answers[0], seen[2].answers[0]
    still_ms = ended.told("longest_ms") or 0
    return (
        Claim(
            f"The first invocation answered when {begun.told('done')} of 60 pieces were done: its"
            " handler had returned, and the environment was frozen with the work unfinished.",
            not begun.error and begun.told("done") < 60,
        ),
        Claim(
            f"For {still_ms} ms the work stood still: as long as the environment was frozen.",
            still_ms >= 1000 * _PAUSE_S / 2,
        ),
        Claim(
            f"In the second invocation it went on where it was: {ended.told('done')} of 60.",
            ended.told("done") == 60 and not ended.cold,
        ),
        Claim(
            "What it printed is in the log of the second invocation, which has nothing to do with"
            " it.",
            "the work is done" in ended.log and "the work is done" not in begun.log,
        ),
    )


EXPERIMENT = Experiment(
    name="background",
    title="Background work that resumes",
    learns="When the handler has returned, the environment is frozen with all that still runs in it"
    " (in Node.js: callbacks that are not awaited). It is neither ended nor does it go on: it"
    " resumes in the midst of somebody else's invocation, or never. So finish, or await, whatever"
    " must be done before you return.",
    on_aws="Background processes and callbacks that were not complete resume if Lambda uses the"
    " environment again.",
    pages=(
        Page("Lambda execution environment lifecycle", DOCS + "lambda-runtime-environment.html"),
    ),
    functions=(Made(_NAME, _SOURCE),),
    steps=(
        Step(
            "Invoke it: it begins work in a thread, and returns at once.",
            lambda bench: bench.invoke(_NAME, {"begin": True}),
        ),
        Step("Do nothing for half a second; the work needs less than that.", _wait),
        Step(
            "Invoke it again: it waits for the thread.",
            lambda bench: bench.invoke(_NAME, {"begin": False}),
        ),
    ),
    judge=_judge,
    slow=True,
)
