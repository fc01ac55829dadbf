"""What this machine has left."""

import os

_FIELD = b"MemAvailable:"


def free_mb() -> float:
    """Memory that can be had without taking it from anybody (MemAvailable). Read in one go, and not
    to its end; it takes the kernel 140 us nevertheless (core/pool.py looks ahead)."""
    try:
        descriptor = os.open("/proc/meminfo", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return float("inf")
    try:
        head = os.read(descriptor, 512)
    finally:
        os.close(descriptor)
    _, found, rest = head.partition(_FIELD)
    return int(rest.split(None, 1)[0]) / 1024 if found else float("inf")
