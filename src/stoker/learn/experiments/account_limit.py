"""An account's limit of ten, which dev, prod and others share."""

import asyncio
from collections.abc import Sequence

from stoker.core.learning import LIMITS, SMALL
from stoker.learn.answers import Outcome
from stoker.learn.bench import OVERLAP_S, Bench
from stoker.learn.experiment import DOCS, Claim, Experiment, Made, Page, Step

_DEV, _PROD = "learn-account-limit-dev", "learn-account-limit-prod"
_LIMIT, _KEPT = LIMITS[SMALL].concurrency, 2
_SOURCE = """\
import time


def handler(event, context):
    time.sleep(event["seconds"])
    return context.function_name
"""


async def _flood(bench: Bench, many: int) -> Outcome:
    """All of dev's at once, and one of prod's as soon as as many run as may. A machine may be so
    busy that dev's are done by then: once more, longer."""
    outcome = Outcome()
    for seconds in OVERLAP_S:
        dev = asyncio.create_task(bench.at_once(_DEV, [{"seconds": seconds}] * _LIMIT))
        try:
            await bench.until_running(many)
            prod = await bench.ask(_PROD, {"seconds": 0})
            overlapped = bench.running >= many
        finally:
            flood = await dev
        served = sum(not answer.error for answer in flood.answers)
        facts = {"of dev ran": served, "of dev were refused": len(flood.answers) - served}
        outcome = Outcome((prod, *flood.answers), facts)
        if overlapped:
            break
    await bench.rest()
    return outcome


async def _settings(bench: Bench) -> Outcome:
    found = await bench.call("lambda", "GetAccountSettings")
    return Outcome(facts=dict(found["AccountLimit"]))


async def _reserve(bench: Bench) -> Outcome:
    await bench.call(
        "lambda",
        "PutFunctionConcurrency",
        FunctionName=_PROD,
        ReservedConcurrentExecutions=_KEPT,
    )
    return Outcome(facts={"ReservedConcurrentExecutions": _KEPT})


def _judge(seen: Sequence[Outcome]) -> tuple[Claim, ...]:
    limit = seen[0].facts.get("ConcurrentExecutions")
    before, after = (outcome.answers[0] for outcome in (seen[1], seen[3]))
    served = [outcome.facts.get("of dev ran", 0) for outcome in (seen[1], seen[3])]
    return (
        Claim(f"The account may run {limit} invocations at the same time.", limit == _LIMIT),
        Claim(
            f"Dev took all of it ({served[0]} ran), and prod was refused, although nobody else used"
            f" it: {before.error}.",
            before.throttled and served[0] == _LIMIT,
        ),
        Claim(
            f"With {_KEPT} reserved for prod, dev got {served[1]}, and prod was served:"
            f" {after.payload}.",
            after.payload == _PROD and served[1] == _LIMIT - _KEPT,
        ),
    )


EXPERIMENT = Experiment(
    name="account-limit",
    title="An account's limit, shared by dev, prod and others",
    learns="All functions of an account in a region share one limit of concurrency. A load test in"
    " dev, or a loop, can take all of it, and prod's callers are refused. Reserved concurrency"
    " keeps a part for one function. Better still, dev has an account of its own.",
    on_aws="The limit is 1,000 in each region and can be raised; new accounts often have ten.",
    pages=(
        Page("Understanding function scaling", DOCS + "lambda-concurrency.html"),
        Page("Lambda quotas", DOCS + "gettingstarted-limits.html"),
    ),
    functions=tuple(Made(name, _SOURCE, more={"Timeout": 60}) for name in (_DEV, _PROD)),
    account=SMALL,
    differs="This happens in an account whose limit is ten. On AWS at least 100 of an account's"
    " limit must stay unreserved; here none need be.",
    steps=(
        Step("Ask for the account's limit.", _settings),
        Step(
            "Invoke dev ten times at once, and while all of them run, prod once.",
            lambda bench: _flood(bench, _LIMIT),
        ),
        Step(f"Reserve {_KEPT} for prod.", _reserve),
        Step(
            "Again: dev ten times at once, and prod once.",
            lambda bench: _flood(bench, _LIMIT - _KEPT),
        ),
    ),
    judge=_judge,
    slow=True,
)
