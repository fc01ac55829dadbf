"""How far back, as people write it."""

import re

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def seconds(option: str, given: str) -> int:
    """Of "30s", "10m", "2h", "3d", "1w". Raise ValueError, which names the option."""
    read = re.fullmatch(r"(\d{1,9})([smhdw])", given, re.ASCII)
    if read is None:
        raise ValueError(f"--{option} {given}: a number and one of s, m, h, d, w")
    return int(read[1]) * _UNITS[read[2]]
