"""A fork at rest gives back the memory that is as its zygote has it, and nothing else."""

import json
import subprocess
import sys
from typing import Any

import pytest

from stoker.sandbox.namespaces.compile import built

# A zygote with three megabytes of objects, each page of which a fork copies by counting references.
ZYGOTE = """
import ctypes, json, mmap, os, re, signal, socket, struct, sys, threading
library, path, name = sys.argv[1], sys.argv[2], sys.argv[3]
sys.path[:] = json.loads(path)
from stoker.sandbox.namespaces import original, trial
birth = ctypes.PyDLL(library)
objects = [bytes([i % 256]) * 100 for i in range(24000)]
buffer = ctypes.create_string_buffer(b"\\xab" * 65536, 65536)  # of the heap
block = bytearray(300000)  # so large that it has a mapping of its own
inside = (ctypes.addressof(buffer) + 8191) & ~4095
here, there = socket.socketpair()
proc = os.open("/proc", os.O_RDONLY)
spans = [trial.SPAN.pack(p.start, p.end - p.start, 23) for p in original.places(proc)]
original = original.Original(proc, birth)
original.take(b"".join(spans), trial.SPAN.size)

def own_kb():
    with open("/proc/self/smaps") as smaps:
        found = re.findall("rw-p [^/]*/memfd:original(.*?)VmFlags", smaps.read(), re.S)
    assert found
    return sum(int(kb) for one in found for kb in re.findall("Private_.*: +([0-9]+)", one))

def rest():
    for one in objects:
        pass
    before = own_kb()
    return original.at_rest(here.fileno()), before, own_kb()

def alone():
    return *rest(), objects == [bytes([i % 256]) * 100 for i in range(24000)]

def with_changes():
    held = objects[::30]
    counts = [sys.getrefcount(one) for one in held]
    return *rest(), counts == [sys.getrefcount(one) for one in held]

def with_a_thread():
    wait = threading.Event()
    threading.Thread(target=wait.wait).start()
    done = rest()
    wait.set()
    return *done, True

def with_a_child():
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(write)
        os.read(read, 1)
        os._exit(0)
    done = rest()
    os.close(write)
    os.waitpid(child, 0)
    return *done, original.at_rest(here.fileno()) == 1

def with_an_event():
    there.send(b"HTTP/1.1 200 OK")
    return *rest(), here.recv(64) == b"HTTP/1.1 200 OK"

def with_other_memory_in_its_place():
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
    assert libc.mmap(inside, 8192, 3, 0x32, -1, 0) == inside  # private, fixed, anonymous
    # Such memory has offset 0 in the kernel's list: as if it were the first of the original.
    with open("/proc/self/maps") as maps:
        view = re.search("([0-9a-f]+)-[0-9a-f]+ r--p [^/]*/memfd:original", maps.read())[1]
    first = ctypes.string_at(int(view, 16), 8192)
    ctypes.memmove(inside, first, 8192)
    return *rest(), ctypes.string_at(inside, 8192) == first

def with_asynchronous_input():
    context = ctypes.c_ulong(0)
    number = 206 if os.uname().machine == "x86_64" else 0  # io_setup
    assert ctypes.CDLL(None).syscall(number, 1, ctypes.byref(context)) == 0
    return *rest(), "/[aio]" in open("/proc/self/maps").read()

def forbid(*calls):
    "A filter for each of these system calls, which kills whoever makes it."
    for call in calls:
        code = (0x20, 0, 0, 0), (0x15, 0, 1, call), (6, 0, 0, 0x80000000), (6, 0, 0, 0x7FFF0000)
        text = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *one) for one in code))
        program = struct.pack("HP", len(code), ctypes.addressof(text))
        libc = ctypes.CDLL(None)
        assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program, 0, 0) == 0

def with_the_sandboxs_filter():
    forbid(999)
    return *rest(), True

def with_filters_of_its_own():
    forbid(999, *((332, 247) if os.uname().machine == "x86_64" else (291, 95)))  # statx, waitid
    return *rest(), True

def and_goes_on():
    done = rest()
    block.extend(b"1" * 4000000)
    new = [bytes([i % 256]) * 200 for i in range(50000)]
    return *done, block[-1:] == b"1" and [one[:100] for one in new[:24000]] == objects

if os.fork() == 0:
    print(json.dumps(globals()[name]()), flush=True)
    os._exit(0)
os.wait()
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> str:
    return built("birth", str(tmp_path_factory.mktemp("built")))


def play(library: str, name: str) -> tuple[int, int, int, bool]:
    """Whether it was done; the fork's own kilobytes before and after; whether all was right."""
    command = [sys.executable, "-I", "-S", "-c", ZYGOTE, library, json.dumps(sys.path), name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout, done.stderr
    answer: Any = json.loads(done.stdout)
    return tuple(answer)


@pytest.mark.parametrize("name", ["alone", "with_the_sandboxs_filter"])
def test_at_rest_it_shares_again_what_it_did_not_change(library: str, name: str) -> None:
    done, before, after, right = play(library, name)
    assert done
    assert before > 3000
    assert after < before / 3
    assert right


def test_what_it_changed_stays(library: str) -> None:
    done, before, after, right = play(library, "with_changes")
    assert done
    assert before > after > before / 2  # one object on each page
    assert right


@pytest.mark.parametrize(
    "name", ["with_a_thread", "with_a_child", "with_an_event", "with_filters_of_its_own"]
)
def test_nothing_is_given_back_while_somebody_could_write_or_something_waits(
    library: str, name: str
) -> None:
    done, before, after, right = play(library, name)
    assert not done
    assert after >= before
    assert right


def test_nothing_is_given_back_where_the_kernel_might_write_at_any_time(library: str) -> None:
    _, before, after, right = play(library, "with_asynchronous_input")
    assert after >= before
    assert right


def test_memory_that_was_put_in_its_place_is_not_touched(library: str) -> None:
    done, _, _, right = play(library, "with_other_memory_in_its_place")
    assert done
    assert right


def test_what_has_given_back_goes_on_as_if_nothing_had_happened(library: str) -> None:
    done, before, after, right = play(library, "and_goes_on")
    assert done
    assert after < before
    assert right
