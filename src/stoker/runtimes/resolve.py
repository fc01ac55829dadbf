"""Where a runtime is, as one line of JSON: for the launcher, which asks in a process of its own.

    python -m stoker.runtimes.resolve python3.11 /var/lib/stoker/sandbox/runtimes

    {"prefix": "/opt/python/3.11", "links": [], "libraries": [],
     "executable": "/var/lang/bin/python3.11", "runtime_dir": "…", "sdk": "1.44.5",
     "parked": [], "forks": true, "modules": null}

With `forks` the zygote is the interpreter itself: Python. `parked` is the command of a runtime that
is started ahead rather than forked: Node.js, Ruby. With neither it is started for its function.
`modules` is Node.js's AWS SDK for JavaScript, "" if there is none for it.

With LINKS the prefix is "" and `links` has what /var/lang is made of; an OS-only runtime has
neither executable nor runtime_dir. {"error": "…"} is for the user to read.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stoker.core.limits import RUNTIMES, Family
from stoker.runtimes.found import Layout, RuntimeUnavailable, find_runtime
from stoker.runtimes.runtime_dir import build_runtime_dir, sdk_version


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m stoker.runtimes.resolve")
    parser.add_argument("--runtimes-dir", type=Path)
    parser.add_argument("--python-client", type=Path, help="a folder with awslambdaric")
    parser.add_argument("runtime")
    parser.add_argument("cache", type=Path, help="where directories for /var/runtime are kept")
    options = parser.parse_args(arguments)
    facts = resolve(options.runtime, options.cache, options.runtimes_dir, options.python_client)
    print(json.dumps(facts))


def resolve(
    runtime: str,
    cache: Path,
    runtimes_dir: Path | None = None,
    python_client: Path | None = None,
) -> dict[str, Any]:
    try:
        found = find_runtime(runtime, runtimes_dir=runtimes_dir)
        managed = found.executable is not None
        runtime_dir = str(build_runtime_dir(found, cache, python_client)) if managed else None
    except RuntimeUnavailable as error:
        return {"error": str(error)}
    return {
        "prefix": str(found.prefix) if found.layout is Layout.PREFIX else "",
        "links": found.links,
        "libraries": [str(directory) for directory in found.libraries],
        "executable": found.inside,
        "runtime_dir": runtime_dir,
        "sdk": sdk_version(found),
        "parked": list(found.ahead),
        "modules": found.node_modules,
        "forks": RUNTIMES[runtime].family is Family.PYTHON,
    }


if __name__ == "__main__":
    main()
