"""What the pages of traces make of documents that anybody may have sent."""

import itertools
from typing import Any

import pytest

from stoker.console.asked import Where
from stoker.console.pages.traces import line, log_of
from stoker.console.trace_graph import BOX_WIDTH, NODES, columns, picture
from stoker.console.waterfall import ROWS, WIDTH, waterfall

REQUEST = "330c74ba-0000-4000-8000-000000000000"
TREE = [
    {"id": "f", "parent_id": "s", "name": "orders", "origin": "AWS::Lambda::Function",
     "start_time": 10.1, "end_time": 10.9, "fault": True,
     "cause": {"exceptions": [{"type": "ValueError", "message": "<b>", "stack": [
         {"path": "app.py", "line": 3, "label": "handler"}]}]},
     "subsegments": [
         {"id": "o", "name": "Overhead", "start_time": 10.8, "end_time": 10.9},
         {"id": "i", "name": "Initialization", "start_time": 10.1, "end_time": 10.3},
         {"id": "v", "name": "Invocation", "start_time": 10.3, "end_time": 10.8,
          "annotations": {"tier": "lead", "n": 3}, "metadata": {"space": {"deep": [1]}}},
     ]},
    {"id": "s", "name": "orders", "origin": "AWS::Lambda", "start_time": 10.0, "end_time": 11.0,
     "aws": {"request_id": REQUEST}},
    {"id": "d", "parent_id": "v", "name": "stock", "start_time": 10.4, "in_progress": True},
]  # fmt: skip


def test_each_span_stands_below_the_one_it_belongs_to() -> None:
    fall = waterfall(TREE)
    assert [(row.depth, row.name) for row in fall.rows] == [
        (0, "orders"), (1, "orders"), (2, "Initialization"), (2, "Invocation"), (3, "stock"),
        (2, "Overhead"),
    ]  # fmt: skip
    assert round(fall.ms) == 1000
    service, function, initialization, invocation, stock, _ = fall.rows
    assert (service.x, service.length) == (0, WIDTH)
    assert (round(initialization.x), round(initialization.length)) == (100, 200)
    assert (function.mood, function.said) == ("bad", "fault")
    assert function.exceptions == ("ValueError: <b>\n    app.py:3 handler",)
    assert invocation.facts == (("tier", "lead"), ("n", "3"), ("metadata space", '{"deep":[1]}'))
    assert (stock.mood, stock.said) == ("busy", "in progress")


def test_the_functions_rows_lead_to_their_log() -> None:
    service, function, *others = waterfall(TREE).rows
    where = Where("000000000000", "us-east-1")
    for row in (service, function):
        path = log_of(row, where, began=1000.0, now=1000.0 + 30 * 60)
        assert path.endswith(f"/functions/orders/logs?filter=%22{REQUEST}%22&minutes=60")
    assert [log_of(row, where, 0, 0) for row in others] == [""] * 4
    forged = {**TREE[1], "aws": {"request_id": '" or { $.secret = * }'}}
    assert waterfall([forged]).rows[0].request_id == ""


def test_rings_and_depths_and_numbers_of_strangers_have_an_end() -> None:
    ring = [
        {"id": "a", "parent_id": "b", "name": "a", "start_time": 1},
        {"id": "b", "parent_id": "a", "name": "b", "start_time": 2},
        {"id": "c", "parent_id": "c", "name": "c", "start_time": 3, "end_time": 1},
    ]
    assert sorted(row.name for row in waterfall(ring).rows) == ["a", "b", "c"]
    many = [{"id": str(n), "name": "x" * 9999, "start_time": n} for n in range(ROWS + 7)]
    fall = waterfall(many)
    assert (len(fall.rows), fall.left_out) == (ROWS, 7)
    assert len(fall.rows[0].name) <= 500
    assert waterfall([]).rows == ()


DEEP: list[Any] = []
for _ in range(600):
    DEEP = [DEEP]
