"""Versions of functions: publish, list, delete."""

import logging

from stoker.api import markers
from stoker.api.control import Call, Control
from stoker.api.function_shapes import described, described_version
from stoker.api.identifiers import new_revision, timestamp
from stoker.api.lookup import located, must_have, version_of, whole
from stoker.api.shapes.lambda_ import (
    FunctionConfiguration,
    ListVersionsByFunctionInput,
    ListVersionsByFunctionResponse,
    PublishVersionInput,
)
from stoker.core import limits, model, versions
from stoker.core.errors import (
    CodeStorageExceededException,
    InvalidParameterValueException,
    NotImplementedException,
    ResourceConflictException,
)
from stoker.core.model import Function, FunctionKey
from stoker.core.names import LATEST
from stoker.core.versions import Version
from stoker.store.base import Transaction, Usage

log = logging.getLogger(__name__)


async def publish_version(
    control: Control, call: Call[PublishVersionInput]
) -> FunctionConfiguration:
    """Keep what $LATEST is as a version. If the newest version is just that, it is the answer,
    and nothing is published."""
    asked = call.input
    key = whole(call.caller, asked.function_name, "PublishVersion")
    if asked.publish_to is not None:
        raise NotImplementedException("Stoker has not built PublishTo of PublishVersion yet.")
    async with control.store.transaction() as tx:
        function = await must_have(tx, key, None)
        versions.check_publishable(function, asked.code_sha256, asked.revision_id)
        version, new = await publish(tx, function, asked.description)
        if new:
            # As on AWS, publishing gives $LATEST a new revision.
            marked = model.revised(function, revision=new_revision())
            await tx.put_function(marked, expected=function.revision_id)
            await check_storage(control, tx, key)
    if new:
        control.changed()
        log.info("version published", extra={"function": version.key.arn})
    return described_version(version, str(version.key.number))


async def list_versions_by_function(
    control: Control, call: Call[ListVersionsByFunctionInput]
) -> ListVersionsByFunctionResponse:
    """$LATEST, then the versions in the order of their numbers, at most 50 at a time. As on AWS
    without their State."""
    asked = call.input
    key, qualifier = located(call.caller, asked.function_name, None, "ListVersionsByFunction")
    page = min(asked.max_items or limits.LIST_PAGE, limits.LIST_PAGE)
    after = markers.read_number(asked.marker)
    async with control.store.transaction() as tx:
        function = await must_have(tx, key, qualifier)
        found = await tx.versions.of(key, after=after or 0, limit=page + 1)
    shown = [(one.key.number, described_version(one, listed=True)) for one in found]
    if after is None:
        shown.insert(0, (0, described(function, LATEST, listed=True)))
    more = len(shown) > page
    return ListVersionsByFunctionResponse(
        versions=tuple(one for _, one in shown[:page]),
        next_marker=markers.marker(str(shown[page - 1][0])) if more else None,
    )


async def publish(
    tx: Transaction, function: Function, description: str | None = None
) -> tuple[Version, bool]:
    """The version that the function's $LATEST is, and whether it had to be made."""
    key = function.key
    last, newest = await tx.versions.newest(key)
    if newest is not None and versions.is_published(function, newest):
        return newest, False
    version = versions.published(
        function, last + 1, description, revision=new_revision(), now=timestamp()
    )
    await tx.versions.add(version)
    return version, True


async def delete_version(control: Control, key: FunctionKey, qualifier: str) -> None:
    """Delete one version, unless an alias leads to it. As on AWS, there need not be one."""
    if qualifier == LATEST:
        raise InvalidParameterValueException(
            "$LATEST version cannot be deleted without deleting the function."
        )
    if not qualifier.isdecimal():
        raise InvalidParameterValueException("Deletion of aliases is not currently supported.")
    async with control.store.transaction() as tx:
        await must_have(tx, key, None)
        aliases = [alias for alias in await tx.aliases.of(key) if qualifier in alias.versions]
        if aliases:
            raise ResourceConflictException(
                "Unable to delete version because the following aliases reference it: "
                f"[{', '.join(alias.key.name for alias in aliases)}]"
            )
        version = await version_of(tx, key, qualifier)
        if version is not None:
            await tx.versions.remove(version.key)
    control.changed()
    log.info("version deleted", extra={"function": f"{key.arn}:{qualifier}"})


async def check_storage(control: Control, tx: Transaction, key: FunctionKey) -> None:
    """What the account keeps in all, after what this transaction adds."""
    most = control.settings.quotas.code_storage_bytes

    def check(usage: Usage) -> None:
        if usage.code_bytes > most:
            raise CodeStorageExceededException("Code storage limit exceeded.")

    await tx.check_usage(key.account, key.region, check)
