"""What of IAM an operation needs."""

from types import SimpleNamespace
from typing import Any

import pytest

from stoker.api.operations import OPERATIONS
from stoker.core import target_calls
from stoker.core.errors import InvalidParameterValueException
from stoker.core.iam_requests import read, subject, wishes
from stoker.core.permissions import Asked, needs

HERE = ("111111111111", "us-east-1")
L = "arn:aws:lambda:us-east-1:111111111111"
ROLE = "arn:aws:iam::111111111111:role/other"


def asked(operation: str, service: str = "lambda", **given: Any) -> Asked:
    return Asked(service, operation, SimpleNamespace(**given), *HERE)


def wanted(operation: str, service: str = "lambda", **given: Any) -> list[tuple[str, str | None]]:
    found = needs(asked(operation, service, **given))
    assert found is not None
    return [(wish.action, wish.resource) for wish in found.wishes]


def test_every_operation_that_not_every_function_may_ask_for_says_what_it_needs() -> None:
    given = {
        "function_name": "f", "layer_name": "l", "uuid": "u", "resource": f"{L}:function:f",
        "resource_arn": f"{L}:function:f", "resource_id": "function:f:live", "stack_name": "s",
    }  # fmt: skip
    rows = [row for row in OPERATIONS if not row.inside]
    assert len(rows) > 150
    for row in rows:
        found = needs(Asked(row.service, row.name, SimpleNamespace(**given), *HERE, row.method))
        assert found is not None, row
        assert found.wishes, row
        assert all(wish.action.partition(":")[2] for wish in found.wishes)
        reads = row.method == "GET" or row.name.startswith(("Describe", "Get", "List", "Valid"))
        plain = ("lambda", "application-autoscaling", "cloudwatch")
        acts_for_others = row.service not in plain
        assert found.deputy is (acts_for_others and not reads) or row.service == "cloudcontrol"


def test_rules_and_schedules_reach_nothing_that_is_judged() -> None:
    """Any function may make them, so they may do no more than any function."""
    own = {(row.service, row.name) for row in OPERATIONS if row.inside}
    told = {"body": "{}", "id": "id", "source": "s", "detailType": "d"}
    for kind in target_calls.Kind:
        place = target_calls.Place(kind, "arn:x", "us-east-1", "111111111111", "name")
        for one in target_calls.operations(place, told, 0):
            assert needs(asked(one.name, one.service)) is None
            assert one.service not in ("iam", "sts")
            assert one.service != "logs" or (one.service, one.name) in own


def test_what_nobody_has_thought_of_needs_what_nobody_has() -> None:
    assert needs(asked("GetObject", "s3")) is None


@pytest.mark.parametrize(
    ("operation", "given", "said"),
    [
        ("GetFunction", {"function_name": "f"}, [("lambda:GetFunction", f"{L}:function:f")]),
        (
            "GetFunctionConfiguration",
            {"function_name": "f", "qualifier": "$LATEST"},
            [("lambda:GetFunctionConfiguration", f"{L}:function:f:$LATEST")],
        ),
        (
            "DeleteFunction",
            {"function_name": f"{L}:function:f:3"},
            [("lambda:DeleteFunction", f"{L}:function:f:3")],
        ),
        (
            "GetFunction",
            {"function_name": "arn:aws:lambda:eu-west-1:222222222222:function:f"},
            [("lambda:GetFunction", "arn:aws:lambda:eu-west-1:222222222222:function:f")],
        ),
        ("ListFunctions", {}, [("lambda:ListFunctions", "*")]),
        ("GetAccountSettings", {}, [("lambda:GetAccountSettings", "*")]),
        (
            "CreateFunction",
            {"function_name": "f", "role": ROLE, "layers": (f"{L}:layer:l:1",), "tags": {"a": "b"}},
            [
                ("lambda:CreateFunction", f"{L}:function:f"),
                ("iam:PassRole", ROLE),
                ("lambda:GetLayerVersion", f"{L}:layer:l:1"),
                ("lambda:TagResource", f"{L}:function:f"),
            ],
        ),
        (
            "UpdateFunctionConfiguration",
            {"function_name": "f", "role": ROLE},
            [("lambda:UpdateFunctionConfiguration", f"{L}:function:f"), ("iam:PassRole", ROLE)],
        ),
        (
            "CreateEventSourceMapping",
            {"function_name": "f"},
            [("lambda:CreateEventSourceMapping", "*")],
        ),
        (
            "UpdateEventSourceMapping",
            {"uuid": "u", "function_name": "f"},
            [("lambda:UpdateEventSourceMapping", f"{L}:event-source-mapping:u")],
        ),
        (
            "GetLayerVersion",
            {"layer_name": "l", "version_number": 2},
            [("lambda:GetLayerVersion", f"{L}:layer:l:2")],
        ),
        (
            "GetLayerVersionByArn",
            {"arn": f"{L}:layer:l:2"},
            [("lambda:GetLayerVersion", f"{L}:layer:l:2")],
        ),
        (
            "PublishLayerVersion",
            {"layer_name": "l"},
            [("lambda:PublishLayerVersion", f"{L}:layer:l")],
        ),
        ("ListLayerVersions", {"layer_name": "l"}, [("lambda:ListLayerVersions", "*")]),
        ("ListTags", {"resource": f"{L}:function:f"}, [("lambda:ListTags", f"{L}:function:f")]),
        (
            "PutFunctionCodeSigningConfig",
            {"function_name": "f", "code_signing_config_arn": "c"},
            [
                ("lambda:PutFunctionCodeSigningConfig", f"{L}:function:f"),
                ("lambda:PutFunctionCodeSigningConfig", "c"),
            ],
        ),
    ],
)
def test_lambda_s_operations_need_what_aws_s_reference_says(
    operation: str, given: dict[str, Any], said: list[tuple[str, str]]
) -> None:
    assert wanted(operation, **given) == said


