"""What a broker may cost in memory: aiokafka takes answers of any size, and unpacks a compressed
batch whole, whatever comes out of it.

install() puts functions of ours in the place of its decoders, in the modules that use them, and of
what reads answers; tests/component/test_kafka_bounds.py fails when they have moved.
"""

import asyncio
import importlib
import struct
import zlib
from typing import Any

import cramjam
from aiokafka.conn import AIOKafkaConnection

ANSWER_BYTES = 64 * 1024**2  # a broker is asked for 16 MiB, and answers one larger batch
UNPACKED_BYTES = 64 * 1024**2  # of one batch, which is in memory until its records are taken
SMALL_BYTES = 64 * 1024  # is tried first
XERIAL = b"\x82SNAPPY\0"  # what Java's writers put before their blocks
XERIAL_BYTES = 16
_RECORDS = (
    *("aiokafka.record.default_records", "aiokafka.record.legacy_records"),
    *("aiokafka.record._crecords.default_records", "aiokafka.record._crecords.legacy_records"),
)


class TooMuch(RuntimeError):
    """A broker sends more than there is room for."""


def install() -> None:
    """Call once, before a cluster is read."""
    decoders = {
        "gzip_decode": gzip_decode,
        "snappy_decode": snappy_decode,
        "lz4_decode": lz4_decode,
        "zstd_decode": zstd_decode,
    }
    for name in _RECORDS:
        module = _module(name)
        for function, ours in decoders.items():
            if module is not None and hasattr(module, function):
                setattr(module, function, ours)
    connection: Any = AIOKafkaConnection
    connection._create_reader_task = _create_reader_task


def gzip_decode(payload: Any) -> bytes:
    """One member after the other, as gzip has them."""
    left, found = bytes(payload), bytearray()
    while left:
        member = zlib.decompressobj(wbits=31)
        found += member.decompress(left, UNPACKED_BYTES - len(found) + 1)
        _check(len(found))
        if not member.eof:
            raise ValueError("the compressed data ends too soon")
        left = member.unused_data
    return bytes(found)


def snappy_decode(payload: Any) -> bytes:
    """Raw blocks say first how long they are unpacked."""
    data = memoryview(bytes(payload))
    if bytes(data[: len(XERIAL)]) != XERIAL:
        return _block(data, 0)
    found, at = bytearray(), XERIAL_BYTES
    while at < len(data):
        (size,) = struct.unpack_from(">i", data, at)
        if not 0 < size <= len(data) - at - 4:
            raise ValueError("a block ends behind the data")
        found += _block(data[at + 4 : at + 4 + size], len(found))
        at += 4 + size
    return bytes(found)


def lz4_decode(payload: Any) -> bytes:
    return _framed(cramjam.lz4, payload)


def zstd_decode(payload: Any) -> bytes:
    return _framed(cramjam.zstd, payload)


def _block(data: memoryview, before: int) -> bytes:
    _check(before + cramjam.snappy.decompress_raw_len(data))
    return bytes(cramjam.snappy.decompress_raw(data))


def _framed(codec: Any, payload: Any) -> bytes:
    """Into a room that grows, as these need not say how long they are."""
    room = min(max(SMALL_BYTES, 8 * len(payload)), UNPACKED_BYTES)
    while True:
        found = bytearray(room)
        try:
            size = codec.decompress_into(payload, found)
        except cramjam.DecompressionError:
            if room >= UNPACKED_BYTES:
                raise TooMuch(f"a batch cannot be unpacked into {UNPACKED_BYTES} bytes") from None
            room = min(4 * room, UNPACKED_BYTES)
        else:
            return bytes(memoryview(found)[:size])


def _check(size: int) -> None:
    if size > UNPACKED_BYTES:
        raise TooMuch(f"a batch has more than {UNPACKED_BYTES} bytes when it is unpacked")


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:  # the extensions need not be there
        return None


_create_theirs = AIOKafkaConnection._create_reader_task


def _create_reader_task(self: Any) -> Any:
    """In the place of AIOKafkaConnection's, when it has connected."""
    self._reader = _Bounded(self._reader)
    return _create_theirs(self)


class _Bounded:
    """What of a StreamReader is used there."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def readexactly(self, size: int) -> bytes:
        if size > ANSWER_BYTES:
            raise TooMuch(f"an answer would have {size} bytes")
        return await self._reader.readexactly(size)

    def at_eof(self) -> bool:
        return self._reader.at_eof()
