"""The recipes of docs/guide/custom-runtimes.md, carried out as they stand there."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.running import REGION, StokerProcess

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "custom-runtimes.md"
# A language: the program it takes, and its error's type for no name.
ASKED = {
    "PHP": ("php", "InvalidArgumentException"),
    "Perl": ("perl", "Died"),
    "Bun": ("npm", "TypeError"),
}

pytestmark = pytest.mark.root  # /opt


def recipe(language: str) -> tuple[str, Any]:
    """All commands of a section as one script, and what the last of them prints."""
    section = GUIDE.read_text().partition(f"\n## {language}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    script = "".join(text for kind, text in blocks if kind == "sh")
    (printed,) = (text for kind, text in blocks if kind == "json")
    return "set -eu\n" + script, json.loads(printed)


@pytest.mark.parametrize(
    "language",
    ["PHP", "Perl", pytest.param("Bun", marks=pytest.mark.slow)],  # that one fetches 40 MB
)
def test_a_recipe_makes_a_function_that_answers_and_fails_as_it_says(
    language: str, server: StokerProcess, lambda_client: Any, tmp_path: Path
) -> None:
    program, error_type = ASKED[language]
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program} on this machine")
    script, printed = recipe(language)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "AWS_ENDPOINT_URL": server.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    name = f"hello-{language.lower()}"
    try:
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == printed
        failed = lambda_client.invoke(FunctionName=name, Payload=b"{}")
        assert failed["FunctionError"] == "Unhandled"
        with failed["Payload"] as payload:
            assert json.load(payload) == {
                "errorMessage": "who are you?",
                "errorType": error_type,
            }
    finally:
        lambda_client.delete_function(FunctionName=name)
