"""Cold start: on demand, with provisioned concurrency, and with SnapStart."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from stoker.learn import room
from stoker.learn.answers import Answer, Outcome
from stoker.learn.bench import Bench, Broken
from stoker.learn.experiment import DOCS, Claim, Experiment, Made, Page, Step

_INIT_MS: Final = 500
_PYTHONS: Final = ("python3.12", "python3.13", "python3.14")  # that AWS has SnapStart for
_SOURCE = """\
import os
import time

time.sleep(0.5)  # a slow init: frameworks, models, connections


def handler(event, context):
    return {"environment": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]}
"""
_ALIAS: Final = "live"  # numbers of versions are never given again, not even to a new function
_NAME, _SNAP_NAME = "learn-cold-start", "learn-cold-start-snap"
_SNAP = Made(
    _SNAP_NAME,
    _SOURCE,
    more={"Runtime": _PYTHONS[0], "SnapStart": {"ApplyOn": "PublishedVersions"}},
)


async def _provision(bench: Bench) -> Outcome:
    """A version, by an alias, with one environment made ahead."""
    version = await bench.publish(_NAME)
    await bench.call(
        "lambda",
        "CreateAlias",
        FunctionName=_NAME,
        Name=_ALIAS,
        FunctionVersion=version["Version"],
    )
    await bench.call(
        "lambda",
        "PutProvisionedConcurrencyConfig",
        FunctionName=_NAME,
        Qualifier=_ALIAS,
        ProvisionedConcurrentExecutions=1,
    )

    async def look() -> str | None:
        found = await bench.call(
            "lambda", "GetProvisionedConcurrencyConfig", FunctionName=_NAME, Qualifier=_ALIAS
        )
        if found["Status"] == "FAILED":
            raise Broken(f"nothing can be provisioned: {found.get('StatusReason', '')}")
        return "READY" if found["Status"] == "READY" else None

    status = await bench.until(look, "the provisioned environment")
    return Outcome(facts={"version": version["Version"], "Status": status})


async def _snap(bench: Bench) -> Outcome:
    """A version of the other function, from a snapshot; if there is a Python for it."""
    for runtime in _PYTHONS:
        try:
            await room.make(bench, replace(_SNAP, more={**_SNAP.more, "Runtime": runtime}))
        except Broken:  # it is not on this machine
            await bench.call("lambda", "DeleteFunction", FunctionName=_SNAP_NAME)
            continue
        version = await bench.publish(_SNAP_NAME)
        if version["State"] != "Active":
            raise Broken(f"no snapshot could be taken: {version.get('StateReason', '')}")
        invoked = await bench.invoke(_SNAP_NAME, {}, version["Version"])
        return Outcome(invoked.answers, {"Runtime": runtime})
    why = "no Python 3.12 or later is here; the command stoker runtimes install brings one"
    return Outcome(facts={"left out": why})


def _judge(seen: Sequence[Outcome]) -> tuple[Claim, ...]:
    demand, ahead = seen[0].answers[0], seen[2].answers[0] if seen[2].answers else None
    claims = [
        Claim(
            f"On demand, who came first waited for all of the init: {_ms(demand)}.",
            demand.told("environment") == "on-demand" and _before(demand) >= _INIT_MS,
        ),
        Claim(
            "With provisioned concurrency the environment had been made before anybody came.",
            ahead is not None and ahead.told("environment") == "provisioned-concurrency",
        ),
    ]
    for copy in seen[3].answers:
        claims.append(
            Claim(
                f"With SnapStart the init ran once, when the version was published; a copy of it"
                f" took {_ms(copy)}.",
                copy.told("environment") == "snap-start" and 0 < _before(copy) < _before(demand),
            )
        )
    return tuple(claims)


def _before(answer: Answer) -> float:
    return answer.before_ms or 0.0


def _ms(answer: Answer) -> str:
    return f"{_before(answer):.0f} ms"


EXPERIMENT = Experiment(
    name="cold-start",
    title="Cold start, with and without provisioned concurrency and SnapStart",
    learns="The first invocation of an environment waits until that is made and the function's init"
    " has run: a cold start. There are two ways around that. Provisioned concurrency keeps so many"
    " environments ready, which you pay for as long as they are there. SnapStart runs the init"
    " once, when you publish a version; environments are copies of what was in memory then.",
    on_aws="Both work for versions that are published, not for $LATEST. SnapStart is there for Java"
    " 11, Python 3.12 and .NET 8, and later ones.",
    pages=(
        Page("Configuring provisioned concurrency", DOCS + "provisioned-concurrency.html"),
        Page("Lambda SnapStart", DOCS + "snapstart.html"),
    ),
    functions=(Made(_NAME, _SOURCE),),
    later=(_SNAP,),
    steps=(
        Step("Invoke it on demand.", lambda bench: bench.invoke(_NAME, {})),
        Step(
            "Publish a version, give it the alias live, and have one environment provisioned.",
            _provision,
        ),
        Step("Invoke it as live.", lambda bench: bench.invoke(_NAME, {}, _ALIAS)),
        Step(
            "Publish a version of a function with SnapStart, and invoke that.",
            _snap,
        ),
    ),
    judge=_judge,
    slow=True,
)
