"""A change of the configuration makes new environments, and each has a log stream of its own."""

from collections.abc import Sequence

from stoker.learn.answers import Outcome
from stoker.learn.bench import Bench
from stoker.learn.experiment import DOCS, Claim, Experiment, Made, Page, Step

_NAME = "learn-log-stream"
_SOURCE = """\
import os


def handler(event, context):
    print("GREETING is", os.environ["GREETING"])
    return {"greeting": os.environ["GREETING"], "stream": context.log_stream_name}
"""


async def _change(bench: Bench) -> Outcome:
    await bench.update(_NAME, Environment={"Variables": {"GREETING": "good evening"}})
    return Outcome(facts={"GREETING": "good evening"})


async def _streams(bench: Bench) -> Outcome:
    """Once the log has the words of both."""

    async def look() -> list[str] | None:
        events = await bench.log(_NAME)
        said = {e["logStreamName"] for e in events if e["message"].startswith("GREETING is")}
        return sorted(said) if len(said) >= 2 else None

    return Outcome(facts={"streams": await bench.until(look, "the words of both environments")})


def _judge(seen: Sequence[Outcome]) -> tuple[Claim, ...]:
    first, again, _, changed, logged = seen
    streams = logged.facts.get("streams", [])
    before, warm, after = (outcome.answers[0] for outcome in (first, again, changed))
    return (
        Claim(
            "Two invocations before the change wrote to the same log stream.",
            before.told("stream") is not None and before.told("stream") == warm.told("stream"),
        ),
        Claim(
            f"After the change the function greeted otherwise: {after.told('greeting')!r}.",
            (before.told("greeting"), after.told("greeting")) == ("good morning", "good evening"),
        ),
        Claim(
            "It was a cold start, in a new environment, with a new log stream.",
            after.cold and after.told("stream") != before.told("stream"),
        ),
        Claim(
            f"The log group has {len(streams)} streams now.",
            set(streams) == {before.told("stream"), after.told("stream")},
        ),
    )


EXPERIMENT = Experiment(
    name="log-stream",
    title="A new log stream after a change",
    learns="Each execution environment writes to a log stream of its own in the function's log"
    " group. An environment knows only the configuration that it was started with. So when you"
    " change a variable, the memory or the code, the warm environments are of no more use: the next"
    " invocation is a cold start, and writes to a new stream.",
    on_aws="A log stream is named after the day, the version of the function and the environment.",
    pages=(
        Page("Working with Lambda function logs", DOCS + "monitoring-cloudwatchlogs.html"),
        Page("Environment variables", DOCS + "configuration-envvars.html"),
    ),
    functions=(
        Made(_NAME, _SOURCE, more={"Environment": {"Variables": {"GREETING": "good morning"}}}),
    ),
    steps=(
        Step("Invoke it.", lambda bench: bench.invoke(_NAME, {})),
        Step("Invoke it again: it is warm.", lambda bench: bench.invoke(_NAME, {})),
        Step("Change its environment variable GREETING, and wait until that is done.", _change),
        Step("Invoke it once more.", lambda bench: bench.invoke(_NAME, {})),
        Step("Look at the streams of its log group.", _streams),
    ),
    judge=_judge,
)
