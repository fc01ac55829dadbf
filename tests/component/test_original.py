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
pages = b"".join(bytes([0xA0 + i]) * 4096 for i in range(16))
buffer = ctypes.create_string_buffer(pages, 65536)  # of the heap
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
"""

# What a handler may have done to its memory before it rests; each keeps what is its own.
ATTACKS = """
libc = ctypes.CDLL(None, use_errno=True)
for call in (libc.mmap, libc.mremap, libc.calloc):
    call.restype = ctypes.c_void_p
address, length, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
libc.mmap.argtypes = address, length, number, number, number, ctypes.c_long
libc.mremap.argtypes = address, length, length, number, address
libc.mlock.argtypes = libc.munmap.argtypes = address, length
libc.mprotect.argtypes = address, length, number
libc.calloc.argtypes = length, length
own, held, spoiled = {}, [], set()  # own: numbers of pages, and what is written there

def page(number):
    return inside + number * 4096

def references(number):
    return sys.getrefcount(objects[number])

def as_it_was(number):
    start = page(number) - ctypes.addressof(buffer)
    return pages[start : start + 4096]

def is_right():
    seen = {n: ctypes.string_at(page(n), 4096) for n in range(14) if n not in spoiled}
    return (
        all(seen[n] == own.get(n, as_it_was(n)) for n in seen)
        and objects == [bytes([i % 256]) * 100 for i in range(24000)]
        and all(references(n) == references(n + 1) + len(held) for n in range(0, 24000, 50))
        and block == bytes(300000)
    )

def thrice(attack):
    "Three invocations, after each of which it rests as a runtime does; the last looks, too."
    done, right, looks = 0, True, []
    for invocation in range(3):
        looks += attack() or [] if invocation == 0 else []
        for n in range(8 + invocation, 14, 3):
            own[n] = bytes([invocation + 1]) * 4096
            ctypes.memmove(page(n), own[n], 4096)
        held.append(objects[::50])
        right = right and is_right()  # which copies what it looks at
        done = done or original.at_rest(here.fileno())
        right = right and is_right()
    return done, 0, 0, right and all(look() for look in looks)

def locked_pages():
    assert libc.mlock(page(0), 4 * 4096) == 0 and libc.mlock(page(9), 4096) == 0

def pages_that_cannot_be_written_or_read():
    spoiled.add(2)
    assert libc.mprotect(page(0), 4096, 1) == 0 and libc.mprotect(page(2), 4096, 0) == 0
    return [
        lambda: libc.mprotect(page(2), 4096, 3) == 0,
        lambda: ctypes.string_at(page(2), 4096) == as_it_was(2),
    ]

def pages_that_changed_places():
    spare = libc.mmap(None, 4096, 3, 0x22, -1, 0)
    for start, end in ((page(4), spare), (page(6), page(4)), (spare, page(6))):
        assert libc.mremap(start, 4096, 4096, 3, end) == end
    own[4], own[6] = as_it_was(6), as_it_was(4)

def a_hole():
    spoiled.add(3)
    assert libc.munmap(page(3), 4096) == 0

def watcher(is_daemon):
    "A copy of this process, which looks at its own memory when it is told to."
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        if not is_daemon or os.fork() == 0:
            ours.close()
            theirs.recv(1)
            theirs.send(b"1" if is_right() else b"0")
        os._exit(0)
    theirs.close()
    if is_daemon:
        os.waitpid(child, 0)
    return [lambda: ours.send(b"?") and ours.recv(1) == b"1"]

def a_child():
    return watcher(False)

def a_daemon():
    return watcher(True)

def a_thread_that_writes():
    ending, faults = threading.Event(), []
    place = (ctypes.c_char * 4096).from_address(page(7))
    spoiled.add(7)
    def write():
        count = 0
        while not ending.is_set():
            count = (count + 1) % 256
            place[0] = count
            faults.extend([count] * (place[0] != bytes([count])))
    thread = threading.Thread(target=write)
    thread.start()
    return [lambda: ending.set() or thread.join() or not faults]

def a_timer_that_writes():
    spoiled.add(5)
    place, seen = ctypes.c_ulong.from_address(page(5)), []
    place.value = 0
    def write(*_):
        seen.append(1)
        place.value += 1
    signal.signal(signal.SIGALRM, write)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    while not seen:
        pass
    return [lambda: signal.setitimer(signal.ITIMER_REAL, 0) and place.value == len(seen)]

def memory_that_was_trimmed():
    freed = [ctypes.create_string_buffer(b"1" * 9000, 9000) for _ in range(50)]
    del freed[::2]
    libc.malloc_trim(0)
    def is_nothing():
        return all(
            ctypes.string_at(libc.calloc(1, size), size) == bytes(size)
            for size in range(500, 60000, 500)
        )
    return [is_nothing]
"""

BORN = """
if os.fork() == 0:
    print(json.dumps(eval(name)), flush=True)
    os._exit(0)
os.wait()
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> str:
    return built("birth", str(tmp_path_factory.mktemp("built")))


def play(library: str, name: str) -> tuple[int, int, int, bool]:
    """Whether it was done; the fork's own kilobytes before and after; whether all was right."""
    return run(library, ZYGOTE + BORN, f"{name}()")


def run(library: str, script: str, act: str) -> tuple[int, int, int, bool]:
    command = [sys.executable, "-I", "-S", "-c", script, library, json.dumps(sys.path), act]
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


@pytest.mark.parametrize(
    ("attack", "done"),
    {
        "locked_pages": 1,
        "pages_that_cannot_be_written_or_read": 1,
        "pages_that_changed_places": 1,
        "a_hole": 1,
        "a_child": 0,
        "a_daemon": 1,
        "a_thread_that_writes": 0,
        "a_timer_that_writes": 1,
        "memory_that_was_trimmed": 1,
    }.items(),
)
def test_whatever_a_handler_did_to_its_memory_it_keeps_what_is_its_own(
    library: str, attack: str, done: int
) -> None:
    was_done, _, _, right = run(library, ZYGOTE + ATTACKS + BORN, f"thrice({attack})")
    assert right
    assert was_done == done
