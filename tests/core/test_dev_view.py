"""What of a function's log `stoker dev` shows, and how."""

import json

import pytest

from stoker.cli.dev_view import line

REPORT = (
    "REPORT RequestId: 6596ae71-299d-4972-a0b4-a758e61b3910\tDuration: 2.70 ms\t"
    "Billed Duration: 359 ms\tMemory Size: 128 MB\tMax Memory Used: 34 MB\t"
)


def shown(message: str) -> str:
    text = line("hello", {"timestamp": 0, "message": message})
    return "" if text is None else text.plain.partition(" hello ")[2]


LINE = "2.70 ms, billed 359 ms, 34 of 128 MB"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("", f"✓ {LINE}"),
        ("Init Duration: 355.47 ms\t\n", f"✓ {LINE}, init 355.47 ms"),
        ("Init Duration: 1.00 ms\tStatus: timeout\n", f"✗ {LINE}, init 1.00 ms, timeout"),
        ("Status: error\tError Type: Runtime.ExitError\n", f"✗ {LINE}, error Runtime.ExitError"),
    ],
)
def test_an_invocation_is_one_line(more: str, words: str) -> None:
    assert shown(REPORT + more) == words


def test_reports_in_json_are_read_as_well() -> None:
    metrics = {
        "durationMs": 1.5,
        "billedDurationMs": 2,
        "memorySizeMB": 128,
        "maxMemoryUsedMB": 20,
        "initDurationMs": 7.25,
    }
    record = {"requestId": "r", "status": "success", "metrics": metrics}
    said = json.dumps({"time": "t", "type": "platform.report", "record": record})
    assert shown(said) == "✓ 1.5 ms, billed 2 ms, 20 of 128 MB, init 7.25 ms"
    assert shown('{"type": "platform.report", "record": 7}') == "", "nor what pretends to be one"


@pytest.mark.parametrize(
    "message",
    ["START RequestId: r Version: $LATEST\n", "END RequestId: r\n", "INIT_START Runtime\n",
     "INIT_REPORT Init Duration: 3.97 ms\tPhase: init\tStatus: error\n",
     "[WARNING]\t2026-11-23T04:27:49.094Z\t\tLAMBDA_WARNING: Unhandled exception. The most\r",
     '{"time": "t", "type": "platform.start", "record": {}}'],
)  # fmt: skip
def test_what_the_report_says_anyway_is_not_shown(message: str) -> None:
    assert shown(message) == ""


@pytest.mark.parametrize("message", ["said\n", "{not json", '["a"]', "REPORT of mine"])
def test_what_a_function_prints_is_shown(message: str) -> None:
    assert shown(message) == message.rstrip("\n")


def test_what_a_function_prints_is_as_bright_as_anything_else() -> None:
    text = line("hello", {"timestamp": 0, "message": "said\r\n"})
    assert text is not None
    assert (text.style, text.plain[-4:]) == ("", "said")


def test_what_a_function_prints_does_not_move_the_cursor() -> None:
    assert shown("\x1b[2Jgone") == "?[2Jgone"
