"""Reserved concurrency of one, and six events."""

from collections.abc import Sequence

import orjson

from stoker.learn.answers import Outcome
from stoker.learn.bench import Bench
from stoker.learn.experiment import DOCS, Claim, Experiment, Made, Page, Step

_NAME = "learn-reserved"
_EVENTS = 6
_QUEUED = 100  # the number of the first that is queued
_SOURCE = """\
import time

calls = 0


def handler(event, context):
    global calls
    calls += 1
    time.sleep(event["seconds"])
    print(f"event {event['n']} was call {calls}")
    return {"calls": calls}
"""


async def _reserve(bench: Bench) -> Outcome:
    await bench.call(
        "lambda", "PutFunctionConcurrency", FunctionName=_NAME, ReservedConcurrentExecutions=1
    )
    return Outcome(facts={"ReservedConcurrentExecutions": 1})


async def _at_once(bench: Bench) -> Outcome:
    return await bench.at_once(_NAME, [{"n": n, "seconds": 0.3} for n in range(_EVENTS)])


async def _queue(bench: Bench) -> Outcome:
    for n in range(_QUEUED, _QUEUED + _EVENTS):
        await bench.call(
            "lambda",
            "Invoke",
            FunctionName=_NAME,
            InvocationType="Event",
            Payload=orjson.dumps({"n": n, "seconds": 0.02}),
        )
    return Outcome(facts={"accepted": _EVENTS})


async def _worked_off(bench: Bench) -> Outcome:
    """Once all that were queued have been done: those that were not are before them in the log."""

    async def look() -> list[tuple[str, str]] | None:
        events = await bench.log(_NAME)
        said = [
            (event["logStreamName"], event["message"].strip())
            for event in events
            if event["message"].startswith("event ")
        ]
        done = {line.split()[1] for _, line in said}
        queued = {str(n) for n in range(_QUEUED, _QUEUED + _EVENTS)}
        return said if queued <= done else None

    said = await bench.until(look, "the end of all events")
    await bench.rest()
    return Outcome(
        facts={
            "calls": [int(line.rpartition(" ")[2]) for _, line in said],
            "streams": sorted({stream for stream, _ in said}),
        }
    )


def _judge(seen: Sequence[Outcome]) -> tuple[Claim, ...]:
    answers, facts = seen[1].answers, seen[3].facts
    throttled = [answer for answer in answers if answer.throttled]
    served = [answer for answer in answers if not answer.error]
    calls, streams = facts.get("calls", []), facts.get("streams", [])
    return (
        Claim(
            f"Of six invocations at the same time that wait for an answer, {len(served)} ran, and"
            f" {len(throttled)} were refused (429, TooManyRequestsException).",
            len(served) >= 1 and len(throttled) >= 1 and len(served) + len(throttled) == _EVENTS,
        ),
        Claim(
            "Six that were queued were all accepted, and all done, one after the other.",
            len(calls) - len(served) == _EVENTS,
        ),
        Claim(
            f"One environment did all of it, and counted {calls}: there never was a second.",
            len(streams) == 1 and calls == list(range(1, len(calls) + 1)),
        ),
    )


EXPERIMENT = Experiment(
    name="reserved",
    title="Reserved concurrency of one, and six events",
    learns="Reserved concurrency is a part of the account's limit that only this function may use,"
    " and the most that it may use. With a reservation of one, there is one environment, and one"
    " invocation at a time. A caller who waits is refused when that is busy. An asynchronous event"
    " is not: it waits in Lambda's queue, and is tried again.",
    on_aws="Throttled events are tried again for up to six hours, after one second at first, later"
    " after up to five minutes.",
    pages=(
        Page("Configuring reserved concurrency", DOCS + "configuration-concurrency.html"),
        Page("Asynchronous errors and retries", DOCS + "invocation-async-error-handling.html"),
    ),
    functions=(Made(_NAME, _SOURCE),),
    steps=(
        Step("Reserve a concurrency of one for it.", _reserve),
        Step("Invoke it six times at once, and wait for the answers.", _at_once),
        Step("Send it six events, asynchronously.", _queue),
        Step("Wait until its log shows that all were done.", _worked_off),
    ),
    judge=_judge,
)
