"""However the bytes come, the requests are the same; whatever the bytes are, nothing breaks.

The connection is driven directly here: a real socket would not keep the pieces apart.
"""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.http_in_memory import LAST, REQUESTS, converse, cut


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(REQUESTS), max_size=8),
    st.sampled_from(LAST),
    st.lists(st.integers(0, 20_000), max_size=30),
    st.booleans(),
)
def test_any_cut_of_the_stream_gives_the_same_requests_and_answers(
    requests: list[bytes], last: bytes, places: list[int], late: bool
) -> None:
    stream = b"".join([*requests, last])
    whole = asyncio.run(converse([stream] if stream else [], late=False))
    assert asyncio.run(converse(cut(stream, places), late)) == whole
    assert len(whole[0]) >= len(requests)


def test_a_stream_that_comes_byte_by_byte_gives_the_same_requests() -> None:
    stream = b"".join(REQUESTS)
    whole = asyncio.run(converse([stream], late=False))
    single = [stream[at : at + 1] for at in range(len(stream))]
    assert asyncio.run(converse(single, late=True)) == whole
    assert len(whole[0]) == len(REQUESTS)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(REQUESTS + LAST), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 6), st.binary(max_size=6))),
    st.lists(st.integers(0, 20_000), max_size=8),
)
def test_no_damage_to_the_stream_raises_or_hangs(
    requests: list[bytes], damages: list[tuple[int, int, bytes]], places: list[int]
) -> None:
    stream = bytearray(b"".join(requests))
    for at, removed, inserted in damages:
        at %= len(stream) + 1
        stream[at : at + removed] = inserted
    asyncio.run(converse(cut(bytes(stream), places), late=bool(places)))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=400), max_size=6))
def test_garbage_raises_nothing(pieces: list[bytes]) -> None:
    asyncio.run(converse(pieces, late=False))
