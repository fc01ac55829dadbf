"""Requests at random to everything that listens inside: each is refused, none breaks anything."""

from collections import Counter
from collections.abc import Callable

import pytest

from tests.isolation.conftest import FILES, Alone, Attack

pytestmark = pytest.mark.root
IN_INIT = FILES | {
    "main.py": "import surface\nFOUND = surface.ask(7, 150)\n"
    "def handler(event, context): return FOUND\n"
}


def check(outcomes: list[int | str]) -> None:
    counted = Counter(outcomes)
    failed = {what: n for what, n in counted.items() if isinstance(what, int) and what >= 500}
    assert failed.keys() <= {501}, counted  # what is not built says so
    assert counted[400] + counted[403] + counted[404] + counted[405] > len(outcomes) / 2, counted


@pytest.mark.parametrize("seed", range(4))
def test_no_request_in_an_invocation_is_answered_500_or_changes_it(seed: int, alone: Alone) -> None:
    assert alone("life.counts").value == [0, 0]
    before = alone.frozen()["id"]
    check(alone("surface.ask", seed=seed, count=250).value)
    assert alone("life.counts").value == [0, 0]
    assert alone.frozen()["id"] == before


def test_no_request_in_an_init_is_answered_500_or_ends_it(
    create: Callable[..., str], attack: Attack
) -> None:
    name = create(IN_INIT, Timeout=60)
    answer = attack("said in init", by=name)
    assert not answer.error, answer.value
    check(answer.value)
