"""A zygote's memory as a file that its children map copies of: original.c says why.

Standard library only, syntax of Python 3.8: it runs under the function's interpreter.
"""

from __future__ import annotations

import ctypes
import os
import re
import struct
from typing import Callable, Iterable, Iterator, List, NamedTuple  # noqa: UP035 (Python 3.8)

NAME = "original"  # of the file, as /proc/PID/maps shows it
_PAGE = 4096  # original.c counts in these
_LEAST = 64 * 1024  # bytes of memory that are worth an exchange
_RANGE = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (....) \S+ \S+ \S+ *(.*)")
_PLAIN = frozenset(("rd", "wr", "mr", "mw", "me", "ac", "sd"))  # see proc(5), VmFlags


class Range(ctypes.Structure):
    """original.c: struct range."""

    _fields_ = [(name, ctypes.c_ulong) for name in ("start", "end", "offset")]


class MallocInfo(ctypes.Structure):
    """mallinfo(3). hblks, hblkhd: the number of blocks in mappings of their own, and their size."""

    _names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_int) for name in _names.split()]


class Mapping(NamedTuple):
    start: int
    end: int
    name: str  # of its file, or "[heap]", or none


Head = Callable[[int], bytes]
"""The first sixteen bytes of a page."""


def places(proc: int) -> List[Range]:  # noqa: UP006 (Python 3.8)
    """This process's memory that can be exchanged; nothing where none can.

    proc: descriptor of the host's /proc directory.
    """
    libc = ctypes.CDLL(None)
    try:
        libc.mallinfo.restype = MallocInfo
    except AttributeError:
        return []  # no GNU C library
    if os.sysconf("SC_PAGE_SIZE") != _PAGE:
        return []
    with open(os.open(f"{os.getpid()}/smaps", os.O_RDONLY, dir_fd=proc)) as text:
        found = mappings(text)
    libc.__errno_location.restype = ctypes.c_void_p
    mine: int = libc.__errno_location()  # in this thread's own block, which the kernel writes to
    ranges, size = [], 0
    for start, end in without_blocks(found, libc.mallinfo(), _head):
        if not start <= mine < end:
            ranges.append(Range(start, end, size))
            size += end - start
    return ranges


class Original:
    """The file; at first what will be in it."""

    def __init__(self, proc: int, library: ctypes.PyDLL) -> None:
        """proc: descriptor of the host's /proc directory. library: birth.c and original.c."""
        with open(os.open(f"{os.getpid()}/status", os.O_RDONLY, dir_fd=proc)) as text:
            self._filters = filters(text.read())
        found = places(proc)
        self._ranges = (Range * len(found))(*found)
        self._spans = b""
        self._library = library
        self.at_rest: Callable[[int], int] | None = None
        """To be called by a child that waits on a descriptor, now and then, until it is not 0."""

    def take(self, spans: bytes, span_bytes: int) -> None:
        """Exchange this process's memory, of which nothing may have gone meanwhile.

        spans: what children write to, packed, in so many bytes each (trial.py).
        """
        if not self._ranges:
            return
        self._spans = spans
        file = os.memfd_create(NAME, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        inode, count = ctypes.c_ulong(os.fstat(file).st_ino), len(self._ranges)
        taken = file, inode, self._ranges, count
        used = self._spans, len(spans) // span_bytes
        error = self._library.take_original(*taken, *used, self._filters)
        os.close(file)
        if error:
            raise OSError(error, f"cannot make the zygote's memory a file: {os.strerror(error)}")
        self.at_rest = self._library.give_back


def filters(status: str) -> int:
    """How many filters of system calls a process has; -1: the kernel does not say. Pure."""
    match = re.search(r"^Seccomp_filters:\s*(\d+)$", status, re.MULTILINE)
    return int(match[1]) if match else -1


def mappings(smaps: Iterable[str]) -> List[Mapping]:  # noqa: UP006 (Python 3.8)
    """What can be exchanged. Pure.

    That is memory of the heap, of Python's arenas, and libraries' variables: private, writable,
    and without any property that a mapping of a file would not have.
    """
    found: List[Mapping] = []  # noqa: UP006
    here: Mapping | None = None
    for line in smaps:
        match = _RANGE.match(line)
        if match:
            start, end = int(match[1], 16), int(match[2], 16)
            fits = match[3] == "rw-p" and end - start >= _LEAST
            here = Mapping(start, end, match[4]) if fits and match[4] != "[stack]" else None
        elif here and line.startswith("VmFlags:") and _PLAIN.issuperset(line.split()[1:]):
            found.append(here)
    return found


def without_blocks(
    found: Iterable[Mapping], malloc: MallocInfo, head: Head
) -> Iterator[tuple[int, int]]:
    """Start and end of what is no block of malloc's in a mapping of its own: realloc would have
    the kernel enlarge it, and what enlarges the mapping of a file is beyond that file's end.

    Such a block begins at a page, with nothing and its size (glibc's malloc.c: sysmalloc_mmap).
    As many as look like one must be as malloc says that there are, or no mapping is touched in
    which one could be. Pure, but for `head`.
    """
    found = list(found)
    seen = {one: [*blocks(one.start, one.end, head)] for one in found if not one.name}
    sizes = [end - start for several in seen.values() for start, end in several]
    known = len(sizes) == malloc.hblks and sum(sizes) == malloc.hblkhd
    for one in found:
        at = one.start
        for start, end in seen.get(one, []):
            if at < start and known:
                yield at, start
            at = end
        if at < one.end and (known or one.name):
            yield at, one.end


def blocks(start: int, end: int, head: Head) -> Iterator[tuple[int, int]]:
    """Start and end of all that looks like a block of malloc's own. Pure, but for `head`."""
    at = start
    while at < end:
        before, size = struct.unpack("=2Q", head(at))
        size -= 2  # IS_MMAPPED
        if before == 0 and size > 0 and size % _PAGE == 0 and at + size <= end:
            yield at, at + size
            at += size
        else:
            at += _PAGE


def _head(address: int) -> bytes:
    return ctypes.string_at(address, 16)
