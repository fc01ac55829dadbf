"""The event stream encoding; botocore's own parser is the judge."""

from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from stoker.core import event_stream


@given(st.lists(st.binary(max_size=300), max_size=5), st.integers(1, 50))
def test_botocore_reads_what_was_written(payloads: list[bytes], piece: int) -> None:
    headers = event_stream.event_headers("PayloadChunk", "application/octet-stream")
    wire = b"".join(event_stream.message(headers, payload) for payload in payloads)
    buffer, found = EventStreamBuffer(), []
    for at in range(0, len(wire), piece):
        buffer.add_data(wire[at : at + piece])
        found += list(buffer)
    assert [message.payload for message in found] == payloads
    for message in found:
        assert message.headers == {
            ":event-type": "PayloadChunk",
            ":content-type": "application/octet-stream",
            ":message-type": "event",
        }


def test_the_smallest_message_byte_for_byte() -> None:
    # AWS's own test vector "empty_message".
    assert event_stream.message(b"", b"").hex() == "000000100000000005c248eb7d98c8ff"
