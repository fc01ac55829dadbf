"""Expressions of metrics: what they come to, and which are refused."""

import pytest

from stoker.core.errors import NotImplementedException
from stoker.core.metric_errors import InvalidByModel
from stoker.core.metric_math import Line, Lines, Steps, Value, named, wants_metrics, worked_out


def line(label: str, *values: float | None, period_s: int = 60) -> Line:
    points = {at * period_s: one for at, one in enumerate(values) if one is not None}
    return Line(label, period_s, points, 0, len(values) * period_s)


M1, M2 = line("one", 1, 2, None, 4), line("two", 10, None, 30, 0)
METRICS = {"m1": M1, "m2": M2}
KNOWN: dict[str, Value] = {**METRICS, "hours": line("h", 1, period_s=3600), "e1": (M1, M2)}


def asked(expression: str, steps: Steps | None = None) -> Line | Lines:
    return worked_out("e", expression, KNOWN, METRICS, steps or Steps())


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("m1", [1, 2, None, 4]),
        ("m1 + m2", [11, None, None, 4]),
        ("m1 - 1 - 1", [-1, 0, None, 2]),
        ("2 + m1 * 3", [5, 8, None, 14]),
        ("(2 + m1) * 3", [9, 12, None, 18]),
        ("-m1 ^ 2", [-1, -4, None, -16]),
        ("m1 * 2 ^ 3 ^ 0", [2, 4, None, 8]),
        ("100 * m1 / m2", [10, None, None, None]),
        ("m1 * 1.5e1", [15, 30, None, 60]),
        ("m1 ^ 0.5 * 0", [0, 0, None, 0]),
        ("(m1 - 3) ^ .5", [None, None, None, 1]),
        ("m1 * 1e308 * 10", [None] * 4),
        ("DIFF((m1 - 2) * 1e308)", [None, 1e308, None, None]),
        ("DIFF(IF(m1 > 3, 1, -1) * 1e308)", [None, 0, None, None]),
        ("CEIL(IF(m1 > 1, 1e308) * 10)", [None] * 4),
        ("m1 >= 2", [0, 1, None, 1]),
        ("m1 < 2 || m1 == 4", [1, 0, None, 1]),
        ("m1 > 1 AND m1 != 4", [0, 1, None, 0]),
        ("m1 <= 1 OR m1 > 3 && m1 < 3", [1, 0, None, 0]),
        ("m1 - MIN(m1)", [0, 1, None, 3]),
        ("m1 / SUM(m1) * 7", [1, 2, None, 4]),
        ("m1 * 0 + AVG(m2) + MAX(m2) + DATAPOINT_COUNT(m2)", [46.3333, 46.3333, None, 46.3333]),
        ("m1 * PERIOD(m1)", [60, 120, None, 240]),
        ("m1 * METRIC_COUNT(METRICS())", [2, 4, None, 8]),
        ("SUM(METRICS())", [11, 2, 30, 4]),
        ("MAX([m1, m2])", [10, 2, 30, 4]),
        ("MIN([m1, m2])", [1, 2, 30, 0]),
        ("AVG(e1)", [5.5, 2, 30, 2]),
        ("SUM(METRICS('m2'))", [10, None, 30, 0]),
        ("ABS(m1 - 3)", [2, 1, None, 1]),
        ("CEIL(m1 / 4) + FLOOR(m1 / 4)", [1, 1, None, 2]),
        ("m1 * CEIL(1.5)", [2, 4, None, 8]),
        ("DIFF(m1)", [None, 1, None, 2]),
        ("RATE(m1) * 60", [None, 1, None, 1]),
        ("FILL(m1, 0)", [1, 2, 0, 4]),
        ("FILL(m2, LINEAR)", [10, 20, 30, 0]),
        ("FILL(m1, REPEAT)", [1, 2, 2, 4]),
        ("FILL(m1, m2)", [1, 2, 30, 4]),
        ("IF(m1 > 1, m1, 0)", [0, 2, None, 4]),
        ("IF(m1 > 1, m2, m1)", [1, None, None, 0]),
        ("IF(m1 > 1, 7)", [None, 7, None, 7]),
        ("IF(SUM(m1) > 100, m1, m2)", [10, None, 30, 0]),
    ],
)
def test_an_expression_comes_to(expression: str, values: list[float | None]) -> None:
    found = asked(expression)
    assert isinstance(found, Line)
    wanted = {at * 60: one for at, one in enumerate(values) if one is not None}
    assert found.points == pytest.approx(wanted, abs=1e-3)


def test_what_comes_last_is_repeated_until_the_end() -> None:
    found = worked_out("e", "FILL(m, REPEAT)", {"m": line("m", None, 5, None)}, {}, Steps())
    assert isinstance(found, Line)
    assert found.points == {60: 5, 120: 5}


def test_many_lines_stay_many() -> None:
    found = asked("METRICS() * 2")
    assert isinstance(found, tuple)
    assert [one.label for one in found] == ["one", "two"]
    assert found[1].points == {0: 20, 120: 60, 180: 0}


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "1 + 1",
        "SUM(m1)",
        "m3",
        "m1 +",
        "m1 m2",
        "m1 $ 2",
        "'text'",
        "(m1",
        "FROBNICATE(m1)",
        "SUM()",
        "SUM(m1, m2)",
        "SUM(1)",
        "FILL(m1, 'x')",
        "METRICS(1)",
        "IF('a', m1, m2)",
        "m1 * (1 / 0)",
        "m1 * 1e999",
        "m1 + CEIL(SUM(FILL(m1, 1e308)) * 2)",
        "m1 + CEIL(SUM(FILL(m1 * 0, 1e308) + 1e308))",
        "METRICS() + METRICS()",
        "PERIOD(METRICS())",
        "(" * 1000 + "m1" + ")" * 1000,
    ],
)
def test_what_makes_no_sense_is_refused(expression: str) -> None:
    with pytest.raises(InvalidByModel, match="Error in expression 'e': "):
        asked(expression)


@pytest.mark.parametrize("expression", ["SEARCH('x', 'Sum')", "SELECT AVG(x)", "m1 + hours"])
def test_what_is_not_built_says_so(expression: str) -> None:
    with pytest.raises(NotImplementedException):
        asked(expression)


def test_a_long_expression_needs_no_stack_and_has_an_end() -> None:
    long = " + ".join(["m1"] * 680)
    assert isinstance(asked(long), Line)
    assert isinstance(asked(" + ".join(["ABS(m1)"] * 100)), Line)
    with pytest.raises(InvalidByModel, match="values to work out"):
        asked(long, Steps(1000))


def test_an_expression_tells_of_whom_it_speaks() -> None:
    assert named("m1 + SUM(METRICS('no')) / e_2") == ["m1", "e_2"]
    assert wants_metrics("SUM(METRICS())")
    assert not wants_metrics("SUM(m1)")
