"""Memory against duration and cost."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from stoker.core.invocation_price import terms
from stoker.core.price_list import READ_ON
from stoker.learn.answers import Outcome
from stoker.learn.bench import Bench
from stoker.learn.experiment import DOCS, Claim, Experiment, Made, Page, Step

_NAME = "learn-memory"
_SIZES_MB = (128, 512, 1769)
_SOURCE = """\
def handler(event, context):
    # Nothing but work for the processor, always as much.
    return sum(number * number for number in range(event["numbers"]))
"""


async def _measure(bench: Bench, memory_mb: int) -> Outcome:
    """Of three warm invocations the shortest."""
    await bench.update(_NAME, MemorySize=memory_mb)
    event = {"numbers": 600_000}
    answers = [(await bench.invoke(_NAME, event)).answers[0] for _ in range(4)][1:]
    configuration = await bench.call("lambda", "GetFunctionConfiguration", FunctionName=_NAME)
    price = terms(configuration, bench.region, READ_ON)
    facts: dict[str, Any] = {}
    measured = [answer.measured for answer in answers if answer.measured and not answer.error]
    if measured:
        best = min(measured, key=lambda one: one.duration_ms)
        facts = {
            "MemorySize": memory_mb,
            "duration_ms": best.duration_ms,
            "dollars_per_million": round(1e6 * price.dollars(best), 2),
        }
    return Outcome(tuple(answers), facts)


def _judge(seen: Sequence[Outcome]) -> tuple[Claim, ...]:
    found = [outcome.facts for outcome in seen if outcome.facts]
    if len(found) < len(_SIZES_MB):
        return (Claim("Every size was measured.", holds=False),)
    durations = [one["duration_ms"] for one in found]
    costs = [one["dollars_per_million"] for one in found]
    faster, dearer = durations[0] / durations[-1], costs[-1] / costs[0]
    more = _SIZES_MB[-1] / _SIZES_MB[0]
    return (
        Claim(
            f"With {', '.join(map(str, _SIZES_MB))} MB it took"
            f" {', '.join(f'{ms:.0f}' for ms in durations)} ms: with {more:.0f} times the memory it"
            f" was {faster:.1f} times as fast.",
            faster > 1.5,
        ),
        Claim(
            f"A million of them would cost {', '.join(f'${one:.2f}' for one in costs)} on AWS: that"
            f" much more memory costs {dearer:.1f} times as much, since you pay for memory times"
            " time.",
            dearer < more / 1.5,
        ),
    )


EXPERIMENT = Experiment(
    name="memory",
    title="Memory against duration and cost",
    learns="You choose a function's memory, and processor power comes in proportion to it. More of"
    " it makes work for the processor shorter. You pay for memory times duration, so twice the"
    " memory for half the time costs the same, and your users wait half as long. What only waits"
    " for others is not faster with more memory, and only costs more. Measure it: the"
    " command stoker tune does.",
    on_aws="With 1,769 MB a function has the power of one processor core.",
    pages=(
        Page("Configure Lambda function memory", DOCS + "configuration-memory.html"),
        Page("Best practices", DOCS + "best-practices.html"),
    ),
    functions=(Made(_NAME, _SOURCE, more={"Timeout": 60}),),
    steps=tuple(
        Step(
            f"Give it {memory_mb} MB, invoke it once, and then three times warm.",
            partial(_measure, memory_mb=memory_mb),
        )
        for memory_mb in _SIZES_MB
    ),
    judge=_judge,
    slow=True,
)
