"""The search for the pages that children write to ends, whoever of its processes is killed."""

import subprocess
import sys
from pathlib import Path

SEARCH = """
import os, sys
sys.path[:0] = sys.argv[2:]
from stoker.sandbox.namespaces import trial
trial.TASK, trial.PATIENCE_S = sys.argv[1], 0.1

def run(go):
    os.kill(os.getppid(), 9)
    go.recv(1)
    os._exit(0)

print(trial.spans(os.open("/proc", os.O_RDONLY), lambda: None, os.fork, run))
"""


def test_without_the_process_that_would_end_it_the_one_on_trial_ends(tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-c", SEARCH, str(tmp_path), *sys.path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout == "b''\n", done.stderr
