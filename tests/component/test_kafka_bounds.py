"""What a broker sends is read within bounds, by whatever codec its batches are packed."""

import struct
from collections.abc import Callable
from pathlib import Path

import aiokafka.codec
import cramjam
import pytest
from aiokafka.record import default_records, legacy_records

from stoker.events import kafka_bounds, kafka_cluster
from stoker.events.kafka_bounds import TooMuch
from tests.component.test_kafka_poller import shows, tell, values
from tests.kafka_world import KafkaWorld
from tests.polling import Polling

TEXT = b"so it goes. " * 2000
GZIP, ZSTD = 1, 4


def raw(data: bytes) -> bytes:
    return bytes(aiokafka.codec.snappy_encode(data, xerial_compatible=False))


CODECS: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "gzip": (aiokafka.codec.gzip_encode, kafka_bounds.gzip_decode),
    "snappy of Java": (aiokafka.codec.snappy_encode, kafka_bounds.snappy_decode),
    "snappy": (raw, kafka_bounds.snappy_decode),
    "lz4": (aiokafka.codec.lz4_encode, kafka_bounds.lz4_decode),
    "zstd": (aiokafka.codec.zstd_encode, kafka_bounds.zstd_decode),
}


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_packed_comes_out_and_a_bomb_does_not(
    codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode, decode = CODECS[codec]
    packed = encode(TEXT)
    assert decode(memoryview(packed).tobytes()) == TEXT
    monkeypatch.setattr(kafka_bounds, "SMALL_BYTES", 100)  # it grows until there is room
    assert decode(packed) == TEXT
    monkeypatch.setattr(kafka_bounds, "UNPACKED_BYTES", len(TEXT) - 1)
    with pytest.raises(TooMuch):
        decode(packed)
    monkeypatch.setattr(kafka_bounds, "UNPACKED_BYTES", len(TEXT))
    assert decode(packed) == TEXT


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_cut_off_is_no_batch(codec: str) -> None:
    encode, decode = CODECS[codec]
    with pytest.raises((ValueError, TooMuch, cramjam.DecompressionError, struct.error)):
        decode(encode(TEXT)[:-20])


def test_a_gzip_may_have_members_and_a_block_may_lie_about_its_length() -> None:
    twice = aiokafka.codec.gzip_encode(b"a") + aiokafka.codec.gzip_encode(b"b")
    assert kafka_bounds.gzip_decode(twice) == b"ab"
    claimed = b"\xff\xff\xff\xff\x07" + raw(b"abc")[1:]  # 2 GiB
    with pytest.raises(TooMuch):
        kafka_bounds.snappy_decode(claimed)


def test_the_library_uses_these() -> None:
    assert kafka_cluster.kafka_bounds is kafka_bounds
    modules = [default_records, legacy_records]
    for name in ("default_records", "legacy_records"):
        modules.append(pytest.importorskip(f"aiokafka.record._crecords.{name}"))
    for module in modules:
        assert module.gzip_decode is kafka_bounds.gzip_decode
        assert module.snappy_decode is kafka_bounds.snappy_decode
        assert module.lz4_decode is kafka_bounds.lz4_decode
    assert default_records.zstd_decode is kafka_bounds.zstd_decode


@pytest.mark.parametrize("codec", [GZIP, ZSTD])
def test_a_batch_that_is_too_large_unpacked_is_told_of_and_read_once_it_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codec: int
) -> None:
    async def story(here: Polling, world: KafkaWorld) -> None:
        world.logs[0].codec = codec
        monkeypatch.setattr(kafka_bounds, "UNPACKED_BYTES", 1000)
        world.put(b"x" * 2000)
        key = await here.map_topic(world.address, BatchSize=1)
        said = await shows(here, key, lambda one: "too much" in one)
        assert said.startswith("PROBLEM: Connection error.")
        monkeypatch.undo()
        assert values(await here.run()) == ["x" * 2000]

    tell(tmp_path, story, scale=1.0)


def test_an_answer_that_would_be_too_large_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(here: Polling, world: KafkaWorld) -> None:
        monkeypatch.setattr(kafka_bounds, "ANSWER_BYTES", 8)
        world.put(b"a")
        key = await here.map_topic(world.address, BatchSize=1)
        await shows(here, key, lambda one: "an answer would have" in one)
        monkeypatch.undo()
        assert values(await here.run()) == ["a"]

    tell(tmp_path, story, scale=1.0)