def test_what_scales_a_function_needs_the_right_to_do_so() -> None:
    given = {"resource_id": "function:f:live", "role_arn": ROLE}
    assert wanted("RegisterScalableTarget", "application-autoscaling", **given) == [
        ("application-autoscaling:RegisterScalableTarget", "*"),
        ("lambda:PutProvisionedConcurrencyConfig", f"{L}:function:f:live"),
        ("iam:PassRole", ROLE),
    ]
    assert wanted("DescribeScalableTargets", "application-autoscaling") == [
        ("application-autoscaling:DescribeScalableTargets", "*")
    ]


def test_alarms_are_resources_by_their_names() -> None:
    where = "arn:aws:cloudwatch:us-east-1:111111111111:alarm"
    for given, resources in (
        ({"alarm_name": "a"}, [f"{where}:a"]),
        ({"alarm_names": ("a", "b")}, [f"{where}:a", f"{where}:b"]),
        ({"resource_arn": f"{where}:c"}, [f"{where}:c"]),
        ({}, ["*"]),
    ):
        said = wanted("DeleteAlarms", "cloudwatch", **given)
        assert said == [("cloudwatch:DeleteAlarms", each) for each in resources]


def test_a_stack_is_named_by_its_name_or_arn_or_not_at_all() -> None:
    where = "arn:aws:cloudformation:us-east-1:111111111111:stack"
    for given, resource in (
        ({"stack_name": "s"}, f"{where}/s/*"),
        ({"stack_name": f"{where}/s/1"}, f"{where}/s/1"),
        ({}, "*"),
        ({"change_set_name": "arn:c"}, None),
    ):
        said = wanted("DescribeChangeSet", "cloudformation", **given)
        assert said == [("cloudformation:DescribeChangeSet", resource)]


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("body", "found", "said"),
    [
        ("Action=PutRolePolicy&RoleName=r", "arn:r", [("iam:PutRolePolicy", "arn:r")]),
        ("Action=PutRolePolicy&RoleName=r", None, [("iam:PutRolePolicy", None)]),
        (
            "Action=AttachRolePolicy&RoleName=r&PolicyArn=p",
            "arn:r",
            [("iam:AttachRolePolicy", "arn:r")],
        ),
        ("Action=CreatePolicyVersion&PolicyArn=p", None, [("iam:CreatePolicyVersion", "p")]),
        (
            "Action=CreateRole&RoleName=n&Path=/dev/",
            None,
            [("iam:CreateRole", "arn:aws:iam::111111111111:role/dev/n")],
        ),
        (
            "Action=CreatePolicy&PolicyName=n",
            None,
            [("iam:CreatePolicy", "arn:aws:iam::111111111111:policy/n")],
        ),
        ("Action=CreateAccessKey", None, [("iam:CreateAccessKey", None)]),
        ("Action=AddUserToGroup&UserName=u&GroupName=g", None, [("iam:AddUserToGroup", None)]),
        ("Action=UpdateSAMLProvider", None, [("iam:UpdateSAMLProvider", None)]),
        (
            "Action=AddRoleToInstanceProfile&RoleName=r&InstanceProfileName=i",
            None,
            [("iam:AddRoleToInstanceProfile", None), ("iam:PassRole", None)],
        ),
    ],
)
def test_a_change_of_iam_is_about_one_resource_or_any(
    body: str, found: str | None, said: list[tuple[str, str | None]]
) -> None:
    made = wishes(read("", FORM, body.encode()), HERE[0], found)
    assert [(wish.action, wish.resource) for wish in made] == said


def test_who_is_looked_up_is_the_one_that_is_meant() -> None:
    one = subject(read("", FORM, b"Action=PutRolePolicy&RoleName=r"))
    assert one is not None
    assert (one.operation, one.member, one.name) == ("GetRole", "RoleName", "r")
    assert subject(read("", FORM, b"Action=AddUserToGroup&UserName=u&GroupName=g")) is None
    assert subject(read("", FORM, b"Action=CreateRole&RoleName=r")) is None


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("Action=GetRole", b"Action=DeleteRole&RoleName=r"),
        ("", b"Action=GetRole&Action=DeleteRole"),
        ("RoleName=a", b"Action=DeleteRole&RoleName=b"),
        ("", b"Action=GetRole&" + b"&".join(b"p%d=1" % n for n in range(2001))),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(query: str, body: bytes) -> None:
    with pytest.raises(InvalidParameterValueException):
        read(query, FORM, body)


def test_what_is_passed_on_says_what_was_read_and_nothing_else() -> None:
    request = read("Action=DeleteRole&X-Amz-Signature=s", FORM, b"RoleName=a%26Action%3DGetRole")
    assert request.form() == b"Action=DeleteRole&RoleName=a%26Action%3DGetRole"
    assert not request.only_reads
    assert request.members == {"RoleName"}
    assert read("", "application/json", b"Action=DeleteRole").operation == ""
