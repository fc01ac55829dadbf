"""Dev, Stage and Prod: three aliases over three versions."""

from collections.abc import Sequence

from stoker.learn.answers import Outcome
from stoker.learn.bench import Bench
from stoker.learn.experiment import DOCS, Claim, Experiment, Made, Page, Step

_NAME = "learn-aliases"
_ALIASES = ("Prod", "Stage", "Dev")
_SOURCE = """\
import os


def handler(event, context):
    return {"release": os.environ["RELEASE"], "arn": context.invoked_function_arn}
"""


async def _publish(bench: Bench) -> Outcome:
    """Three versions; each differs from the one before by a variable."""
    made = []
    for release in ("the first", "the second", "the third"):
        await bench.update(_NAME, Environment={"Variables": {"RELEASE": release}})
        made.append((await bench.publish(_NAME))["Version"])
    return Outcome(facts={"versions": made})


async def _point(bench: Bench) -> Outcome:
    """The oldest version is Prod's. Their numbers are only at first 1, 2 and 3: none is given
    twice, not even to a new function of the same name."""
    listed = await bench.call("lambda", "ListVersionsByFunction", FunctionName=_NAME)
    numbers = [one["Version"] for one in listed["Versions"] if one["Version"] != "$LATEST"]
    pointed = dict(zip(_ALIASES, sorted(numbers, key=int), strict=True))
    for alias, version in pointed.items():
        await bench.call(
            "lambda", "CreateAlias", FunctionName=_NAME, Name=alias, FunctionVersion=version
        )
    return Outcome(facts=pointed)


async def _release(bench: Bench) -> Outcome:
    stage = await bench.call("lambda", "GetAlias", FunctionName=_NAME, Name="Stage")
    version = stage["FunctionVersion"]
    await bench.call(
        "lambda", "UpdateAlias", FunctionName=_NAME, Name="Prod", FunctionVersion=version
    )
    return Outcome(facts={"Prod": version})


async def _invoke_all(bench: Bench) -> Outcome:
    answers = [(await bench.invoke(_NAME, {}, alias)).answers[0] for alias in _ALIASES]
    return Outcome(tuple(answers))


def _judge(seen: Sequence[Outcome]) -> tuple[Claim, ...]:
    before, after = seen[2].answers, seen[4].answers
    published = seen[0].facts.get("versions", [])
    versions = [answer.version for answer in before]
    releases = [answer.told("release") for answer in before]
    moved = [answer.version for answer in after]
    return (
        Claim(
            f"Prod, Stage and Dev ran the versions {versions}: {releases}.",
            versions == published and releases == ["the first", "the second", "the third"],
        ),
        Claim(
            "A caller names the alias, and need not know the version: the function was invoked as"
            f" {str(before[0].told('arn')).rpartition('function:')[2]}.",
            str(before[0].told("arn")).endswith(f":{_NAME}:Prod"),
        ),
        Claim(
            f"When Prod was pointed at Stage's version, its callers had that: {moved}. Nothing was"
            " deployed, and the way back is as short.",
            len(published) == 3 and moved == [published[1], published[1], published[2]],
        ),
        Claim(
            "Prod and Stage then shared what was warm: environments belong to a version, and not to"
            " an alias.",
            len(after) > 1 and not after[0].cold and not after[1].cold and not after[0].error,
        ),
    )


EXPERIMENT = Experiment(
    name="aliases",
    title="Dev, Stage and Prod: aliases over three versions",
    learns="A version is a function as it was when you published it: its code and configuration"
    " never change. An alias is a name that points at a version. Callers use the alias, and to"
    " release something is to point the alias at another version. To take it back is to point it at"
    " the one before.",
    on_aws="An alias may also send a share of the traffic to a second version. $LATEST is what you"
    " edit; an alias that is shifted cannot point at it.",
    pages=(
        Page("Manage function versions", DOCS + "configuration-versions.html"),
        Page("Create an alias for a function", DOCS + "configuration-aliases.html"),
    ),
    functions=(Made(_NAME, _SOURCE, more={"Environment": {"Variables": {"RELEASE": "none"}}}),),
    steps=(
        Step("Publish three versions, which differ in a variable.", _publish),
        Step("Make the aliases Prod, Stage and Dev.", _point),
        Step("Invoke it as Prod, as Stage, and as Dev.", _invoke_all),
        Step("Point Prod at the version that Stage has.", _release),
        Step("Invoke it as Prod, as Stage, and as Dev again.", _invoke_all),
    ),
    judge=_judge,
)
