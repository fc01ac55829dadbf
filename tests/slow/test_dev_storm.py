"""`stoker dev` in a folder with 50,000 files, and while they come and go."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.developing import Dev, answer, until
from tests.running import StokerProcess

pytestmark = [pytest.mark.slow, pytest.mark.root]

SOURCE = "def handler(event, context): return {!r}\n"
FOLDERS, FILES = 2500, 20


def test_a_save_among_fifty_thousand_files_is_live(
    server: StokerProcess, lambda_client: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "stormy"
    folder.mkdir()
    (folder / "main.py").write_text(SOURCE.format("deployed"))
    with Dev(folder, server.url) as dev:
        dev.until("runs /")
        for number in range(FOLDERS):
            module = folder / "node_modules" / f"m{number}"
            module.mkdir(parents=True)
            for file in range(FILES):
                (module / f"{file}.js").write_text("x")
        for text in ("in the storm", "after it"):
            (folder / "main.py").write_text(SOURCE.format(text))
            until(lambda text=text: answer(lambda_client, folder.name), text)  # type: ignore[misc]
        shutil.rmtree(folder / "node_modules")
        (folder / "main.py").write_text(SOURCE.format("gone"))
        until(lambda: answer(lambda_client, folder.name), "gone")
    lambda_client.delete_function(FunctionName=folder.name)
