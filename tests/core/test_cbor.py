"""CBOR from strangers."""

import random
from contextlib import suppress
from typing import Any

import pytest

from stoker.core.cbor import DEPTH, BadCbor, Moment, decode, encode


@pytest.mark.parametrize(
    ("data", "value"),
    [  # of RFC 8949, appendix A
        ("00", 0),
        ("1864", 100),
        ("1bffffffffffffffff", 2**64 - 1),
        ("3863", -100),
        ("f93c00", 1.0),
        ("fa47c35000", 100000.0),
        ("fb3ff199999999999a", 1.1),
        ("f5", True),
        ("f6", None),
        ("c11a514b67b0", 1363896240.0),
        ("4401020304", b"\x01\x02\x03\x04"),
        ("62c3bc", "ü"),
        ("83010203", [1, 2, 3]),
        ("a26161016162820203", {"a": 1, "b": [2, 3]}),
        ("7f657374726561646d696e67ff", "streaming"),
        ("5f42010243030405ff", b"\x01\x02\x03\x04\x05"),
        ("9f018202039f0405ffff", [1, [2, 3], [4, 5]]),
        ("bf61610161629f0203ffff", {"a": 1, "b": [2, 3]}),
    ],
)
def test_what_the_standard_shows_is_read(data: str, value: Any) -> None:
    assert decode(bytes.fromhex(data)) == value


def test_what_is_written_is_read() -> None:
    told = {"n": [0, -1, 2**40, -(2**40), 1.5, True, None], "t": "é" * 300, "b": b"x" * 70_000}
    assert decode(encode(told)) == told
    assert encode(Moment(1.5)) == bytes.fromhex("c1fb3ff8000000000000")


@pytest.mark.parametrize(
    "data",
    [
        "",
        "ff",
        "0000",  # two items
        "9bffffffffffffffff",  # a list that never comes
        "bbffffffffffffffff",
        "5bffffffffffffffff",
        "a10102",  # a key that is no text
        "bf6161ff",  # half a pair
        "61ff",  # not UTF-8
        "7f4101ff",  # bytes in a text
        "82ff01",
        "c2410a",  # another tag
        "c1f5",
        "1c",
        "f8ff",
        "81" * (DEPTH + 1) + "00",
    ],
)
def test_what_is_broken_is_refused(data: str) -> None:
    with pytest.raises(BadCbor):
        decode(bytes.fromhex(data))


def test_any_bytes_are_read_or_refused() -> None:
    chance = random.Random(7)
    good = bytearray(encode({"a": [1, 2.5, "x", {"b": None}], "t": Moment(3)}))
    for _ in range(3000):
        data = bytearray(good)
        for _ in range(chance.randrange(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        with suppress(BadCbor):
            decode(bytes(data))
