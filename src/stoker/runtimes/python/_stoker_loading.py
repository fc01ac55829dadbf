"""Import the handler's module, as importlib does, in the usual case without importlib.

The usual module is a single file in the function's folder. importlib's own pages would be copied
into each environment for it (500 KB, measured); here it costs a read and an exec.
"""
# ruff: noqa: PTH120, PTH208

from __future__ import annotations

import importlib
import os
import sys
import traceback
from importlib.machinery import ModuleSpec, SourceFileLoader

TYPE_CHECKING = False  # typing's own constant, without importing typing
if TYPE_CHECKING:
    from types import CodeType, ModuleType
    from typing import Any
else:
    ModuleType = type(sys)

loaded_alone: list[str] = []  # modules that were executed without importlib, and raised


def load(name: str) -> ModuleType:
    """The module `name`, from sys.path; raises what importing it raises."""
    folder = sys.path[0]
    try:
        alike = [entry for entry in os.listdir(folder) if entry.partition(".")[0] == name]
        if alike != [name + ".py"] or name in sys.modules:
            return importlib.import_module(name)
        path = folder + "/" + alike[0]
        source = _read(path)
    except OSError:
        return importlib.import_module(name)
    return _execute(name, path, source)


def rehearse() -> None:
    """Execute a module that leaves nothing behind."""
    name = "_stoker_rehearsal"
    _execute(
        name, f"/{name}.py", b"import json, os\n\ndef handler(event, context):\n    return 1\n"
    )
    del sys.modules[name]


def _execute(name: str, path: str, source: bytes) -> ModuleType:
    folder = os.path.dirname(path)
    module = sys.modules[name] = ModuleType(name)
    loader = SourceFileLoader(name, path)
    spec = ModuleSpec(name, loader, origin=path)
    spec.has_location = True
    spec.cached = f"{folder}/__pycache__/{name}.{sys.implementation.cache_tag}.pyc"
    module.__spec__, module.__loader__, module.__package__ = spec, loader, ""
    module.__file__ = path
    vars(module)["__cached__"] = spec.cached
    code = compile(source, path, "exec", dont_inherit=True)
    try:
        exec(code, module.__dict__)
    except BaseException:
        sys.modules.pop(name, None)
        loaded_alone.append(name)
        raise
    return sys.modules[name]


def frames() -> list[Any]:
    """importlib's frames above the module that raised: AWS shows them in the stack trace."""
    if not loaded_alone:
        return []  # then they are in the traceback itself
    name = "_stoker_raises"
    sys.meta_path.insert(0, _Raising(name, "<string>"))
    try:
        importlib.import_module(name)
    except LookupError as error:
        found = traceback.extract_tb(error.__traceback__)[1:-1]
        return [(f.filename, f.lineno, f.name, f.line) for f in found]
    finally:
        del sys.meta_path[0]
    raise AssertionError("a module that raises was imported")


class _Raising(SourceFileLoader):
    """Finder and loader of one module, which raises LookupError."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec:
        return ModuleSpec(name, self)

    def get_code(self, fullname: str) -> CodeType:
        return compile("raise LookupError", "<string>", "exec")


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts: list[bytes] = []
        most = os.fstat(descriptor).st_size + 1  # no more: a large buffer is mapped, and unmapped
        while True:
            part = os.read(descriptor, most)
            if not part:
                return b"".join(parts)
            parts.append(part)
    finally:
        os.close(descriptor)
