"""Statements and documents of resource-based policies."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.errors import (
    InvalidParameterValueException,
    PolicyLengthExceededException,
    ResourceConflictException,
    ResourceNotFoundException,
)
from stoker.core.policies import Grant, added, removed, statement, whole

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"


def grant(**more: Any) -> Grant:
    return Grant(
        **{"sid": "s", "action": "lambda:InvokeFunction", "principal": "s3.amazonaws.com", **more}
    )


@pytest.mark.parametrize(
    ("principal", "shown"),
    [
        ("*", "*"),
        ("s3.amazonaws.com", {"Service": "s3.amazonaws.com"}),
        ("111111111111", {"AWS": "arn:aws:iam::111111111111:root"}),
        ("arn:aws:iam::111111111111:role/r", {"AWS": "arn:aws:iam::111111111111:role/r"}),
    ],
)
def test_a_principal_is_shown_by_its_kind(principal: str, shown: object) -> None:
    assert statement(grant(principal=principal), ARN) == {
        "Sid": "s",
        "Effect": "Allow",
        "Principal": shown,
        "Action": "lambda:InvokeFunction",
        "Resource": ARN,
    }


@pytest.mark.parametrize("principal", ["nobody", "11111111111", "a b.c", "..", "s3_.amazonaws.com"])
def test_what_is_no_principal_is_refused(principal: str) -> None:
    with pytest.raises(InvalidParameterValueException, match="The provided principal was invalid"):
        statement(grant(principal=principal), ARN)


@pytest.mark.parametrize(
    ("asked", "condition"),
    [
        ({}, None),
        ({"source_arn": "arn:aws:s3:::b"}, {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"}}),
        (
            {"source_account": "1" * 12, "source_arn": "arn:aws:s3:::b"},
            {
                "StringEquals": {"AWS:SourceAccount": "1" * 12},
                "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"},
            },
        ),
        (
            {"event_source_token": "t"},
            {"StringEquals": {"lambda:EventSourceToken": "t"}},
        ),
        (
            {"organization": "o-0123456789", "principal": "*"},
            {"StringEquals": {"aws:PrincipalOrgID": "o-0123456789"}},
        ),
        (
            {"url_auth_type": "NONE", "action": "lambda:InvokeFunctionUrl", "principal": "*"},
            {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
        ),
        ({"via_url": True}, {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}),
    ],
)
def test_conditions_have_aws_s_keys(asked: dict[str, Any], condition: object) -> None:
    assert statement(grant(**asked), ARN).get("Condition") == condition


def test_conditions_of_function_urls_are_for_their_actions_only() -> None:
    with pytest.raises(InvalidParameterValueException, match="FunctionUrlAuthType is only support"):
        statement(grant(url_auth_type="NONE"), ARN)
    with pytest.raises(InvalidParameterValueException, match="InvokedViaFunctionUrl is only"):
        statement(grant(via_url=True, action="lambda:InvokeFunctionUrl"), ARN)


def test_statements_are_added_and_removed_one_by_one() -> None:
    policy = added("", statement(grant(sid="a"), ARN))
    policy = added(policy, statement(grant(sid="b"), ARN))
    assert json.loads(policy) == {
        "Version": "2012-10-17",
        "Id": "default",
        "Statement": [statement(grant(sid=sid), ARN) for sid in "ab"],
    }
    assert policy.startswith('{"Version":"2012-10-17","Id":"default","Statement":[{"Sid":"a",')
    with pytest.raises(ResourceConflictException) as refusal:
        added(policy, statement(grant(sid="a"), ARN))
    assert refusal.value.message == (
        "The statement id (a) provided already exists. Please provide a new statement id, or "
        "remove the existing statement."
    )
    rest = removed(policy, "a")
    assert [one["Sid"] for one in json.loads(rest)["Statement"]] == ["b"]
    with pytest.raises(ResourceNotFoundException) as absent:
        removed(rest, "a")
    assert absent.value.message == "Statement a is not found in resource policy."
    assert removed(rest, "b") == ""
    with pytest.raises(ResourceNotFoundException, match="No policy is associated"):
        removed("", "b")


def test_a_policy_is_as_long_as_aws_allows_and_no_longer() -> None:
    def grown(policy: str) -> str:
        return added(policy, statement(grant(sid=f"s{len(policy)}"), ARN))

    policy = ""
    while len(policy) < 20_480 - 250:
        policy = grown(policy)
    with pytest.raises(PolicyLengthExceededException, match=r"is bigger than the limit \(20480\)"):
        grown(grown(policy))


def document(**more: Any) -> dict[str, Any]:
    one = {"Effect": "Allow", "Principal": "*", "Action": "lambda:InvokeFunction", "Resource": ARN}
    return {"Version": "2012-10-17", "Statement": [{**one, **more}]}


def test_a_whole_document_is_kept_as_it_is() -> None:
    assert json.loads(whole(json.dumps(document()), ARN)) == document()
    single = {**document(), "Statement": document(Sid="é")["Statement"][0]}
    assert json.loads(whole(json.dumps(single), ARN)) == document(Sid="é")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("no json", "it is not JSON"),
        ('{"Version":"2012-10-17","Statement":NaN}', "it is not JSON"),
        ("[" * 20_000, "it is not JSON"),
        ("[]", "it is not an object"),
        ("{}", "Version must be"),
        ('{"Version":"2012-10-17"}', "Statement must be"),
        ('{"Version":"2012-10-17","Statement":[]}', "Statement must be"),
        ('{"Version":"2012-10-17","Statement":[7]}', "Statement must be"),
        (json.dumps(document(Effect="Perhaps")), "Effect must be"),
        (json.dumps(document(Principal=None)), "a statement lacks Principal"),
        (json.dumps(document(Resource=f"{ARN}:1")), f"Resource must be {ARN}"),
        (json.dumps(document(Resource=[ARN, "*"])), f"Resource must be {ARN}"),
        (json.dumps(document(Sid=[])), "each Sid must be"),
        (json.dumps({**document(), "Statement": document(Sid="s")["Statement"] * 2}), "each Sid"),
    ],
)
def test_a_document_that_is_none_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(InvalidParameterValueException) as refusal:
        whole(text, ARN)
    assert refusal.value.message.startswith(f"The policy document is malformed: {why}")


MEMBERS = ["Version", "Statement", "Sid", "Effect", "Principal", "Action", "Resource"]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=4) | st.just(ARN),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(MEMBERS),
        inner,
        max_size=7,
    ),
    max_leaves=20,
)  # fmt: skip


@given(JSON)
def test_no_document_is_too_strange_to_be_judged(value: object) -> None:
    try:
        policy = whole(json.dumps(value), ARN)
    except InvalidParameterValueException:
        return
    assert json.loads(policy)["Statement"]
