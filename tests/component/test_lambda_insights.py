"""What processes have used of the cpu, as Lambda Insights asks for it."""

import os
import subprocess
import sys

from stoker.environment.insights import MOST, used

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


def test_more_processes_than_are_looked_at_are_not_half_counted() -> None:
    assert used([]) is None
    assert used([os.getpid()] * (MOST + 1)) is None
    assert used([os.getpid(), 2**22 + 1]) is not None, "one that has ended is no obstacle"
