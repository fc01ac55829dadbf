"""Is the server up? For scripts, load balancers and tools that wait for LocalStack."""

from importlib.metadata import version

import orjson

from stoker.api import services
from stoker.api.control import Control
from stoker.http.base import Exchange

# What scripts wait for by LocalStack's name of it, and what its requests are signed for.
NEIGHBOURS = {
    "acm": "acm", "dynamodb": "dynamodb", "dynamodbstreams": "dynamodb", "ec2": "ec2", "ecr": "ecr",
    "events": "events", "firehose": "firehose", "iam": "iam", "kinesis": "kinesis", "kms": "kms",
    "route53": "route53", "s3": "s3", "scheduler": "scheduler", "secretsmanager": "secretsmanager",
    "ses": "ses", "sns": "sns", "ssm": "ssm",
}  # fmt: skip


async def health(control: Control, exchange: Exchange) -> None:
    """Answer 200 with the services that are there."""
    facts = {
        "status": "running",
        "edition": "stoker",
        "version": version("stoker"),
        "sandbox": control.settings.sandbox,
        "services": dict.fromkeys(services.BUILT, "running") | _available(control),
    }
    exchange.respond(200, [("Content-Type", "application/json")], orjson.dumps(facts))


def _available(control: Control) -> dict[str, str]:
    """AWS's other services: they start when somebody asks for one, and are not waited for."""
    neighbours = control.neighbours
    if neighbours is None:
        return {}
    return {name: "available" for name, signed in NEIGHBOURS.items() if neighbours.serves(signed)}
