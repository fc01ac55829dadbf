"""The credential scope, with botocore's signers as the judge."""

from contextlib import suppress

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.errors import IncompleteSignatureException
from stoker.core.sigv4 import Scope, scope_of_header, scope_of_query

words = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1)
keys = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/", min_size=1).filter(lambda key: key != "/")


@given(keys.map(lambda key: key.strip("/") or "K"), words, words)
def test_the_scope_that_botocore_signs_for_is_read_from_the_header(
    key: str, region: str, service: str
) -> None:
    request = AWSRequest("POST", "http://127.0.0.1:4566/", data=b"{}")
    SigV4Auth(Credentials(key, "secret"), service, region).add_auth(request)
    scope = scope_of_header(request.headers["Authorization"])
    assert (scope.access_key, scope.region, scope.service) == (key, region, service)
    assert scope.date == request.context["timestamp"][:8]


@given(words, words)
def test_the_scope_that_botocore_signs_for_is_read_from_a_presigned_address(
    region: str, service: str
) -> None:
    request = AWSRequest("GET", "http://127.0.0.1:4566/a?b=c")
    SigV4QueryAuth(Credentials("AKID", "secret"), service, region).add_auth(request)
    scope = scope_of_query(request.prepare().url.partition("?")[2])
    assert scope is not None
    assert (scope.access_key, scope.region, scope.service) == ("AKID", region, service)


def test_an_unsigned_query_has_no_scope() -> None:
    assert scope_of_query("Qualifier=1") is None


def test_a_signature_for_several_regions_names_none() -> None:
    header = "AWS4-ECDSA-P256-SHA256 Credential=AKID/20261122/s3/aws4_request, SignedHeaders=host"
    assert scope_of_header(header) == Scope("AKID", "20261122", "", "s3")


@pytest.mark.parametrize(
    ("header", "complaint"),
    [
        ("Basic dTpw", "algorithm"),
        ("AWS4-HMAC-SHA256", "requires 'Credential'"),
        ("AWS4-HMAC-SHA256 Credential=", "requires 'Credential'"),
        ("AWS4-HMAC-SHA256 Credential=AKID/20261122/us-east-1/lambda", "exactly 5"),
        ("AWS4-HMAC-SHA256 Credential=AKID/20261122//lambda/aws4_request", "exactly 5"),
        ("AWS4-HMAC-SHA256 Credential=AKID/20261122/r/lambda/aws3_request", "terminator"),
    ],
)
def test_a_broken_signature_is_refused_with_what_is_missing(header: str, complaint: str) -> None:
    with pytest.raises(IncompleteSignatureException, match=complaint):
        scope_of_header(header)


@given(st.text())
def test_any_text_is_a_scope_or_a_refusal(text: str) -> None:
    for header in (text, f"AWS4-HMAC-SHA256 Credential={text}"):
        with suppress(IncompleteSignatureException):
            assert isinstance(scope_of_header(header), Scope)
    with suppress(IncompleteSignatureException):
        assert isinstance(scope_of_query(f"X-Amz-Credential={text}"), Scope)


def test_version_2_of_presigning_is_s3s() -> None:
    scope = scope_of_query("AWSAccessKeyId=AKID&Signature=I7wtN%3D&Expires=1795324629")
    assert scope == Scope("AKID", "", "us-east-1", "s3")
    assert scope_of_query("AWSAccessKeyId=&Signature=x") is None
    assert scope_of_query("AWSAccessKeyId=AKID") is None
