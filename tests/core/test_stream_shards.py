"""Which shards may be read, where they begin, and what is kept of them."""

import itertools

import pytest

from stoker.core.event_sources import EventSourceMapping, made, since
from stoker.core.resources import Kind, Resource, ResourceKey
from stoker.core.stream_batches import Checkpoint, Rules
from stoker.core.stream_shards import Kept, Shard, Start, readable, start
from stoker.core.stream_windows import Window

STREAM = "arn:aws:kinesis:eu-west-1:111111111111:stream/s"
FAMILY = [Shard("a"), Shard("b"), Shard("c", ("a", "b")), Shard("d", ("c",)), Shard("e", ("x",))]


def test_a_shard_is_read_when_its_parents_are_at_their_end_or_gone() -> None:
    for count in range(len(FAMILY) + 1):
        for ended in itertools.combinations("abcde", count):
            found = readable(FAMILY, ended)
            for shard in FAMILY:
                waits = {"c": "ab", "d": "c"}.get(shard.id, "")
                ready = all(one in ended for one in waits)
                assert (shard.id in found) == (ready and shard.id not in ended)


def test_reading_comes_to_an_end_in_any_order() -> None:
    ended: list[str] = []
    while found := readable(FAMILY, ended):
        ended.append(found[-1])
    assert sorted(ended) == list("abcde")


@pytest.mark.parametrize(
    ("position", "arrived", "is_read"),
    [
        (Start(), 0.0, True),
        (start("TRIM_HORIZON", None, 100.5), 1.0, True),
        (start("LATEST", None, 100.5), 100.4, False),
        (start("LATEST", None, 100.5), 100.5, True),
        (start("LATEST", None, 100.5), 100.0, True),  # a source that knows seconds only
        (start("LATEST", None, 100.5), 99.0, False),
        (start("LATEST", None, 100.50049), 100.5, True),  # milliseconds are all that records say
        (start("AT_TIMESTAMP", 50.0, 100.5), 49.9, False),
        (start("AT_TIMESTAMP", 50.0, 100.5), 50.0, True),
    ],
)
def test_a_record_belongs_to_a_position(position: Start, arrived: float, is_read: bool) -> None:
    assert position.has(arrived) is is_read


def test_what_is_kept_is_read_as_it_was_written() -> None:
    for kept in (
        Kept("made then"),
        Kept("then", Checkpoint("5", Window(0.0, 60.0, b'{"n":1}')), ended=True),
    ):
        assert Kept.load(kept.dump()) == kept


def test_latest_is_from_when_the_mapping_was_first_enabled() -> None:
    record = made(
        {"EventSourceArn": STREAM, "StartingPosition": "LATEST", "Enabled": False}, "kinesis"
    )
    assert since(record, 1.0) is None
    record |= {"enabled": True}
    record |= {"since": since(record, 2.0)}
    assert since(record, 3.0) == 2.0
    key = ResourceKey("111111111111", "eu-west-1", Kind.MAPPING, "id")
    facts = {**record, "function": "f", "qualifier": None, "modified": 5.0}
    stream = EventSourceMapping.load(Resource(key, "r", facts)).stream
    assert stream is not None
    assert stream.start == Start(2.0)
    assert stream.rules == Rules()
    facts |= {"MaximumRetryAttempts": 0, "MaximumRecordAgeInSeconds": 60}
    stream = EventSourceMapping.load(Resource(key, "r", facts)).stream
    assert stream is not None
    assert stream.rules == Rules(retries=0, max_age_s=60)
