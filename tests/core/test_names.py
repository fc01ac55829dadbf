"""The spellings of a function's name."""

import re

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core import names
from stoker.core.errors import (
    AccessDeniedException,
    InvalidParameterValueException,
    ResourceNotFoundException,
    ValidationException,
)
from stoker.core.names import FunctionRef, locate, parse_function_ref

ACCOUNT, REGION = "123456789012", "us-east-1"

accounts = st.none() | st.from_regex(r"[0-9]{12}", fullmatch=True)
regions = st.none() | st.sampled_from(
    ["us-east-1", "us-gov-west-1", "eusc-de-east-1", "us-iso-e-1"]
)
function_names = st.from_regex(r"[a-zA-Z0-9-_]{1,64}", fullmatch=True) | st.sampled_from(
    ["function", "arn", "us-east-1", "123456789012", "lambda"]
)
qualifiers = st.none() | st.just("$LATEST") | st.from_regex(r"[a-zA-Z0-9-_]+", fullmatch=True)


@given(st.builds(FunctionRef, accounts, regions, function_names, qualifiers))
def test_what_is_printed_reads_back_the_same(ref: FunctionRef) -> None:
    assert parse_function_ref(ref.text()) == ref


@given(function_names.filter(lambda n: n != "function"))
def test_every_spelling_means_the_same_function(name: str) -> None:
    spellings = [
        f"function:{name}",
        f"{ACCOUNT}:function:{name}",
        f"{REGION}:{ACCOUNT}:function:{name}",
        f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}",
    ]
    found = {
        locate(spelling, None, account=ACCOUNT, region=REGION, action="Invoke")
        for spelling in spellings
    }
    assert found == {FunctionRef(ACCOUNT, REGION, name, None)}


@given(st.text(alphabet="arn:awslmbdfuctio-_.$LTES 1290\n/é", max_size=60))
def test_exactly_what_awss_pattern_accepts_is_read(text: str) -> None:
    accepted = re.fullmatch(names.PATTERN, text, re.ASCII) is not None
    try:
        parse_function_ref(text)
    except ValidationException:
        assert not accepted
    else:
        assert accepted


def test_the_pattern_is_that_of_awss_model() -> None:
    model = botocore.session.get_session().get_service_model("lambda")
    assert model.shape_for("NamespacedFunctionName").metadata["pattern"] == names.PATTERN


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f", FunctionRef(None, None, "f", None)),
        ("f:1", FunctionRef(None, None, "f", "1")),
        ("f:$LATEST", FunctionRef(None, None, "f", "$LATEST")),
        ("123456789012:f", FunctionRef(ACCOUNT, None, "f", None)),
        ("function", FunctionRef(None, None, "function", None)),
        ("function:f:prod", FunctionRef(None, None, "f", "prod")),
        (
            "arn:aws-cn:lambda:cn-north-1:123456789012:function:f:prod",
            FunctionRef(ACCOUNT, "cn-north-1", "f", "prod"),
        ),
    ],
)
def test_a_spelling_is_taken_apart(text: str, expected: FunctionRef) -> None:
    assert parse_function_ref(text) == expected


def find(text: str, qualifier: str | None = None) -> FunctionRef:
    return locate(text, qualifier, account=ACCOUNT, region=REGION, action="GetFunction")


def test_a_function_of_another_region_is_out_of_reach() -> None:
    with pytest.raises(ResourceNotFoundException) as refusal:
        find(f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f")
    assert refusal.value.message == (
        "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"
    )


def test_a_function_of_another_account_is_denied() -> None:
    with pytest.raises(AccessDeniedException, match="is not authorized to perform: lambda:GetF"):
        find("999999999999:function:f")


def test_two_qualifiers_must_agree() -> None:
    assert find("f:prod", "prod").qualifier == "prod"
    assert find("f:prod").qualifier == "prod"
    assert find("f", "prod").qualifier == "prod"
    with pytest.raises(InvalidParameterValueException) as refusal:
        find("f:prod", "dev")
    assert refusal.value.message == (
        "The derived qualifier from the function name does not match the specified qualifier."
    )
