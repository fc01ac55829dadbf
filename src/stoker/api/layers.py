"""Layers: publish, read, list, delete; and how a function comes to have them.

A published version never changes. What a function needs of it is copied into the function when
it is attached, so deleting the version takes it from nobody who has it.
"""

import base64
import logging
from collections.abc import Sequence
from typing import Any

from stoker.api import markers
from stoker.api.code import location
from stoker.api.control import Call, Caller, Control
from stoker.api.identifiers import new_revision, timestamp
from stoker.api.packages import package
from stoker.api.shapes.lambda_ import (
    DeleteLayerVersionInput,
    GetLayerVersionByArnInput,
    GetLayerVersionInput,
    GetLayerVersionResponse,
    LayersListItem,
    LayerVersionContentOutput,
    LayerVersionsListItem,
    ListLayersInput,
    ListLayersResponse,
    ListLayerVersionsInput,
    ListLayerVersionsResponse,
    PublishLayerVersionInput,
    PublishLayerVersionResponse,
)
from stoker.core import limits
from stoker.core.errors import (
    CodeStorageExceededException,
    ResourceNotFoundException,
)
from stoker.core.layers import (
    LayerKey,
    LayerVersion,
    check_number,
    check_owner,
    check_references,
    check_runtimes,
    check_use,
    layer_key,
    no_such_version,
    version_key,
)
from stoker.core.model import Layer
from stoker.store.base import Suits, Transaction

log = logging.getLogger(__name__)

_ABSENT = "The resource you requested does not exist."


async def publish_layer_version(
    control: Control, call: Call[PublishLayerVersionInput]
) -> PublishLayerVersionResponse:
    """Publish the next version of a layer; the first one makes the layer."""
    asked = call.input
    key = own_layer(call.caller, asked.layer_name, None, "PublishLayerVersion")
    check_runtimes(asked.compatible_runtimes or (), "compatibleRuntimes")
    archive = await package(control, call.caller, asked.content, "PublishLayerVersion", of="layer")
    async with (
        control.blobs.receiving(archive) as code,
        control.store.transaction() as tx,
    ):
        version = LayerVersion(
            key,
            await tx.layers.next_number(key),
            code,
            created=timestamp(),
            revision_id=new_revision(),
            description=asked.description or "",
            license=asked.license_info,
            runtimes=asked.compatible_runtimes or (),
            architectures=asked.compatible_architectures or (),
        )
        await tx.layers.add(version)
        usage = await tx.usage(key.account, key.region)
        if usage.code_bytes > control.settings.quotas.code_storage_bytes:
            raise CodeStorageExceededException("Code storage limit exceeded.")
    log.info("layer version published", extra={"layer": version.arn})
    return PublishLayerVersionResponse(**_shown(version, call.base_url))


async def get_layer_version(
    control: Control, call: Call[GetLayerVersionInput]
) -> GetLayerVersionResponse:
    """One version, and a link to its zip that is good for ten minutes."""
    key = _layer(call.caller, call.input.layer_name)
    return await _version_answer(
        control, call.caller, key, call.input.version_number, call.base_url
    )


async def get_layer_version_by_arn(
    control: Control, call: Call[GetLayerVersionByArnInput]
) -> GetLayerVersionResponse:
    """The same by the version's ARN."""
    named = version_key(call.input.arn)
    if named is None or named[0].region != call.caller.region:
        raise ResourceNotFoundException(_ABSENT)
    return await _version_answer(control, call.caller, *named, call.base_url)


async def list_layer_versions(
    control: Control, call: Call[ListLayerVersionsInput]
) -> ListLayerVersionsResponse:
    """A layer's versions, the newest first, at most 50 at a time."""
    asked = call.input
    key = own_layer(call.caller, asked.layer_name, None, "ListLayerVersions")
    suits = _suits(asked)
    page = min(asked.max_items or limits.LIST_PAGE, limits.LIST_PAGE)
    before = markers.read_number(asked.marker)
    async with control.store.transaction() as tx:
        found = await tx.layers.versions(key, suits, before=before, limit=page + 1)
    more = len(found) > page
    return ListLayerVersionsResponse(
        layer_versions=tuple(map(_listed, found[:page])),
        next_marker=markers.marker(str(found[page - 1].number)) if more else None,
    )


