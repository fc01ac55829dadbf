"""The console's decisions: who may use it, what is written how, and which functions are shown."""

from dataclasses import replace

import pytest

from stoker.console import guard, routes
from stoker.console.asked import Where
from stoker.console.pages import functions
from stoker.console.sparkline import sparkline
from stoker.console.words import bytes_of, count_of, moment_of, ms_of, readable
from stoker.core.invocation import LogSettings
from stoker.core.model import (
    Code,
    Configuration,
    Function,
    FunctionKey,
    activated,
    failed,
    new_function,
    updated,
)
from stoker.core.statistics import Statistic, summed

HOST = "127.0.0.1:4566"
START = 60 * 1000


@pytest.mark.parametrize(
    ("headers", "may"),
    [
        ({}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"origin": f"http://{HOST}"}, True),
        ({"origin": f"HTTPS://{HOST}", "sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, False),
        ({"origin": f"http://{HOST}", "sec-fetch-site": "cross-site"}, False),
        ({"origin": "null"}, False),
        ({"origin": f"http://{HOST}.evil.test"}, False),
        ({"origin": "http://localhost:4566"}, False),
        ({"origin": ""}, False),
    ],
)
def test_only_its_own_pages_and_typed_addresses_reach_the_console(
    headers: dict[str, str], may: bool
) -> None:
    assert (guard.stranger({"host": HOST, **headers}) is None) is may


def test_a_change_brings_the_token_in_its_form_or_its_header() -> None:
    token = guard.token_of(b"secret")
    assert guard.forged({}, {"token": token}, token) is None
    assert guard.forged({"x-stoker-token": token}, {}, token) is None
    for given in ({}, {"token": ""}, {"token": token[:-1]}, {"token": "\udcff"}):
        assert guard.forged({}, given, token) is not None
    assert guard.token_of(b"another") != token == guard.token_of(b"secret")


def test_text_of_anybody_is_shown_without_what_cannot_be_seen() -> None:
    assert readable("plain ü 漢\n\ttext") == "plain ü 漢\n\ttext"
    assert readable("a\x1b[2Jb\x00") == "a\\u{1b}[2Jb\\u{0}"
    assert readable("\u202egnp.exe") == "\\u{202e}gnp.exe"
    assert readable("a\u00a0b\udcff") == "a b\\u{dcff}"
    long = readable("x" * 5_000_000)
    assert len(long) < 70_000
    assert long.endswith("… (4934464 more characters)")


def test_values_are_written_for_people() -> None:
    assert [bytes_of(n) for n in (0, 1023, 1536, 262144000, 5 * 2**30)] == [
        "0 B", "1023 B", "1.5 KB", "250 MB", "5 GB",
    ]  # fmt: skip
    assert [ms_of(n) for n in (0.1234, 12.34, 999, 61234, 7_200_000)] == [
        "0.123 ms", "12.3 ms", "999 ms", "61.2 s", "2 h",
    ]  # fmt: skip
    assert [count_of(n) for n in (0, 1234567, 2.5)] == ["0", "1,234,567", "2.50"]
    assert moment_of(1_795_305_600_000) == "2026-11-22 00:00:00"


def test_an_address_takes_any_name() -> None:
    where = Where("123456789012", "eu-central-1")
    path = where.path("functions", 'a/b?"<', search="x y&z", page=1, none="")
    assert path == (
        "/_stoker/123456789012/eu-central-1/functions/a%2Fb%3F%22%3C?search=x%20y%26z&page=1"
    )


def test_a_path_is_one_row_of_the_table() -> None:
    route, names = routes.find("GET", "functions") or (None, None)
    assert route is not None
    assert route.answer is functions.show
    assert names == {}
    assert routes.find("POST", "functions") is None
    assert routes.find("GET", "functions/a/b/c/d/e") is None
    assert routes.find("GET", "") is None


def test_a_sparkline_is_as_high_as_its_greatest_value() -> None:
    assert sparkline([0, 0, 0], "errors").line == ""
    drawn = sparkline([0, 5, 10], "errors")
    assert drawn.line == "M0.0 19.0L48.0 10.5L96.0 2.0"
    assert drawn.said == "15 errors in the last hour, at most 10 in a minute"


def test_a_search_takes_names_that_have_all_its_words() -> None:
    names = ["orders-Worker", "emails", "orders-api"]
    assert functions.matching(names, "") == ["emails", "orders-Worker", "orders-api"]
    assert functions.matching(names, " WORKER ord ") == ["orders-Worker"]
    assert functions.matching(names, "<") == []


@pytest.mark.parametrize(
    ("asked", "number", "first", "many"),
    [("1", 1, 0, 50), ("3", 3, 100, 20), ("99999999", 1, 0, 50), ("9", 3, 100, 20)]
    + [(bad, 1, 0, 50) for bad in ("0", "-1", "x", "", "²")],
)
def test_a_page_that_is_not_there_is_the_nearest_that_is(
    asked: str, number: int, first: int, many: int
) -> None:
    names = [str(one) for one in range(120)]
    found = functions.cut(names, asked)
    assert (found.number, found.pages, found.total) == (number, 3, 120)
    assert found.names == tuple(names[first : first + many])
    assert functions.cut([], asked).pages == 1


def function(name: str = "f") -> Function:
    latest = Configuration(
        "python3.11", "main.handler", "", Code("0" * 64, 300), LogSettings("/aws/lambda/f")
    )
    key = FunctionKey("000000000000", "eu-central-1", name)
    return new_function(key, latest, {}, revision="1", now="2026-11-22T10:00:00.000+0000")


def test_the_state_is_one_word_with_its_reason() -> None:
    fresh = function()
    active = activated(fresh, revision="2")
    changing = updated(
        active, replace(active.latest, memory_mb=256), revision="3", now="2026-11-22T11:00:00"
    )
    states = [
        functions.state_of(one)
        for one in (
            fresh,
            active,
            changing,
            failed(changing, "No room.", "X", revision="4"),
            failed(fresh, "No Python.", "X", revision="5"),
        )
    ]
    assert states == [
        ("Pending", "busy", "The function is being created."),
        ("Active", "good", ""),
        ("Updating", "busy", "The function is being created."),
        ("Update failed", "bad", "No room."),
        ("Failed", "bad", "No Python."),
    ]


def test_a_row_has_the_last_hour_minute_by_minute() -> None:
    hour: dict[int, Statistic] = {
        START: summed(2, 2, 1, 1),
        START + 59 * 60: summed(3, 3, 1, 1),
        START + 60 * 60: summed(9, 9, 1, 1),  # of the next one
    }
    found = functions.rows(
        [function("b"), function("a")], {"a": 2}, {"a": {"Invocations": hour}}, START
    )
    first, second = found
    assert (first.name, first.running, first.invocations.total) == ("a", 2, 5)
    assert (second.name, second.running, second.invocations.total) == ("b", 0, 0)
    assert first.modified == "2026-11-22 10:00:00"
    assert first.errors.line == ""
