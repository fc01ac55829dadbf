"""A client that is made globally, against one that is made in the handler."""

from collections.abc import Sequence

from stoker.learn.answers import Outcome
from stoker.learn.experiment import DOCS, Claim, Experiment, Made, Page, Step

_GLOBAL, _INSIDE = "learn-client-global", "learn-client-in-handler"
_CLIENT = '''\
import ssl
import time

made = 0


class Client:
    """Like those of SDKs and databases: it takes work to make one."""

    def __init__(self):
        global made
        made += 1
        self.trusted = ssl.create_default_context()  # reads all certificates there are


'''
_ONCE = (
    _CLIENT
    + """\
client = Client()  # in the init: once for each environment


def handler(event, context):
    begun = time.process_time()
    client.trusted.cert_store_stats()
    return {"made": made, "cpu_ms": round(1000 * (time.process_time() - begun), 3)}
"""
)
_EACH = (
    _CLIENT
    + """\
def handler(event, context):
    begun = time.process_time()
    client = Client()  # for each invocation
    client.trusted.cert_store_stats()
    return {"made": made, "cpu_ms": round(1000 * (time.process_time() - begun), 3)}
"""
)


def _judge(seen: Sequence[Outcome]) -> tuple[Claim, ...]:
    once, each = ([a for o in some for a in o.answers] for some in (seen[:4], seen[4:]))
    made = [[answer.told("made") for answer in some] for some in (once, each)]
    cpu = [sum(answer.told("cpu_ms") or 0.0 for answer in some[1:]) for some in (once, each)]
    return (
        Claim(
            f"Made globally, it was made once for all invocations: {made[0]}.",
            made[0] == [1, 1, 1, 1],
        ),
        Claim(
            f"Made in the handler, it was made each time: {made[1]}.",
            made[1] == [1, 2, 3, 4],
        ),
        Claim(
            f"Three warm invocations took {cpu[0]:.1f} ms of processor time with the first, and"
            f" {cpu[1]:.1f} ms with the second; you pay for the time that it takes.",
            cpu[0] < cpu[1],
        ),
    )


EXPERIMENT = Experiment(
    name="client",
    title="A client made globally, and one made in the handler",
    learns="What is outside of the handler runs once for each environment: in the init, before the"
    " first invocation. So make what is expensive there (clients, connections, what is read from"
    " files), and every warm invocation has it for nothing. What is in the handler is made again"
    " each time.",
    on_aws="AWS's best practices say so, too. The init has the processor power of the function's"
    " memory, and its time is billed.",
    pages=(
        Page("Best practices: function code", DOCS + "best-practices.html"),
        Page("Lambda execution environment lifecycle", DOCS + "lambda-runtime-environment.html"),
    ),
    functions=(
        Made(_GLOBAL, _ONCE, more={"MemorySize": 512}),
        Made(_INSIDE, _EACH, more={"MemorySize": 512}),
    ),
    steps=(
        *(
            Step(f"Invoke {_GLOBAL} {often}.", lambda bench: bench.invoke(_GLOBAL, {}))
            for often in ("for the first time", "again", "a third time", "a fourth time")
        ),
        *(
            Step(f"Invoke {_INSIDE} {often}.", lambda bench: bench.invoke(_INSIDE, {}))
            for often in ("for the first time", "again", "a third time", "a fourth time")
        ),
    ),
    judge=_judge,
    slow=True,
)