async def list_layers(control: Control, call: Call[ListLayersInput]) -> ListLayersResponse:
    """The caller's layers by name, each with the newest version that suits what is asked for."""
    asked = call.input
    suits = _suits(asked)
    page = min(asked.max_items or limits.LIST_PAGE, limits.LIST_PAGE)
    async with control.store.transaction() as tx:
        found = await tx.layers.latest(
            call.caller.account,
            call.caller.region,
            suits,
            after=markers.read(asked.marker),
            limit=page + 1,
        )
    return ListLayersResponse(
        layers=tuple(
            LayersListItem(
                layer_name=version.key.name,
                layer_arn=version.key.arn,
                latest_matching_version=_listed(version),
            )
            for version in found[:page]
        ),
        next_marker=markers.marker(found[page - 1].key.name) if len(found) > page else None,
    )


async def delete_layer_version(control: Control, call: Call[DeleteLayerVersionInput]) -> None:
    """Delete a version: nobody can attach it any more, and functions that have it keep it. As
    on AWS, there need not be one."""
    number = call.input.version_number
    check_number(number)
    key = own_layer(call.caller, call.input.layer_name, number, "DeleteLayerVersion")
    async with control.store.transaction() as tx:
        await tx.layers.remove(key, number)
    control.changed()
    log.info("layer version deleted", extra={"layer": key.version_arn(number)})


async def attached(
    control: Control, tx: Transaction, caller: Caller, arns: Sequence[str] | None
) -> tuple[Layer, ...] | None:
    """The layers that a function asks for, or AWS's refusal. None: it does not speak of them."""
    if arns is None:
        return None
    most = control.settings.quotas.layers
    check_references(arns, account=caller.account, region=caller.region, most=most)
    found = []
    for arn in arns:
        named = version_key(arn)
        assert named is not None, "check_references lets no others through"
        version = await tx.layers.version(*named)
        check_use(*named, version, account=caller.account)
        if version is None:
            raise no_such_version(arn)
        found.append(Layer(version.arn, version.code))
    return tuple(found)


def own_layer(caller: Caller, text: str, number: int | None, action: str) -> LayerKey:
    """A layer of the caller's own, or AWS's refusal."""
    key = _layer(caller, text)
    check_owner(key, number, account=caller.account, action=action)
    return key


def _layer(caller: Caller, text: str) -> LayerKey:
    return layer_key(text, account=caller.account, region=caller.region)


async def _version_answer(
    control: Control, caller: Caller, key: LayerKey, number: int, base_url: str
) -> GetLayerVersionResponse:
    check_number(number)
    async with control.store.transaction() as tx:
        version = await tx.layers.version(key, number)
    check_use(key, number, version, account=caller.account)
    if version is None:
        raise ResourceNotFoundException(_ABSENT)
    return GetLayerVersionResponse(**_shown(version, base_url))


def _suits(asked: ListLayersInput | ListLayerVersionsInput) -> Suits:
    if asked.compatible_runtime is not None:
        check_runtimes([asked.compatible_runtime], "compatibleRuntime")
    return Suits(asked.compatible_runtime, asked.compatible_architecture)


def _shown(version: LayerVersion, base_url: str) -> dict[str, Any]:
    return {
        "content": LayerVersionContentOutput(
            location=location(base_url, version.code.sha256),
            code_sha256=base64.b64encode(bytes.fromhex(version.code.sha256)).decode(),
            code_size=version.code.size_bytes,
        ),
        "layer_arn": version.key.arn,
        "layer_version_arn": version.arn,
        "description": version.description,
        "created_date": version.created,
        "version": version.number,
        "compatible_runtimes": version.runtimes or None,
        "compatible_architectures": version.architectures or None,
        "license_info": version.license,
    }


def _listed(version: LayerVersion) -> LayerVersionsListItem:
    return LayerVersionsListItem(
        layer_version_arn=version.arn,
        version=version.number,
        description=version.description,
        created_date=version.created,
        compatible_runtimes=version.runtimes or None,
        compatible_architectures=version.architectures or None,
        license_info=version.license,
    )
