"""How `stoker timeline` shows an environment."""

import pytest

from stoker.cli.timeline import _name, bar, lines


def span(
    name: str, began_ms: float, ms: float, *parts: tuple[str, float, float]
) -> dict[str, object]:
    shown = [{"party": party, "began_ms": began, "ms": took} for party, began, took in parts]
    return {"phase": name, "began_ms": began_ms, "ms": ms, "parts": shown}


def test_phases_and_their_parts_are_rows_with_bars() -> None:
    environment = {
        "id": "e1",
        "version": "$LATEST",
        "phase": "Invoke",
        "frozen": False,
        "initialization": "on-demand",
        "reason": "",
        "parties": [
            {"party": "runtime", "does": "waits for the next event"},
            {"party": "extension:agent\x1b[2J", "does": "handles invocation r1"},
        ],
        "phases": [
            span(
                "Init", 1000.0, 100.0, ("extension:agent", 1000.0, 10.0), ("runtime", 1010.0, 90.0)
            ),
            span("Frozen", 1100.0, 2000.0),
            span("Invoke", 3100.0, 1.0, ("runtime", 3100.0, 1.0)),
        ],
    }
    assert lines(environment) == [
        "e1 $LATEST: INVOKE",
        "              runtime waits for the next event",
        "              extension agent?[2J handles invocation r1",
        "     0.000 s  INIT                          100.000 ms  " + "█" * 19,
        "     0.000 s    extension agent              10.000 ms  " + "█" * 13,
        "     0.010 s    runtime                      90.000 ms  " + "█" * 19,
        "     0.100 s  FROZEN                       2000.000 ms  " + "█" * 27,
        "     2.100 s  INVOKE                          1.000 ms  " + "█" * 7,
        "     2.100 s    runtime                       1.000 ms  " + "█" * 7,
    ]


def test_what_ended_says_why() -> None:
    environment = {
        "id": "e1",
        "version": "3",
        "phase": "Dead",
        "frozen": False,
        "initialization": "on-demand",
        "reason": "lost \x1b[2J",
        "parties": [],
        "phases": [span("Shutdown", 1000.0, 1.0), span("Dead", 1001.0, 0.0)],
    }
    assert lines(environment) == [
        "e1 3: ENDED, lost ?[2J",
        "     0.000 s  SHUTDOWN                        1.000 ms  " + "█" * 7,
    ]


def test_a_bar_is_never_empty_and_has_an_end() -> None:
    assert bar(0) == bar(0.1) == "█"
    assert len(bar(1e12)) == 40


@pytest.mark.parametrize(
    "form",
    [
        "f",
        "f:1",
        "123456789012:function:f",
        "arn:aws:lambda:eu-west-1:123456789012:function:f:live",
    ],
)
def test_a_function_may_be_named_in_each_of_awss_forms(form: str) -> None:
    assert _name(form) == "f"
