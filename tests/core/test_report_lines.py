"""A REPORT is read back as it was written."""

import json
from collections.abc import Callable

import pytest

from stoker.cli.logs import priced
from stoker.core import telemetry
from stoker.core.invocation_events import Reported
from stoker.core.invocation_price import terms
from stoker.core.price_list import READ_ON
from stoker.core.report_lines import Measured, read_report, reported
from stoker.core.telemetry import Report, Restored

ID = "8b1c6f0e-0000-4000-8000-000000000001"
MB = 1024 * 1024
ROOT = "1-5e34a614-0123456789abcdef01234567"
TRACED = f"Root={ROOT};Parent=0123456789abcdef;Sampled=1"


def text(report: Report) -> str:
    return telemetry.report(report).decode()


def in_json(report: Report) -> str:
    record = Reported(report).record.decode()
    return f'{{"time":"2026-01-01T00:00:00.000Z","type":"platform.report","record":{record}}}\n'


@pytest.mark.parametrize("written", [text, in_json])
def test_what_was_reported_is_read(written: Callable[[Report], str]) -> None:
    warm = written(Report(ID, 12.345, 256, 40 * MB))
    assert read_report(warm, ID) == Measured(12.345 if written is in_json else 12.35, 13, 256, 40)
    cold = read_report(written(Report(ID, 12.3, 256, 40 * MB, init_ms=88.45)), ID)
    assert cold is not None
    assert (cold.billed_ms, cold.cold, cold.before_ms) == (101, True, 88.45)
    assert cold.billed_init_ms == 88
    restored = read_report(written(Report(ID, 2.0, 256, 0, restore=Restored(7.5, 3))), ID)
    assert restored is not None
    assert (restored.billed_ms, restored.cold, restored.before_ms) == (5, True, 7.5)
    assert restored.billed_init_ms == 0


@pytest.mark.parametrize("written", [text, in_json])
def test_a_log_event_that_is_a_report_is_known(written: Callable[[Report], str]) -> None:
    found = reported(written(Report(ID, 12.3, 256, 40 * MB, trace=TRACED)))
    assert found is not None
    assert (found.billed_ms, found.memory_mb) == (13, 256)
    for other in ("", "said REPORT RequestId: 1\t", "REPORT", '"platform.report"', "[]"):
        assert reported(other) is None


def test_the_trace_of_a_report_is_said_on_a_line_of_its_own() -> None:
    assert text(Report(ID, 1, 128, 0, trace=TRACED)).splitlines()[1] == (
        f"XRAY TraceId: {ROOT}\tSegmentId: 0123456789abcdef\tSampled: true\t"
    )
    for untold in ("", TRACED.replace("Sampled=1", "Sampled=0"), f"Root={ROOT};Sampled=1",
                   "Root=1-x\tForged: 1;Parent=0123456789abcdef;Sampled=1"):  # fmt: skip
        assert len(text(Report(ID, 1, 128, 0, trace=untold)).splitlines()) == 1


def test_what_a_function_prints_is_no_report() -> None:
    forged = text(Report("another", 1, 128, 0)) + json.dumps({"type": "platform.report"}) + "\n"
    assert read_report(forged, ID) is None
    assert read_report(f"REPORT RequestId: {ID}\tDuration: much ms\t\n", ID) is None
    assert read_report(f'{{"type":"platform.report","record":["{ID}"]}}', ID) is None
    both = text(Report(ID, 900, 128, 0)) + "more\n" + text(Report(ID, 1, 128, 0))
    found = read_report(both, ID)
    assert found is not None
    assert found.duration_ms == 1


def test_the_log_command_says_the_price_behind_a_report_only() -> None:
    configuration = {"Runtime": "python3.13", "MemorySize": 512}
    known = terms(configuration, "us-east-1", READ_ON)
    report = text(Report(ID, 99.2, 512, 0))
    assert priced(report, known) == f"  on AWS $0.00000103 (prices of {READ_ON})"
    assert priced("said REPORT", known) == priced(report, None) == ""
