"""How often one chain of events has come to a function: what finds loops. Pure.

    X-Amzn-Trace-Id: Root=1-…;Parent=…;Sampled=0;Lineage=a87bd80c:1|68fd508a:5

Each function has a name of 8 hex digits in the lineage, and a number: 0 in the header of its
first invocation, one more each time that the chain comes back. AWS's SDKs hand the header on from
inside a function (and SQS, SNS and S3 with what they carry), so that the whole chain has it. AWS
stops a chain at "approximately 16" invocations of one function; here it is exactly so many.
"""

import hashlib
from functools import lru_cache

KIND = "recursion"  # in the store: what becomes of a function's loops
TURNS = 16  # invocations of one function in one chain of events
ENTRIES = 32  # kept of a header; who sends more loses the oldest
_FIELD = ";Lineage="


@lru_cache(maxsize=4096)
def mark(arn: str) -> str:
    """The name of a function in a lineage."""
    return hashlib.sha256(arn.encode()).hexdigest()[:8]


def advanced(header: str, name: str) -> tuple[str, int]:
    """The header for the next invocation of `name`, and how often the chain has been there."""
    at = header.find(_FIELD)
    if at < 0:
        return f"{header}{_FIELD}{name}:0", 0
    start = at + len(_FIELD)
    end = header.find(";", start)
    end = len(header) if end < 0 else end
    entries, turns = [], 0
    for entry in header[start:end].split("|"):
        who, _, count = entry.partition(":")
        if who != name:
            entries.append(entry)
        elif count.isascii() and count.isdigit():
            turns = min(int(count[:4]) + 1, TURNS)
    entries = [entry for entry in entries if entry][-ENTRIES + 1 :]
    lineage = "|".join([*entries, f"{name}:{turns}"])
    return f"{header[:start]}{lineage}{header[end:]}", turns


def turns(header: str, name: str) -> int:
    """What `advanced` said when it made this header."""
    lineage = header.partition(_FIELD)[2].partition(";")[0]
    for entry in lineage.split("|"):
        who, _, count = entry.partition(":")
        if who == name and count.isascii() and count.isdigit():
            return int(count[:4])
    return 0
