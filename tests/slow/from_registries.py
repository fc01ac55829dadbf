"""What others published, at the versions that tests name."""

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

UV = Path(sys.executable).with_name("uv")
INSTALL_S = 300
Files = dict[str, str | bytes]

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="needs npm")


def python_packages(folder: Path, *packages: str) -> Path:
    """Installed into `folder`, which is then one for sys.path."""
    command = [UV, "pip", "install", "-q", "--python", sys.executable, "--target", folder]
    subprocess.run([*command, *packages], check=True, timeout=INSTALL_S)
    return folder


def node_packages(folder: Path, *packages: str) -> Path:
    """Installed into `folder`/node_modules. No package runs anything as it is installed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text("{}")
    options = ("--silent", "--no-audit", "--no-fund", "--ignore-scripts")
    command = ["npm", "install", *options, *packages]
    subprocess.run(command, cwd=folder, check=True, timeout=INSTALL_S)
    return folder / "node_modules"


def node_package(folder: Path, package: str) -> Path:
    """One package as it was published, without what it needs: its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True, timeout=INSTALL_S)
    (packed,) = folder.glob("*.tgz")
    with tarfile.open(packed) as content:
        content.extractall(folder, filter="data")
    return folder / "package"


def files_of(folder: Path, at: str) -> Files:
    """Its files under the name `at`, as a layer or a package is to have them."""
    left_out = (".pyc", ".map", ".d.ts", ".lock")
    return {
        f"{at}/{path.relative_to(folder)}": path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(left_out)
    }


def publish(functions: Any, name: str, content: bytes) -> str:
    made = functions.publish_layer_version(LayerName=name, Content={"ZipFile": content})
    arn: str = made["LayerVersionArn"]
    return arn
