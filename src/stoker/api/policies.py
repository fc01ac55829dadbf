"""Resource-based policies of functions, versions and aliases: by statement, or whole.

A policy has no revision of its own: it is that of what it belongs to, which every change of the
policy renews, as on AWS.
"""

from dataclasses import replace

from stoker.api.control import Call, Caller, Control
from stoker.api.identifiers import new_revision
from stoker.api.lookup import find, located
from stoker.api.shapes.lambda_ import (
    AddPermissionInput,
    AddPermissionResponse,
    DeleteResourcePolicyInput,
    GetPolicyInput,
    GetPolicyResponse,
    GetResourcePolicyInput,
    GetResourcePolicyResponse,
    PutResourcePolicyInput,
    PutResourcePolicyResponse,
    RemovePermissionInput,
)
from stoker.core.aliases import Alias
from stoker.core.errors import (
    InvalidParameterValueException,
    NotImplementedException,
    ResourceNotFoundException,
)
from stoker.core.model import Function, FunctionKey
from stoker.core.names import LATEST, function_arn
from stoker.core.policies import (
    Grant,
    added,
    check_policy_revision,
    dump,
    removed,
    statement,
    whole,
)
from stoker.core.versions import Version
from stoker.store.base import Transaction

Holder = Function | Version | Alias  # what a policy belongs to


async def add_permission(control: Control, call: Call[AddPermissionInput]) -> AddPermissionResponse:
    """Let a service, an account or everybody do something with the function."""
    asked = call.input
    key, qualifier = _located(call.caller, asked.function_name, asked.qualifier, "AddPermission")
    grant = Grant(
        sid=asked.statement_id,
        action=asked.action,
        principal=asked.principal,
        source_arn=asked.source_arn,
        source_account=asked.source_account,
        event_source_token=asked.event_source_token,
        organization=asked.principal_org_id,
        url_auth_type=asked.function_url_auth_type,
        via_url=asked.invoked_via_function_url,
    )
    new = statement(grant, _resource(key, qualifier))
    async with control.store.transaction() as tx:
        holder = await _holder(tx, key, qualifier)
        check_policy_revision(holder.revision_id, asked.revision_id)
        await _put(tx, holder, added(holder.policy, new, control.settings.quotas.policy_bytes))
    return AddPermissionResponse(statement=dump(new))


async def remove_permission(control: Control, call: Call[RemovePermissionInput]) -> None:
    """Take one statement out of the policy."""
    asked = call.input
    key, qualifier = _located(call.caller, asked.function_name, asked.qualifier, "RemovePermission")
    async with control.store.transaction() as tx:
        holder = await _holder(tx, key, qualifier)
        rest = removed(holder.policy, asked.statement_id)
        check_policy_revision(holder.revision_id, asked.revision_id)
        await _put(tx, holder, rest)


async def get_policy(control: Control, call: Call[GetPolicyInput]) -> GetPolicyResponse:
    """The policy as JSON."""
    asked = call.input
    key, qualifier = _located(call.caller, asked.function_name, asked.qualifier, "GetPolicy")
    async with control.store.transaction() as tx:
        holder = await _holder(tx, key, qualifier)
    return GetPolicyResponse(policy=_shown(holder), revision_id=holder.revision_id)


async def put_resource_policy(
    control: Control, call: Call[PutResourcePolicyInput]
) -> PutResourcePolicyResponse:
    """Replace the whole policy, with statements of AddPermission's too."""
    asked = call.input
    key, qualifier = _resource_of(call.caller, asked.resource_arn, "PutResourcePolicy")
    policy = whole(asked.policy, _resource(key, qualifier), control.settings.quotas.policy_bytes)
    async with control.store.transaction() as tx:
        holder = await _holder(tx, key, qualifier)
        check_policy_revision(holder.revision_id, asked.revision_id)
        changed = await _put(tx, holder, policy)
    return PutResourcePolicyResponse(policy=policy, revision_id=changed.revision_id)


async def get_resource_policy(
    control: Control, call: Call[GetResourcePolicyInput]
) -> GetResourcePolicyResponse:
    """The policy as JSON, by ARN."""
    key, qualifier = _resource_of(call.caller, call.input.resource_arn, "GetResourcePolicy")
    async with control.store.transaction() as tx:
        holder = await _holder(tx, key, qualifier)
    return GetResourcePolicyResponse(policy=_shown(holder), revision_id=holder.revision_id)


async def delete_resource_policy(control: Control, call: Call[DeleteResourcePolicyInput]) -> None:
    """Remove the whole policy: nobody but the account may do anything with it any more."""
    asked = call.input
    key, qualifier = _resource_of(call.caller, asked.resource_arn, "DeleteResourcePolicy")
    async with control.store.transaction() as tx:
        holder = await _holder(tx, key, qualifier)
        _shown(holder)
        check_policy_revision(holder.revision_id, asked.revision_id)
        await _put(tx, holder, "")


def _located(
    caller: Caller, name: str, qualifier: str | None, action: str
) -> tuple[FunctionKey, str | None]:
    key, found = located(caller, name, qualifier, action)
    if found == LATEST:
        raise InvalidParameterValueException(
            "We currently do not support adding policies for $LATEST."
        )
    return key, found


def _resource_of(caller: Caller, arn: str, action: str) -> tuple[FunctionKey, str | None]:
    if ":function:" not in arn:
        raise NotImplementedException(f"Stoker has not built {action} of runtimes yet.")
    return _located(caller, arn, None, action)


def _resource(key: FunctionKey, qualifier: str | None) -> str:
    return function_arn(key.region, key.account, key.name, qualifier)


async def _holder(tx: Transaction, key: FunctionKey, qualifier: str | None) -> Holder:
    found = await find(tx, key, qualifier)
    return found.alias or found.version or found.function


async def _put(tx: Transaction, holder: Holder, policy: str) -> Holder:
    revision = new_revision()
    match holder:
        case Function():
            function = replace(holder, policy=policy, revision_id=revision)
            await tx.put_function(function, expected=holder.revision_id)
            return function
        case Version():
            version = replace(holder, policy=policy, revision_id=revision)
            await tx.versions.put(version, expected=holder.revision_id)
            return version
        case Alias():
            alias = replace(holder, policy=policy, revision_id=revision)
            await tx.aliases.put(alias, expected=holder.revision_id)
            return alias


def _shown(holder: Holder) -> str:
    if not holder.policy:
        raise ResourceNotFoundException("The resource you requested does not exist.")
    return holder.policy
