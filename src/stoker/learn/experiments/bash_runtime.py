"""A runtime of one's own, in bash."""

from collections.abc import Sequence

from stoker.learn.answers import Outcome
from stoker.learn.experiment import DOCS, Claim, Experiment, Made, Page, Step

_NAME = "learn-bash-runtime"
_SOURCE = """\
#!/bin/bash
# A runtime is a program called bootstrap. It asks Lambda for an event, does the work,
# posts the answer, and asks again, for ever.
api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime
calls=0

while true; do
  head=$(mktemp)
  event=$(curl -sS -D "$head" "$api/invocation/next") || exit 1
  id=$(grep -Fi Lambda-Runtime-Aws-Request-Id "$head" | tr -d '[:space:]' | cut -d: -f2)
  rm "$head"
  calls=$((calls + 1))
  echo "bash got $event"
  answer="{\\"calls\\": $calls, \\"event\\": $event, \\"shell\\": \\"bash ${BASH_VERSINFO[0]}\\"}"
  curl -sS -o /dev/null "$api/invocation/$id/response" --data-binary "$answer"
done
"""


def _judge(seen: Sequence[Outcome]) -> tuple[Claim, ...]:
    first, second = (outcome.answers[0] for outcome in seen)
    return (
        Claim(
            f"A shell script answered: {first.payload}.",
            first.told("event") == {"name": "Ada"} and "bash" in str(first.told("shell")),
        ),
        Claim(
            "What the script printed is in the log, between START and END, as with any runtime.",
            'bash got {"name":"Ada"}' in first.log,
        ),
        Claim(
            f"Its loop went on with the next event: {second.told('calls')} calls, no cold start.",
            second.told("calls") == 2 and not second.cold,
        ),
    )


EXPERIMENT = Experiment(
    name="bash-runtime",
    title="A runtime in bash",
    learns="A runtime is no magic. It is a program that asks Lambda's Runtime API for the next"
    " event by HTTP, and posts the answer. Lambda brings such programs for some languages; for any"
    " other you bring your own, as a file called bootstrap. While it waits for the next event, the"
    " environment is frozen.",
    on_aws="The runtime is called provided.al2023; the file may be in the package or in a layer.",
    pages=(
        Page("Building a custom runtime", DOCS + "runtimes-custom.html"),
        Page("Tutorial: building a custom runtime", DOCS + "runtimes-walkthrough.html"),
        Page("Using the Lambda runtime API", DOCS + "runtimes-api.html"),
    ),
    differs="The script's curl is the one of this machine; it cannot run where there is none.",
    functions=(
        Made(
            _NAME,
            _SOURCE,
            file="bootstrap",
            more={"Runtime": "provided.al2023", "Handler": "unused", "MemorySize": 256},
        ),
    ),
    steps=(
        Step("Invoke it.", lambda bench: bench.invoke(_NAME, {"name": "Ada"})),
        Step("Invoke it again.", lambda bench: bench.invoke(_NAME, {"name": "Grace"})),
    ),
    judge=_judge,
)
