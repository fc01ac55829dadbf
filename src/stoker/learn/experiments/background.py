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
enough = 10**9
longest_ms = 0  # that nothing was done


def work():
    global done, longest_ms
    last = time.monotonic()
    while done < enough:
        time.sleep(0.005)
        now = time.monotonic()
        longest_ms = max(longest_ms, round(1000 * (now - last)))
        last = now
        done += 1
    print("the work is done")


worker = threading.Thread(target=work)


def handler(event, context):
    global enough
    if event["begin"]:
        worker.start()  # ... and return without waiting
    else:
        enough = done + 20
        worker.join()
    return {"done": done, "longest_ms": longest_ms}
"""


async def _wait(bench: Bench) -> Outcome:
    await bench.until_frozen(_NAME)
    await asyncio.sleep(_PAUSE_S)
    return Outcome(facts={"waited": f"{_PAUSE_S} s"})


def _judge(seen: Sequence[Outcome]) -> tuple[Claim, ...]:
    begun, ended = seen[0].answers[0], seen[2].answers[0]
    still_ms = ended.told("longest_ms") or 0
    return (
        Claim(
            f"The first invocation answered when {_pieces(begun.told('done'))} done: its handler"
            " had returned, and the environment was frozen with the work unfinished.",
            not begun.error and "the work is done" not in begun.log,
        ),
        Claim(
            f"For {still_ms} ms the work stood still: as long as the environment was frozen.",
            still_ms >= 1000 * _PAUSE_S / 2,
        ),
        Claim(
            f"In the second invocation it went on where it was, and {_pieces(ended.told('done'))}"
            " done at its end.",
            not ended.cold and (ended.told("done") or 0) >= (begun.told("done") or 0) + 20,
        ),
        Claim(
            "What it printed is in the log of the second invocation, which has nothing to do with"
            " it.",
            "the work is done" in ended.log,
        ),
    )


def _pieces(count: int | None) -> str:
    return "1 piece was" if count == 1 else f"{count} pieces were"


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
        Step("Do nothing, once the environment is frozen, for half a second.", _wait),
        Step(
            "Invoke it again: it waits for twenty more pieces of the work, a tenth of a second.",
            lambda bench: bench.invoke(_NAME, {"begin": False}),
        ),
    ),
    judge=_judge,
    slow=True,
)
