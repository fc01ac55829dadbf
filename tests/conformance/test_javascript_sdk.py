"""The AWS SDK for JavaScript where managed Node.js functions expect it.

A stand-in for the SDK says where it was found; tests/slow has the real one.
"""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from stoker.runtimes.javascript_sdk import OLDEST_NODE
from tests.nodes import FOUND
from tests.running import StokerProcess, deploy, make_zip
from tests.user import call

NODES = [runtime for runtime in FOUND if int(runtime[6:8]) >= OLDEST_NODE]
pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(not NODES, reason=f"there is no Node.js from {OLDEST_NODE} on"),
]
PACKAGE = "@aws-sdk/client-lambda"
ESM = f"import sdk from '{PACKAGE}'; export const handler = async () => sdk;"
CJS = f"const sdk = require('{PACKAGE}'); exports.handler = async () => sdk;"


def package(folder: str, says: str) -> dict[str, str]:
    return {
        f"{folder}/{PACKAGE}/package.json": json.dumps({"version": "3.7.0", "main": "main.js"}),
        f"{folder}/{PACKAGE}/main.js": f"module.exports = ['{says}', __filename];",
    }


@contextmanager
def serving(folder: Path) -> Iterator[Any]:
    """Lambda of a server that finds the stand-in."""
    for name, text in package("runtimes/aws-sdk-js/node_modules", "sdk").items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    with (
        StokerProcess(folder / "data", "--runtimes-dir", str(folder / "runtimes")) as server,
        closing(server.client("lambda")) as client,
    ):
        yield client


def answer(functions: Any, files: dict[str, str], layers: tuple[str, ...] = ()) -> Any:
    settings = {"Runtime": NODES[0], "Handler": "index.handler", "Layers": layers}
    return call(functions, deploy(functions, files, **settings))[0]


def publish(functions: Any, files: dict[str, str]) -> tuple[str]:
    content = {"ZipFile": make_zip(files)}
    return (functions.publish_layer_version(LayerName="any", Content=content)["LayerVersionArn"],)


WRAPPER = {
    "nodejs/node_modules/wrapper/index.mjs": f"export {{ default }} from '{PACKAGE}';",
    "nodejs/node_modules/wrapper/package.json": '{"exports": "./index.mjs"}',
}
WRITE = """
import { writeFileSync } from "node:fs";
const folders = ["/var/runtime/node_modules", "/node_modules", "/var/node_modules"];
const refused = folders.map((folder) => {
  try { return writeFileSync(`${folder}/x`, ""); } catch (error) { return error.code; }
});
export const handler = async () => refused;"""


def test_both_kinds_of_modules_find_the_sdk_and_what_is_nearer_first(tmp_path: Path) -> None:
    inside = f"{PACKAGE}/main.js"
    with serving(tmp_path) as functions:
        layer = publish(functions, package("nodejs/node_modules", "layer"))
        for name, code in (("index.mjs", ESM), ("index.js", CJS)):
            plain = {name: code}
            assert answer(functions, plain) == ["sdk", f"/var/runtime/node_modules/{inside}"]
            assert answer(functions, plain, layer) == [
                "layer", f"/opt/nodejs/node_modules/{inside}",
            ]  # fmt: skip
        own = {"index.mjs": ESM, **package("node_modules", "function")}
        assert answer(functions, own, layer)[0] == "function"
        wrapped = {"index.mjs": ESM.replace(PACKAGE, "wrapper")}
        assert answer(functions, wrapped, publish(functions, WRAPPER))[0] == "sdk"
        absent = {"index.mjs": ESM.replace(PACKAGE, "@aws-sdk/absent")}
        assert "Cannot find package '@aws-sdk/absent'" in answer(functions, absent)["errorMessage"]
        assert answer(functions, {"index.mjs": WRITE}) == ["EROFS", "EROFS", "ENOENT"]
