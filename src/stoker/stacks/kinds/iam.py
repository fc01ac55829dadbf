"""AWS::IAM::*: what templates of functions have of it."""

from typing import Any

from stoker.core.stacks.errors import ValidationError
from stoker.neighbours.calls import Refused
from stoker.stacks.work import Kind, Made, Work, is_missing, words

APART = words("ManagedPolicyArns Policies")
HOLDERS = {"Roles": "Role", "Users": "User", "Groups": "Group"}


async def _create_role(work: Work) -> Made:
    name = work.name("RoleName", 64)
    made = await work.ask("iam", "CreateRole", **{**work.without(*APART), "RoleName": name})
    attributes = {"Arn": made["Role"]["Arn"], "RoleId": made["Role"]["RoleId"]}
    await work.exists(name, attributes)
    await _set_policies(work, name)
    return Made(name, attributes)


async def _update_role(work: Work) -> Made:
    name = work.physical
    if work.changed("AssumeRolePolicyDocument"):
        document = work.properties["AssumeRolePolicyDocument"]
        await work.ask("iam", "UpdateAssumeRolePolicy", RoleName=name, PolicyDocument=document)
    if work.changed("Description", "MaxSessionDuration"):
        await work.ask(
            "iam", "UpdateRole", RoleName=name,
            Description=work.properties.get("Description", ""),
            MaxSessionDuration=work.properties.get("MaxSessionDuration", 3600),
        )  # fmt: skip
    if work.changed("PermissionsBoundary"):
        boundary = work.properties.get("PermissionsBoundary")
        operation = "PutRolePermissionsBoundary" if boundary else "DeleteRolePermissionsBoundary"
        await work.ask("iam", operation, RoleName=name, PermissionsBoundary=boundary)
    await _retag_role(work)
    await _set_policies(work, name)
    return Made(name, work.attributes)


async def _retag_role(work: Work) -> None:
    wanted, gone = work.retagging()
    if gone:
        await work.ask("iam", "UntagRole", RoleName=work.physical, TagKeys=gone)
    if wanted:
        await work.ask("iam", "TagRole", RoleName=work.physical, Tags=work.properties["Tags"])


async def _set_policies(work: Work, name: str) -> None:
    attached = set(work.properties.get("ManagedPolicyArns") or ())
    before = set(work.before.get("ManagedPolicyArns") or ())
    for arn in sorted(attached - before):
        await work.ask("iam", "AttachRolePolicy", RoleName=name, PolicyArn=arn)
    for arn in sorted(before - attached):
        await work.ask("iam", "DetachRolePolicy", RoleName=name, PolicyArn=arn)
    inline = {one["PolicyName"]: one for one in work.properties.get("Policies") or ()}
    was = {one["PolicyName"]: one for one in work.before.get("Policies") or ()}
    for key, one in inline.items():
        if was.get(key) != one:
            await work.ask("iam", "PutRolePolicy", RoleName=name, **one)
    for key in sorted(was.keys() - inline.keys()):
        await work.ask("iam", "DeleteRolePolicy", RoleName=name, PolicyName=key)


async def _delete_role(work: Work) -> None:
    """With what hangs on it: a role that has policies cannot be deleted."""
    name = work.physical
    attached = await work.ask("iam", "ListAttachedRolePolicies", RoleName=name)
    for one in attached["AttachedPolicies"]:
        await work.ask("iam", "DetachRolePolicy", RoleName=name, PolicyArn=one["PolicyArn"])
    inline = await work.ask("iam", "ListRolePolicies", RoleName=name)
    for policy in inline["PolicyNames"]:
        await work.ask("iam", "DeleteRolePolicy", RoleName=name, PolicyName=policy)
    await work.ask("iam", "DeleteRole", RoleName=name)


def _holders(properties: Any) -> set[tuple[str, str]]:
    return {
        (kind, str(name)) for key, kind in HOLDERS.items() for name in properties.get(key) or ()
    }


