"""Inputs for any operation of a botocore model, good and bad, as hypothesis draws them.

A member is drawn from its shape: its enumeration and its bounds, from just inside to well
outside; strings that mean something here (names of functions that exist, ARNs) come often, so
that requests get past the first check.
"""

from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from hypothesis import strategies as st

DEPTH = 6
STRINGS = (
    "", "x", "$LATEST", "1", "99999", "-1", "a" * 300, "é\u2028\U0001f600", "../../etc/passwd",
    "%2e%2e", "arn:aws:iam::000000000000:role/any", "python3.11", "main.handler",
)  # fmt: skip
INTEGERS = (-(2**63), -1, 0, 1, 2, 127, 128, 900, 901, 10240, 2**31, 2**63 - 1)


def inputs(shape: Shape | None, known: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    """`known`: strings that name something on the server."""
    if shape is None:
        return st.just({})
    drawn: st.SearchStrategy[dict[str, Any]] = _value(shape, known, DEPTH)
    return drawn


def _value(shape: Shape, known: tuple[str, ...], depth: int) -> st.SearchStrategy[Any]:
    if isinstance(shape, StructureShape):
        return _structure(shape, known, depth)
    if isinstance(shape, ListShape):
        return st.lists(_value(shape.member, known, depth - 1), max_size=3)
    if isinstance(shape, MapShape):
        keys = _value(shape.key, known, depth - 1)
        return st.dictionaries(keys, _value(shape.value, known, depth - 1), max_size=3)
    match shape.type_name:
        case "string":
            words = (*shape.enum, *known, *STRINGS) if shape.enum else (*known, *STRINGS)
            return st.sampled_from(words) | st.text(max_size=20)
        case "integer" | "long":
            low, high = shape.metadata.get("min", 0), shape.metadata.get("max", 100)
            return st.sampled_from((low - 1, low, high, high + 1, *INTEGERS))
        case "float" | "double":
            return st.sampled_from((-1.0, 0.0, 0.5, 1.0, 1e300))
        case "boolean":
            return st.booleans()
        case "blob":
            return st.sampled_from((b"", b"PK", b"{}", b"\x00\xff" * 50))
        case "timestamp":
            return st.sampled_from((0, 1_700_000_000, -1))
        case other:
            raise AssertionError(f"a new kind of shape: {other}")


def _structure(
    shape: StructureShape, known: tuple[str, ...], depth: int
) -> st.SearchStrategy[dict[str, Any]]:
    if depth <= 0:
        return st.just({})
    in_path = {n for n, m in shape.members.items() if m.serialization.get("location") == "uri"}
    needed, free = {}, {}
    for name, member in shape.members.items():
        drawn = _value(member, known, depth - 1)
        if member.serialization.get("location") == "header":  # no client can send other lines
            drawn = drawn.map(lambda v: " ".join(v.split()) if isinstance(v, str) else v)
        if name in in_path:  # without it the path would be another operation's
            needed[name] = drawn.filter(bool)
        elif name in shape.required_members:
            needed[name] = drawn
        else:
            free[name] = drawn
    whole = st.fixed_dictionaries(needed, optional=free)
    some = sorted(set(needed) - in_path)
    if not some:
        return whole
    # Now and then something that is required is missing.
    return st.tuples(whole, st.sampled_from([None] * 9 + some)).map(
        lambda drawn: {k: v for k, v in drawn[0].items() if k != drawn[1]}
    )
