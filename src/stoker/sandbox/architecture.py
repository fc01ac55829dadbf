"""What this machine is, and what its kernel emulates (core/architectures.py)."""

import platform
from pathlib import Path

from stoker.core.architectures import ARM64, BOTH, X86_64, Machine, is_emulator

REGISTERED = Path("/proc/sys/fs/binfmt_misc")
_ENTRY_BYTES = 8192


def this_machine(registered: Path = REGISTERED) -> Machine:
    """As it is now: an emulator that is installed later counts after the next start."""
    own = ARM64 if platform.machine() in ("aarch64", "arm64") else X86_64
    entries = _entries(registered)
    others = (name for name in BOTH if name != own)
    emulated = (name for name in others if any(is_emulator(entry, name) for entry in entries))
    return Machine(own, frozenset(emulated))


def _entries(registered: Path) -> list[str]:
    try:
        if (registered / "status").read_text().strip() != "enabled":
            return []
        names = sorted(path.name for path in registered.iterdir())
    except OSError:
        return []  # not mounted, or no such kernel
    found = []
    for name in names:
        try:
            with (registered / name).open(errors="replace") as file:
                found.append(file.read(_ENTRY_BYTES))
        except OSError:
            continue  # `register` cannot be read; others may go meanwhile
    return found
