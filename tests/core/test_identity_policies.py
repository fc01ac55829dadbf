"""What the policies of a role say."""

import json
from itertools import product
from typing import Any

import pytest

from stoker.core.errors import AccessDeniedException
from stoker.core.identity_policies import POLICY_BYTES, Rights, Wish, check, may_everything
from stoker.core.policy_conditions import Fact

F = "arn:aws:lambda:us-east-1:111111111111:function:f"
G = "arn:aws:lambda:us-east-1:111111111111:function:g"
GET, WHO = "lambda:GetFunction", "arn:aws:sts::111111111111:assumed-role/r/caller"
YES = {"Effect": "Allow", "Action": GET, "Resource": F}
NO = {**YES, "Effect": "Deny"}


def policy(*statements: Any, version: str | None = "2012-10-17") -> str:
    whole = {} if version is None else {"Version": version}
    return json.dumps({**whole, "Statement": list(statements)})


def because(rights: Rights, action: str = GET, resource: str | None = F, **facts: Fact) -> str:
    """Why it is refused; "" if it is not."""
    try:
        check(rights, Wish(action, resource, facts), WHO)
    except AccessDeniedException as error:
        return error.message.partition(f"{resource or '*'} ")[2]
    return ""


def allows(statement: dict[str, Any], **asked: Any) -> bool:
    return not because(Rights((policy(statement),)), **asked)


def test_every_way_in_which_policies_and_a_boundary_may_speak_is_decided_as_aws_says() -> None:
    """Each of them may allow, deny, do both, or say nothing: the world is small."""
    words: dict[str, list[Any]] = {"": [], "A": [YES], "D": [NO], "AD": [YES, NO], "DA": [NO, YES]}
    for first, second, bound in product(words, words, [None, *words]):
        boundary = None if bound is None else policy(*words[bound])
        said = because(Rights((policy(*words[first]), policy(*words[second])), boundary))
        if "D" in first + second:
            wanted = "with an explicit deny in an identity-based policy"
        elif "D" in (bound or ""):
            wanted = "with an explicit deny in a permissions boundary"
        elif "A" not in first + second:
            wanted = f"because no identity-based policy allows the {GET} action"
        elif bound == "":
            wanted = f"because no permissions boundary allows the {GET} action"
        else:
            wanted = ""
        assert said == wanted, (first, second, bound)


def test_a_refusal_is_in_awss_words() -> None:
    with pytest.raises(AccessDeniedException) as error:
        check(Rights(()), Wish(GET, F), WHO)
    assert error.value.message == (
        f"User: {WHO} is not authorized to perform: {GET} on resource: {F} because no "
        f"identity-based policy allows the {GET} action"
    )


@pytest.mark.parametrize(
    ("part", "fits_f_and_get"),
    [
        ({}, True),
        ({"Action": "LAMBDA:getfunction"}, True),
        ({"Action": "lambda:Get*"}, True),
        ({"Action": "*"}, True),
        ({"Action": ["s3:*", "lambda:GetFunctio?"]}, True),
        ({"Action": "lambda:GetFunctionConfiguration"}, False),
        ({"Action": []}, False),
        ({"Action": None, "NotAction": "iam:*"}, True),
        ({"Action": None, "NotAction": ["iam:*", GET]}, False),
        ({"Resource": "*"}, True),
        ({"Resource": [G, "arn:aws:lambda:*:*:function:f"]}, True),
        ({"Resource": f"{F}:*"}, False),  # of its versions and aliases
        ({"Resource": F.upper()}, False),
        ({"Resource": G}, False),
        ({"Resource": None, "NotResource": G}, True),
        ({"Resource": None, "NotResource": [G, F]}, False),
        ({"Resource": "arn:aws:lambda:us-east-1:111111111111:function:${name}"}, True),
        ({"Condition": {"StringEquals": {"name": "f"}, "Bool": {"yes": "true"}}}, True),
        ({"Condition": {"StringEquals": {"name": "f"}, "Bool": {"yes": "false"}}}, False),
    ],
)
def test_a_statement_is_about_its_actions_and_resources(
    part: dict[str, Any], fits_f_and_get: bool
) -> None:
    one = {key: value for key, value in {**YES, **part}.items() if value is not None}
    facts: Any = {"name": "f", "yes": "true"}
    assert allows(one, **facts) is fits_f_and_get
    deny = policy({**one, "Effect": "Deny"})
    assert bool(because(Rights((policy(YES), deny)), **facts)) is fits_f_and_get


