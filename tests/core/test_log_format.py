"""LogFormat JSON: every level against every threshold, and what becomes of plain text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core import platform_events as events
from stoker.core.invocation import Initialization, LogSettings, Target
from stoker.core.invocation_events import End, Reported, RuntimeDone, Start
from stoker.core.lifecycle_words import Status
from stoker.core.log_format import JsonLog, Printed
from stoker.core.platform_events import Level
from stoker.core.telemetry import Report

NOW_MS = 1760000000123
NOW = "2025-10-09T08:53:20.123Z"
ID = "8286a188-ba32-4475-8077-530cd35c09a9"
TARGET = Target(
    "123456789012", "eu-west-1", "fn", "$LATEST", "python3.13", "m.h", "role", "c", (), 256, 3,
    512, (), LogSettings("/aws/lambda/fn", "JSON"),
)  # fmt: skip


def log(application: str = "INFO", system: str = "INFO", *, wraps: bool = False) -> JsonLog:
    return JsonLog(LogSettings("g", "JSON", application, system), wraps=wraps)


@pytest.mark.parametrize("threshold", list(Level))
@pytest.mark.parametrize("level", list(Level))
def test_a_line_is_kept_from_its_level_on(threshold: Level, level: Level) -> None:
    for name in (level.name, level.name.lower(), level.name.capitalize()):
        line = json.dumps({"level": name, "timestamp": NOW, "msg": "m"}).encode() + b"\n"
        printed = log(threshold.name).printed(line, NOW_MS + 5, ID)
        expected = Printed(line, NOW_MS) if level >= threshold else None
        assert printed == expected, "byte for byte, at its own time"


@pytest.mark.parametrize(
    "line",
    [
        b'{"msg": "no level", "timestamp": "%b"}' % NOW.encode(),
        b'{"level": "loud", "timestamp": "%b"}' % NOW.encode(),
        b'{"level": 3, "timestamp": "%b"}' % NOW.encode(),
        b'{"level": "FATAL"}',
        b'{"level": "FATAL", "timestamp": "yesterday"}',
        b'{"level": "FATAL", "timestamp": "2025-10-09T08:53:20"}',
        b'{"level": "FATAL", "timestamp": 12}',
        b"plain text",
        b'{"level": "FATAL", "timestamp": "%b", "x": NaN}' % NOW.encode(),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff\xfe{}",
    ],
)
def test_what_says_no_valid_level_and_time_counts_as_info(line: bytes) -> None:
    assert log("WARN").printed(line, NOW_MS, ID) is None
    kept = log("INFO").printed(line, NOW_MS, ID)
    assert kept is not None and kept.message == line


@pytest.mark.parametrize(
    ("key", "level", "kept"), [("log_level", "DEBUG", False), ("Level", "ERROR", True)]
)
def test_the_names_that_managed_runtimes_use_are_understood(
    key: str, level: str, kept: bool
) -> None:
    line = json.dumps({key: level, "@timestamp": "2025-10-09T10:53:20.123+02:00"}).encode()
    printed = log().printed(line, 0, ID)
    assert (printed == Printed(line, NOW_MS)) == kept


def test_plain_text_of_a_program_we_know_nothing_of_becomes_a_message() -> None:
    printed = log(wraps=True).printed(b'say "h\xc3\xa9"\n', NOW_MS, ID)
    wrapped = (
        f'{{"timestamp":"{NOW}","level":"INFO","message":"say \\"hé\\"","requestId":"{ID}"}}\n'
    )
    assert printed == Printed(wrapped.encode(), None)
    before_any = log(wraps=True).printed(b"\xff", NOW_MS, None)
    assert before_any is not None
    assert "requestId" not in json.loads(before_any.message)


@given(st.binary(max_size=200))
def test_nothing_that_is_printed_raises_or_becomes_two_lines(line: bytes) -> None:
    printed = log("TRACE", wraps=True).printed(line, NOW_MS, ID)
    assert printed is not None
    if printed.message != line:
        assert printed.message.count(b"\n") == 1
        assert json.loads(printed.message)["level"] == "INFO"


@pytest.mark.parametrize(
    ("system", "seen"),
    [
        (
            "DEBUG",
            ["initStart", "initRuntimeDone", "start", "runtimeDone", "report", "logsDropped"],
        ),
        ("INFO", ["initStart", "start", "report", "logsDropped"]),
        ("WARN", ["logsDropped"]),
    ],
)
def test_platform_events_are_filtered_by_the_system_level(system: str, seen: list[str]) -> None:
    good = (Status.SUCCESS, None)
    told = [
        events.init_start(TARGET, Initialization.ON_DEMAND, "init", "s"),
        events.init_runtime_done(Initialization.ON_DEMAND, "init", *good),
        Start(ID, TARGET),
        RuntimeDone(ID, *good, 2, handed=1, done=2, ahead_ms=0),
        End(ID),
        Reported(Report(ID, 1, 128, 0)),
        events.logs_dropped(1, 2),
    ]
    lines = [line for event in told if (line := log(system=system).platform(event, NOW_MS))]
    assert [json.loads(line)["type"] for line in lines] == [f"platform.{name}" for name in seen]
    assert all(line.endswith(b"}\n") and json.loads(line)["time"] == NOW for line in lines)
