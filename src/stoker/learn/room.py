"""What an experiment makes, and its removal: by name, so that nothing else is ever touched."""

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from stoker.learn.bench import Bench, Broken
from stoker.learn.experiment import Experiment, Made
from stoker.neighbours.calls import Refused

_GONE: Final = (
    "ResourceNotFoundException",
    "QueueDoesNotExist",
    "AWS.SimpleQueueService.NonExistentQueue",
)


async def make(bench: Bench, made: Made) -> None:
    """Return when it is Active. Raise Broken if it Failed."""
    created = await bench.call(
        "lambda",
        "CreateFunction",
        FunctionName=made.name,
        Role=f"arn:aws:iam::{bench.account}:role/learn",
        Code={"ZipFile": package({made.file: made.source})},
        **made.settings,
    )
    await bench.settled(created["FunctionArn"])
    now = await bench.call("lambda", "GetFunctionConfiguration", FunctionName=made.name)
    if now["State"] != "Active":
        raise Broken(f"{made.name} is {now['State']}: {now.get('StateReason', '')}")


def package(files: dict[str, str]) -> bytes:
    """A zip; all of it may be executed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, text)
    return buffer.getvalue()


async def left(bench: Bench, experiment: Experiment) -> list[str]:
    """What there is of it, as it may be after a run, or a crash."""
    found = [made.name for made in experiment.every_function if await _is_there(bench, made.name)]
    groups = await bench.call(
        "logs", "DescribeLogGroups", logGroupNamePrefix=f"/aws/lambda/learn-{experiment.name}"
    )
    own = {f"/aws/lambda/{made.name}" for made in experiment.every_function}
    return found + [
        one["logGroupName"] for one in groups["logGroups"] if one["logGroupName"] in own
    ]


async def clear(bench: Bench, experiment: Experiment, living: Callable[[str], int]) -> None:
    """Remove all that it names, whether it is there or not. `living`: how many environments a
    function has."""
    for name in experiment.queues:
        with _gone_is_fine():
            found = await bench.call("sqs", "GetQueueUrl", QueueName=name)
            await bench.call("sqs", "DeleteQueue", QueueUrl=found["QueueUrl"])
    names = [made.name for made in experiment.every_function]
    for name in names:
        with _gone_is_fine():
            await bench.call("lambda", "DeleteFunction", FunctionName=name)
    for name in experiment.layers:
        listed = await bench.call("lambda", "ListLayerVersions", LayerName=name)
        for one in listed["LayerVersions"]:
            await bench.call(
                "lambda", "DeleteLayerVersion", LayerName=name, VersionNumber=one["Version"]
            )

    async def ended() -> bool | None:
        return None if any(map(living, names)) else True

    await bench.until(ended, "the end of its environments")  # their logs have a last word
    for name in names:
        with _gone_is_fine():
            await bench.call("logs", "DeleteLogGroup", logGroupName=f"/aws/lambda/{name}")


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    """What is not there need not be removed."""
    try:
        yield
    except Refused as error:
        if error.code not in _GONE:
            raise


async def _is_there(bench: Bench, function: str) -> bool:
    try:
        await bench.call("lambda", "GetFunctionConfiguration", FunctionName=function)
    except Refused as error:
        if error.code not in _GONE:
            raise
        return False
    return True
