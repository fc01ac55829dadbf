"""Where what the neighbours keep lies on the disk, and the line that its file begins with.

    FOLDER/state    a line of JSON (Head), and then a pickle (pickles.py)
           bodies/  what is in S3 (bodies.py)

Read by the server, too, which never looks at the pickle.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

FOLDER = Path("kept")  # in the neighbours' working directory
STATE = "state"
BODIES = "bodies"
ASIDE = "kept.aside"  # what could not be read: the whole folder, of the last time that happened
HEAD_BYTES = 1024


class Unreadable(Exception):
    """It is not of this program's writing, or of another version: what is wrong."""


@dataclass(frozen=True, slots=True)
class Head:
    format: int  # of the file
    moto: str  # its version
    python: str
    at: float  # seconds since 1970
    schedules: bool  # is something due without anybody asking?


def line(head: Head) -> bytes:
    return json.dumps(asdict(head)).encode() + b"\n"


def read(file: BinaryIO) -> Head:
    """The head; `file` then stands behind it. Raise Unreadable."""
    first = file.readline(HEAD_BYTES)
    try:
        found = Head(**json.loads(first))
        as_said = {name: type(value) for name, value in asdict(found).items()}
        if as_said != {"format": int, "moto": str, "python": str, "at": float, "schedules": bool}:
            raise ValueError
    except (TypeError, ValueError, RecursionError):
        raise Unreadable("it does not begin as it should") from None
    return found


def has_schedules(folder: Path) -> bool:
    """`folder`: the neighbours' own. Whether what lies there waits for its time."""
    try:
        with (folder / FOLDER / STATE).open("rb") as file:
            return read(file).schedules
    except (OSError, Unreadable):
        return False
