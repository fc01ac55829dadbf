"""A layer that two functions share; each stays with its version until it is given another."""

from collections.abc import Sequence

from stoker.learn import room
from stoker.learn.answers import Outcome
from stoker.learn.bench import Bench
from stoker.learn.experiment import DOCS, Claim, Experiment, Made, Page, Step

_LAYER = "learn-shared-layer-greeting"
_ONE, _OTHER = "learn-shared-layer-one", "learn-shared-layer-other"
_MODULE = """\
def greet(name):
    return "%s, " + name
"""
_SOURCE = """\
import greeting  # from the layer: /opt/python/greeting.py


def handler(event, context):
    return {"said": greeting.greet(event["name"]), "from": greeting.__file__}
"""


async def _publish(bench: Bench, word: str) -> str:
    """A version of the layer; its ARN."""
    version = await bench.call(
        "lambda",
        "PublishLayerVersion",
        LayerName=_LAYER,
        Content={"ZipFile": room.package({"python/greeting.py": _MODULE % word})},
    )
    return str(version["LayerVersionArn"])


async def _give_both(bench: Bench) -> Outcome:
    arn = await _publish(bench, "hello")
    for name in (_ONE, _OTHER):
        await bench.update(name, Layers=[arn])
    return Outcome(facts={"LayerVersionArn": arn})


async def _give_one(bench: Bench) -> Outcome:
    arn = await _publish(bench, "good day")
    await bench.update(_ONE, Layers=[arn])
    return Outcome(facts={"LayerVersionArn": arn})


async def _invoke_both(bench: Bench) -> Outcome:
    answers = [(await bench.invoke(name, {"name": "Ada"})).answers[0] for name in (_ONE, _OTHER)]
    return Outcome(tuple(answers))


def _judge(seen: Sequence[Outcome]) -> tuple[Claim, ...]:
    without, before, after = (
        [answer.told("said") for answer in seen[number].answers] for number in (0, 2, 4)
    )
    errors = [str(answer.told("errorMessage")) for answer in seen[0].answers]
    return (
        Claim(
            f"Without the layer the module was not there: {errors[0]}",
            without == [None] * len(without) and all("greeting" in error for error in errors),
        ),
        Claim(
            f"With the first version both functions had it, from {seen[2].answers[0].told('from')}:"
            f" {before}.",
            before == ["hello, Ada"] * 2,
        ),
        Claim(
            f"Only the function that was given the second version changed: {after}.",
            after == ["good day, Ada", "hello, Ada"],
        ),
    )


EXPERIMENT = Experiment(
    name="shared-layer",
    title="A layer that two functions share",
    learns="A layer is a package of files that functions find under /opt: libraries, data, or a"
    " whole runtime. Several functions use the same one, and their own packages stay small. A layer"
    " has versions that never change. A function uses exactly the version that it names, so a new"
    " one does nothing until you give it to a function.",
    on_aws="A function has at most five layers; with them it has at most 250 MB unpacked. Python"
    " looks for modules in /opt/python.",
    pages=(
        Page("Managing dependencies with layers", DOCS + "chapter-layers.html"),
        Page("Layers for Python functions", DOCS + "python-layers.html"),
    ),
    functions=(Made(_ONE, _SOURCE), Made(_OTHER, _SOURCE)),
    layers=(_LAYER,),
    sources=((f"{_LAYER}: python/greeting.py", _MODULE % "hello"),),
    steps=(
        Step("Invoke both functions: they have no layer yet.", _invoke_both),
        Step("Publish a version of the layer, and give it to both.", _give_both),
        Step("Invoke both again.", _invoke_both),
        Step("Publish a second version of the layer, and give it to one of them.", _give_one),
        Step("Invoke both once more.", _invoke_both),
    ),
    judge=_judge,
)
