"""In the child: the bodies of S3's objects, which are files, so that memory does not bound them.

moto keeps each in a temporary file of its own (`FakeKey._value_buffer`); a Body stands in its
place. A file is written once and never changed. One that nobody needs any more is removed only
after what is kept on the disk (keeping.py) does not speak of it any more.
"""

import os
import shutil
import threading
import uuid
from pathlib import Path
from typing import Any

import moto.s3.models
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeKey

SMALL_BYTES = 4096  # up to here a body is kept with its object
SPARE_BYTES = 64 * 1024**2  # of the disk, for everybody else: the server's databases are there


class OutOfSpace(S3ClientError):
    def __init__(self, why: str) -> None:
        super().__init__("InsufficientStorage", f"There is no room for the object: {why}")


class Bodies:
    """Thread-safe. There is one, `held`: Body finds it there when it comes back from a pickle."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self._most = most_bytes
        self._lock = threading.Lock()
        self._used = 0
        self._known: set[str] = set()
        self._unsynced: set[str] = set()
        self._dead: set[str] = set()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def free_bytes(self) -> int:
        """How much more there may be, of files and of what tells of them."""
        with self._lock:
            return self._free()

    def _free(self) -> int:
        free = shutil.disk_usage(self._folder).free - SPARE_BYTES
        return max(min(self._most - self._used, free), 0)

    def path(self, name: str) -> Path:
        return self._folder / name

    def put(self, data: bytes) -> str:
        """The name of a new file. Raise OutOfSpace."""
        name = uuid.uuid4().hex
        with self._lock:
            if len(data) > self._free():
                raise OutOfSpace("neighbours_disk_mb is used up, or the disk is full")
            self._used += len(data)
        try:
            self.path(name).write_bytes(data)
        except OSError as error:
            with self._lock:
                self._used -= len(data)
            self.path(name).unlink(missing_ok=True)
            raise OutOfSpace(os.strerror(error.errno or 0)) from error
        with self._lock:
            self._known.add(name)
            self._unsynced.add(name)
        return name

    def found(self, name: str) -> None:
        """It is one of those that were there before."""
        try:
            size = self.path(name).stat().st_size
        except FileNotFoundError:  # of that object alone; who reads it is told
            return
        with self._lock:
            if name not in self._known:
                self._known.add(name)
                self._used += size

    def drop(self, name: str) -> None:
        """Nobody needs it any more, but perhaps what is on the disk."""
        with self._lock:
            if name in self._known:
                self._dead.add(name)

    def take_news(self) -> tuple[set[str], set[str]]:
        """Files that may not have reached the disk, and those to be removed."""
        with self._lock:
            unsynced, self._unsynced = self._unsynced - self._dead, set()
            dead, self._dead = self._dead, set()
        return unsynced, dead

    def give_back(self, unsynced: set[str], dead: set[str]) -> None:
        """What was taken could not be dealt with."""
        with self._lock:
            self._unsynced |= unsynced
            self._dead |= dead

    def remove(self, names: set[str]) -> None:
        for name in names:
            path = self.path(name)
            try:
                size = path.stat().st_size
                path.unlink()
            except OSError:
                size = 0
            with self._lock:
                self._known.discard(name)
                self._used -= size

    def remove_unknown(self) -> None:
        """Call once, when all is found that there is."""
        for path in self._folder.iterdir():
            if path.name not in self._known:
                path.unlink()


held: Bodies | None = None


class Body:
    """What FakeKey does with a file. Written whole, by one write()."""

    def __init__(self, max_size: int = 0) -> None:
        self._small: bytes | None = b""
        self._name: str | None = None
        self._at = 0
        self.closed = False

    def seek(self, offset: int) -> None:
        self._at = offset

    def truncate(self) -> None:
        self._drop()

    def write(self, data: bytes) -> None:
        assert held is not None
        self._drop()
        if len(data) <= SMALL_BYTES:
            self._small = bytes(data)
        else:
            self._small, self._name = None, held.put(data)

    def read(self, most: int = -1) -> bytes:
        if self.closed:
            raise ValueError("the object is gone")
        if self._name is None:
            end = None if most < 0 else self._at + most
            found = (self._small or b"")[self._at : end]
        else:
            assert held is not None
            with held.path(self._name).open("rb") as file:
                file.seek(self._at)
                found = file.read(most)
        self._at += len(found)
        return found

    def close(self) -> None:
        self.closed = True
        self._drop()

    def _drop(self) -> None:
        name, self._name, self._small = self._name, None, b""
        if name is not None and held is not None:
            held.drop(name)

    def __getstate__(self) -> tuple[bytes | None, str | None, bool]:
        return self._small, self._name, self.closed

    def __setstate__(self, state: tuple[bytes | None, str | None, bool]) -> None:
        assert held is not None
        self._small, self._name, self.closed = state
        self._at = 0
        if self._name is not None:
            held.found(self._name)


class _Tempfile:
    """In the place of the module, for moto.s3.models."""

    SpooledTemporaryFile = Body


_of_a_copy = FakeKey.__setstate__


def _set_state(self: FakeKey, state: dict[str, Any]) -> None:
    """moto copies objects by their state, with their bodies; from the disk they come back with
    a Body."""
    if "_value_buffer" in state:
        self.__dict__.update(state)
        self.lock = threading.Lock()
    else:
        _of_a_copy(self, state)


def state(key: FakeKey) -> dict[str, Any]:
    """Of an object, to be kept on the disk."""
    return {name: value for name, value in key.__dict__.items() if name != "lock"}


def install(folder: Path, most_bytes: int) -> Bodies:
    """Call before the first object is there."""
    global held
    held = Bodies(folder, most_bytes)
    moto.s3.models.tempfile = _Tempfile  # type: ignore[assignment, attr-defined]
    FakeKey.__setstate__ = _set_state  # type: ignore[method-assign]
    return held
