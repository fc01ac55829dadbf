"""Statistics as bytes: what of one source and one span of time is kept on the disk. Pure.

    0 │ name's number, flags, count, sum, least, most, length, sizes │ name's number, …

Counts and whole numbers take seven bits in a byte, others are doubles. What can be said by what is
there already is left out: a count like that of the metric before, the sum and the most of values
that are all equal.

The sizes that values have, and how many have each, are bits: each number as an exponential Golomb
code, which has two bits for the smallest and few for those that are likely. A size is told by its
distance from the one before, the first by that from the least value's.

What begins with another byte than 0 is of the first version, which had all sizes in bytes: it is
read, and written again as above when it becomes coarser.
"""

import struct
from collections.abc import Collection, Iterable
from typing import Final

from stoker.core.statistics import Statistic, size_of

_INTEGRAL, _COUNTED, _SIZED, _EQUAL, _AS_BEFORE = 1, 2, 4, 8, 16
_SECOND: Final = b"\0"  # no metric has the number 0
_EXACT = 2.0**53

Facts = dict[int, Statistic]  # by the number of the metric's name


def pack(facts: Facts) -> bytes:
    out = bytearray(_SECOND)
    before: float | None = None
    for number, one in facts.items():
        _write(out, number)
        _pack_one(out, one, before)
        before = one.count
    return bytes(out)


def unpack(data: bytes, wanted: Collection[int] | None = None) -> Facts:
    """`wanted`: only those of these numbers, in less time."""
    second = data[:1] == _SECOND
    found: Facts = {}
    at, before = int(second), 0.0
    while at < len(data):
        number, at = _read(data, at)
        asked = wanted is None or number in wanted
        one, at = _unpack_one(data, at, before, asked) if second else _unpack_first(data, at)
        before = one.count
        if asked:
            found[number] = one
            if wanted is not None and len(found) == len(wanted):
                break
    return found


def _pack_one(out: bytearray, one: Statistic, before: float | None) -> None:
    equal = one.least == one.most and one.total == one.count * one.least
    values = (one.least,) if equal else (one.total, one.least, one.most)
    sizes = None if one.sizes is None or one.least == one.most else sorted(one.sizes.items())
    counts = (one.count, *(count for _, count in sizes or ()))
    integral, counted = _integral(values), _integral(counts)
    flags = _INTEGRAL * integral | _COUNTED * counted | _SIZED * (one.sizes is not None)
    out.append(flags | _EQUAL * equal | _AS_BEFORE * (one.count == before))
    if one.count != before:
        _number(out, one.count, counted)
    for value in values:
        _number(out, value, integral)
    if sizes is not None:
        packed = _pack_sizes(sizes, size_of(one.least), counted) if sizes else b""
        _write(out, len(packed))
        out += packed


def _unpack_one(data: bytes, at: int, before: float, asked: bool) -> tuple[Statistic, int]:
    flags = data[at]
    integral, counted = bool(flags & _INTEGRAL), bool(flags & _COUNTED)
    at += 1
    if flags & _AS_BEFORE:
        count = before
    else:
        count, at = _read_number(data, at, counted)
    if flags & _EQUAL:
        least, at = _read_number(data, at, integral)
        total, most = count * least, least
    else:
        total, at = _read_number(data, at, integral)
        least, at = _read_number(data, at, integral)
        most, at = _read_number(data, at, integral)
    if not flags & _SIZED:
        return Statistic(count, total, least, most, None), at
    if least == most:
        return Statistic(count, total, least, most, {size_of(least): count}), at
    length, at = _read(data, at)
    sizes: dict[int, float] = {}
    if asked and length:
        packed = data[at : at + length]
        sizes = _unpack_sizes(packed, size_of(least)) if counted else _listed(packed)
    return Statistic(count, total, least, most, sizes), at + length


# --- sizes --------------------------------------------------------------------------------------


