"""What a resource policy says to one request."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core import access
from stoker.core.access import INVOKE, INVOKE_URL, Access, Verdict, check, verdict
from stoker.core.errors import AccessDeniedException

MINE, THEIRS = "111111111111", "222222222222"
ARN = f"arn:aws:lambda:us-east-1:{MINE}:function:f"


def policy(*statements: dict[str, Any]) -> str:
    whole = [
        {"Effect": "Allow", "Principal": "*", "Action": INVOKE, "Resource": ARN, **one}
        for one in statements
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": whole})


def says(text: str, **facts: Any) -> str:
    return verdict(text, Access(**{"action": INVOKE, "account": THEIRS, **facts})).name


def test_without_a_policy_nothing_is_said() -> None:
    assert says("") == "SILENT"


@pytest.mark.parametrize(
    ("principal", "facts", "said"),
    [
        ("*", {}, "ALLOWED"),
        ("*", {"account": ""}, "ALLOWED"),
        ({"AWS": "*"}, {}, "ALLOWED"),
        ({"AWS": THEIRS}, {}, "ALLOWED"),
        ({"AWS": f"arn:aws:iam::{THEIRS}:root"}, {}, "ALLOWED"),
        ({"AWS": [MINE, THEIRS]}, {}, "ALLOWED"),
        ({"AWS": MINE}, {}, "SILENT"),
        ({"AWS": "arn:r"}, {"arns": frozenset({"arn:r"})}, "ALLOWED"),
        ({"AWS": "arn:r"}, {}, "SILENT"),
        ({"AWS": ""}, {"account": ""}, "SILENT"),
        (
            {"Service": "s3.amazonaws.com"},
            {"service": "s3.amazonaws.com", "account": ""},
            "ALLOWED",
        ),
        ({"Service": "s3.amazonaws.com"}, {"service": "sns.amazonaws.com"}, "SILENT"),
        ({"Service": "s3.amazonaws.com"}, {}, "SILENT"),
        ({"Federated": "*"}, {}, "SILENT"),
        (["*"], {}, "SILENT"),
    ],
)
def test_a_statement_is_for_its_principals(
    principal: object, facts: dict[str, Any], said: str
) -> None:
    assert says(policy({"Principal": principal}), **facts) == said


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (INVOKE, "ALLOWED"),
        ("lambda:*", "ALLOWED"),
        ("LAMBDA:invokefunction", "ALLOWED"),
        ("lambda:Invoke?unction", "ALLOWED"),
        (["lambda:GetFunction", INVOKE], "ALLOWED"),
        (INVOKE_URL, "SILENT"),
        ("lambda:GetFunction", "SILENT"),
    ],
)
def test_a_statement_is_for_its_actions(action: object, said: str) -> None:
    assert says(policy({"Action": action})) == said


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ({"StringEquals": {"AWS:SourceAccount": MINE}}, "ALLOWED"),
        ({"StringEquals": {"aws:sourceaccount": [THEIRS, MINE]}}, "ALLOWED"),
        ({"StringEquals": {"AWS:SourceAccount": THEIRS}}, "SILENT"),
        ({"StringNotEquals": {"AWS:SourceAccount": THEIRS}}, "ALLOWED"),
        ({"StringNotEquals": {"AWS:SourceAccount": [THEIRS, MINE]}}, "SILENT"),
        ({"StringNotEquals": {"aws:absent": "x"}}, "ALLOWED"),
        ({"StringEquals": {"aws:absent": "x"}}, "SILENT"),
        ({"StringEqualsIfExists": {"aws:absent": "x"}}, "ALLOWED"),
        ({"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::bucket*"}}, "ALLOWED"),
        ({"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::buck?"}}, "SILENT"),
        ({"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}, "ALLOWED"),
        ({"Bool": {"lambda:InvokedViaFunctionUrl": True}}, "ALLOWED"),
        ({"Bool": {"lambda:InvokedViaFunctionUrl": "false"}}, "SILENT"),
        ({"StringEquals": {"AWS:SourceAccount": MINE}, "Bool": {"absent": "true"}}, "SILENT"),
        ({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}, "SILENT"),  # not understood
        ({"StringEquals": "no pairs"}, "SILENT"),
        ("no conditions", "SILENT"),
    ],
)
def test_conditions_must_all_be_met(condition: object, said: str) -> None:
    facts = {
        "aws:sourceaccount": MINE,
        "aws:sourcearn": "arn:aws:s3:::bucket-a",
        "lambda:invokedviafunctionurl": "true",
    }
    assert says(policy({"Condition": condition}), facts=facts) == said


def test_a_deny_wins_wherever_it_stands() -> None:
    allow, deny = {"Sid": "a"}, {"Effect": "Deny", "Principal": {"AWS": THEIRS}}
    assert says(policy(allow, deny)) == says(policy(deny, allow)) == "DENIED"
    assert says(policy(allow, deny), account=MINE) == "ALLOWED"


@pytest.mark.parametrize(
    "unknown",
    [
        {"NotPrincipal": {"AWS": MINE}},
        {"NotAction": "lambda:GetFunction"},
        {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
    ],
)
def test_what_is_not_understood_errs_to_the_safe_side(unknown: dict[str, Any]) -> None:
    assert says(policy(unknown)) == "SILENT"
    assert says(policy({"Effect": "Deny", **unknown})) == "DENIED"


def test_a_neighbour_invokes_for_the_source_that_is_named_and_no_other() -> None:
    bucket, other = "arn:aws:s3:::mine", "arn:aws:s3:::other"
    text = policy(
        {
            "Principal": {"Service": "s3.amazonaws.com"},
            "Condition": {
                "ArnLike": {"AWS:SourceArn": bucket},
                "StringEquals": {"AWS:SourceAccount": MINE},
            },
        }
    )
    for service, source, account, may in (
        ("s3.amazonaws.com", bucket, MINE, True),
        ("s3.amazonaws.com", other, MINE, False),
        ("s3.amazonaws.com", bucket, THEIRS, False),
        ("s3.amazonaws.com", bucket, "", False),
        ("sns.amazonaws.com", bucket, MINE, False),
    ):
        found = access.admits(text, service, source_arn=source, source_account=account)
        assert found is may, (service, source, account)
    assert not access.admits("", "s3.amazonaws.com", source_arn=bucket)


def refusal(text: str, account: str) -> str:
    with pytest.raises(AccessDeniedException) as error:
        check(
            text, access.invoker(account), owner=MINE, who=f"arn:aws:iam::{account}:root",
            resource=ARN,
        )  # fmt: skip
    return error.value.message


def test_the_owner_needs_no_policy_and_others_do() -> None:
    check("", access.invoker(MINE), owner=MINE, who="", resource=ARN)
    check(policy({}), access.invoker(THEIRS), owner=MINE, who="", resource=ARN)
    assert refusal("", THEIRS) == (
        f"User: arn:aws:iam::{THEIRS}:root is not authorized to perform: lambda:InvokeFunction on "
        f"resource: {ARN} because no resource-based policy allows the lambda:InvokeFunction action"
    )
    deny = policy({"Effect": "Deny"})
    assert refusal(deny, MINE).endswith("with an explicit deny in a resource-based policy")


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_wildcards_match_as_the_obvious_way_says(pattern: str, value: str) -> None:
    def obvious(p: str, v: str) -> bool:
        if not p:
            return not v
        if p[0] == "*":
            return any(obvious(p[1:], v[i:]) for i in range(len(v) + 1))
        return bool(v) and p[0] in ("?", v[0]) and obvious(p[1:], v[1:])

    text = policy({"Condition": {"StringLike": {"k": pattern}}})
    assert (says(text, facts={"k": value}) == "ALLOWED") == obvious(pattern, value)


def test_a_hostile_pattern_does_not_hold_up_the_server() -> None:
    text = policy({"Condition": {"StringLike": {"k": "*a" * 5000 + "b"}}})
    assert verdict(text, Access(INVOKE, facts={"k": "a" * 2000})) is Verdict.SILENT
