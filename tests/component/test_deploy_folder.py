"""What `stoker deploy` makes of a folder."""

import io
import zipfile
from pathlib import Path

import pytest

from stoker.cli.deploy import detect
from stoker.cli.package import package

PYTHON = "def {}(event, context): return event\n"


@pytest.mark.parametrize(
    ("files", "handler"),
    [
        ({"main.py": PYTHON.format("handler")}, "main.handler"),
        ({"zz.py": PYTHON.format("lambda_handler")}, "zz.lambda_handler"),
        ({"a.py": "x = 1", "app.py": PYTHON.format("lambda_handler")}, "app.lambda_handler"),
        ({"main.py": "def handler(event): ...", "b.py": PYTHON.format("main")}, "b.main"),
        ({"main.py": "no python", "index.mjs": "export const handler = 1"}, "index.handler"),
        ({"index.js": "exports.handler = async () => 1"}, "index.handler"),
        ({"bootstrap": "#!/bin/sh", "main.py": PYTHON.format("handler")}, "bootstrap"),
        ({"main.py": "def helper(event, context): ..."}, None),
        ({"index.js": "function handler() {}"}, None),
        ({}, None),
    ],
)
def test_a_handler_is_recognised(
    tmp_path: Path, files: dict[str, str], handler: str | None
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    found = detect(tmp_path)
    assert (found and found.handler) == handler


def test_a_package_has_modes_and_links_and_nothing_of_the_workshop(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tool").write_text("#!/bin/sh")
    (tmp_path / "bin" / "tool").chmod(0o755)
    (tmp_path / "link").symlink_to("bin/tool")
    (tmp_path / "bin" / "__pycache__").mkdir()
    (tmp_path / "bin" / "__pycache__" / "x.pyc").write_text("")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("")
    data = package(tmp_path)
    archive = zipfile.ZipFile(io.BytesIO(data))
    modes = {one.filename: oct(one.external_attr >> 16) for one in archive.infolist()}
    assert modes == {"bin/tool": "0o100755", "link": "0o120777"}
    assert archive.read("link") == b"bin/tool"
    (tmp_path / "bin" / "tool").touch()
    assert package(tmp_path) == data, "the same files are the same package"
