"""What the generated shapes are made with: dataclasses that cost little to make.

Hundreds of shapes are made at each start, and `dataclasses` compiles half a dozen methods for
each. Here `__init__` alone is compiled; the others are the same for all. Shapes are frozen for
the type checker, which is told that this is `dataclasses.dataclass`, and not at run time: a
frozen `__init__` takes three times as long, and lists make thousands.
"""

import dataclasses
from collections.abc import Callable
from typing import Any


def dataclass(*, frozen: bool, slots: bool, kw_only: bool) -> Callable[[type[Any]], type[Any]]:
    """As `dataclasses.dataclass` with these arguments, all of them true."""
    assert frozen, "nothing changes a shape"

    def made(kind: type[Any]) -> type[Any]:
        plain = dataclasses.dataclass(slots=slots, kw_only=kw_only, repr=False, eq=False)
        result: type[Any] = plain(kind)
        for name, method in (("__eq__", _equal), ("__hash__", _hash), ("__repr__", _shown)):
            setattr(result, name, method)
        return result

    return made


def _values(shape: Any) -> tuple[object, ...]:
    return tuple(getattr(shape, field.name) for field in dataclasses.fields(shape))


def _equal(self: Any, other: object) -> bool:
    return type(self) is type(other) and _values(self) == _values(other)


def _hash(self: Any) -> int:
    return hash(_values(self))


def _shown(self: Any) -> str:
    pairs = zip((field.name for field in dataclasses.fields(self)), _values(self), strict=True)
    return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in pairs)})"
