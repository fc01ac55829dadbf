"""Asynchronous retries, and what cannot be done goes to a dead-letter queue."""

from collections.abc import Sequence
from typing import Any

from stoker.core.learning import TIME_SCALE
from stoker.learn.answers import Outcome
from stoker.learn.bench import Bench
from stoker.learn.experiment import DOCS, Claim, Experiment, Made, Page, Step

_NAME, _QUEUE = "learn-retries", "learn-retries-dead-letters"
_SOURCE = """\
def handler(event, context):
    print("an attempt at", event["order"])
    raise RuntimeError("the shop is closed")
"""


async def _connect(bench: Bench) -> Outcome:
    url = (await bench.call("sqs", "CreateQueue", QueueName=_QUEUE))["QueueUrl"]
    arn = f"arn:aws:sqs:{bench.region}:{bench.account}:{_QUEUE}"
    await bench.update(_NAME, DeadLetterConfig={"TargetArn": arn})
    return Outcome(facts={"QueueUrl": url, "DeadLetterConfig": arn})


async def _send(bench: Bench) -> Outcome:
    accepted = await bench.call(
        "lambda",
        "Invoke",
        FunctionName=_NAME,
        InvocationType="Event",
        Payload=b'{"order": 1815}',
    )
    request_id = accepted["ResponseMetadata"]["RequestId"]
    return Outcome(facts={"StatusCode": accepted["StatusCode"], "RequestId": request_id})


async def _receive(bench: Bench) -> Outcome:
    found = await bench.call("sqs", "GetQueueUrl", QueueName=_QUEUE)

    async def look() -> dict[str, Any] | None:
        answer = await bench.call(
            "sqs",
            "ReceiveMessage",
            QueueUrl=found["QueueUrl"],
            WaitTimeSeconds=20,
            MessageAttributeNames=["All"],
        )
        messages = answer.get("Messages", [])
        return messages[0] if messages else None

    message = await bench.until(look, "the dead letter")
    attributes = message.get("MessageAttributes", {})
    told = {name: one.get("StringValue", "") for name, one in attributes.items()}
    return Outcome(facts={"body": message["Body"], **told})


async def _attempts(bench: Bench) -> Outcome:
    async def look() -> list[int] | None:
        events = await bench.log(_NAME)
        tried = [e["timestamp"] for e in events if e["message"].startswith("an attempt at 1815")]
        return tried if len(tried) >= 3 else None

    tried = await bench.until(look, "the log of three attempts")
    seconds = [round((later - tried[0]) / 1000, 2) for later in tried]
    return Outcome(facts={"attempts": len(tried), "seconds after the first": seconds})


def _judge(seen: Sequence[Outcome]) -> tuple[Claim, ...]:
    sent, dead, log = seen[1].facts, seen[2].facts, seen[3].facts
    after = log.get("seconds after the first", [])
    return (
        Claim(
            "The caller had its answer at once: 202, it is queued. It never heard of the failure.",
            sent.get("StatusCode") == 202,
        ),
        Claim(
            f"It was tried three times, at {after} seconds: once, and two retries.",
            log.get("attempts") == 3,
        ),
        Claim(
            f"Then the event went to the dead-letter queue, as it was sent: {dead.get('body')}",
            dead.get("body") == '{"order": 1815}',
        ),
        Claim(
            f"With it came why: {dead.get('ErrorMessage')}; and the id of the request.",
            "the shop is closed" in dead.get("ErrorMessage", "")
            and dead.get("RequestID") == sent.get("RequestId"),
        ),
    )


EXPERIMENT = Experiment(
    name="retries",
    title="Asynchronous retries, and a dead-letter queue",
    learns="An asynchronous invocation is put into a queue, and the caller goes on. If the function"
    " fails, Lambda tries again, twice: with the same event and the same request id. So a function"
    " must bear to be run twice. What fails the third time too is lost, unless you say where it is"
    " to go: to a dead-letter queue, or to a destination, which is told more.",
    on_aws="The first retry comes after one minute, the second after two more. How often, and how"
    " old an event may become, can be set for each function.",
    pages=(
        Page("Asynchronous errors and retries", DOCS + "invocation-async-error-handling.html"),
        Page(
            "Retaining records of asynchronous invocations",
            DOCS + "invocation-async-retain-records.html",
        ),
    ),
    functions=(Made(_NAME, _SOURCE),),
    queues=(_QUEUE,),
    differs=f"In this account time passes {TIME_SCALE:.0f} times faster for retries: a minute is a"
    " second.",
    steps=(
        Step("Make a queue, and give it to the function for its dead letters.", _connect),
        Step("Invoke the function asynchronously; it always fails.", _send),
        Step("Wait for the dead letter.", _receive),
        Step("Look at the log: when was it tried?", _attempts),
    ),
    judge=_judge,
    slow=True,
)
