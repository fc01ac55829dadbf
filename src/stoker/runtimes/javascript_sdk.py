"""The AWS SDK for JavaScript, which managed Node.js functions find at /var/runtime/node_modules.

    <place>/aws-sdk-js/node_modules/@aws-sdk/client-s3/…

The same for all versions of Node.js. `nodejs/sdk/package.json` says which clients, its lock file
which releases; `stoker runtimes install` brings them.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stoker.runtimes.installed import places

NAME = "aws-sdk-js"  # for `stoker runtimes install`
WANTED = Path(__file__).parent / "nodejs" / "sdk"
OLDEST_NODE = 20  # that its releases run on
MODULES = "node_modules"
_A_CLIENT = "@aws-sdk/client-lambda"
_OF_AWS = ("@aws-sdk", "@smithy", "@aws", "@aws-crypto")
# What bundlers, editors and people read, and node does not: nine tenths of it.
_NOT_FOR_NODE = ("dist-types", "dist-es")
_NOT_FOR_NODE_SUFFIXES = (".d.ts", ".map", ".md")


@dataclass(frozen=True, slots=True)
class JavaScriptSdk:
    modules: Path  # the folder node_modules
    version: str  # of one client: they go up together, more or less


def find_sdk(runtimes_dir: Path | None = None) -> JavaScriptSdk | None:
    found = (sdk_at(place / NAME) for place in places(runtimes_dir))
    return next((sdk for sdk in found if sdk is not None), None)


def sdk_at(folder: Path) -> JavaScriptSdk | None:
    """The one in this folder, if there is one."""
    try:
        facts = json.loads((folder / MODULES / _A_CLIENT / "package.json").read_bytes())
        return JavaScriptSdk(folder / MODULES, str(facts["version"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def superfluous(modules: Path) -> Iterator[Path]:
    """Files and folders of a fresh installation that no running function reads."""
    for owner in (modules / name for name in _OF_AWS):
        for name in _NOT_FOR_NODE:
            yield from owner.rglob(name)
    for file in modules.rglob("*"):
        if file.name.endswith(_NOT_FOR_NODE_SUFFIXES):
            yield file
