"""Where the runtimes are that were installed for Stoker: one folder per runtime of Lambda's.

    <place>/nodejs22.x/bin/node     a prefix, or a link to one

The place is one for the whole machine, so that every server and every data folder finds them.
"""

import os
from pathlib import Path

FOR_ALL = Path("/usr/local/lib/stoker/runtimes")


def shared_place() -> Path:
    """Where `stoker runtimes install` puts a runtime unless it is told otherwise."""
    if os.geteuid() == 0:
        return FOR_ALL
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "stoker" / "runtimes"


def places(runtimes_dir: Path | None) -> list[Path]:
    """Where to look, best first. A server that runs as root believes no other user's folder."""
    found = [runtimes_dir] if runtimes_dir is not None else []
    return list(dict.fromkeys([*found, shared_place(), FOR_ALL]))
