"""The documentation is complete, fresh, and points at things that are there."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from stoker import config_page
from stoker.cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def test_the_configuration_page_is_fresh() -> None:
    written = (ROOT / "docs" / "guide" / "configuration.md").read_text()
    assert written == config_page.page(), "run `make docs`"


def test_the_compatibility_page_is_fresh() -> None:
    written = (ROOT / "docs" / "COMPATIBILITY.md").read_text()
    script = ROOT / "scripts" / "generate_compatibility.py"
    made = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert written == made.stdout, "run `make docs`"


def test_every_command_is_in_the_guide() -> None:
    text = (ROOT / "docs" / "guide" / "commands.md").read_text()
    group = typer.main.get_group(app)
    for name, command in group.commands.items():
        names = [f"{name} {sub}" for sub in getattr(command, "commands", ())] or [name]
        for full in names:
            assert f"## `stoker {full}`" in text, f"docs/guide/commands.md lacks `stoker {full}`"


def test_a_line_says_of_each_command_what_it_is_for() -> None:
    """Those of `stoker --help`, of which Click would else cut off what is too long."""
    shown = CliRunner().invoke(app, ["--help"], terminal_width=80).stdout
    commands = shown.partition("\nCommands:\n")[2].splitlines()
    assert commands
    assert [line for line in commands if line.endswith("...")] == []


def test_every_page_is_found_from_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    linked = set(re.findall(r"\]\(([^)#\s]+)", index))
    pages = [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "guide").glob("*.md")]
    names = {str(page.relative_to(ROOT / "docs")) for page in pages} - {"README.md"}
    assert names - linked == set(), "docs/README.md lacks them"
    assert "](docs/README.md)" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), f"{target} is not there"


@pytest.mark.parametrize("page", ["SPECIFICATION.md", "docs/aws-cases.md"])
def test_every_promise_names_tests_that_exist(page: str) -> None:
    text = (ROOT / page).read_text()
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text)
    assert named
    for path, test in named:
        assert (ROOT / path).exists(), f"{path} is not there"
        if test:
            tree = ast.parse((ROOT / path).read_text())
            names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
            assert test in names, f"{path} has no {test}"
