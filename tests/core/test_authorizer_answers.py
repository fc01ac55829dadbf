"""What a Lambda authorizer's answer lets pass."""

from typing import Any

import orjson
import pytest

from stoker.core import authorizer_answers
from stoker.core.authorizer_answers import ANSWER_BYTES, BadAuthorizer, read

ARN = "arn:aws:execute-api:eu-central-1:123456789012:abc/$default/GET/pets/1"
ALLOW = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": ARN}
DENY = {**ALLOW, "Effect": "Deny"}


def policy(*statements: Any, **more: Any) -> bytes:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return orjson.dumps({"principalId": "me", "policyDocument": document, **more})


@pytest.mark.parametrize(
    ("statements", "passes"),
    [
        ([ALLOW], True),
        ([DENY], False),
        ([ALLOW, DENY], False),
        ([], False),
        ([{**ALLOW, "Action": ["*"], "Resource": ["x", "arn:aws:execute-api:*"]}], True),
        ([{**ALLOW, "Action": "execute-api:*", "Resource": ARN[:-1] + "?"}], True),
        ([{**ALLOW, "Resource": ARN.replace("GET", "PUT")}], False),
        ([{**ALLOW, "Action": "lambda:InvokeFunction"}], False),
        ([{**ALLOW, "Effect": "allow"}], False),
        ([{**ALLOW, "Resource": 7}], False),
        # What is not understood lets nobody in, and keeps everybody out.
        ([{**ALLOW, "Condition": {"Bool": {"a": "true"}}}], False),
        ([ALLOW, {**DENY, "Condition": {"Bool": {"a": "true"}}}], False),
        ([{"Effect": "Allow", "Action": "*", "NotResource": "x"}], False),
        ([ALLOW, {"Effect": "Deny", "NotAction": "x", "Resource": "x"}], False),
    ],
)
def test_a_policy_lets_pass_what_it_names(statements: list[Any], passes: bool) -> None:
    assert read(policy(*statements), simple=False).allows(ARN) is passes


def test_one_statement_needs_no_list() -> None:
    answer = {"principalId": "me", "policyDocument": {"Statement": ALLOW}, "context": {"a": 1}}
    found = read(orjson.dumps(answer), simple=False)
    assert (found.allows(ARN), found.principal, found.context) == (True, "me", {"a": 1})


def test_a_simple_answer_says_it_in_a_word() -> None:
    for word in (True, False):
        found = read(orjson.dumps({"isAuthorized": word, "context": {"a": [1]}}), simple=True)
        assert (found.allows(ARN), found.context) == (word, {"a": [1]})


@pytest.mark.parametrize(
    ("payload", "simple"),
    [
        (b"", False),
        (b"null", True),
        (b'"Unauthorized"', True),
        (b'{"isAuthorized": "true"}', True),
        (b'{"isAuthorized": true, "context": 7}', True),
        (b'{"isAuthorized": true}', False),
        (policy(ALLOW), True),
        (policy("x"), False),
        (policy(ALLOW, principalId=None), False),
        (b'{"principalId": "me", "policyDocument": {"Statement": 7}}', False),
        (policy(*[ALLOW] * 1001), False),
        (b'{"isAuthorized": true, "x": "' + b"x" * ANSWER_BYTES + b'"}', True),
    ],
)
def test_what_is_no_answer_is_told(payload: bytes, simple: bool) -> None:
    with pytest.raises(BadAuthorizer):
        read(payload, simple=simple)


def test_an_authorizer_fails_with_one_word_to_have_a_401() -> None:
    assert authorizer_answers.refused(b'{"errorMessage": "Unauthorized"}')
    for payload in (b'{"errorMessage": "x"}', b"[]", b"x"):
        assert not authorizer_answers.refused(payload)
