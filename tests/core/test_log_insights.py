"""The query language of Logs Insights: what is read, found, counted and refused."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stoker.core.log_insights import pipeline
from stoker.core.log_insights.errors import MalformedQueryException
from stoker.core.log_insights.pipeline import Pipeline, TooMuch
from stoker.core.log_insights.reading import read
from stoker.core.log_insights.records import FIELDS, Record, discovered

NOON = 1_800_014_400_000  # 2027-01-15 12:00 UTC
ID = "8286a188-ba32-4475-8077-530cd35c09a9"
REPORT = (
    f"REPORT RequestId: {ID}\tDuration: 12.50 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\t"
    "Max Memory Used: 64 MB\tInit Duration: 99.25 ms\t\n"
)
MESSAGES = [
    f"START RequestId: {ID} Version: $LATEST\n",
    f"[INFO]\t2027-01-15T12:00:01.000Z\t{ID}\tuser=ann, took:15 ms\n",
    f"[ERROR]\t2027-01-15T12:00:02.000Z\t{ID}\tuser=bob, took:4 ms\n",
    json.dumps({"level": "warn", "user": {"name": "cid", "tags": ["x", "y"]}, "took": 40}),
    f"END RequestId: {ID}\n",
    REPORT,
]  # a minute apart, the latest first


def rows(query: str, messages: list[str] | None = None, limit: int = 10_000) -> list[Any]:
    """Without the pointer."""
    work = Pipeline(read(query), limit)
    for number, message in enumerate(MESSAGES if messages is None else messages):
        record = {
            "@timestamp": float(NOON - number * 60_000),
            "@message": message,
            "@logStream": f"s{number % 2}",
            "@ptr": str(number),
        }
        if not work.take(Record(dict(record))):
            break
    return [{name: value for name, value in row if name != "@ptr"} for row in work.results()]


def column(query: str, name: str) -> list[Any]:
    return [row.get(name) for row in rows(query)]


def test_without_fields_there_are_time_and_message() -> None:
    first, *_ = rows("limit 1")
    assert first == {"@timestamp": "2027-01-15 12:00:00.000", "@message": MESSAGES[0]}
    assert len(rows("limit 3")) == 3
    assert len(rows("fields @message", limit=2)) == 2


def test_lambda_s_lines_have_fields() -> None:
    [found] = rows(
        'filter @type = "REPORT" | fields @requestId, @duration, @billedDuration, @initDuration,'
        " @memorySize, @maxMemoryUsed / 1000 / 1000 as used"
    )
    assert found == {
        "@requestId": ID,
        "@duration": "12.5",
        "@billedDuration": "13",
        "@initDuration": "99.25",
        "@memorySize": "128000000",
        "used": "64",
    }
    assert column("filter ispresent(@requestId) | fields @type", "@type") == [
        "START", None, None, "END", "REPORT",
    ]  # fmt: skip
    traced = discovered(REPORT + "XRAY TraceId: 1-5-6\tSegmentId: 7\tSampled: true\n")
    assert (traced["@xrayTraceId"], traced["@xraySegmentId"]) == ("1-5-6", "7")


def test_json_has_its_members_also_behind_other_words() -> None:
    [found] = rows("filter level = 'warn' | fields user.name, user.tags.1, took + 2")
    assert found == {"user.name": "cid", "user.tags.1": "y", "took + 2": "42"}
    assert discovered('2027 INFO {"a": true}\n') == {"a": "true"}
    assert discovered("{no json}") == discovered("} {") == {}
    assert len(discovered(json.dumps({str(n): n for n in range(1000)}))) == FIELDS


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("@message like 'user='", 2),
        ("@message like /user=(ann|bob)/", 2),
        ("@message =~ /(?i)USER/", 3),
        ("@message not like /user/", 3),
        ("took > 39 and took <= 40.0", 1),
        ("took != 40", 5),
        ('level in ["warn", "error"]', 1),
        ('level not in ["warn"]', 5),
        ("not (level = 'warn' or @type = 'END')", 4),
        ("strlen(@type) = 3", 1),
        ("isempty(level)", 5),
        ("@timestamp >= 1800014280000", 3),
        ("-took < -1 and took * 2 / 4 % 7 = 6 and 2 ^ 3 = 8", 1),
        ("`user.name` = \"cid\" and user.name = 'cid'", 1),
        ("coalesce(level, 'none') = 'none' # a comment", 5),
        ("substr(@type, 0, 3) = 'STA' and tolower(@type) = 'start'", 1),
        ("replace(@type, 'END', 'x') = 'x'", 1),
    ],
)
def test_filter_keeps_what_is_so(condition: str, found: int) -> None:
    assert len(rows(f"filter {condition}")) == found


def test_parse_makes_fields_by_stars_and_by_groups() -> None:
    glob = "parse @message 'user=*, took:* ms' as who, ms | filter ispresent(who)"
    assert rows(f"{glob} | display who, ms") == [
        {"who": "ann", "ms": "15"}, {"who": "bob", "ms": "4"},
    ]  # fmt: skip
    groups = r"parse @message /user=(?<who>\w+), took:(?P<ms>\d+)/ | filter ms < 10"
    [found] = rows(f"{groups} | fields ms * 2 as twice")
    assert found == {"who": "bob", "ms": "4", "twice": "8"}


def test_stats_counts_by_groups() -> None:
    assert rows("stats count(*), sum(took), avg(@duration) as mean") == [
        {"count(*)": "6", "sum(took)": "40", "mean": "12.5"}
    ]
    found = rows("stats count(*) as n, max(@timestamp) as last by @logStream | sort n desc, last")
    assert [(row["@logStream"], row["n"]) for row in found] == [("s1", "3"), ("s0", "3")]
    found = rows("stats count(*) by bin(5m) | sort bin(5m) asc")
    assert found == [
        {"bin(5m)": "2027-01-15 11:55:00.000", "count(*)": "5"},
        {"bin(5m)": "2027-01-15 12:00:00.000", "count(*)": "1"},
    ]
    [found] = rows(
        "parse 'took:* ms' as ms | stats min(ms), max(ms), pct(ms, 50) as half, stddev(ms) as dev,"
        " count_distinct(@logStream), sum(ms) / count(ms) as mean, earliest(ms), latest(ms)"
    )
    assert float(found.pop("half")) == pytest.approx(4, rel=0.03)
    assert found == {
        "min(ms)": "4", "max(ms)": "15", "dev": "5.5", "count_distinct(@logStream)": "2",
        "mean": "9.5", "earliest(ms)": "4", "latest(ms)": "15",
    }  # fmt: skip
    assert rows("filter took > 99 | stats count(*), avg(took)") == [{"count(*)": "0"}]
    twice = rows("stats count(*) as n by @logStream | stats max(n) as most")
    assert twice == [{"most": "3"}]


def test_sort_orders_numbers_by_size_and_dedup_keeps_the_first() -> None:
    messages = [json.dumps({"n": n, "k": n % 2}) for n in (9, 100, 10, 1)]
    found = rows("fields n | sort n desc | limit 3", messages)
    assert [row["n"] for row in found] == ["100", "10", "9"]
    assert [row["n"] for row in rows("fields n | dedup k", messages)] == ["9", "100"]
    many = [json.dumps({"n": n * 7919 % 10_007}) for n in range(10_007)]
    assert [row["n"] for row in rows("fields n | sort n | limit 2", many)] == ["0", "1"]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("", "a command"),
        ("pattern @message", "pattern"),
        ("fields @message | unmask @message", "unmask"),
        ("fields", "a field"),
        ("fields sha1(@message)", "sha1"),
        ("filter", "a field"),
        ("filter a =", "a field"),
        ("filter a like /(/", "regular expression"),
        ("filter a like /(?=b)/", "regular expression"),
        ("filter (a = 1", "missing"),
        ("filter a = 'b", "a text"),
        ("filter and", "and"),
        ("parse @message 'x'", r"\*"),
        ("parse @message 'x*'", "as"),
        ("parse @message /x/", "groups"),
        ("stats a by b", "count"),
        ("stats count(count(*))", "count"),
        ("stats pct(a, 101)", "percentage"),
        ("stats count(*) by bin(5x)", "period"),
        ("limit 0", "limit"),
        ("limit 10001", "limit"),
        ("limit x", "a number"),
        ("sort a | | limit 1", "a command"),
        ("fields a b", "'\\|'"),
        ("filter " + "(" * 60 + "a" + ")" * 60, "nested"),
        ("filter " + "-" * 60 + "a", "nested"),
        (" | ".join(["limit 1"] * 60), "too many"),
        ("fields substr(a)", "substr"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(query: str, named: str) -> None:
    with pytest.raises(MalformedQueryException, match=named):
        read(query)


def test_what_would_keep_too_much_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "GROUPS", 3)
    with pytest.raises(TooMuch):
        rows("stats count(*) by @message")
    monkeypatch.setattr(pipeline, "BYTES", 1000)
    with pytest.raises(TooMuch):
        rows("fields @message")


def test_an_evil_expression_takes_no_longer_than_a_good_one() -> None:
    assert rows("filter @message like /^(a+)+$/", ["a" * 100_000 + "b"]) == []


words = [
    "fields", "filter", "stats", "sort", "limit", "parse", "dedup", "display", "|", "@message",
    "a", "count(*)", "count(", ")", "(", "by", "bin(5m)", "bin(", "'*'", "/(?<x>.)/", "as", "like",
    "in", "[", "]", ",", "1", "=", "<", "not", "and", "-", "*", "/", "desc", "'", '"', "`", "^",
]  # fmt: skip


@settings(max_examples=150)
@given(st.lists(st.sampled_from(words), max_size=10).map(" ".join))
def test_any_query_is_answered_or_refused(query: str) -> None:
    try:
        read(query)
    except MalformedQueryException:
        return
    for row in rows(query):
        assert all(isinstance(value, str) for value in row.values())
