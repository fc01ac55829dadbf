"""What `stoker deploy` and `stoker destroy` do with a template: CloudFormation or SAM."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from stoker.cli.client import client, plain
from stoker.cli.package import package
from stoker.cli.stack_urls import urls
from stoker.core.stacks.macros import local_includes
from stoker.core.stacks.text import read_template

NAMES = ("template.yaml", "template.yml", "template.json")
POLL_S = 0.3
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_TWICE = "Resource creation Initiated"  # AWS's second event of one that is being made
_INLINE_BYTES = 51_200  # AWS: of a template in the request itself
# Where a template may name a local file or folder. Serverless types take s3:// addresses.
_LOCAL = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
    "AWS::Lambda::Function": "Code",
    "AWS::Lambda::LayerVersion": "Content",
}

out = Console(highlight=False, soft_wrap=True)


class DeployFailed(ValueError):
    """The stack is not as it was asked for; the events that were printed say why."""


def template_in(path: Path) -> Path | None:
    """The template that is meant: the file itself, or the one in the folder."""
    if path.is_file():
        return path
    return next((path / name for name in NAMES if (path / name).is_file()), None)


class Deployment:
    """Of one stack. Raises OSError, ValueError, and what botocore raises."""

    def __init__(self, url: str, region: str, stack: str) -> None:
        self._stack = stack
        self._url = url
        self._formation = client("cloudformation", url, region)
        self._s3 = client("s3", url, region)
        self._sts = client("sts", url, region)
        self._region = region
        self._bucket = ""

    def deploy(self, template: Path, parameters: dict[str, str]) -> None:
        """Create or update the stack, and print what happens; at the end, its outputs."""
        read = read_template(template.read_text())
        self.deploy_body(self._with_uploads(read, template.parent), parameters)

    def deploy_body(self, template: dict[str, Any], parameters: dict[str, str]) -> None:
        """The same, of one that names no local code."""
        body = json.dumps(template)
        before = self._described()
        fresh = before is None or before["StackStatus"] == "REVIEW_IN_PROGRESS"
        name = f"stoker-{int(time.time() * 1000)}"
        where = {"StackName": self._stack, "ChangeSetName": name}
        self._formation.create_change_set(
            **where,
            **self._body(body),
            ChangeSetType="CREATE" if fresh else "UPDATE",
            Capabilities=_CAPABILITIES,
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
            ],
        )
        while (found := self._formation.describe_change_set(**where))["Status"] in (
            "CREATE_PENDING", "CREATE_IN_PROGRESS",
        ):  # fmt: skip
            time.sleep(POLL_S)
        if found["Status"] == "FAILED":
            self._formation.delete_change_set(**where)
            if not _is_unchanged(found.get("StatusReason", "")):
                raise DeployFailed(found.get("StatusReason", "the change set failed"))
            out.print(f"nothing to change in {escape(self._stack)}")
        else:
            begun = self._newest_event()
            self._formation.execute_change_set(**where)
            self._follow(begun, ("CREATE_COMPLETE", "UPDATE_COMPLETE"))
        for one in (self._described() or {}).get("Outputs", []):
            out.print(f"  {plain(one['OutputKey'])}: {plain(one['OutputValue'])}", markup=False)
        for logical, address in urls(self._client_of, self._url, self._resources()):
            out.print(f"  {logical} answers at {plain(address)}", markup=False)

    def names(self) -> dict[str, str]:
        """What its resources are called, by their logical names."""
        return {
            one["LogicalResourceId"]: one.get("PhysicalResourceId", "") for one in self._resources()
        }

    def destroy(self) -> bool:
        """Delete the stack and print what happens. Say whether there was one."""
        found = self._described()
        if found is None:
            return False
        self._stack = found["StackId"]  # a stack that is gone is found by that alone
        begun = self._newest_event()
        self._formation.delete_stack(StackName=self._stack)
        self._follow(begun, ("DELETE_COMPLETE",))
        return True

    def _resources(self) -> list[dict[str, Any]]:
        pages = self._formation.get_paginator("list_stack_resources")
        return [
            one
            for page in pages.paginate(StackName=self._stack)
            for one in page["StackResourceSummaries"]
        ]

    def _client_of(self, service: str) -> Any:
        return client(service, self._url, self._region)

    def _described(self) -> dict[str, Any] | None:
        try:
            found = self._formation.describe_stacks(StackName=self._stack)["Stacks"][0]
        except self._formation.exceptions.ClientError as refusal:
            if refusal.response["Error"]["Code"] == "ValidationError":
                return None  # so AWS says that there is none
            raise
        return None if found["StackStatus"] == "DELETE_COMPLETE" else dict(found)

    def _body(self, body: str) -> dict[str, str]:
        if len(body.encode()) <= _INLINE_BYTES:
            return {"TemplateBody": body}
        bucket, key = self._upload(body.encode(), ".template")
        return {"TemplateURL": f"https://{bucket}.s3.{self._region}.amazonaws.com/{key}"}

    # ---- local code ----

    def _with_uploads(self, template: dict[str, Any], folder: Path) -> dict[str, Any]:
        """The same template, its code and what it includes in S3."""
        for resource, named in _local(template):
            kind = str(resource["Type"])
            bucket, key = self._upload(_packed(folder / named), ".zip")
            place = {"S3Bucket": bucket, "S3Key": key}
            serverless = kind.startswith("AWS::Serverless")
            properties = resource.setdefault("Properties", {})
            properties[_LOCAL[kind]] = f"s3://{bucket}/{key}" if serverless else place
        for parameters in local_includes(template):
            snippet = folder / parameters["Location"]
            bucket, key = self._upload(snippet.read_bytes(), snippet.suffix)
            parameters["Location"] = f"s3://{bucket}/{key}"
        return template

    def _upload(self, data: bytes, suffix: str) -> tuple[str, str]:
        """What has the same name is the same, and not sent again."""
        if not self._bucket:
            account = self._sts.get_caller_identity()["Account"]
            self._bucket = f"stoker-deploy-{account}-{self._region}"
            self.make_bucket(self._bucket)
        key = hashlib.sha256(data).hexdigest() + suffix
        self.put(self._bucket, key, lambda: data)
        return self._bucket, key

    def put(self, bucket: str, key: str, content: Callable[[], bytes]) -> None:
        """Unless it is there: what has the same key is the same."""
        found = self._s3.list_objects_v2(Bucket=bucket, Prefix=key)
        if not found.get("KeyCount"):
            self._s3.put_object(Bucket=bucket, Key=key, Body=content())

    def make_bucket(self, bucket: str) -> None:
        """Unless there is one."""
        elsewhere: dict[str, Any] = {}
        if self._region != "us-east-1":  # which S3 takes for granted
            elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": self._region}}
        with suppress(self._s3.exceptions.BucketAlreadyOwnedByYou):
            self._s3.create_bucket(Bucket=bucket, **elsewhere)

    # ---- what happens ----

    def _newest_event(self) -> str:
        """ "" if there is none."""
        page = self._formation.describe_stack_events(StackName=self._stack)["StackEvents"]
        return str(page[0]["EventId"]) if page else ""

    def _follow(self, after: str, good: tuple[str, ...]) -> None:
        """Print events behind this one until the stack is at rest. Raise DeployFailed if that is
        not one of the good ends."""
        while True:
            for event in self._events(after):
                after = event["EventId"]
                status, reason = event["ResourceStatus"], event.get("ResourceStatusReason", "")
                if reason == _TWICE:
                    continue  # as the row before
                row = f"{event['ResourceType']:32} {event['LogicalResourceId']}"
                rest = plain(f"{row}  {reason}".rstrip())
                out.print(f"[{_colour(status)}]{status:28}[/] {escape(rest)}")
                whole = event["PhysicalResourceId"] == event["StackId"]
                if whole and not status.endswith("IN_PROGRESS"):
                    if status not in good:
                        why = f": {reason}" if reason else ""
                        raise DeployFailed(f"{event['LogicalResourceId']} is {status}{why}")
                    return
            time.sleep(POLL_S)

    def _events(self, after: str) -> Iterator[dict[str, Any]]:
        """Those behind it, the oldest first."""
        fresh: list[dict[str, Any]] = []
        pages = self._formation.get_paginator("describe_stack_events")
        for page in pages.paginate(StackName=self._stack):
            for event in page["StackEvents"]:
                if event["EventId"] == after:
                    return iter(reversed(fresh))
                fresh.append(event)
        return iter(reversed(fresh))


def _colour(status: str) -> str:
    if "FAILED" in status or "ROLLBACK" in status:
        return "red"
    return "dim" if status.endswith("IN_PROGRESS") else "green"


def _local(template: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """The resources that name local code, and what they name."""
    defaults = template.get("Globals", {}).get("Function", {})
    for resource in template.get("Resources", {}).values():
        kind = resource.get("Type") if isinstance(resource, dict) else None
        member = _LOCAL.get(str(kind))
        if member is None:
            continue
        properties = resource.get("Properties") or {}
        named = properties.get(member, defaults.get(member))
        if kind == "AWS::Serverless::Function" and named is None:
            named = None if "InlineCode" in properties else "."
        if isinstance(named, str) and not named.startswith("s3://"):
            yield resource, named


def functions_of(template: Path) -> dict[str, Path]:
    """Where the code of each function is that the template names, by its logical name."""
    body = read_template(template.read_text())
    local = {id(resource): named for resource, named in _local(body)}
    return {
        name: template.parent / local[id(resource)]
        for name, resource in body.get("Resources", {}).items()
        if id(resource) in local and str(resource["Type"]).endswith("::Function")
    }


def _packed(path: Path) -> bytes:
    """A folder as a zip, a zip as it is, and any other file alone in a zip."""
    if path.is_dir() or path.suffix not in (".zip", ".jar"):
        return package(path)
    return path.read_bytes()


def _is_unchanged(reason: str) -> bool:
    """AWS says it in one of two ways; tools look for these words."""
    return "didn't contain changes" in reason or "No updates are to be performed" in reason
