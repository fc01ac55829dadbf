"""What a metric filter takes from a log event."""

import json
from typing import Any

import pytest

from stoker.core.errors import InvalidParameterException
from stoker.core.log_patterns import parse
from stoker.core.metric_filters import Transformation, extracted, made

ROW = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /a.gif HTTP/1.0" 200 1534'
JSON = json.dumps({"took": 12.5, "text": " 7 ", "path": "/a", "ok": True, "n": [{"m": 3}, 4]})
COLUMNS = "[ip, id, user, timestamp, request, status_code, size]"


def measured(pattern: str, value: str, message: str, **dimensions: str) -> Any:
    it = made(pattern, Transformation("m", "n", value, dimensions=dimensions))
    return it.measured(message)


@pytest.mark.parametrize(
    ("pattern", "value", "message", "found"),
    [
        ("ERROR", "1", "an ERROR", 1.0),
        ("ERROR", "-2.5e3", "an ERROR", -2500.0),
        ("ERROR", "1", "a warning", None),
        ("", "0", "anything", 0.0),
        ("{ $.took > 12 }", "$.took", JSON, 12.5),
        ("{ $.took > 13 }", "$.took", JSON, None),
        ("{ $.ok IS TRUE }", "$.text", JSON, 7.0),
        ("{ $.ok IS TRUE }", "$.n[0].m", JSON, 3.0),
        ("{ $.ok IS TRUE }", "$.ok", JSON, None),
        ("{ $.ok IS TRUE }", "$.path", JSON, None),
        ("{ $.ok IS TRUE }", "$.gone", JSON, None),
        ("{ $.ok IS TRUE }", "$.took", JSON.replace("12.5", "1e999"), None),
        (COLUMNS, "$size", ROW, 1534.0),
        ("[..., status_code = 4*, size]", "$size", ROW, None),
        ("[..., status_code = 2*, size]", "$status_code", ROW, 200.0),
        ("[..., size]", "$6", ROW, 200.0),
        ("[ip, ...]", "$ip", ROW, None),
    ],
)
def test_a_value_is_a_number_or_taken_from_the_event(
    pattern: str, value: str, message: str, found: float | None
) -> None:
    expected = None if found is None else (found, ())
    assert measured(pattern, value, message) == expected


def test_dimensions_are_taken_from_the_event_or_there_is_no_value() -> None:
    shown = measured("{ $.took = * }", "$.took", JSON, path="$.path", ok="$.ok")
    assert shown == (12.5, (("ok", "true"), ("path", "/a")))
    assert measured("{ $.took = * }", "$.took", JSON, path="$.gone") is None
    assert measured("{ $.took = * }", "1", JSON.replace('"/a"', '""'), path="$.path") is None
    assert measured(COLUMNS, "1", ROW, Code="$status_code", who="$user") == (
        1.0, (("Code", "200"), ("who", "frank")),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "transformation", "why"),
    [
        ("x", Transformation("m", "n", "$.took"), r"no \$\.took"),
        ("{ $.a = 1 }", Transformation("m", "n", "took"), "no took"),
        ("{ $.a = 1 }", Transformation("m", "n", "$.a b"), "Invalid"),
        ("[a, b]", Transformation("m", "n", "$c"), r"no \$c"),
        ("[a, b", Transformation("m", "n", "1"), "must end with"),
        ("x", Transformation("m", "AWS/Lambda", "1"), "reserved"),
        ("x", Transformation("m", "n", "1e999"), "no value"),
        ("x", Transformation("m", "n", "1", default=float("nan")), "no value"),
        ("x", Transformation("m", "n", "1", dimensions={"d": "$.a"}), "no "),
        (
            "{ $.a = 1 }",
            Transformation("m", "n", "1", default=0.0, dimensions={"d": "$.a"}),
            "mutually exclusive",
        ),
        (
            "{ $.a = 1 }",
            Transformation("m", "n", "1", dimensions=dict.fromkeys("abcd", "$.a")),
            "at most 3",
        ),
    ],
)
def test_what_cannot_be_is_refused(pattern: str, transformation: Transformation, why: str) -> None:
    with pytest.raises(InvalidParameterException, match=why):
        made(pattern, transformation)


def test_a_test_shows_columns_by_name_or_number_and_what_conditions_are_about() -> None:
    assert extracted(parse(COLUMNS), ROW)["$request"] == "GET /a.gif HTTP/1.0"
    numbered = extracted(parse("[ip, ..., size]"), ROW)
    assert list(numbered) == ["$ip", "$2", "$3", "$4", "$5", "$6", "$size"]
    assert numbered["$4"] == "10/Oct/2000:13:25:15 -0700"
    json_ = extracted(parse("{ ($.path = %/.%) && $.n[0].m >= 3 || $.gone NOT EXISTS }"), JSON)
    assert json_ == {"$.path": "/a", "$.n[0].m": "3"}
    assert extracted(parse("GET"), ROW) == {}
