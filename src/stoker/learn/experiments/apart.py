"""Two functions never share an environment, whatever they have alike."""

from collections.abc import Sequence

from stoker.learn.answers import Outcome
from stoker.learn.experiment import DOCS, Claim, Experiment, Made, Page, Step

_ONE, _OTHER = "learn-apart-one", "learn-apart-other"
_SOURCE = """\
import os
from pathlib import Path

calls = 0
notes = Path("/tmp/notes.txt")


def handler(event, context):
    global calls
    calls += 1
    with notes.open("a") as file:
        file.write(context.function_name + " ")
    return {
        "calls": calls,
        "notes": notes.read_text().split(),
        "environment": os.environ["AWS_LAMBDA_LOG_STREAM_NAME"],
    }
"""


def _judge(seen: Sequence[Outcome]) -> tuple[Claim, ...]:
    answers = [outcome.answers[0] for outcome in seen]
    one, other = answers[0::2], answers[1::2]
    streams = [{answer.told("environment") for answer in some} for some in (one, other)]
    notes = [some[-1].told("notes") for some in (one, other)]
    return (
        Claim(
            "Each function had one environment for both of its invocations, and not the other's.",
            all(len(some) == 1 for some in streams) and not streams[0] & streams[1],
        ),
        Claim(
            f"Both counted by themselves: {[a.told('calls') for a in answers]}.",
            [answer.told("calls") for answer in answers] == [1, 1, 2, 2],
        ),
        Claim(
            f"In /tmp each found only its own notes: {notes}.",
            notes == [[_ONE] * 2, [_OTHER] * 2],
        ),
        Claim(
            "The second function started cold although the first was warm.",
            answers[1].cold and not answers[2].cold,
        ),
    )


EXPERIMENT = Experiment(
    name="apart",
    title="Two functions never share an environment",
    learns="An execution environment belongs to one function (and one version of it). Two functions"
    " with the same code, role and account have nothing in common: neither memory nor /tmp, and a"
    " warm environment of one is of no use to the other. What they must share goes to a queue, a"
    " table or a bucket.",
    on_aws="An environment is a virtual machine of its own (Firecracker), for one version of one"
    " function of one account.",
    pages=(
        Page("Lambda execution environment lifecycle", DOCS + "lambda-runtime-environment.html"),
        Page("Data protection in AWS Lambda", DOCS + "security-dataprotection.html"),
    ),
    functions=(Made(_ONE, _SOURCE), Made(_OTHER, _SOURCE)),
    steps=(
        Step(f"Invoke {_ONE}.", lambda bench: bench.invoke(_ONE, {})),
        Step(f"Invoke {_OTHER}.", lambda bench: bench.invoke(_OTHER, {})),
        Step(f"Invoke {_ONE} again.", lambda bench: bench.invoke(_ONE, {})),
        Step(f"Invoke {_OTHER} again.", lambda bench: bench.invoke(_OTHER, {})),
    ),
    judge=_judge,
)
