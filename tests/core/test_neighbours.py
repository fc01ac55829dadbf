"""Who answers for AWS's other services, and what is passed on to them."""

import pytest

from stoker.core.neighbours import (
    ACCOUNT,
    BadEndpoint,
    Endpoints,
    passed_back,
    passed_on,
    passed_on_within,
    read_endpoint,
)


def test_an_endpoint_is_a_name_and_an_address() -> None:
    assert read_endpoint("s3=http://127.0.0.1:9000") == ("s3", "http://127.0.0.1:9000")
    assert read_endpoint("states=https://[::1]:1/") == ("states", "https://[::1]:1")


@pytest.mark.parametrize(
    "text",
    ["", "s3", "=http://h", "s3=", "s3=h:9000", "s3=ftp://h", "s3=http://", "s3=http://h/path",
     "s3=http://h?q", "s3=http://h:port", "s3=http://h:99999", "s3=http://[::1"],
)  # fmt: skip
def test_anything_else_is_refused_and_named(text: str) -> None:
    with pytest.raises(BadEndpoint) as raised:
        read_endpoint(text)
    assert repr(text) in str(raised.value)


def test_what_is_not_configured_is_embedded_or_not_served() -> None:
    configured = {"s3": "http://h"}
    assert Endpoints(configured).serves("sns")
    assert Endpoints(configured, embedded=False).serves("s3")
    assert not Endpoints(configured, embedded=False).serves("sns")


def test_of_a_request_everything_is_passed_on_but_what_is_between_two_sides() -> None:
    headers = {"host": "h", "connection": "close", "expect": "100-continue", "x-amz-acl": "a",
               "content-length": "3", "transfer-encoding": "chunked"}  # fmt: skip
    assert passed_on(headers) == [("host", "h"), ("x-amz-acl", "a")]


def test_only_we_say_whose_account_it_is_and_which_one_is_meant() -> None:
    said = {ACCOUNT: "999999999999", "authorization": "AWS4-HMAC-SHA256 Credential=a/b/c/d/e/f"}
    assert passed_on(said) == [("authorization", said["authorization"])]
    within = dict(passed_on_within(said, account="1", region="eu-west-1\r\n", service="s3/x"))
    assert within[ACCOUNT] == "1"
    assert "Credential=1/20260101/eu-west-1/s3x/aws4_request," in within["authorization"]


def test_of_an_answer_date_and_server_are_ours() -> None:
    answer = [("Date", "d"), ("server", "s"), ("Set-Cookie", "a"), ("Set-Cookie", "b"),
              ("Content-Length", "3"), ("Transfer-Encoding", "chunked")]  # fmt: skip
    cookies = [("Set-Cookie", "a"), ("Set-Cookie", "b")]
    assert passed_back(answer) == [*cookies, ("Content-Length", "3")]
