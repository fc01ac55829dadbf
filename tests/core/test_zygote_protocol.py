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


_LIE_TOGETHER = """
import sys
sys.path[:] = {path!r}
from stoker.sandbox.namespaces.zygote import fill_gaps
holed = [[bytes(size - 33) for _ in range(2000)] for size in range(48, 513, 16)]
for objects in holed:
    del objects[::2]
kept = fill_gaps() if {fill} else []
for size in range(48, 513, 16):
    new = [bytes(size - 33) for _ in range(8)]
    print(max(map(id, new)) - min(map(id, new)) < 2 * 16384)
print(sum(map(sys.getsizeof, kept)) < 32 * 128 * 1024)
"""


def lie_together(*, fill: bool) -> list[str]:
    script = _LIE_TOGETHER.format(path=sys.path, fill=fill)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    return done.stdout.decode().split()


def test_when_gaps_are_filled_what_is_made_next_lies_together() -> None:
    assert "False" in lie_together(fill=False)
    assert set(lie_together(fill=True)) == {"True"}


def test_neighbouring_pages_that_a_child_has_for_itself_are_one_span() -> None:
    shared, alone, of_file, absent = 1 << 63, 1 << 63 | 1 << 56, 1 << 63 | 1 << 61, 0
    pages = (alone, alone, shared, absent, of_file, of_file | 1 << 56, alone)
    assert list(trial._runs(0x10000, pages)) == [
        (0x10000, 0x2000, 23),  # MADV_POPULATE_WRITE
        (0x14000, 0x2000, 22),  # MADV_POPULATE_READ
        (0x16000, 0x1000, 23),
    ]
