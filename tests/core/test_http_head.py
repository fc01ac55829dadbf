"""Heads: what is read out of them, and what is refused so that nobody can smuggle."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.http.head import BadRequest, Head, Heads, parse_head

POST = b"POST /path?q=%20 HTTP/1.1\r\nHost: x\r\n"


def parse(data: bytes) -> Head:
    return parse_head(data + b"\r\n", 50)


def test_a_head_tells_method_target_and_headers() -> None:
    head = parse(POST + b"X-A: 1\r\nx-a:2\r\nCaf\x65: \xe9 \r\nEmpty:\r\nCONTENT-LENGTH: 7\r\n")
    assert (head.method, head.target) == ("POST", "/path?q=%20")
    assert head.headers == {
        "host": "x",
        "x-a": "1, 2",
        "cafe": "é",
        "empty": "",
        "content-length": "7",
    }
    assert head.content_length == 7
    assert head.plain
    assert head.keep_alive


@pytest.mark.parametrize(
    ("line", "version", "keep_alive"),
    [
        (b"", b"1.1", True),
        (b"Connection: close\r\n", b"1.1", False),
        (b"Connection: x, Close\r\n", b"1.1", False),
        (b"Connection: keep-alive\r\n", b"1.1", True),
        (b"", b"1.0", False),
        (b"Connection: Keep-Alive\r\n", b"1.0", True),
        (b"Connection: keep-alive, close\r\n", b"1.0", False),
    ],
)
def test_version_and_connection_decide_whether_it_goes_on(
    line: bytes, version: bytes, keep_alive: bool
) -> None:
    assert parse(b"GET / HTTP/%s\r\n%s" % (version, line)).keep_alive is keep_alive


def test_chunks_come_with_the_trailers_they_declare() -> None:
    head = parse(POST + b"Transfer-Encoding: Chunked\r\nTrailer: A, b-C\r\nTrailer: d\r\n")
    assert head.has_chunks
    assert head.trailer_names == {"a", "b-c", "d"}
    assert not head.plain
    assert parse(POST + b"Trailer: A\r\n").trailer_names == frozenset()


@pytest.mark.parametrize(
    "line",
    [
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        b"Content-Length: 3\r\nContent-Length: 4\r\n",
        b"Content-Length: 3, 3\r\n",
        b"Content-Length: +3\r\n",
        b"Content-Length: -3\r\n",
        b"Content-Length: 0x3\r\n",
        b"Content-Length: 3_0\r\n",
        b"Content-Length: \r\n",
        b"Content-Length: 99999999999999999999999999\r\n",
        b"Content-Length : 3\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Transfer-Encoding: chunked, gzip\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding: \x0bchunked\r\n",
        b"Transfer-Encoding: identity\r\n",
        b"Transfer-Encoding: gzip\r\nConnection: upgrade\r\nUpgrade: h2c\r\n",
        b"A: b\r\n folded\r\n",
        b" A: b\r\n",
        b"A: b\nC: d\r\n",
        b"A: b\n",
        b"A: b\rC: d\r\n",
        b"A: \0\r\n",
        b"A b: c\r\n",
        b": c\r\n",
    ],
)
def test_what_two_parsers_could_read_differently_is_refused(line: bytes) -> None:
    with pytest.raises(BadRequest) as refusal:
        parse(POST + line)
    assert refusal.value.status in (400, 501)


@pytest.mark.parametrize(
    "request_line",
    [b"GET /", b"GET / HTTP/2.0", b"GET / HTTP/0.9", b"SOURCE / ICE/1.0", b"PRI * HTTP/2.0"],
)
def test_other_protocols_are_refused(request_line: bytes) -> None:
    with pytest.raises(BadRequest) as refusal:
        parse(request_line + b"\r\n")
    assert refusal.value.status == 505


def test_chunks_in_http_1_0_are_refused() -> None:
    with pytest.raises(BadRequest):
        parse(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n")


def test_expect_counts_in_http_1_1_only() -> None:
    assert parse(POST + b"Expect: 100-Continue\r\n").expects_continue
    assert not parse(b"POST / HTTP/1.0\r\nExpect: 100-continue\r\n").expects_continue


def test_a_head_has_bounds() -> None:
    heads = Heads(100, 5)
    with pytest.raises(BadRequest, match="longer"):
        heads.take(bytearray(b"GET / HTTP/1.1\r\n" + b"a" * 100))
    with pytest.raises(BadRequest, match="longer"):
        Heads(100, 5).take(bytearray(POST + b"A: %b\r\n\r\n" % (b"b" * 100)))
    with pytest.raises(BadRequest, match="more than 5"):
        Heads(100, 5).take(bytearray(POST + b"A:b\r\n" * 6 + b"\r\n"))


def test_a_repeated_head_is_the_same_and_another_is_not() -> None:
    heads = Heads(1000, 10)
    first = heads.parse(b"GET /a HTTP/1.1\r\n\r\n")
    assert heads.parse(b"GET /a HTTP/1.1\r\n\r\n") is first
    assert heads.parse(b"GET /b HTTP/1.1\r\n\r\n").target == "/b"


@given(st.binary(max_size=300))
def test_any_bytes_are_a_head_or_a_refusal(data: bytes) -> None:
    try:
        head = Heads(1000, 10).take(bytearray(b"GET / HTTP/1.1\r\n" + data + b"\r\n\r\n"))
    except BadRequest:
        return
    assert head is not None
    assert all(name == name.lower() for name in head.headers)


names = st.sampled_from([b"Content-Length", b"content-length", b"Host", b"Connection", b"Expect"])
values = st.sampled_from([b"0", b"7", b"12", b"007", b"1 2", b"-1", b"", b"close", b"a,b"])
fields = st.lists(st.tuples(names, values), max_size=4)
lines = st.sampled_from(
    [
        *(b"GET /a HTTP/1.1", b"POST /a?b HTTP/1.1", b"PUT /a HTTP/1.1", b"GET /a HTTP/1.0"),
        *(b"POST /a b HTTP/1.1", b"POST /\xff HTTP/1.1", b"POST a HTTP/1.1", b"X"),
    ]
)


@given(st.lists(st.tuples(lines, fields), min_size=2, max_size=8))
def test_a_head_like_an_earlier_one_says_what_it_would_say_alone(
    requests: list[tuple[bytes, list[tuple[bytes, bytes]]]],
) -> None:
    heads = Heads(1000, 10)
    for line, pairs in requests:
        data = b"\r\n".join([line, *(b": ".join(pair) for pair in pairs)]) + b"\r\n\r\n"
        assert said(lambda data=data: heads.parse(data)) == said(  # type: ignore[misc]
            lambda data=data: parse_head(data, 10)  # type: ignore[misc]
        )


def said(ask: Callable[[], Head]) -> object:
    try:
        head = ask()
    except BadRequest as refusal:
        return refusal.status
    return {name: getattr(head, name) for name in Head.__slots__}
