"""The life of an extension: registered, told of each invocation, and of the end."""

from collections.abc import Sequence

from stoker.learn import room
from stoker.learn.answers import Outcome
from stoker.learn.bench import Bench
from stoker.learn.experiment import DOCS, Claim, Experiment, Made, Page, Step

_NAME, _LAYER = "learn-extension", "learn-extension-diary"
_SOURCE = """\
def handler(event, context):
    print("the function works")
    return "done"
"""
_DIARY = """\
#!/var/lang/bin/python3
# An extension is a program below /opt/extensions. It runs beside the function.
import http.client
import json
import os
import time


def ask(method, path, headers, body=None):
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    connection.request(method, "/2020-01-01/extension/" + path, body, headers)
    answer = connection.getresponse()
    return answer.headers, json.loads(answer.read())


wanted = json.dumps({"events": ["INVOKE", "SHUTDOWN"]})
headers, _ = ask("POST", "register", {"Lambda-Extension-Name": "diary"}, wanted)
me = {"Lambda-Extension-Identifier": headers["Lambda-Extension-Identifier"]}
print("diary: registered", flush=True)

while True:
    _, event = ask("GET", "event/next", me)  # frozen here, between invocations
    if event["eventType"] == "SHUTDOWN":
        print("diary: shutdown,", event["shutdownReason"], flush=True)
        break
    time.sleep(0.05)  # sends away what it noted; the caller has the answer already
    print("diary: invoked", event["requestId"], flush=True)
"""


async def _add(bench: Bench) -> Outcome:
    version = await bench.call(
        "lambda",
        "PublishLayerVersion",
        LayerName=_LAYER,
        Content={"ZipFile": room.package({"extensions/diary": _DIARY})},
    )
    await bench.update(_NAME, Layers=[version["LayerVersionArn"]])
    return Outcome(facts={"Layers": [version["LayerVersionArn"]]})


async def _retire(bench: Bench) -> Outcome:
    """What is warm is of no more use after this, and is shut down."""
    await bench.update(_NAME, Layers=[])
    return Outcome(facts={"Layers": []})


async def _read(bench: Bench) -> Outcome:
    """Its own words, once the last of them is there."""

    async def look() -> list[str] | None:
        events = await bench.log(_NAME)
        said = [e["message"].strip() for e in events if e["message"].startswith("diary: ")]
        return said if any(line.startswith("diary: shutdown") for line in said) else None

    return Outcome(facts={"log": await bench.until(look, "the extension's last word")})


def _judge(seen: Sequence[Outcome]) -> tuple[Claim, ...]:
    answers = [seen[1].answers[0], seen[2].answers[0]]
    said = seen[4].facts.get("log", [])
    expected = [f"diary: invoked {answer.request_id}" for answer in answers]
    return (
        Claim(
            "It registered before the first invocation, in the init: that is its first line.",
            said[:1] == ["diary: registered"],
        ),
        Claim(
            "It was told of each invocation, and the function answered both.",
            said[1:3] == expected and [answer.payload for answer in answers] == ["done", "done"],
        ),
        Claim(
            "Nobody invoked the function any more, and it was told of the end:"
            f" {said[-1] if said else None}.",
            said[3:] == ["diary: shutdown, spindown"],
        ),
    )


EXPERIMENT = Experiment(
    name="extension",
    title="The life of an extension",
    learns="An extension is a second program in the environment, beside your function: it collects"
    " logs, fetches secrets, sends metrics. It registers in the init, hears of each invocation, and"
    " of the shutdown, when it has two seconds to finish. The caller has its answer as soon as the"
    " function is done; but the environment is free only when the extension is done, too, and you"
    " pay until then.",
    on_aws="The environment is frozen when the runtime and every extension have asked for the next"
    " event. A shutdown's reason is spindown, timeout or failure.",
    pages=(
        Page("Augment functions with extensions", DOCS + "lambda-extensions.html"),
        Page("Lambda Extensions API", DOCS + "runtimes-extensions-api.html"),
    ),
    functions=(Made(_NAME, _SOURCE),),
    layers=(_LAYER,),
    sources=((f"{_LAYER}: extensions/diary", _DIARY),),
    steps=(
        Step("Publish a layer with the extension, and give it to the function.", _add),
        Step("Invoke the function.", lambda bench: bench.invoke(_NAME, {})),
        Step("Invoke it again.", lambda bench: bench.invoke(_NAME, {})),
        Step("Take the layer away: the environment that is warm is shut down.", _retire),
        Step("Read what the extension wrote.", _read),
    ),
    judge=_judge,
    slow=True,
)
