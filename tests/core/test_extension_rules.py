"""What is found wrong with an extension, from what was seen of it."""

from dataclasses import replace

import pytest

from stoker.core.extension_rules import Act, Farewell, Seen, findings

EXPECTED = {"a warm invocation": "", "a crash": "Runtime.ExitError"}
GOOD = Seen(
    present=frozenset({"agent"}),
    registered={"agent": ("INVOKE", "SHUTDOWN")},
    registered_ms=31.4,
    acts=(Act("a warm invocation", 3.0), Act("a crash", 5.0, "Runtime.ExitError")),
    farewells=(Farewell("failure", 20.0),),
    listens=frozenset({4243}),
)


def broken(seen: Seen) -> list[tuple[str, str]]:
    return [(each.rule, each.text) for each in findings(seen, EXPECTED) if not each.ok]


def test_one_that_keeps_all_rules_is_told_what_was_seen() -> None:
    assert broken(GOOD) == []
    assert [each.text for each in findings(GOOD, EXPECTED)] == [
        "INVOKE, SHUTDOWN", "31 ms", "3 ms", "5 ms", "20 ms", "it listens on 4243",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "rule", "text"),
    [
        ({"present": frozenset()}, "is an extension", "the layer has no file in extensions/"),
        ({"registered": {}}, "agent registers", "it never registered"),
        (
            {"registered_ms": 5000.0},
            "registers in time",
            "5000 ms, for which the runtime had to wait",
        ),
        (
            {"states": {"agent": "LaunchError: Extension.LaunchError"}},
            "agent registers",
            "LaunchError: Extension.LaunchError",
        ),
        (
            {"acts": (Act("a warm invocation", 4000.0, "Sandbox.Timedout", ("agent",)),)},
            "a warm invocation",
            "the caller got Sandbox.Timedout instead of an answer; "
            "agent had not asked for the next event",
        ),
        (
            {"acts": (Act("a crash", 5.0),)},
            "a crash",
            "the caller got an answer instead of Runtime.ExitError",
        ),
        (
            {"farewells": (Farewell("timeout", 2000.5),)},
            "leaves at SHUTDOWN (timeout)",
            "it was killed after 2000 ms",
        ),
        (
            {"listens": frozenset({80, 9001})},
            "stays off the platform's ports",
            "it listens on 9001",
        ),
        (
            {"dropped": 3},
            "takes its telemetry",
            "3 events were dropped, because it did not take them",
        ),
    ],
)
def test_each_rule_is_broken_by_itself(change: dict[str, object], rule: str, text: str) -> None:
    assert broken(replace(GOOD, **change)) == [(rule, text)]  # type: ignore[arg-type]


def test_who_holds_up_an_environment_is_told_so() -> None:
    slow = replace(GOOD, acts=(Act("a warm invocation", 3.0, after_ms=700.0),))
    assert "held up for 700 ms" in findings(slow, EXPECTED)[2].text
