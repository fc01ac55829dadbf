"""What a function answers through its URL, as HTTP; and what is no such answer."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stoker.core import limits
from stoker.core.url_answers import JSON, PRELUDE_TYPE, BadAnswer, Head, Prelude, whole


def read(answer: object) -> tuple[int, list[tuple[str, str]], bytes]:
    head, body = whole(json.dumps(answer).encode(), "application/json")
    return head.status, head.headers, body


def test_an_answer_in_format_2_0() -> None:
    answer = {
        "statusCode": 201,
        "headers": {"Content-Type": "text/html", "X-Number": 5, "X-Flag": True},
        "cookies": ["a=1; Secure", "b=2"],
        "body": "<p>é",
    }
    assert read(answer) == (
        201,
        [
            ("Content-Type", "text/html"),
            ("X-Number", "5"),
            ("X-Flag", "true"),
            ("Set-Cookie", "a=1; Secure"),
            ("Set-Cookie", "b=2"),
        ],
        "<p>é".encode(),
    )


def test_a_status_alone_will_do() -> None:
    assert read({"statusCode": 204}) == (204, [JSON], b"")
    assert read({"statusCode": "404", "headers": None, "body": None}) == (404, [JSON], b"")


def test_base64_is_decoded() -> None:
    assert read({"statusCode": 200, "body": "AP8=", "isBase64Encoded": True})[2] == b"\0\xff"


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        ({"a": 1, "body": "x"}, b'{"a": 1, "body": "x"}'),
        ("Hello", b"Hello"),
        ([1, 2], b"[1, 2]"),
        (None, b"null"),
        (5, b"5"),
    ],
)
def test_without_a_status_the_whole_answer_is_the_body(answer: object, body: bytes) -> None:
    assert read(answer) == (200, [JSON], body)


def test_headers_that_are_http_s_own_get_another_name() -> None:
    headers = {"Content-Length": "7", "date": "x", "Connection": "close", "x-mine": "1"}
    _, found, _ = read({"statusCode": 200, "headers": headers})
    assert found == [
        ("x-amzn-Remapped-Content-Length", "7"),
        ("x-amzn-Remapped-date", "x"),
        ("x-amzn-Remapped-Connection", "close"),
        ("x-mine", "1"),
        JSON,
    ]


@pytest.mark.parametrize(
    "answer",
    [
        {"statusCode": "abc"},
        {"statusCode": None},
        {"statusCode": True},
        {"statusCode": 200.5},
        {"statusCode": 100},
        {"statusCode": 101},
        {"statusCode": 999},
        {"statusCode": 10**400},
        {"statusCode": 200, "headers": []},
        {"statusCode": 200, "headers": {"a b": "c"}},
        {"statusCode": 200, "headers": {"": "c"}},
        {"statusCode": 200, "headers": {"a": "b\r\nSet-Cookie: c"}},
        {"statusCode": 200, "headers": {"a\r\nb": "c"}},
        {"statusCode": 200, "headers": {"a": "\0"}},
        {"statusCode": 200, "headers": {"a": "\u20ac"}},
        {"statusCode": 200, "headers": {"a": ["b"]}},
        {"statusCode": 200, "headers": {"a": None}},
        {"statusCode": 200, "cookies": "a=b"},
        {"statusCode": 200, "cookies": ["a=b\nc"]},
        {"statusCode": 200, "cookies": [{}]},
        {"statusCode": 200, "headers": {"a": "x" * limits.URL_HEAD_BYTES}},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "body": "!", "isBase64Encoded": True},
        {"statusCode": 200, "body": "é", "isBase64Encoded": True},
    ],
)
def test_what_http_could_not_carry_is_refused(answer: object) -> None:
    with pytest.raises(BadAnswer):
        whole(json.dumps(answer).encode(), "application/json")


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(BadAnswer):
        whole(b"<p>", "application/json")


VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.text())
NAMES = st.sampled_from(["statusCode", "headers", "cookies", "body", "isBase64Encoded", "x"])
OBJECTS = st.dictionaries(NAMES, VALUES | st.dictionaries(st.text(max_size=3), VALUES))


@settings(max_examples=100)
@given(VALUES | OBJECTS)
def test_any_json_is_an_answer_or_a_bad_one(answer: object) -> None:
    text = json.dumps(answer).encode("utf-8", "surrogatepass")
    try:
        head, _ = whole(text, "application/json")
    except BadAnswer:
        return
    assert 200 <= head.status <= 599


PRELUDE = b'{"statusCode":418,"headers":{"x-a":"1"},"cookies":["c=d"]}' + bytes(8) + b"body\0more"


@given(st.lists(st.integers(0, len(PRELUDE)), max_size=5))
def test_a_prelude_may_come_in_any_pieces(cuts: list[int]) -> None:
    prelude, head, body = Prelude(), None, b""
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(PRELUDE)], strict=True):
        piece = PRELUDE[start:end]
        if head is not None:
            body += piece
        elif found := prelude.feed(piece):
            head, body = found
    assert head == Head(418, [("x-a", "1"), ("Set-Cookie", "c=d"), JSON])
    assert body == b"body\0more"


def test_a_prelude_without_a_status_is_200() -> None:
    found = Prelude().feed(b"{}" + bytes(8))
    assert found == (Head(200, [JSON]), b"")
    assert whole(PRELUDE, PRELUDE_TYPE + "; x=y")[1] == b"body\0more"


@pytest.mark.parametrize(
    "pieces",
    [
        [b"x" + bytes(8)],
        [b"[]" + bytes(8)],
        [b'{"statusCode":1}' + bytes(8)],
        [b" " * 1000] * 66,
        [b" " * (limits.URL_HEAD_BYTES + 1) + b"{}" + bytes(8)],
    ],
)
def test_a_hostile_prelude_is_refused_within_its_bound(pieces: list[bytes]) -> None:
    prelude = Prelude()
    with pytest.raises(BadAnswer):
        [prelude.feed(piece) for piece in pieces]


def test_a_buffered_prelude_needs_an_end() -> None:
    with pytest.raises(BadAnswer):
        whole(b"{}" + bytes(7), PRELUDE_TYPE)
