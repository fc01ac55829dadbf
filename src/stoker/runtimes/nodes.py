"""Node.js on this machine: where to look, and what one says about itself."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from stoker.runtimes.interpreters import SYSTEM, Interpreter, home, newest_first
from stoker.runtimes.probes import Probes, say

_QUESTION = """
const mapped = require("fs").readFileSync("/proc/self/maps", "utf8").match(/\\/.*\\.so\\b.*$/gm);
console.log(JSON.stringify({ version: process.versions.node, executable: process.execPath,
                             mapped: [...new Set(mapped)] }));
"""


def _ask(path: Path) -> Interpreter | None:
    facts = say([path, "-e", _QUESTION], without="NODE_")
    if facts is None:
        return None
    numbers = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", facts["version"])
    executable = Path(facts["executable"]).resolve()
    prefix = executable.parent.parent
    if numbers is None or executable != prefix / "bin" / "node" or not _is_own(prefix):
        return None
    major, minor, patch = map(int, numbers.groups())
    directories = {Path(mapped).parent for mapped in facts["mapped"]}
    beyond = {d for d in directories if not str(d).startswith(SYSTEM) and d != prefix / "lib"}
    return Interpreter((major, minor, patch), prefix, executable, tuple(sorted(beyond)))


def _is_own(prefix: Path) -> bool:
    """Whether the folder is an installation of Node.js: functions will see all that is in it.
    A home folder with a bin/node in it is none."""
    parts = ("include/node/node.h", "lib/node_modules/npm", "share/doc/node")
    return prefix in (Path("/usr"), Path("/usr/local")) or any((prefix / p).exists() for p in parts)


def node_candidates(runtime: str, major: int, places: Sequence[Path]) -> Iterator[Path]:
    """Where a node of this major version may be, best first. Most of these do not exist.

    places: folders with a prefix per runtime.
    """
    yield from (place / runtime / "bin" / "node" for place in places)
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(":") if folder]
    for name in ("node", f"node{major}", f"node-{major}", "nodejs"):
        yield from (folder / name for folder in folders)
    yield from (Path("/usr/bin/node"), Path("/usr/local/bin/node"))
    nvm = home("NVM_DIR", ".nvm") / "versions" / "node"
    volta = home("VOLTA_HOME", ".volta") / "tools" / "image" / "node"
    fnm = home("FNM_DIR", ".local/share/fnm") / "node-versions"
    yield from newest_first(nvm, f"v{major}.*", "node")
    yield from newest_first(volta, f"{major}.*", "node")
    for path in newest_first(fnm, f"v{major}.*", "node"):
        yield path.parents[1] / "installation" / "bin" / "node"
    yield from newest_first(Path("/opt"), f"node*{major}*", "node")


# What a path is, or None if it is no node that works. Runs it when it is new or changed.
probe_node = Probes(_ask)
