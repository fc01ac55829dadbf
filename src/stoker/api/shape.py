"""What the generated shapes are made with: dataclasses that cost nothing until they are used.

There are a thousand shapes, and `dataclasses` compiles half a dozen methods for each: a second of
every start. Here a shape is made when it is first asked for, with `__init__` alone; the other
methods are the same for all. Shapes are frozen, and have slots, for the type checker, which is told
that this is `dataclasses.dataclass`; at run time they are not: a frozen `__init__` takes three
times as long, and lists make thousands.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

_FIELDS = "__dataclass_fields__"  # by which `dataclasses` knows its own
_make = dataclasses.dataclass(kw_only=True, repr=False, eq=False)


def dataclass(*, frozen: bool, slots: bool, kw_only: bool) -> Callable[[type[Any]], type[Any]]:
    """As `dataclasses.dataclass` with these arguments, all of them true."""
    assert frozen and slots and kw_only, "nothing changes a shape, and nobody counts its members"
    return _promised


def _promised(kind: type[Any]) -> type[Any]:
    """The same class, which becomes a dataclass when somebody looks."""
    for name, method in (
        ("__init__", _init), ("__eq__", _equal), ("__hash__", _hash), ("__repr__", _shown),
        (_FIELDS, _Fields()),
    ):  # fmt: skip
        setattr(kind, name, method)
    return kind


class _Fields:
    """Stands for the fields of a shape that nobody has asked for yet."""

    def __get__(self, instance: object, kind: type[Any]) -> dict[str, Any]:
        return _made(kind)


def _made(kind: type[Any]) -> dict[str, Any]:
    if isinstance(kind.__dict__.get(_FIELDS), _Fields):
        delattr(kind, _FIELDS)
        del kind.__init__
        _make(kind)
    fields: dict[str, Any] = kind.__dict__[_FIELDS]
    return fields


def _init(self: Any, **members: object) -> None:
    kind = type(self)
    _made(kind)
    kind.__init__(self, **members)


def _values(shape: Any) -> tuple[object, ...]:
    return tuple(getattr(shape, field.name) for field in dataclasses.fields(shape))


def _equal(self: Any, other: object) -> bool:
    return type(self) is type(other) and _values(self) == _values(other)


def _hash(self: Any) -> int:
    return hash(_values(self))


def _shown(self: Any) -> str:
    pairs = zip((field.name for field in dataclasses.fields(self)), _values(self), strict=True)
    return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in pairs)})"