@pytest.mark.parametrize(
    "strange",
    [
        {"Resource": "arn:aws:lambda:us-east-1:111111111111:function:${aws:username}"},
        {"NotResource": "${strange}", "Resource": None},
        {"Condition": {"StringEquals": {"lambda:Strange": "f"}}},
        {"Condition": {"StringNotEquals": {"lambda:Strange": "f"}}},
        {"Condition": {"StringEqualsIfExists": {"lambda:Strange": "f"}}},
        {"Condition": {"Null": {"lambda:Strange": "true"}}},
        {"Condition": {"StringSounds": {"name": "f"}}},
        {"Condition": "none"},
        {"Principal": "*"},
        {"NotAction": "iam:*"},
        {"NotResource": G},
        {"Resource": None},
        {"Action": None},
        {"Surprise": 1},
    ],
)
def test_what_is_not_understood_allows_nothing_and_denies(strange: dict[str, Any]) -> None:
    one = {key: value for key, value in {**YES, **strange}.items() if value is not None}
    assert not allows(one, name="f")
    deny = policy({**one, "Effect": "Deny"})
    assert because(Rights((policy(YES), deny)), name="f")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"Statement": 5}', '{"Statement": [5]}',
                                  "[" * 5000])  # fmt: skip
def test_a_document_that_cannot_be_read_denies_everything(text: str) -> None:
    assert because(Rights((policy(YES), text)))
    assert because(Rights((policy(YES),), text))
    assert not may_everything(Rights((policy(ALL), text)))


def test_the_effect_is_written_as_aws_writes_it_or_it_is_a_deny() -> None:
    assert because(Rights((policy(YES, {**YES, "Effect": "allow"}),)))
    assert because(Rights((policy(YES, {**YES, "Effect": "DENY"}),)))


def test_documents_of_before_2012_have_no_variables() -> None:
    mine = {**YES, "Resource": "${name}"}
    for version in (None, "2008-10-17"):
        rights = Rights((policy(mine, version=version),))
        assert because(rights, resource="f", name="f")
        assert not because(rights, resource="${name}", name="f")


def test_where_nobody_knows_the_resource_only_all_of_them_will_do() -> None:
    assert allows({**YES, "Resource": "*"}, resource=None)
    assert not allows(YES, resource=None)
    assert not allows({"Effect": "Allow", "Action": GET, "NotResource": G}, resource=None)
    everything = policy({**YES, "Resource": "*"})
    assert because(Rights((everything, policy({**NO, "Resource": G}))), resource=None)


ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


@pytest.mark.parametrize(
    ("policies", "boundary", "said"),
    [
        ([ALL], None, True),
        ([{**ALL, "Action": ["*"], "Sid": "s"}, YES], None, True),
        ([ALL], [ALL], True),
        ([], None, False),
        ([{**ALL, "Action": "lambda:*"}], None, False),
        ([{**ALL, "Resource": "arn:*"}], None, False),
        ([{**ALL, "Condition": {}}], None, False),
        ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], None, False),
        ([ALL, {**NO, "Resource": G}], None, False),
        ([ALL], [YES], False),
        ([ALL], [ALL, NO], False),
        ([ALL], [], False),
    ],
)
def test_who_may_everything_is_bounded_by_nothing(
    policies: list[Any], boundary: list[Any] | None, said: bool
) -> None:
    bounds = None if boundary is None else policy(*boundary)
    assert may_everything(Rights((policy(*policies),), bounds)) is said


def test_too_much_is_not_judged_at_all() -> None:
    rights = Rights((policy(ALL), policy({**YES, "Sid": "x" * POLICY_BYTES})))
    assert "too long" in because(rights)
    assert not may_everything(rights)
    assert "too long" in because(Rights((policy(ALL),)), resource="x" * 2049)