ODD: list[Any] = [
    None, True, -1, 2**70, 1e308, float("nan"), "", "x", [], [None], {}, [{}], [{"stack": 1}], DEEP,
    {"exceptions": {}}, {"exceptions": [1, {}, {"stack": [1, {"path": DEEP}]}]}, {"request": 1},
    {"request": {"url": DEEP}, "response": {"status": {}}}, {"request_id": 1}, {"x": DEEP},
]  # fmt: skip
MEMBERS = (
    "id", "parent_id", "name", "start_time", "end_time", "in_progress", "subsegments", "cause",
    "http", "aws", "sql", "annotations", "metadata", "origin", "namespace",
)  # fmt: skip


def test_any_value_in_any_place_is_drawn_within_the_picture() -> None:
    for member, value in itertools.product(MEMBERS, ODD):
        for document in ({**TREE[0], member: value}, {member: value}):
            for row in waterfall([document, TREE[1], {"subsegments": [document]}]).rows:
                assert 0 <= row.x <= row.x + row.length <= WIDTH + 1e-6, (member, value)


@pytest.mark.parametrize("edges", [
    {0: [1], 1: [2], 2: []}, {0: [1, 2], 1: [2], 2: []}, {2: [1], 1: [0], 0: []},
    {0: [3], 1: [3], 3: [2], 2: []},
])  # fmt: skip
def test_who_asks_stands_left_of_who_is_asked(edges: dict[int, list[int]]) -> None:
    found = columns(edges)
    assert all(found[one] < found[other] for one, them in edges.items() for other in them)
    assert min(found.values()) == 0


def test_every_graph_of_three_has_its_columns_rings_too() -> None:
    pairs = list(itertools.product(range(3), repeat=2))
    for chosen in itertools.product((False, True), repeat=len(pairs)):
        edges: dict[int, list[int]] = {0: [], 1: [], 2: []}
        for (one, other), there in zip(pairs, chosen, strict=True):
            if there:
                edges[one].append(other)
        found = columns(edges)
        assert set(found) == {0, 1, 2}
        assert max(found.values()) <= 2


def asked(number: int, *asks: int, count: int = 1, faults: int = 0) -> dict[str, Any]:
    told = {
        "OkCount": count - faults, "FaultStatistics": {"TotalCount": faults},
        "ErrorStatistics": {"TotalCount": 0}, "TotalCount": count, "TotalResponseTime": count / 10,
    }  # fmt: skip
    edges = [{"ReferenceId": one, "SummaryStatistics": told} for one in asks]
    return {
        "ReferenceId": number, "Name": f"service {number} <with a long name>", "Type": "t",
        "Edges": edges, "SummaryStatistics": told,
    }  # fmt: skip


def test_no_two_services_stand_in_one_place_and_a_ring_is_drawn_below() -> None:
    drawn = picture([asked(0, 1, 2), asked(1, 2), asked(2, 0, count=4, faults=1)])
    assert len({(node.x, node.y) for node in drawn.nodes}) == 3
    assert all(node.x + BOX_WIDTH < drawn.width for node in drawn.nodes)
    assert [len(drawn.arrows), drawn.left_out] == [4, 0]
    third = next(node for node in drawn.nodes if node.whole.startswith("service 2"))
    assert (third.mood, third.share_bad, third.said) == ("bad", 0.25, "4 · 100 ms")
    assert len(third.name) < len(third.whole)


def test_the_services_that_are_asked_most_are_drawn() -> None:
    drawn = picture([asked(n, n + 1, count=n + 1) for n in range(NODES + 20)])
    assert (len(drawn.nodes), drawn.left_out) == (NODES, 20)
    assert picture([]).nodes == ()


def test_a_summary_is_a_line() -> None:
    told = {
        "Id": "1-6920e4f0-000000000000000000000000", "Duration": 0.25, "HasFault": True,
        "EntryPoint": {"Name": "orders", "Type": "AWS::Lambda"}, "ServiceIds": [{}, {}],
        "Http": {"HttpStatus": 200},
        "Annotations": {"tier": [{"AnnotationValue": {"StringValue": "lead"}}]},
    }  # fmt: skip
    found = line(told)
    assert (found.name, found.ms, found.said, found.mood) == ("orders", 250.0, "fault", "bad")
    assert (found.http, found.annotations, found.services) == ("200", "tier=lead", 2)
    assert line({"Id": told["Id"]}).name == ""
