"""Small modules, small functions, and none of the words that say nothing."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = [ROOT / name for name in ("src", "tests", "bench", "examples", "scripts")]
GENERATED = ROOT / "src" / "stoker" / "api" / "shapes"
FILES = sorted(
    path for folder in FOLDERS for path in folder.rglob("*.py") if GENERATED not in path.parents
)
LONGEST_MODULE = 500
LONGEST_FUNCTION = 70
# "handler" is the user's; "executor" only as the standard library's word.
OPERATIONS = {"get_service_graph"}  # that AWS calls so
EMPTY_WORDS = {
    "manager",
    "service",
    "engine",
    "helper",
    "helpers",
    "util",
    "utils",
    "common",
    "misc",
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_modules_and_functions_fit_the_mind(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= LONGEST_MODULE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            assert lines <= LONGEST_FUNCTION, f"{node.name} has {lines} lines"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_names_say_something(path: Path) -> None:
    names = [path.stem]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.append(node.name)
    for name in names:
        words = re.findall(r"[a-z]+|[A-Z][a-z]*", name)
        empty = EMPTY_WORDS.intersection(word.lower() for word in words)
        # AWS's own names, such as ServiceException, are AWS's to choose.
        allowed = name.startswith("Service") or name in OPERATIONS
        assert not empty or allowed, f"{name}: '{empty.pop()}' says nothing"
