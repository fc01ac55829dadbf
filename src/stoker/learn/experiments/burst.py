"""The burst curve: how fast a function may grow."""

import asyncio
from collections.abc import Sequence

from stoker.core.learning import GRADUAL, GROWTH
from stoker.learn.answers import Outcome
from stoker.learn.bench import Bench
from stoker.learn.experiment import DOCS, Claim, Experiment, Made, Page, Step

_NAME = "learn-burst"
_BURST, _MANY, _PAUSE_S = GROWTH[GRADUAL].burst, 16, 2.0
_SOURCE = """\
import os
import time


def handler(event, context):
    time.sleep(event["seconds"])
    return {"environment": os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]}
"""


async def _full(bench: Bench) -> Outcome:
    """An earlier run has used it up, perhaps."""

    async def look() -> int | None:
        return _BURST if bench.growth(_NAME) >= _BURST else None

    return Outcome(facts={"may grow at once by": await bench.until(look, "room to grow")})


async def _burst(bench: Bench) -> Outcome:
    return await bench.at_once(_NAME, [{"seconds": 1}] * _MANY)


async def _later(bench: Bench) -> Outcome:
    await asyncio.sleep(_PAUSE_S)
    return await _burst(bench)


def _judge(seen: Sequence[Outcome]) -> tuple[Claim, ...]:
    first, second = seen[1].answers, seen[2].answers
    ran = [sum(not answer.error for answer in some) for some in (first, second)]
    cold = sum(answer.cold for answer in second)
    return (
        Claim(
            f"Of sixteen at once {ran[0]} ran, and the others were refused: the function may grow"
            f" by {_BURST} at once.",
            _BURST <= ran[0] < _MANY and all(a.throttled for a in first if a.error),
        ),
        Claim(
            f"A little later {ran[1]} ran: {cold} in environments that it might have meanwhile.",
            ran[1] > ran[0] and cold > 0,
        ),
        Claim(
            f"Those that there were already took the others, {ran[1] - cold} without a cold start.",
            ran[1] - cold >= ran[0],
        ),
    )


EXPERIMENT = Experiment(
    name="burst",
    title="The burst curve",
    learns="Lambda makes environments as they are needed, but not any number at once. A function"
    " may grow by so many at a time, and then by so many each second; who comes faster is refused"
    " (429), although the account's limit is far. Environments that are there already are not"
    " counted again. So a crowd that comes within a second needs environments made ahead, or a"
    " queue.",
    on_aws="Each function may grow by 1,000 environments every 10 seconds, filled again all the"
    " time.",
    pages=(
        Page("Lambda scaling behavior", DOCS + "scaling-behavior.html"),
        Page("Understanding function scaling", DOCS + "lambda-concurrency.html"),
    ),
    functions=(Made(_NAME, _SOURCE),),
    account=GRADUAL,
    differs="In this account everything is a hundredth: 10 environments at once, and one more each"
    " second.",
    steps=(
        Step("See that the function may grow.", _full),
        Step("Invoke it sixteen times at once; each takes a second.", _burst),
        Step("Wait two seconds, and do that again.", _later),
    ),
    judge=_judge,
    slow=True,
)
