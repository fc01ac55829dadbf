"""Zygotes answer in JSON when they begin, and in packed numbers for each sandbox."""

import json
import subprocess
import sys

from stoker.sandbox.namespaces import trial
from stoker.sandbox.namespaces.network import BLOCK_SIZE
from stoker.sandbox.namespaces.zygote import REPORT, REQUEST, STEPS


def test_no_report_of_any_sandbox_looks_like_json() -> None:
    for slot in range(BLOCK_SIZE):
        assert not REPORT.pack(slot, 1, 0, 0).startswith(b'{"'), slot
    assert json.dumps({"ready": 12345}).startswith('{"')


def test_what_birth_c_reads_and_writes_has_its_size() -> None:
    assert (REQUEST.size, REPORT.size) == (12, 16)
    assert len(STEPS) == 14  # birth.c counts them from 1 to 13


_PAGES_OF_NEW_OBJECTS = """
import sys
sys.path[:] = {path!r}
from stoker.sandbox.namespaces.zygote import fill_gaps
sizes = range(48, 513, 16)
old = [[bytes(size - 33) for _ in range(2000)] for size in sizes]
for objects in old:
    del objects[::40]
kept = fill_gaps() if {fill} else []
new = [[bytes(size - 33) for _ in range(50)] for size in sizes]
print(len({{id(one) >> 12 for objects in new for one in objects}}))
print(sum(map(sys.getsizeof, kept)))
"""


def pages_of_new_objects(*, fill: bool) -> tuple[int, int]:
    """(their number, the bytes that fill the gaps)."""
    script = _PAGES_OF_NEW_OBJECTS.format(path=sys.path, fill=fill)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    pages, fillers = map(int, done.stdout.split())
    return pages, fillers


def test_when_gaps_are_filled_what_is_made_next_lies_together() -> None:
    scattered, _ = pages_of_new_objects(fill=False)
    together, fillers = pages_of_new_objects(fill=True)
    assert 2 * together < scattered
    assert fillers < 32 * 128 * 1024


def test_neighbouring_pages_that_a_child_has_for_itself_are_one_span() -> None:
    shared, alone, of_file, absent = 1 << 63, 1 << 63 | 1 << 56, 1 << 63 | 1 << 61, 0
    pages = (alone, alone, shared, absent, of_file, of_file | 1 << 56, alone)
    assert list(trial._runs(0x10000, pages)) == [
        (0x10000, 0x2000, 23),  # MADV_POPULATE_WRITE
        (0x14000, 0x2000, 22),  # MADV_POPULATE_READ
        (0x16000, 0x1000, 23),
    ]
