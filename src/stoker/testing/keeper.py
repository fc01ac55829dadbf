"""Stands between a run of pytest and its server, so that the server ends however the run ends.

A run that is killed cannot stop its server; but then the other end of standard input is closed, and
that is what this process waits for. It is started as `python -m stoker.testing.keeper COMMAND ...`.
"""

import os
import subprocess
import sys
import threading


def keep(command: list[str]) -> int:
    """Run the command until standard input ends, or it ends by itself; its exit status."""
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def end_with_the_caller() -> None:
        while os.read(0, 4096):
            pass
        server.terminate()

    threading.Thread(target=end_with_the_caller, daemon=True).start()
    status = server.wait()
    return status if status >= 0 else 128 - status  # as shells tell of a signal


if __name__ == "__main__":
    sys.exit(keep(sys.argv[1:]))
