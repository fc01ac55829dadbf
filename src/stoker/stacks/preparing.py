"""From a template as it was given to one that can be deployed: values, transforms, checks.

text ─► data ─► parameters (SSM's are read) ─► includes ─► transforms in their order ─► Template
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson

from stoker.core.stacks import language_extensions, macros, parameters
from stoker.core.stacks.errors import ValidationError, well_formed
from stoker.core.stacks.functions import Scope
from stoker.core.stacks.model import Stack, Wanted
from stoker.core.stacks.parameters import FROM_SSM, Given
from stoker.core.stacks.template import (
    Template,
    check_kinds,
    check_rules,
    is_serverless,
    parse,
)
from stoker.core.stacks.text import BODY_BYTES, read_template
from stoker.neighbours.calls import Refused
from stoker.neighbours.neighbours import Unreachable
from stoker.stacks.kinds.served import KINDS
from stoker.stacks.transform import SAM, SamTransform
from stoker.stacks.work import Ask

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Prepared:
    wanted: Wanted
    template: Template


class Preparing:
    def __init__(self, ask: Ask, sam: SamTransform) -> None:
        self._ask = ask
        self._sam = sam

    async def close(self) -> None:
        await self._sam.close()

    def expect_serverless(self) -> None:
        """A SAM template will come before long."""
        self._sam.soon()

    async def fetched(self, account: str, region: str, url: str) -> str:
        """A template that lies in S3. Raise ValidationError."""
        bucket, key = object_of(url)
        try:
            found = await self._ask(
                account, region, "s3", "GetObject", {"Bucket": bucket, "Key": key}
            )
        except Refused as error:
            raise ValidationError(f"S3 error: {error.message}") from None
        except Unreachable as error:
            raise ValidationError(f"S3 error: {error}") from None
        if len(found["Body"]) > BODY_BYTES:
            raise ValidationError(f"A template may have at most {BODY_BYTES} bytes.")
        try:
            text: str = found["Body"].decode()
        except UnicodeDecodeError:
            raise ValidationError("Template format error: it is not UTF-8.") from None
        return text

    async def body(self, text: str) -> dict[str, Any]:
        return await asyncio.to_thread(read_template, text)

    async def transforms(self, body: Mapping[str, Any]) -> list[str]:
        """The macros that it asks for, by name."""
        return await asyncio.to_thread(macros.transforms_of, body)

    async def prepared(
        self, stack: Stack, given: list[Given], before: Mapping[str, str]
    ) -> Prepared:
        """What `stack.wanted.template` comes to with these parameters. Raise ValidationError."""
        body = await self.body(stack.wanted.template)
        transforms = await self.transforms(body)
        declared = body.get("Parameters") or {}
        chosen = await asyncio.to_thread(parameters.chosen, declared, given, before)
        resolved = await self._resolved(stack, declared, chosen)
        values = {**pseudo_parameters(stack), **_meant(declared, {**chosen, **resolved})}
        if transforms:
            body = await self._included(body, values, stack)
        for macro in macros.of_all(body):
            body = await self._transformed(macro.name, body, values, stack)
        body.pop("Transform", None)
        processed = await asyncio.to_thread(_processed_bytes, body) if transforms else 0
        template = await asyncio.to_thread(_checked, body, values)
        wanted = Wanted(
            stack.wanted.template, body, chosen, resolved, stack.wanted.tags,
            stack.wanted.capabilities, stack.wanted.notification_arns, stack.wanted.role_arn,
            processed,
        )  # fmt: skip
        return Prepared(wanted, template)

    def values(self, stack: Stack, template: Template) -> dict[str, Any]:
        """What Ref of a parameter is."""
        wanted = stack.wanted
        chosen = {**wanted.parameters, **wanted.resolved}
        return {**pseudo_parameters(stack), **_meant(template.parameters, chosen)}

    async def _included(
        self, body: dict[str, Any], values: dict[str, Any], stack: Stack
    ) -> dict[str, Any]:
        """With the snippets from S3 that it includes."""
        scope = _scope(body, values)
        texts: dict[str, str] = {}
        with well_formed():
            places = macros.places(body, scope)
        for place in places:
            try:
                texts[place] = await self.fetched(stack.account, stack.region, place)
            except ValidationError as error:
                raise macros.failed(error.message) from None
            macros.check_size(sum(map(len, texts.values())))
        if not places:
            return body
        return await asyncio.to_thread(well_formed()(macros.included), body, scope, texts)

    async def _transformed(
        self, name: str, body: dict[str, Any], values: dict[str, Any], stack: Stack
    ) -> dict[str, Any]:
        if name == language_extensions.NAME:
            scope = _scope(body, values)
            return await asyncio.to_thread(language_extensions.unrolled, body, scope)
        if name == SAM and not is_serverless(body):
            self.expect_serverless()  # `sam deploy` makes a bucket so, and then brings the template
            return body
        if name == SAM:
            return await self._sam.transformed(body, values, stack.account, stack.region)
        raise ValidationError(f"No transform named {name} found.")

    async def _resolved(
        self, stack: Stack, declared: Mapping[str, Any], chosen: Mapping[str, str]
    ) -> dict[str, str]:
        """The values of parameters that name one of SSM's."""
        found = {}
        for name, value in chosen.items():
            if not FROM_SSM.fullmatch(str(declared[name]["Type"])):
                continue
            try:
                answer = await self._ask(
                    stack.account, stack.region, "ssm", "GetParameter", {"Name": value}
                )
            except Refused:
                raise ValidationError(
                    f"Unable to fetch parameters [{value}] from parameter store for this account."
                ) from None
            except Unreachable as error:
                raise ValidationError(f"Unable to fetch parameters [{value}]: {error}") from None
            found[name] = str(answer["Parameter"]["Value"])
        return found


