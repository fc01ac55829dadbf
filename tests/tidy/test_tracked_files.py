"""The repository says nothing about the machine it was written on."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Written so that this file does not match itself.
ELSEWHERE = re.compile(
    r"/wor[k]/|/opt/wheel[s]|\bregistry[.]npmjs|pypi[.]or[g]|pythonhosted[.]or[g]"
)


def tracked_files() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listing.stdout.split("\0") if name]


def test_no_file_names_this_machine_or_a_registry_host() -> None:
    for path in tracked_files():
        if path.is_file():
            found = ELSEWHERE.search(path.read_text(errors="replace"))
            assert not found, f"{path.relative_to(ROOT)} says {found and found[0]}"


def test_the_lock_file_has_hashes_and_no_hosts() -> None:
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    packages = [line for line in text.splitlines() if "==" in line]
    assert len(packages) > 20
    for block in re.split(r"\n(?=\S)", text.strip()):
        assert "--hash=sha256:" in block, f"{block.splitlines()[0]} has no hash"
