"""Zygotes answer in JSON when they begin, and in packed numbers for each sandbox."""

import json

from stoker.sandbox.namespaces.network import BLOCK_SIZE
from stoker.sandbox.namespaces.zygote import REPORT, REQUEST, STEPS


def test_no_report_of_any_sandbox_looks_like_json() -> None:
    for slot in range(BLOCK_SIZE):
        assert not REPORT.pack(slot, 1, 0, 0).startswith(b'{"'), slot
    assert json.dumps({"ready": 12345}).startswith('{"')


def test_what_birth_c_reads_and_writes_has_its_size() -> None:
    assert (REQUEST.size, REPORT.size) == (12, 16)
    assert len(STEPS) == 14  # birth.c counts them from 1 to 13
