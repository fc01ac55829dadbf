"""kill -9 while messages come to a function through a mapping: each comes at least once."""

import random
from pathlib import Path

import pytest

from tests.faults.scene import until
from tests.faults.test_events_killed import Lives, end_by_force

MESSAGES = 30  # sent in each life


def unseen(lives: Lives) -> set[str]:
    notes = lives.notes()
    sent = {message for what, message, _ in notes if what == "sent"}
    return sent - {message for what, message, _ in notes if what == "ran"}


def many_lives(folder: Path, rounds: int) -> None:
    draw, lives = random.Random(rounds), Lives(folder, "tests.faults.poll_life")
    for number in range(rounds):
        before = len(lives.notes())
        life = lives.begin(str(number), MESSAGES)
        try:
            lives.wait_for_notes(before + draw.randint(1, MESSAGES), life)
        finally:
            end_by_force(life)
    last = lives.begin("last", 0)
    try:
        until(lambda: unseen(lives), lambda messages: not messages)
    finally:
        end_by_force(last)
    assert any(what == "ran" for what, *_ in lives.notes())


def test_no_message_is_lost_by_kill_9(tmp_path: Path) -> None:
    many_lives(tmp_path, 2)


@pytest.mark.slow
def test_no_message_is_lost_in_fifty_kills(tmp_path: Path) -> None:
    many_lives(tmp_path, 50)
