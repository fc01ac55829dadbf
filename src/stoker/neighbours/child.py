"""The process in which moto stands for AWS's other services.

    python -m stoker.neighbours.child FD SCALE BYTES

It answers HTTP on the listening Unix socket FD that it inherits, and ends when its standard
input does: when the server that started it closes it. It dies with a server that dies in another
way. What it keeps is in memory, and, soon after it changes, in its working directory, in at most
BYTES (keeping.py). For schedules time passes SCALE times as fast.

Functions may ask it, so it is shut in: it has no network (moto would send what a topic or an
integration is told to wherever it is told), and a bounded memory.
"""

import ctypes
import gc
import os
import resource
import signal
import socket
import sys

MEMORY_BYTES = 2 * 1024**3  # of its own; beyond it, requests fail
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000  # <linux/sched.h>


def shut_in(memory_bytes: int = MEMORY_BYTES, say: int = 1) -> None:
    """Give up the network, and memory without end. Unix sockets stay. Where the kernel does not
    let an ordinary user do that, say so on the descriptor `say`: standard output, where the server
    listens. Call while there is one thread only."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        reason = os.strerror(ctypes.get_errno())
        os.write(say, f"they reach the network: {reason} (unshare)\n".encode())
    # Should we be too busy to see that standard input has ended. Last: unshare() undoes it.
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    shut_in()
    for number in (signal.SIGINT, signal.SIGTERM):  # to all of us: the server will tell us
        signal.signal(number, signal.SIG_IGN)
    gc.disable()  # nothing that is loaded goes away: looking for it would take a tenth of the time
    from stoker.neighbours import moto_app  # only now: none of moto runs before we are shut in

    gc.freeze()
    gc.enable()
    listener = socket.socket(fileno=int(sys.argv[1]))
    moto_app.serve(listener, float(sys.argv[2]), int(sys.argv[3]))


if __name__ == "__main__":
    main()
