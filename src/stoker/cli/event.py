"""stoker event: an event to try a function with."""

import time
import uuid
from typing import Annotated

import typer

from stoker.cli.client import Region, fail
from stoker.core.sample_events import KINDS, Given, sample

Text = str | None


def event(
    kind: Annotated[str, typer.Argument(help=f"One of: {', '.join(KINDS)}.")],
    bucket: Annotated[Text, typer.Option(help="Of s3.")] = None,
    key: Annotated[Text, typer.Option(help="The object's, the partition's, the item's.")] = None,
    name: Annotated[
        Text, typer.Option(help="Of the queue, topic, rule, stream, table, log group, alarm.")
    ] = None,
    body: Annotated[
        Text,
        typer.Option(
            help="Of the message, line or request; the detail of eventbridge, the item of "
            "dynamodb, the reason of alarm."
        ),
    ] = None,
    subject: Annotated[Text, typer.Option(help="Of sns.")] = None,
    source: Annotated[Text, typer.Option(help="Of eventbridge.")] = None,
    detail_type: Annotated[Text, typer.Option(help="Of eventbridge.")] = None,
    method: Annotated[Text, typer.Option(help="Of a request.")] = None,
    path: Annotated[Text, typer.Option(help="Of a request, with its query.")] = None,
    account: Annotated[str, typer.Option(help="Whose all of it is.")] = "000000000000",
    region: Region = "us-east-1",
) -> None:
    """Print the event that a trigger would send, for `stoker invoke NAME -e -`.

    No server is asked; nothing that the event names needs to be there."""
    options = {
        "bucket": bucket,
        "key": key,
        "name": name,
        "body": body,
        "subject": subject,
        "source": source,
        "detail-type": detail_type,
        "method": method,
        "path": path,
    }
    said = {name: value for name, value in options.items() if value is not None}
    try:
        print(sample(kind, Given(said, account, region, str(uuid.uuid4()), time.time())))
    except ValueError as refusal:
        fail("event", str(refusal))