def _scope(body: Mapping[str, Any], values: Mapping[str, Any]) -> Scope:
    return Scope(values, body.get("Mappings") or {}, body.get("Conditions") or {})


@well_formed()
def _processed_bytes(body: Mapping[str, Any]) -> int:
    """How long it is as AWS shows it. AWS: as long as a template may be, 1 MB. Raise
    ValidationError."""
    size = len(orjson.dumps(body))
    if size > BODY_BYTES:
        raise ValidationError(
            f"A template may have at most {BODY_BYTES} bytes; after its transforms it has {size}."
        )
    return size


@well_formed()
def _checked(body: Mapping[str, Any], values: Mapping[str, Any]) -> Template:
    """As far as that is possible before any resource is there. Raise ValidationError."""
    template = parse(body)
    scope = Scope(values, template.mappings, template.conditions)
    check_rules(template, scope)
    check_kinds(template.in_force(scope), KINDS)
    return template


def pseudo_parameters(stack: Stack) -> dict[str, Any]:
    return {
        "AWS::AccountId": stack.account,
        "AWS::Region": stack.region,
        "AWS::StackName": stack.name,
        "AWS::StackId": stack.id,
        "AWS::Partition": "aws",
        "AWS::URLSuffix": "amazonaws.com",
        "AWS::NotificationARNs": list(stack.wanted.notification_arns),
    }


@well_formed()
def _meant(declared: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: parameters.meant(str(it["Type"]), values[name])
        for name, it in declared.items()
        if name in values
    }


def object_of(url: str) -> tuple[str, str]:
    """Bucket and key of an S3 address, by path or by name. Raise ValidationError. Nothing is
    fetched from anywhere but the S3 that this server has."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValidationError(f"TemplateURL {url} is no URL") from None
    path = unquote(parts.path).lstrip("/")
    host = parts.hostname or ""
    if parts.scheme == "s3":
        return host, path
    if parts.scheme not in ("http", "https") or not host:
        raise ValidationError("TemplateURL must be a supported URL.")
    bucket, found, _ = host.partition(".s3")
    if found and bucket:
        return bucket, path
    bucket, _, key = path.partition("/")
    if not bucket or not key:
        raise ValidationError(
            "TemplateURL must reference a valid S3 object to which you have access."
        )
    return bucket, key
