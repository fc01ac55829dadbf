"""What subscribers answer: every cut of it is either understood later or refused at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.receipts import Receipt, receipt

ANSWERS = [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", True, 2, True),
    (b"HTTP/1.1 200\r\nContent-length:0\r\n\r\n", True, 0, True),
    (b"HTTP/1.1 204 No Content\n\n", True, 0, True),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n", True, 2, False),
    (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n", True, 2, True),
    (b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 2\r\n\r\n", True, 2, False),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", True, None, False),
    (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", True, None, False),
    (b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", False, 0, True),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\nContent-Length: 1\r\n\r\n", True, 1, True),
]


@pytest.mark.parametrize(("data", "taken", "body", "keep"), ANSWERS)
def test_an_answer_is_understood_when_its_head_is_whole_and_not_before(
    data: bytes, taken: bool, body: int | None, keep: bool
) -> None:
    for end in range(len(data)):
        assert receipt(data[:end]) is None
    assert receipt(data) == Receipt(taken, len(data), body, keep)
    assert receipt(data + b"x") == Receipt(taken, len(data), body, keep)


@pytest.mark.parametrize("data", [b"x", b"HTTP/2", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 20\n\n"])
def test_what_is_not_http_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="HTTP"):
        receipt(data)


@given(st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 1"]), st.binary(max_size=80))
def test_nothing_else_comes_of_whatever_is_answered(head: bytes, rest: bytes) -> None:
    try:
        found = receipt(head + rest)
    except ValueError:
        return
    assert found is None or found.head_bytes <= len(head + rest)
