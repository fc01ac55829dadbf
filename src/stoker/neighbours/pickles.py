"""In the child: what moto's services keep, as a pickle, and back.

    {(module, name of a BackendDict): its own attributes, {account: {region: back end}}}

It is one pickle, since services hold each other's objects (an alarm its topics). Requests have
shaped what is in there, so neither side takes its word for what may be called: classes of moto's,
the few of HARMLESS, and nothing else, are written or read.
"""

import importlib
import io
import pickle
import sys
import threading
import types
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from moto.core.base_backend import AccountSpecificBackend, BackendDict, BaseBackend
from moto.s3.models import FakeKey

from stoker.neighbours import bodies

HARMLESS: Mapping[str, frozenset[str]] = {
    "builtins": frozenset(
        {"bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list"}
        | {"object", "range", "set", "slice", "str", "tuple"}
    ),
    "collections": frozenset({"Counter", "OrderedDict", "defaultdict", "deque"}),
    "copyreg": frozenset({"__newobj__", "__newobj_ex__", "_reconstructor"}),
    "datetime": frozenset({"date", "datetime", "time", "timedelta", "timezone"}),
    "decimal": frozenset({"Decimal"}),
    "ipaddress": frozenset({"IPv4Address", "IPv4Network", "IPv6Address", "IPv6Network"}),
    "re": frozenset({"_compile"}),
    "requests.structures": frozenset({"CaseInsensitiveDict"}),
    "threading": frozenset({"Event"}),
    "uuid": frozenset({"SafeUUID", "UUID"}),
}
NOT_MOTO_S = ("awslambda", "logs", "sqs", "moto_api")  # Stoker has them itself
_EVERY_DICT_HAS = vars(BackendDict(BaseBackend, "none")).keys()


class Unit(NamedTuple):
    """The least that is left out when it cannot be kept."""

    service: str
    account: str


class Place(NamedTuple):
    """Where moto has the table of a service's back ends."""

    module: str
    name: str

    @property
    def short(self) -> str:
        return self.module.split(".")[1]


def write(file: BinaryIO) -> dict[Unit, str]:
    """Write the pickle where `file` stands, and return the units that are not in it, and why.
    Nothing may change meanwhile."""
    start = file.tell()
    tables = dict(_tables())
    try:
        _dump(file, tables, lambda _: True)
    except (MemoryError, OSError):
        raise
    except Exception:  # noqa: BLE001 - moto's own objects say how they are pickled
        left_out = {unit: why for unit in _units(tables) if (why := _failure(tables, unit))}
    else:
        return {}
    file.seek(start)
    file.truncate()
    _dump(file, tables, lambda unit: unit not in left_out)
    return left_out


def read(file: BinaryIO) -> None:
    """Give moto what write() has written. If this raises, moto may have some of it."""
    for place, (own, accounts) in _Unpickler(file).load().items():
        table = _table(*place)
        vars(table).update(own)
        for account, regions in accounts.items():
            for region, backend in regions.items():
                dict.__setitem__(table[account], region, backend)


def _failure(tables: Mapping[Place, BackendDict[Any]], unit: Unit) -> str | None:
    try:
        _dump(_Nowhere(), tables, lambda other: other == unit)
    except (MemoryError, OSError):
        raise
    except Exception as failure:  # noqa: BLE001 - see write()
        return repr(failure)
    return None


def _dump(
    file: BinaryIO, tables: Mapping[Place, BackendDict[Any]], is_in: Callable[[Unit], bool]
) -> None:
    kept = {
        tuple(place): (
            {name: value for name, value in vars(table).items() if name not in _EVERY_DICT_HAS},
            {
                account: dict(regions.items())
                for account, regions in table.items()
                if is_in(Unit(place.short, account))
            },
        )
        for place, table in tables.items()
    }
    _Pickler(file, tables, is_in).dump(kept)


def _tables() -> Iterator[tuple[Place, BackendDict[Any]]]:
    """Of all services that anybody has used."""
    for name, module in sorted(sys.modules.items()):
        if name.startswith("moto.") and name.endswith(".models"):
            for attribute, value in vars(module).items():
                if isinstance(value, BackendDict) and value.backend.__module__.startswith(name):
                    place = Place(name, attribute)
                    if place.short not in NOT_MOTO_S:
                        yield place, value


def _units(tables: Mapping[Place, BackendDict[Any]]) -> list[Unit]:
    return [Unit(place.short, account) for place, table in tables.items() for account in table]


class _Nowhere(io.BytesIO):
    def write(self, data: Any) -> int:
        return len(data)


