"""Who may import whom, as docs/ARCHITECTURE.md says it, kept true by machine."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "stoker"
MODULES = sorted(path for path in SOURCE.rglob("*.py") if path.name != "__init__.py")

# What waits, reads the time, draws numbers, logs or touches the machine.
IMPURE = {
    "asyncio", "concurrent", "ctypes", "fcntl", "logging", "multiprocessing", "os", "pathlib",
    "random", "secrets", "select", "shutil", "signal", "socket", "sqlite3", "subprocess",
    "tempfile", "threading", "time", "uuid", "uvloop",
}  # fmt: skip
# Of `server` and what stands beside it; nobody imports `server` but the command that runs it.
TOP = {"server", "running", "config", "config_page", "configured", "journal", "__main__"}


def allowed_by_the_architecture() -> dict[str, set[str]]:
    """The table in docs/ARCHITECTURE.md: | `layer` | `one`, `another` |."""
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text()
    table = text.partition("## Who may import whom")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)`[^|]*\| ([^|]*)\|$", table, re.MULTILINE)
    return {layer: set(re.findall(r"`(\w+)", may)) for layer, may in rows}


MAY_IMPORT = allowed_by_the_architecture()


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_point_downwards(path: Path) -> None:
    layer = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    for name in imported_names(path):
        parts = name.split(".")
        if parts[0] == "stoker" and layer not in TOP:
            assert len(parts) > 1, "import the module that is meant"
            allowed = parts[1] == layer or parts[1] in MAY_IMPORT[layer]
            assert allowed, f"{layer} imports {name}"
        if layer == "core":
            assert parts[0] not in IMPURE, f"core is pure, but imports {name}"


def test_every_layer_is_in_the_architecture() -> None:
    layers = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists()}
    assert layers == set(MAY_IMPORT)


def imported_names(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: absolute imports only"
            if node.module == "stoker":
                yield from (f"stoker.{alias.name}" for alias in node.names)
            else:
                yield node.module or ""
