"""The backends that the sandbox contract is held against."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop

from stoker.sandbox.base import Backend
from stoker.sandbox.guard import GuardedBackend
from stoker.sandbox.namespaces.backend import NamespacesBackend, NamespacesSettings
from stoker.sandbox.process import ProcessBackend

Make = Callable[[Path], Backend]


async def _nothing() -> None: ...


uvloop.run(_nothing())  # libuv keeps a pipe for signals from its first loop on


def process(folder: Path) -> Backend:
    return ProcessBackend(folder / "sandbox")


def namespaces(folder: Path) -> Backend:
    for name in ("runtimes", "scratch"):
        (folder / name).mkdir(exist_ok=True)
    return NamespacesBackend(
        NamespacesSettings(
            data_dir=folder,
            code_root=folder / "code",
            scratch_root=folder / "scratch",
            runtime_root=folder / "runtimes",
            resolver=(sys.executable, "-m", "stoker.runtimes.resolve"),
            endpoint_port=4566,
            stock=1,
        )
    )


IS_ROOT = sys.platform == "linux" and os.geteuid() == 0
BACKENDS = [
    pytest.param(process, id="process"),
    pytest.param(namespaces, id="namespaces", marks=pytest.mark.root),
]


@pytest.fixture(params=BACKENDS)
def make_backend(request: pytest.FixtureRequest) -> Make:
    """Makes the backend of this round, as the server uses it: guarded."""
    make: Make = request.param
    return lambda folder: GuardedBackend(make(folder))