async def _put_policy(work: Work) -> Made:
    """A policy that lies in its roles, users and groups."""
    name, document = work.must("PolicyName"), work.must("PolicyDocument")
    wanted = _holders(work.properties)
    if not wanted:
        raise ValidationError("At least one of [Groups,Roles,Users] must be non-empty.")
    for kind, holder in sorted(wanted):
        await work.ask(
            "iam", f"Put{kind}Policy",
            **{f"{kind}Name": holder, "PolicyName": name, "PolicyDocument": document},
        )  # fmt: skip
    before = str(work.before.get("PolicyName", name))
    gone = _holders(work.before) if before != name else _holders(work.before) - wanted
    await _take_policy(work, before, gone)
    return Made(work.physical or work.unique(128), {"Id": work.physical or work.unique(128)})


async def _take_policy(work: Work, name: str, holders: set[tuple[str, str]]) -> None:
    for kind, holder in sorted(holders):
        try:
            await work.ask(
                "iam", f"Delete{kind}Policy", **{f"{kind}Name": holder, "PolicyName": name}
            )
        except Refused as error:
            if not is_missing(error):
                raise


async def _delete_policy(work: Work) -> None:
    await _take_policy(work, work.properties["PolicyName"], _holders(work.properties))


async def _create_managed(work: Work) -> Made:
    name = work.name("ManagedPolicyName", 128)
    asked = work.only("PolicyDocument", "Path", "Description")
    made = await work.ask("iam", "CreatePolicy", PolicyName=name, **asked)
    arn = made["Policy"]["Arn"]
    attributes = {"PolicyArn": arn, "PolicyId": made["Policy"]["PolicyId"]}
    await work.exists(arn, attributes)
    await _attach(work, arn)
    return Made(arn, attributes)


async def _update_managed(work: Work) -> Made:
    arn = work.physical
    if work.changed("PolicyDocument"):
        versions = await work.ask("iam", "ListPolicyVersions", PolicyArn=arn)
        old = [one["VersionId"] for one in versions["Versions"] if not one["IsDefaultVersion"]]
        for version in old:  # a policy has five at most
            await work.ask("iam", "DeletePolicyVersion", PolicyArn=arn, VersionId=version)
        await work.ask(
            "iam", "CreatePolicyVersion", PolicyArn=arn, SetAsDefault=True,
            PolicyDocument=work.properties["PolicyDocument"],
        )  # fmt: skip
    await _attach(work, arn)
    return Made(arn, work.attributes)


async def _attach(work: Work, arn: str) -> None:
    wanted, before = _holders(work.properties), _holders(work.before)
    for kind, holder in sorted(wanted - before):
        await work.ask("iam", f"Attach{kind}Policy", **{f"{kind}Name": holder, "PolicyArn": arn})
    for kind, holder in sorted(before - wanted):
        await work.ask("iam", f"Detach{kind}Policy", **{f"{kind}Name": holder, "PolicyArn": arn})


async def _delete_managed(work: Work) -> None:
    arn = work.physical
    there = await work.ask("iam", "ListEntitiesForPolicy", PolicyArn=arn)
    for kind in HOLDERS.values():
        for holder in there[f"Policy{kind}s"]:
            name = holder[f"{kind}Name"]
            await work.ask("iam", f"Detach{kind}Policy", **{f"{kind}Name": name, "PolicyArn": arn})
    versions = await work.ask("iam", "ListPolicyVersions", PolicyArn=arn)
    for one in versions["Versions"]:
        if not one["IsDefaultVersion"]:
            await work.ask("iam", "DeletePolicyVersion", PolicyArn=arn, VersionId=one["VersionId"])
    await work.ask("iam", "DeletePolicy", PolicyArn=arn)


KINDS = (
    Kind(
        "AWS::IAM::Role", _create_role, _delete_role, _update_role,
        replaced_by=words("RoleName Path"), named="RoleName", guess=lambda w: w.unique(64),
    ),
    Kind("AWS::IAM::Policy", _put_policy, _delete_policy, _put_policy, tags=None),
    Kind(
        "AWS::IAM::ManagedPolicy", _create_managed, _delete_managed, _update_managed, tags=None,
        replaced_by=words("ManagedPolicyName Path Description"), named="ManagedPolicyName",
    ),
)  # fmt: skip
