"""Who besides the account itself may use a layer version: its resource-based policy.

The only action is lambda:GetLayerVersion, which also is what attaching a version takes. Nobody
belongs to an organization here, so a statement for one is kept and shown, and admits nobody.
"""

import json

from stoker.api.control import Call, Caller, Control
from stoker.api.identifiers import new_revision
from stoker.api.layers import own_layer
from stoker.api.shapes.lambda_ import (
    AddLayerVersionPermissionInput,
    AddLayerVersionPermissionResponse,
    GetLayerVersionPolicyInput,
    GetLayerVersionPolicyResponse,
    RemoveLayerVersionPermissionInput,
)
from stoker.core.errors import ResourceNotFoundException
from stoker.core.layers import (
    LayerVersion,
    Statement,
    check_number,
    check_policy,
    forbidden,
    permitted,
)
from stoker.store.base import Transaction


async def add_layer_version_permission(
    control: Control, call: Call[AddLayerVersionPermissionInput]
) -> AddLayerVersionPermissionResponse:
    """Let an account, an organization or everybody use the version."""
    asked = call.input
    statement = Statement(asked.statement_id, _account(asked.principal), asked.organization_id)
    async with control.store.transaction() as tx:
        version = await _must_have(
            tx, call.caller, asked.layer_name, asked.version_number, "AddLayerVersionPermission"
        )
        changed = permitted(
            version,
            statement,
            asked.revision_id,
            revision=new_revision(),
            most_bytes=control.settings.quotas.policy_bytes,
        )
        await tx.layers.put(changed, expected=version.revision_id)
    return AddLayerVersionPermissionResponse(
        statement=json.dumps(statement.document(version.arn), separators=(",", ":")),
        revision_id=changed.revision_id,
    )


async def get_layer_version_policy(
    control: Control, call: Call[GetLayerVersionPolicyInput]
) -> GetLayerVersionPolicyResponse:
    """The policy as JSON."""
    asked = call.input
    async with control.store.transaction() as tx:
        version = await _must_have(
            tx, call.caller, asked.layer_name, asked.version_number, "GetLayerVersionPolicy"
        )
    check_policy(version)
    return GetLayerVersionPolicyResponse(policy=version.document, revision_id=version.revision_id)


async def remove_layer_version_permission(
    control: Control, call: Call[RemoveLayerVersionPermissionInput]
) -> None:
    """Take a statement out of the policy. Functions that have the version keep it."""
    asked = call.input
    async with control.store.transaction() as tx:
        version = await _must_have(
            tx, call.caller, asked.layer_name, asked.version_number, "RemoveLayerVersionPermission"
        )
        changed = forbidden(version, asked.statement_id, asked.revision_id, revision=new_revision())
        await tx.layers.put(changed, expected=version.revision_id)


async def _must_have(
    tx: Transaction, caller: Caller, name: str, number: int, action: str
) -> LayerVersion:
    check_number(number)
    key = own_layer(caller, name, number, action)
    version = await tx.layers.version(key, number)
    if version is None:
        raise ResourceNotFoundException(f"Layer version {key.version_arn(number)} does not exist.")
    return version


def _account(principal: str) -> str:
    """arn:aws:iam::123456789012:root is the account 123456789012."""
    return principal.split(":")[4] if principal.startswith("arn:") else principal