class _Pickler(pickle.Pickler):
    def __init__(
        self, file: BinaryIO, tables: Mapping[Place, BackendDict[Any]],
        is_in: Callable[[Unit], bool],
    ) -> None:  # fmt: skip
        super().__init__(file, protocol=5)
        self._places = {id(table): place for place, table in tables.items()}
        self._elsewhere = {
            id(backend): (*place, account, region)
            for place, table in tables.items()
            for account, region, backend in table.iter_backends()
            if not is_in(Unit(place.short, account))
        }

    def reducer_override(self, it: Any) -> Any:
        kind = type(it)
        if issubclass(kind, type) or kind in (types.FunctionType, types.BuiltinFunctionType):
            return self._word(it)
        if isinstance(it, BackendDict) and id(it) in self._places:
            return _table, tuple(self._places[id(it)])
        if isinstance(it, BaseBackend) and id(it) in self._elsewhere:
            return _back_end, self._elsewhere[id(it)]
        if isinstance(it, AccountSpecificBackend):
            place = self._place_of(it)
            return _account, (*place, it.account_id)
        if kind is FakeKey:
            return _key, (), bodies.state(it)
        if kind is types.MethodType and _is_moto_s(type(it.__self__)):
            return _method, (it.__self__, it.__name__)
        if isinstance(it, dict) and _is_moto_s(kind):
            factory = it.default_factory if isinstance(it, defaultdict) else None
            return _empty, (kind,), (dict(dict.items(it)), vars(it), factory), None, None, _fill
        if kind.__module__.startswith("cryptography."):
            return _of_cryptography(it)
        return _WITHOUT_STATE.get(kind, NotImplemented)

    def _word(self, it: Any) -> Any:
        module, name = it.__module__ or "", it.__qualname__
        if _is_harmless(module, name, it):
            return NotImplemented  # written by its name
        if isinstance(it, types.FunctionType) and _is_moto_s(it) and not it.__code__.co_freevars:
            return _function, (module, name, it.__code__.co_firstlineno)
        raise pickle.PicklingError(f"{module}.{name} is not kept")

    def _place_of(self, accounts: AccountSpecificBackend[Any]) -> Place:
        for identity, place in self._places.items():
            if _table(*place).get(accounts.account_id) is accounts:
                assert id(_table(*place)) == identity
                return place
        raise pickle.PicklingError(f"nobody has the accounts of {accounts.service_name}")


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        known = module in HARMLESS or module in (__name__, bodies.__name__)
        if known or module.startswith("moto."):  # else it is not even imported
            found = super().find_class(module, name)
            if _is_harmless(module, name, found):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is not kept")


def _is_harmless(module: str, name: str, it: Any) -> bool:
    if module == __name__:
        return it in _OURS
    if name in HARMLESS.get(module, ()):
        return True
    return isinstance(it, type) and (it is bodies.Body or _is_moto_s(it))


def _is_moto_s(it: Any) -> bool:
    return bool(it.__module__ and it.__module__.startswith("moto."))


def _of_cryptography(it: Any) -> Any:
    """Keys of KMS, certificates of ACM and IoT."""
    if isinstance(it, x509.Certificate):
        return _certificate, (it.public_bytes(_DER),)
    if hasattr(it, "private_bytes"):
        pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        return _private_key, (it.private_bytes(_DER, pkcs8, plain),)
    if hasattr(it, "public_bytes"):
        info = serialization.PublicFormat.SubjectPublicKeyInfo
        return _public_key, (it.public_bytes(_DER, info),)
    return NotImplemented


# --- what a pickle calls ------------------------------------------------------------------------


def _table(module: str, name: str) -> BackendDict[Any]:
    found = getattr(_moto(module), name)
    assert isinstance(found, BackendDict)
    return found


def _account(module: str, name: str, account: str) -> AccountSpecificBackend[Any]:
    return _table(module, name)[account]


def _back_end(module: str, name: str, account: str, region: str) -> BaseBackend:
    found = _table(module, name)[account][region]
    assert isinstance(found, BaseBackend)
    return found


def _function(module: str, name: str, line: int) -> Callable[..., Any]:
    """What moto has written there, perhaps within a function and without a name: what is in a
    defaultdict, say."""
    named, _, inner = name.partition(".<locals>.")
    owner: Any = _moto(module)
    for part in named.split("."):
        owner = vars(owner)[part]
        owner = getattr(owner, "__func__", owner)  # of a static method
    assert isinstance(owner, types.FunctionType), f"{module}.{name} is not kept"
    if not inner:
        return owner
    code = next(one for one in _codes(owner.__code__) if one.co_firstlineno == line)
    return types.FunctionType(code, owner.__globals__, code.co_name)


def _codes(outer: types.CodeType) -> Iterator[types.CodeType]:
    for one in outer.co_consts:
        if isinstance(one, types.CodeType):
            if not one.co_freevars:
                yield one
            yield from _codes(one)


def _method(owner: Any, name: str) -> Callable[..., Any]:
    assert _is_moto_s(type(owner))
    found = getattr(owner, name)
    assert isinstance(found, types.MethodType)
    return found


def _moto(module: str) -> types.ModuleType:
    assert module.startswith("moto.")
    return importlib.import_module(module)


def _empty(kind: Any) -> Any:
    assert _is_moto_s(kind)
    return kind.__new__(kind)


def _fill(it: Any, state: tuple[dict[Any, Any], dict[str, Any], Any]) -> None:
    """A dictionary, which may show and take other items than it has: versions of objects."""
    items, own, factory = state
    dict.update(it, items)
    vars(it).update(own)
    if isinstance(it, defaultdict):
        it.default_factory = factory


def _key() -> FakeKey:
    return object.__new__(FakeKey)


def _certificate(der: bytes) -> x509.Certificate:
    return x509.load_der_x509_certificate(der)


def _private_key(der: bytes) -> Any:
    return serialization.load_der_private_key(der, None)


def _public_key(der: bytes) -> Any:
    return serialization.load_der_public_key(der)


def _lock() -> Any:
    return threading.Lock()


def _rlock() -> Any:
    return threading.RLock()


def _condition() -> threading.Condition:
    return threading.Condition()


_OURS = (
    _table, _account, _back_end, _function, _method, _empty, _fill, _key,
    _certificate, _private_key, _public_key, _lock, _rlock, _condition,
)  # fmt: skip
_DER = serialization.Encoding.DER
_WITHOUT_STATE: Mapping[type, tuple[Callable[[], Any], tuple[()]]] = {
    type(threading.Lock()): (_lock, ()),
    type(threading.RLock()): (_rlock, ()),
    threading.Condition: (_condition, ()),
}
