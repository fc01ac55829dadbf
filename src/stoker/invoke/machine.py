"""What this machine has left."""

import re
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")


def free_mb() -> float:
    """Memory that can be had without taking it from anybody (MemAvailable)."""
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB", _MEMINFO.read_text(), re.MULTILINE)
    except OSError:
        found = None
    return int(found[1]) / 1024 if found else float("inf")
