"""The filter pattern language: AWS's documented examples, and a slow obvious model of the rest."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.errors import InvalidParameterException
from stoker.core.log_patterns import parse, split_words
from stoker.core.log_regex import BadRegex, Regex


def matching(pattern: str, *messages: str) -> list[str]:
    parsed = parse(pattern)
    return [message for message in messages if parsed.matches(message)]


# -- Terms ------------------------------------------------------------------------------------

BAD_REQUEST = "[ERROR 400] BAD REQUEST"
UNAUTHORIZED = "[ERROR 401] UNAUTHORIZED REQUEST"
MISSING = "[ERROR 419] MISSING ARGUMENTS"
INVALID = "[ERROR 420] INVALID ARGUMENTS"
SERVER_ERROR = "[ERROR 500] INTERNAL SERVER ERROR"
ERRORS = (BAD_REQUEST, UNAUTHORIZED, MISSING, INVALID, SERVER_ERROR)


def test_a_term_is_found_anywhere_and_case_counts() -> None:
    assert matching("ERROR", *ERRORS) == list(ERRORS)
    assert matching("ERROR", "Exiting with ERRORCODE: -1") == ["Exiting with ERRORCODE: -1"]
    assert matching("error", *ERRORS) == []


def test_all_terms_must_occur() -> None:
    assert matching("ERROR ARGUMENTS", *ERRORS) == [MISSING, INVALID]


def test_one_of_the_optional_terms_is_enough() -> None:
    assert matching("?BAD ?ARGUMENTS", *ERRORS) == [BAD_REQUEST, MISSING, INVALID]


def test_optional_terms_are_ignored_beside_others() -> None:
    assert matching("?BAD ?ARGUMENTS REQUEST", *ERRORS) == [BAD_REQUEST, UNAUTHORIZED]


def test_a_phrase_is_matched_as_it_stands() -> None:
    assert matching('"INTERNAL SERVER ERROR"', *ERRORS) == [SERVER_ERROR]
    assert matching('"say \\"hi\\""', 'he may say "hi" again', "say hi") == [
        'he may say "hi" again'
    ]


def test_an_excluded_term_must_not_occur() -> None:
    assert matching("ERROR -ARGUMENTS", *ERRORS) == [BAD_REQUEST, UNAUTHORIZED, SERVER_ERROR]
    assert matching('"ERROR" - "Exiting"', "ERROR a", "Exiting with ERRORCODE: -1") == ["ERROR a"]
    assert matching("-ERROR", "fine", *ERRORS) == ["fine"]


@pytest.mark.parametrize("pattern", ["", "   ", '" "'])
def test_blank_patterns_match_everything(pattern: str) -> None:
    assert matching(pattern, "", "x", *ERRORS) == ["", "x", *ERRORS]


def test_a_regular_expression_may_be_a_term() -> None:
    assert matching("%AUTHORIZED%", *ERRORS, "[SUCCESS 200] AUTHORIZED REQUEST") == [
        UNAUTHORIZED,
        "[SUCCESS 200] AUTHORIZED REQUEST",
    ]
    assert matching("%4[0-9]{2}% -%4.9% REQUEST", *ERRORS) == [BAD_REQUEST, UNAUTHORIZED]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("user@example.com", "Invalid character(s) in term 'user@example.com'"),
        ('""', "Invalid character(s) in term '\"\"'"),
        ('"open', "Invalid character(s) in term '\"open'"),
        ("ERROR -", "Invalid character(s) in term '-'"),
        ("ÄÖ", "Invalid character(s) in term 'ÄÖ'"),
        ("%something!%", "Invalid character(s) in term '%something!%'"),
        ("%(a|b)%", "Invalid character(s) in term '%(a|b)%'"),
        ("{ $.a = 1", "If a filter pattern starts with '{' it must end with '}'"),
        ("{", "If a filter pattern starts with '{' it must end with '}'"),
        ("[a, b", "If a filter pattern starts with '[' it must end with ']'"),
        ("{}", "Invalid filter pattern"),
        ("{ $.a }", "Invalid filter pattern"),
        ("{ $ = 1 }", "Invalid filter pattern"),
        ("{ $.a > x }", "Invalid filter pattern"),
        ("{ $.a = 1 && }", "Invalid filter pattern"),
        ("{ ($.a = 1 }", "Invalid filter pattern"),
        ("{ $.a = 1 $.b = 2 }", "Invalid filter pattern"),
        ("{ $.a IS MAYBE }", "Invalid filter pattern"),
        ("{ $.a[*].b[*] = 1 }", "Invalid filter pattern"),
        ("{ $.a = user@home }", "Invalid character(s) in term '@home'"),
        ("{ $.a = %b% || $.a = %c% || $.a = %d% }", "Invalid filter pattern"),
        ("[..., a, ...]", "Invalid filter pattern"),
        ("[a = 1 && b = 2]", "Invalid filter pattern"),
        ("[a b]", "Invalid filter pattern"),
    ],
)
def test_what_is_not_a_pattern_is_refused_in_aws_words(pattern: str, message: str) -> None:
    with pytest.raises(InvalidParameterException) as refusal:
        parse(pattern)
    assert refusal.value.message == message


@given(st.text() | st.text(alphabet="{}[]()$.=!<>&|,*%\"'?-+ a1\\ISNULOTEX", max_size=60))
def test_every_text_is_a_pattern_or_refused(text: str) -> None:
    for candidate in (text, f"{{{text}}}", f"[{text}]", f"%{text}%"):
        try:
            parse(candidate).matches('{"a": [1, "x y"]}')
        except InvalidParameterException as refusal:
            assert refusal.message


def test_deep_nesting_is_refused_and_not_a_crash() -> None:
    for depth, fine in ((50, True), (51, False), (100_000, False)):
        pattern = "{" + "(" * depth + "$.a = 1" + ")" * depth + "}"
        if fine:
            assert parse(pattern).matches('{"a": 1}')
        else:
            with pytest.raises(InvalidParameterException):
                parse(pattern)


# -- JSON -------------------------------------------------------------------------------------

TRAIL = {
    "eventType": "UpdateTrail",
    "sourceIPAddress": "111.111.111.111",
    "arrayKey": ["value", "another value"],
    "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
    "SomeObject": None,
    "ThisFlag": True,
    "cluster.name": "c",
}
USERS = {
    "user": {"id": 1, "email": "John.Stiles@example.com"},
    "users": [
        {"id": 2, "email": "John.Doe@example.com"},
        {"id": 3, "email": "Jane.Doe@example.com"},
    ],
    "actions": ["GET", "PUT", "DELETE"],
    "coordinates": [[0, 1, 2], [4, 5, 6], [7, 8, 9]],
    "latency": 1000.5,
}


@pytest.mark.parametrize(
    "condition",
    [
        '$.eventType = "UpdateTrail"',
        "$.eventType = *",
        '$.eventType = "*"',
        "$.eventType = Update*",
        "$.eventType = *Trail",
        "$.eventType = %^Up.*Trail$%",
        "$.eventType != %Down%",
        "$.sourceIPAddress != 123.123.*",
        '$.arrayKey[0] = "value"',
        '$.arrayKey[*] = "another value"',
        "$.objectList[1].id = 2",
        "$.objectList[*].id = 2",
        "$.objectList[0].* = a",
        "$.SomeObject IS NULL",
        "$.SomeOtherObject NOT EXISTS",
        "$.ThisFlag IS TRUE",
        "$.['cluster.name'] = c",
        '$["cluster.name"] = "c"',
    ],
)
def test_documented_conditions_that_hold(condition: str) -> None:
    assert matching("{ " + condition + " }", json.dumps(TRAIL)) != []


@pytest.mark.parametrize(
    "condition",
    [
        "$.eventType = Up*Trail",  # a wildcard in the middle is an asterisk
        "$.eventType = updatetrail",
        "$.arrayKey = *",  # neither string nor number: the format does not fit
        "$.arrayKey != 1",
        "$.missing != 1",  # nothing is unequal to what is not there
        "$.objectList[2].id = 2",
        "$.SomeObject = *",
        "$.SomeObject NOT EXISTS",
        "$.ThisFlag IS FALSE",
        "$.ThisFlag = *",
        "$.eventType IS NULL",
        "$.eventType > 1",
    ],
)
def test_documented_conditions_that_do_not_hold(condition: str) -> None:
    assert matching("{ " + condition + " }", json.dumps(TRAIL)) == []


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ('($.user.id = 1) && ($.users[0].email = "John.Doe@example.com")', True),
        ('($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET"', False),
        (
            '$.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch'
            " && $.actions[2] = nomatch",
            True,
        ),
        (
            '($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch)'
            " && $.actions[2] = nomatch",
            False,
        ),
        ("$.latency >= 500", True),
        ("$.latency > +1000", True),
        ("$.latency < 10e3", True),
        ("$.latency<=10e-3", False),
        ("$.latency = 1000.5", True),
        ("$.latency != 1000.5", False),
        ("$.user.id = 1.0", True),
        ('$.user.id = "1"', True),
        ("$.user.id = 1*", True),
        ("$.coordinates[2][2] >= 9", True),
        ("$.users != 1", False),
    ],
)
def test_documented_compound_and_numeric_conditions(condition: str, holds: bool) -> None:
    assert parse("{" + condition + "}").matches(json.dumps(USERS)) is holds


@pytest.mark.parametrize(
    "message", ["", "not json", '"text"', "1", "[1]", '{"a": 1} x', "[" * 9999]
)
def test_a_json_pattern_does_not_match_what_is_not_a_json_object(message: str) -> None:
    assert not parse("{ $.a = 1 }").matches(message)


VALUES: st.SearchStrategy[Any] = st.sampled_from(
    ["a", "ab", "b", "1", "x y", 1, 2, 2.5, -1, True, False, None, [1], {}]
)
EVENTS = st.dictionaries(st.sampled_from("pqr"), VALUES)
Naive = Callable[[dict[str, Any]], bool]
SELECTORS = st.sampled_from("pqr")


def _naive_equal(value: Any, operand: str) -> bool:
    if operand == "*":
        return True
    if operand.endswith("*"):
        return str(value).startswith(operand[:-1])
    if isinstance(value, str):
        return value == operand
    return bool(value == (float(operand) if operand.lstrip("-").isdigit() else operand))


def _simple(key: str, how: str, operand: str) -> tuple[str, Naive]:
    def holds(event: dict[str, Any]) -> bool:
        value = event.get(key)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return False
        if how in "=!=":
            return _naive_equal(value, operand) is (how == "=")
        if isinstance(value, str):
            return False
        return value < int(operand) if how == "<" else value >= int(operand)

    return f"$.{key} {how} {operand}", holds


def _is(key: str, word: str) -> tuple[str, Naive]:
    if word == "NOT EXISTS":
        return f"$.{key} NOT EXISTS", lambda event: key not in event
    value = {"NULL": None, "TRUE": True, "FALSE": False}[word]
    return f"$.{key} IS {word}", lambda event: key in event and event[key] is value


TESTS = (
    st.builds(
        _simple,
        SELECTORS,
        st.sampled_from(["=", "!="]),
        st.sampled_from(["a", "a*", "*", "1", "2"]),
    )
    | st.builds(_simple, SELECTORS, st.sampled_from(["<", ">="]), st.sampled_from(["1", "2", "-1"]))
    | st.builds(_is, SELECTORS, st.sampled_from(["NULL", "TRUE", "FALSE", "NOT EXISTS"]))
)


def _both(left: tuple[str, Naive], right: tuple[str, Naive]) -> tuple[str, Naive]:
    return f"({left[0]}) && ({right[0]})", lambda event: left[1](event) and right[1](event)


def _either(left: tuple[str, Naive], right: tuple[str, Naive]) -> tuple[str, Naive]:
    return f"({left[0]} || {right[0]})", lambda event: left[1](event) or right[1](event)


CONDITIONS = st.recursive(
    TESTS, lambda inner: st.builds(_both, inner, inner) | st.builds(_either, inner, inner)
)


@given(CONDITIONS, EVENTS)
def test_conditions_agree_with_a_naive_reading(
    condition: tuple[str, Naive], event: dict[str, Any]
) -> None:
    text, naive = condition
    assert parse("{" + text + "}").matches(json.dumps(event)) is naive(event)


@given(st.lists(TESTS, min_size=3, max_size=3), EVENTS)
def test_and_binds_tighter_than_or(tests: list[tuple[str, Naive]], event: dict[str, Any]) -> None:
    (a, holds_a), (b, holds_b), (c, holds_c) = tests
    expected = holds_a(event) or (holds_b(event) and holds_c(event))
    assert parse("{" + f"{a} || {b} && {c}" + "}").matches(json.dumps(event)) is expected


# -- Space-delimited --------------------------------------------------------------------------

OK = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 200 1534'
NOT_FOUND = '127.0.0.1 - frank [10/Oct/2000:13:35:22 -0700] "GET /a.gif HTTP/1.0" 404 324'
FAILED = '127.0.0.1 - frank [10/Oct/2000:13:50:35 -0700] "GET /a.gif HTTP/1.0" 500 4355\n'
REQUESTS = (OK, NOT_FOUND, FAILED)


def test_brackets_and_quotes_hold_words_together() -> None:
    assert split_words(OK) == [
        *("127.0.0.1", "-", "frank", "10/Oct/2000:13:25:15 -0700"),
        *("GET /index.html HTTP/1.0", "200", "1534"),
    ]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[ip, user, username, timestamp, request, status_code, bytes]", REQUESTS),
        ("[ip, user, username, timestamp, request, status_code]", ()),
        ("[..., status_code, bytes > 1000]", (OK, FAILED)),
        ("[ip, user, ..., status_code = 4*, bytes]", (NOT_FOUND,)),
        ("[ip, user, ...]", REQUESTS),
        ("[ip, user, u, t, request = *html*, status_code = 2*, bytes]", (OK,)),
        ("[..., request=*.html*, status_code=2*,]", (OK,)),
        ("[ip, user, u, t, r, status_code = 404 || status_code = 500, bytes]", (NOT_FOUND, FAILED)),
        ("[..., status_code = 4* && status_code != 403, bytes]", (NOT_FOUND,)),
        ("[..., (s = 404 || s = 500) && s != 4*, bytes]", (FAILED,)),
        ("[..., request = %a.gif%, status != %^4%, bytes]", (FAILED,)),
        ('[..., request = "GET /index.html HTTP/1.0", status, bytes]', (OK,)),
        ("[..., status = 500.0, bytes]", (FAILED,)),
        ("[w1, w2, w3, w4, w5, w6, w7, ..., w8]", ()),
    ],
)
def test_documented_columns(pattern: str, expected: tuple[str, ...]) -> None:
    assert matching(pattern, *REQUESTS) == list(expected)


def test_a_column_is_tested_where_it_stands() -> None:
    messages = ("ERROR WARN message", "ERROR message", "WARN message")
    assert matching("[w1=ERROR, w2]", *messages) == ["ERROR message"]
    assert matching("[w1=ERROR || w1=WARN, w2]", *messages) == ["ERROR message", "WARN message"]
    assert matching("[w1!=ERROR&&w1!=WARN, w2]", *messages) == []


def test_the_report_line_of_a_function_is_a_row_of_words() -> None:
    report = (
        "REPORT RequestId: 8b5d\tDuration: 12.5 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\t\n"
    )
    assert matching("[type=REPORT, _, id, d, ms > 10, ...]", report) == [report]
    assert matching("[type=REPORT, _, id, d, ms > 100, ...]", report) == []


# -- Regular expressions ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "text", "found"),
    [
        ("^[hc]at", "hat", True),
        ("^[hc]at", "that", False),
        ("[hc]at$", "black cat", True),
        ("[hc]at$", "black cat\n", True),
        ("[hc]at$", "cats", False),
        ("colou?r", "color", True),
        ("[abcx-z]", "y", True),
        ("^a{3,5}$", "aa", False),
        ("^a{3,5}$", "aaaaa", True),
        ("^a{3,5}$", "aaaaaa", False),
        ("^a{2}$", "aaa", False),
        ("^a{2,}$", "aaaaaaa", True),
        ("gray|grey", "grey", True),
        ("^gray|grey$", "gray!", True),
        (r"10\.10\.0\.1", "10.10.0.1", True),
        (r"10\.10\.0\.1", "10x10.0.1", False),
        (r"\[.\]", "[a]", True),
        (r"\x28\w+\x29", "f(x)", True),
        (r"\D\s\S\W", "a b!", True),
        ("[^a-z]", "abc", False),
        ("[a-]", "-", True),
        (".", "\n", False),
    ],
)
def test_documented_expressions(source: str, text: str, found: bool) -> None:
    assert Regex(source).search(text) is found


@pytest.mark.parametrize(
    "source",
    ["(", r"\(", "a!", "a b", "é", "*a", "a**", "a{", "a{x}", "a{3,2}", "[", "[]", "[z-a]", "a^",
     "$a", r"\n", r"\x2", "a{9999}", "a{1999}b{1999}", "a|b|*"],
)  # fmt: skip
def test_unsupported_expressions_are_refused(source: str) -> None:
    with pytest.raises(BadRegex):
        Regex(source)


ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\d", r"\w", r"\S", "1", r"\.", "_"])
REPEATS = st.sampled_from(["", "", "?", "*", "+", "{2}", "{1,2}", "{0,3}", "{1,}"])
BRANCHES = st.builds(
    lambda start, steps, end: start + "".join(a + r for a, r in steps) + end,
    st.sampled_from(["", "^"]),
    st.lists(st.tuples(ATOMS, REPEATS), max_size=5),
    st.sampled_from(["", "$"]),
)
TEXTS = st.text(alphabet="ab1._ \n", max_size=12)


@given(st.lists(BRANCHES, min_size=1, max_size=3).map("|".join), TEXTS)
def test_expressions_agree_with_a_backtracking_matcher(source: str, text: str) -> None:
    expected = re.search(source, text, re.ASCII) is not None
    assert Regex(source).search(text) is expected


def test_a_hostile_expression_looks_at_each_character_once() -> None:
    """`re` would take longer than anybody waits: the number of states stays small instead."""
    regex = Regex("a*" * 30 + "b")
    assert not regex.search("a" * 100_000)
    assert len(regex._states) <= 3


def test_what_an_expression_remembers_is_bounded() -> None:
    regex = Regex("^.*x$")
    assert not regex.search("".join(map(chr, range(0x4E00, 0x4E00 + 50_000))))
    assert sum(map(len, regex._states.values())) <= 20_000
    assert regex.search("还 x")
