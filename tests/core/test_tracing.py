"""X-Ray's header, its sampling rule and what is taken for a segment document."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.tracing import DOCUMENT_BYTES, Sampler, fields_of, segment_of

TRACE = "1-5759e988-bd862e3fe1be46a994272793"
HEAD = b'{"format": "json", "version": 1}\n'
DOCUMENT = {"name": "work", "id": "70de5b6f19ff9a0a", "trace_id": TRACE}


def test_a_header_is_its_parts_with_exactly_one_equals_sign() -> None:
    header = f"Root={TRACE};Parent=1; Sampled=1;;x;a=b=c;Lineage=1:2:3"
    assert fields_of(header) == {
        "Root": TRACE, "Parent": "1", "Sampled": "1", "Lineage": "1:2:3",
    }  # fmt: skip


@given(st.text())
def test_no_header_breaks_the_reading(header: str) -> None:
    fields_of(header)


def test_one_of_every_second_is_sampled_and_five_percent_of_the_rest() -> None:
    sampler = Sampler()
    assert [sampler.wants(7.0 + n / 10, 0.06) for n in range(10)] == [True] + [False] * 9
    assert [sampler.wants(8.0, chance) for chance in (0.9, 0.9, 0.049, 0.05)] == [
        True, False, True, False,
    ]  # fmt: skip


def test_a_segment_is_taken_as_it_came() -> None:
    text = json.dumps(DOCUMENT).encode()
    segment = segment_of(HEAD + text)
    assert segment is not None
    assert (segment.trace_id, segment.text) == (TRACE, text)


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        HEAD,
        json.dumps(DOCUMENT).encode(),
        HEAD + b"[]",
        HEAD + b"{",
        HEAD + b"[" * 60_000,
        b'{"format": "json", "version": 2}\n' + json.dumps(DOCUMENT).encode(),
        b"[]\n" + json.dumps(DOCUMENT).encode(),
        b" " * 300 + HEAD + json.dumps(DOCUMENT).encode(),
        HEAD + json.dumps(DOCUMENT | {"id": "short"}).encode(),
        HEAD + json.dumps(DOCUMENT | {"id": 7}).encode(),
        HEAD + json.dumps(DOCUMENT | {"trace_id": "2-1-1"}).encode(),
        HEAD + json.dumps(DOCUMENT | {"name": None}).encode(),
        HEAD + json.dumps(DOCUMENT | {"more": "x" * DOCUMENT_BYTES}).encode(),
        HEAD + b"\xff\xfe",
    ],
)
def test_what_x_ray_would_not_keep_is_not_kept(datagram: bytes) -> None:
    assert segment_of(datagram) is None


@given(st.binary(max_size=200), st.booleans())
def test_no_datagram_breaks_the_reading(datagram: bytes, headed: bool) -> None:
    segment_of(HEAD + datagram if headed else datagram)