def _pack_sizes(sizes: list[tuple[int, float]], first: int, counted: bool) -> bytes:
    if not counted:
        return _list(sizes)
    mean = int(sum(count for _, count in sizes) / len(sizes))
    low = max(0, mean.bit_length() - 1)
    bits = ["1", _golomb(low, 0)]  # the 1 keeps the zeros behind it
    before = sizes[0][0]
    for at, (size, count) in enumerate(sizes):
        bits += (
            _golomb(size - before - 1 if at else _zigzag(size - first), 0),
            _golomb(int(count) - 1, low),
        )
        before = size
    text = "".join(bits)
    return int(text, 2).to_bytes((len(text) + 7) // 8, "big")


def _unpack_sizes(packed: bytes, first: int) -> dict[int, float]:
    text = bin(int.from_bytes(packed, "big"))
    low, at = _degolomb(text, 3, 0)
    step, at = _degolomb(text, at, 0)
    size = first + _unzigzag(step)
    sizes: dict[int, float] = {}
    while True:
        count, at = _degolomb(text, at, low)
        sizes[size] = count + 1.0
        if at >= len(text):
            return sizes
        step, at = _degolomb(text, at, 0)
        size += step + 1


def _golomb(number: int, low: int) -> str:
    """Zeros, as many as the upper part has digits but one; that part; `low` lower digits."""
    upper = bin((number >> low) + 1)[2:]
    lower = format(number & ((1 << low) - 1), f"0{low}b") if low else ""
    return "0" * (len(upper) - 1) + upper + lower


def _degolomb(text: str, at: int, low: int) -> tuple[int, int]:
    one = text.index("1", at)
    middle = 2 * one - at + 1
    end = middle + low
    number = int(text[one:middle], 2) - 1
    return (number << low | int(text[middle:end], 2) if low else number), end


def _list(sizes: list[tuple[int, float]]) -> bytes:
    """Where values were put that count for parts of one."""
    out, before = bytearray(), 0
    for size, count in sizes:
        _write(out, _zigzag(size - before))
        out += struct.pack("<d", count)
        before = size
    return bytes(out)


def _listed(packed: bytes) -> dict[int, float]:
    sizes: dict[int, float] = {}
    at = size = 0
    while at < len(packed):
        step, at = _read(packed, at)
        size += _unzigzag(step)
        (sizes[size],) = struct.unpack_from("<d", packed, at)
        at += 8
    return sizes


# --- the first version --------------------------------------------------------------------------


def _unpack_first(data: bytes, at: int) -> tuple[Statistic, int]:
    flags = data[at]
    integral, counted = bool(flags & _INTEGRAL), bool(flags & _COUNTED)
    count, at = _read_number(data, at + 1, counted)
    total, at = _read_number(data, at, integral)
    least, at = _read_number(data, at, integral)
    most, at = _read_number(data, at, integral)
    if not flags & _SIZED:
        return Statistic(count, total, least, most, None), at
    many, at = _read(data, at)
    sizes: dict[int, float] = {}
    size = 0
    for _ in range(many):
        step, at = _read(data, at)
        size += _unzigzag(step)
        sizes[size], at = _read_number(data, at, counted)
    return Statistic(count, total, least, most, sizes or {size_of(least): count}), at


# --- numbers ------------------------------------------------------------------------------------


def _integral(numbers: Iterable[float]) -> bool:
    return all(abs(number) < _EXACT and number == int(number) for number in numbers)


def _number(out: bytearray, number: float, integral: bool) -> None:
    if integral:
        _write(out, _zigzag(int(number)))
    else:
        out += struct.pack("<d", number)


def _read_number(data: bytes, at: int, integral: bool) -> tuple[float, int]:
    if not integral:
        return struct.unpack_from("<d", data, at)[0], at + 8
    found, at = _read(data, at)
    return float(_unzigzag(found)), at


def _zigzag(number: int) -> int:
    """Small for small numbers of either sign."""
    return number << 1 if number >= 0 else (-number << 1) - 1


def _unzigzag(number: int) -> int:
    return (number >> 1) ^ -(number & 1)


def _write(out: bytearray, number: int) -> None:
    """Seven bits in a byte."""
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)


def _read(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
