"""Which trust policies let Lambda in."""

import json

import pytest

from stoker.core.errors import InvalidParameterValueException
from stoker.core.roles import check_trust

ALLOW = {"Effect": "Allow", "Action": "sts:AssumeRole"}
LAMBDA = {"Service": "lambda.amazonaws.com"}


@pytest.mark.parametrize(
    "statements",
    [
        {**ALLOW, "Principal": LAMBDA},
        [{**ALLOW, "Principal": {"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]}}],
        [{**ALLOW, "Principal": {"AWS": "123456789012"}}, {**ALLOW, "Principal": LAMBDA}],
        {**ALLOW, "Action": ["sts:TagSession", "STS:assumerole"], "Principal": LAMBDA},
        {**ALLOW, "Action": "*", "Principal": "*"},
    ],
)
def test_a_role_that_trusts_lambda_may_be_used(statements: object) -> None:
    check_trust(json.dumps({"Statement": statements}))


@pytest.mark.parametrize(
    "policy",
    [
        "", "7", "{}", '{"Statement": []}', '{"Statement": [7]}',
        *(
            json.dumps({"Statement": statement})
            for statement in (
                {**ALLOW, "Principal": {"Service": "ec2.amazonaws.com"}},
                {**ALLOW, "Principal": {"AWS": "lambda.amazonaws.com"}},
                {**ALLOW, "Effect": "Deny", "Principal": LAMBDA},
                {**ALLOW, "Action": "sts:TagSession", "Principal": LAMBDA},
                {**ALLOW, "Principal": [LAMBDA]},
            )
        ),
    ],
)  # fmt: skip
def test_any_other_may_not(policy: str) -> None:
    with pytest.raises(InvalidParameterValueException, match="cannot be assumed by Lambda"):
        check_trust(policy)
