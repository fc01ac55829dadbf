"""What the page of Logs Insights makes of a query and of its results."""

from stoker.console.pages import insights
from stoker.core.log_insights.reading import read

BINS = [
    [["bin(1m)", "2026-11-22 10:00:00.000"], ["n", "3"], ["p99", "1.5"]],
    [["bin(1m)", "2026-11-22 10:02:00.000"], ["n", "4"], ["p99", ""]],
]


def test_every_example_can_be_read() -> None:
    for _, query in insights.EXAMPLES:
        assert read(query)


def test_a_mistake_is_shown_where_it_is() -> None:
    found = insights.mistake("fields @message\n| sorted @timestamp")
    assert found is not None
    assert found.before == "fields @message\n| "
    assert found.at + found.after == "sorted @timestamp"
    assert "'sorted'" in found.why
    ended = insights.mistake("filter ")
    assert ended is not None
    assert (ended.at, ended.after) == (" ", ""), "at the end there is a place for it, too"
    assert insights.mistake("limit 1") is None


def test_columns_come_as_rows_first_have_them_and_ptr_is_left_out() -> None:
    rows = [
        [["@message", "<b>"], ["@ptr", "1"]],
        [["@message", "x" * 3000], ["n", "1"], ["@ptr", "2"]],
        [["@xrayTraceId", "1-5e34a614-000000000000000000000000"], ["n", "2.5"]],
    ]
    found = insights.table(rows, "1")
    assert [(column.name, column.numeric) for column in found.columns] == [
        ("@message", False), ("n", True), ("@xrayTraceId", False),
    ]  # fmt: skip
    assert [cell.text for cell in found.rows[0]] == ["<b>", "", ""]
    assert found.rows[1][0].text.endswith("x… (1000 more characters)")
    assert found.rows[2][2].trace == "1-5e34a614-000000000000000000000000"


def test_a_page_of_results_that_is_not_there_is_the_nearest() -> None:
    rows = [[["n", str(number)]] for number in range(450)]
    assert [(p.number, p.pages, len(p.rows)) for p in (
        insights.table(rows, "1"), insights.table(rows, "3"), insights.table(rows, "9"),
        insights.table(rows, "²"), insights.table([], "2"),
    )] == [(1, 3, 200), (3, 3, 50), (3, 3, 50), (1, 3, 200), (1, 1, 0)]  # fmt: skip


def test_what_is_grouped_by_time_is_a_plot() -> None:
    found = insights.plots(BINS)
    first = 1795341600
    assert found["times"] == [first, first + 120]
    (plot,) = found["plots"]
    assert plot["title"] == "By bin(1m)"
    assert plot["lines"] == [
        {"name": "n", "values": [3.0, 4.0]}, {"name": "p99", "values": [1.5, None]},
    ]  # fmt: skip


def test_a_single_moment_stands_between_two_others() -> None:
    found = insights.plots(BINS[:1])
    assert [at - 1795341600 for at in found["times"]] == [-60, 0, 60]
    assert found["plots"][0]["lines"][0]["values"] == [None, 3.0, None]


def test_groups_beside_time_are_lines_of_their_own_and_not_too_many() -> None:
    rows = [[*row, ["level", level]] for row in BINS for level in ("INFO", "ERROR")]
    lines = insights.plots([[one for one in row if one[0] != "p99"] for row in rows])["plots"][0]
    assert [line["name"] for line in lines["lines"]] == ["INFO", "ERROR"]
    many = [[*BINS[0], ["user", f"u{number}"]] for number in range(100)]
    assert len(insights.plots(many)["plots"][0]["lines"]) == insights.LINES


def test_what_has_no_time_is_no_plot() -> None:
    for rows in ([], [[["n", "1"]]], [[["bin(1m)", "soon"], ["n", "1"]]]):
        assert insights.plots(rows) == {"times": [], "plots": []}


def test_groups_are_ticked_or_typed() -> None:
    form = {"in:/aws/lambda/a": "on", "query": "", "others": "/b, /aws/lambda/a  /c"}
    assert insights.chosen_of(form) == ("/aws/lambda/a", "/b", "/c")
