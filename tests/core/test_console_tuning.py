"""What the pages of tuning and of the doctor make of forms and of what commands say."""

import base64
import json

import pytest

from stoker.console.pages.doctor import diagnosis
from stoker.console.pages.tuning import outcome_of, wish_of
from stoker.console.tunings import Wish, read_sizes
from stoker.core.errors import InvalidParameterValueException
from stoker.core.tuning import Size, Strategy

FORM = {"memory": "128,256", "runs": "5", "cold": "2", "parallel": "1", "strategy": "speed"}
SLOW = Size(128, 100.0, 140.0, 300.0, 150.0, 60, 2e-7, 5, 2)
FAST = Size(1024, 12.0, 1600.0, None, None, 61, 4e-7, 5, 0)


def test_a_form_is_what_the_command_is_given() -> None:
    wish = wish_of({**FORM, "events": '{"a": 1}\r\n{"a": 2}\r\n'})
    assert wish == Wish("128,256", 5, 2, 1, Strategy.SPEED, '{"a": 1}\n{"a": 2}')
    words = wish.command("--help", "http://127.0.0.1:1", "eu-central-1")
    assert words[-2:] == ["--", "--help"], "a name is no option"
    assert {"--memory=128,256", "--strategy=speed", "--events=-"} < set(words)
    assert wish_of(FORM).events == "{}"
    assert wish.steps == 4


@pytest.mark.parametrize(
    "odd",
    [{"runs": "0"}, {"runs": "1e3"}, {"cold": ""}, {"parallel": "²"}, {"events": "x" * 300_000}],
)
def test_a_form_with_nonsense_is_refused(odd: dict[str, str]) -> None:
    with pytest.raises(InvalidParameterValueException):
        wish_of({**FORM, **odd})


def test_what_is_best_follows_from_what_counts() -> None:
    cheap = outcome_of("f", [SLOW, FAST], Strategy.COST)
    assert (cheap.memory_mb, cheap.timeout_s) == (128, 1)
    assert [line.chosen for line in cheap.lines] == [True, False]
    quick = outcome_of("<f>", [SLOW, FAST], Strategy.SPEED)
    assert (quick.memory_mb, quick.timeout_s) == (1024, 3)
    assert (quick.lines[1].cold, quick.lines[1].price) == ("—", "$0.400")
    kind, _, drawn = quick.picture.partition(",")
    assert kind == "data:image/svg+xml;base64"
    picture = base64.b64decode(drawn).decode()
    assert "&lt;f&gt;" in picture
    assert "prefers-color-scheme:dark" in picture


def test_sizes_are_read_from_the_commands_json_and_from_nothing_else() -> None:
    told = {"memory_mb": 128, "warm_ms": 1.0, "p99_ms": 2.0, "cold_ms": None, "init_ms": None,
            "max_memory_mb": 40, "dollars": 1e-7, "runs": 3, "cold_runs": 0}  # fmt: skip
    assert read_sizes(json.dumps({"sizes": [told]}).encode())[0].memory_mb == 128
    for said in (b"", b"{}", b"[]", b'{"sizes": [{}]}', b'{"sizes": 1}', b"\xff"):
        assert read_sizes(said) == ()


def test_a_diagnosis_begins_with_what_is_missing() -> None:
    def finding(name: str, *, ok: bool, needed: bool) -> dict[str, object]:
        return {"name": name, "ok": ok, "needed": needed, "found": "x", "remedy": "do `it`"}

    told = {"isolates": False, "findings": [
        finding("kernel", ok=True, needed=True), finding("criu", ok=False, needed=False),
        finding("root", ok=False, needed=True),
    ]}  # fmt: skip
    found = diagnosis(json.dumps(told).encode())
    assert [(one.name, one.mood, one.remedy) for one in found.findings] == [
        ("root", "bad", "do `it`"), ("criu", "busy", "do `it`"), ("kernel", "good", ""),
    ]  # fmt: skip
    assert (found.isolates, found.good) == (False, 1)
    for said in (b"", b"{}", b"[1]", b'{"findings": [{}], "isolates": true}'):
        with pytest.raises(ValueError, match="did not answer"):
            diagnosis(said)
