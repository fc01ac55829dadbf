"""One test's AWS: an account of its own on the server, and what leads code under test there."""

import os
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from stoker.cli.client import written
from stoker.testing.server import Server

REGION = "us-east-1"
SHOWN_GROUPS = 20
SHOWN_LINES = 200  # of each log group
SHOWN_CHARACTERS = 20_000  # of these: a line may have 256 KB
READ_EVENTS = 10_000  # of each log group: what comes after so many is not shown


class Aws:
    """An account that no other test has, and clients for it.

    Attributes:
        url: where the server answers.
        account: its 12 digits; also the access key.
        region: the region of the clients.
    """

    def __init__(self, server: Server, region: str) -> None:
        self.url = server.url
        self.account = server.new_account()
        self.region = region
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """A client of boto3's, as in `client("lambda")`. The same one each time."""
        if service not in self._clients:
            self._clients[service] = self._session().client(
                service,
                endpoint_url=self.url,
                config=Config(read_timeout=920, retries={"total_max_attempts": 1}),
            )
        return self._clients[service]

    def resource(self, service: str) -> Any:
        """A resource of boto3's, as in `resource("s3")`."""
        return self._session().resource(service, endpoint_url=self.url)

    def _session(self) -> boto3.Session:
        return boto3.Session(
            aws_access_key_id=self.account,
            aws_secret_access_key="test",
            region_name=self.region,
        )

    def environ(self) -> dict[str, str]:
        """The variables by which AWS's clients and tools find this account and nothing else."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self.account,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            # Whoever runs the tests may have profiles of true accounts.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def lead_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Give these variables to the process until the test's end, and take those away that say
        otherwise."""
        for name in list(os.environ):
            leads_elsewhere = name.startswith("AWS_ENDPOINT_URL_") or name in (
                "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
                "AWS_PROFILE",
                "AWS_DEFAULT_PROFILE",
                "AWS_SESSION_TOKEN",
                "AWS_SECURITY_TOKEN",
            )
            if leads_elsewhere:
                monkeypatch.delenv(name)
        for name, value in self.environ().items():
            monkeypatch.setenv(name, value)
        # `boto3.client` keeps a session, and that the credentials of the test before.
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)

    def tidy(self) -> None:
        """Delete what would go on using the machine: event source mappings and functions.

        What else the test made lies in its account, where no other test sees it."""
        functions = self.client("lambda")
        gone = suppress(functions.exceptions.ResourceNotFoundException)  # a stack was quicker
        for page in functions.get_paginator("list_event_source_mappings").paginate():
            for mapping in page["EventSourceMappings"]:
                with gone:
                    functions.delete_event_source_mapping(UUID=mapping["UUID"])
        for page in functions.get_paginator("list_functions").paginate():
            for function in page["Functions"]:
                with gone:
                    functions.delete_function(FunctionName=function["FunctionName"])

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def logs(self) -> Iterator[tuple[str, str]]:
        """(log group, its last lines), for what the account's functions have written."""
        try:
            logs = self.client("logs")
            groups = logs.get_paginator("describe_log_groups").paginate()
            named = (g["logGroupName"] for page in groups for g in page["logGroups"])
            for group in islice(named, SHOWN_GROUPS):
                pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
                events = (event["message"] for page in pages for event in page["events"])
                last = deque(islice(events, READ_EVENTS), maxlen=SHOWN_LINES)
                text = "\n".join(line.rstrip("\n") for line in last)
                yield group, written(text[-SHOWN_CHARACTERS:])
        except (BotoCoreError, ClientError) as refusal:
            yield "?", f"cannot read the logs: {refusal}"
