"""What processes have used of the cpu, as Lambda Insights asks for it."""

import os
import subprocess
import sys
from pathlib import Path

from stoker.core.lambda_insights import Traffic
from stoker.environment.insights import MOST, sent_and_received, used

BUSY = "import os\nwhile sum(os.times()[:2]) < 0.2: pass"


def test_a_child_that_was_waited_for_counts_for_its_parent() -> None:
    before = used([os.getpid()])
    subprocess.run([sys.executable, "-S", "-c", BUSY], check=True)
    after = used([os.getpid()])
    assert before is not None
    assert after is not None
    spent = after.since(before)
    assert spent is not None
    assert spent.user_ms + spent.system_ms >= 150


def test_what_crosses_the_border_of_an_environment_is_counted(tmp_path: Path) -> None:
    heads = "Inter-| Receive | Transmit\n face |bytes packets errs drop\n"
    for name, lines in (
        ("self", "eth0: 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9\n"),
        (
            "7",
            "  lo: 5 1 0 0 0 0 0 0 5 1 0 0 0 0 0 0\n  eth0:132 2 0 0 0 0 0 0 1174 3 0 0 0 0 0 0\n",
        ),
    ):
        (tmp_path / name / "net").mkdir(parents=True)
        (tmp_path / name / "net" / "dev").write_text(heads + lines)
    assert sent_and_received([7, 8], tmp_path) == Traffic(received=132, sent=1174)


def test_what_goes_over_the_servers_own_network_is_not_a_functions() -> None:
    assert sent_and_received([os.getpid()]) is None
    assert sent_and_received([]) is None
    assert sent_and_received([2**22 + 1]) is None


def test_more_processes_than_are_looked_at_are_not_half_counted() -> None:
    assert used([]) is None
    assert used([os.getpid()] * (MOST + 1)) is None
    assert used([os.getpid(), 2**22 + 1]) is not None, "one that has ended is no obstacle"
