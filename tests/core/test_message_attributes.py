"""Attributes of messages: their digest, and which are refused."""

import pytest

from stoker.core.message_attributes import Value, check, check_text, digest, size
from stoker.core.queue_errors import InvalidMessageContents, InvalidParameterValue


def test_the_digest_is_sqs_s() -> None:
    # As AWS answered for these (aws-sdk's own test vectors).
    assert digest({}) is None
    one = {"timestamp": Value("Number", "1493147359900")}
    assert digest(one) == "235c5c510d26fb653d073faed50ae77c"
    mixed = {"b": Value("Binary", None, b"\x00\x01"), "a": Value("String.x", "é")}
    assert digest(mixed) == digest(dict(reversed(mixed.items())))
    assert digest(mixed) != digest({**mixed, "a": Value("String", "é")})


def test_names_kinds_and_values_count() -> None:
    assert size({"ab": Value("String", "é"), "c": Value("Binary", None, b"123")}) == 2 + 6 + 2 + 10


@pytest.mark.parametrize("name", ["", "a b", ".a", "a.", "a..b", "AWS.x", "amazon.y", "x" * 257])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(InvalidParameterValue):
        check({name: Value("String", "x")})
    check({"a.B-_9": Value("String", "x")})


@pytest.mark.parametrize(
    "value",
    [
        Value("Text", "x"),
        Value("String", ""),
        Value("String"),
        Value("Binary", "text"),
        Value("Number", "one"),
    ],
)
def test_values_that_are_none(value: Value) -> None:
    with pytest.raises(InvalidParameterValue):
        check({"a": value})


def test_more_than_ten_and_characters_that_xml_cannot_say() -> None:
    with pytest.raises(InvalidParameterValue):
        check({str(n): Value("String", "x") for n in range(11)})
    with pytest.raises(InvalidMessageContents):
        check({"a": Value("String", "\0")})
    for text in ("\x0b", "\ufffe", "\x1f"):
        with pytest.raises(InvalidMessageContents):
            check_text(text)
    check_text("\t\n\r é \U0001f600")
