"""What the kernel says of emulators, read from files as it shows them."""

import platform
from pathlib import Path

import pytest

from stoker.core.architectures import ARM64, X86_64, Machine
from stoker.sandbox.architecture import this_machine
from tests.core.test_architectures import JAR, PYTHON, QEMU

OWN = ARM64 if platform.machine() in ("aarch64", "arm64") else X86_64


def registered(folder: Path, **entries: str) -> Machine:
    for name, text in {"status": "enabled\n", **entries}.items():
        (folder / name).write_text(text)
    return this_machine(folder)


@pytest.mark.skipif(OWN != X86_64, reason="the entry is of an emulator of arm64")
def test_an_enabled_emulator_counts(tmp_path: Path) -> None:
    found = registered(tmp_path, **{"python3.11": PYTHON, "jar": JAR, "qemu-aarch64": QEMU})
    assert found == Machine(OWN, frozenset({ARM64}))


def test_where_all_entries_are_off_none_counts(tmp_path: Path) -> None:
    entries = {"qemu-aarch64": QEMU, "status": "disabled\n"}
    assert registered(tmp_path, **entries) == Machine(OWN)


def test_a_kernel_without_them_emulates_nothing(tmp_path: Path) -> None:
    assert this_machine(tmp_path / "nowhere") == Machine(OWN)
    assert registered(tmp_path) == Machine(OWN)


def test_what_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "went").symlink_to("nowhere")
    (tmp_path / "folder").mkdir()
    (tmp_path / "odd").write_bytes(b"enabled\xff\xfe\n\0")
    assert registered(tmp_path) == Machine(OWN)
