"""Which functions a machine can run by their architecture: its own, and of the other one those that
bring their program with them, where the kernel has an emulator for it.

The emulator is user-mode: the kernel starts it in the program's place (binfmt_misc), in the sandbox
as anywhere. A managed runtime of the other architecture would take an interpreter of that, with its
libraries, which nothing here installs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from stoker.core.limits import RUNTIMES, Family

X86_64: Final = "x86_64"
ARM64: Final = "arm64"
BOTH: Final = (X86_64, ARM64)  # AWS's names, all that there are

# How an executable of each begins: 64 bits, little-endian, and e_machine (elf.h).
_ELF = bytes.fromhex("7f454c46 02010100 0000000000000000 0200")
_BEGINS: Final[Mapping[str, bytes]] = {
    X86_64: _ELF + (62).to_bytes(2, "little"),
    ARM64: _ELF + (183).to_bytes(2, "little"),
}


@dataclass(frozen=True, slots=True)
class Machine:
    """`emulates`: of the architectures that are not its own."""

    architecture: str = X86_64
    emulates: frozenset[str] = frozenset()


def lack(arn: str, runtime: str, architecture: str, machine: Machine) -> str:
    """Why this function cannot run here, for its owner to read; "" if it can."""
    if architecture == machine.architecture:
        return ""
    alone = RUNTIMES[runtime].family is Family.OS_ONLY
    if alone and architecture in machine.emulates:
        return ""
    of = f"{arn} is built for {architecture} and this machine is {machine.architecture}"
    remedy = (
        f"Update the function with Architectures [{machine.architecture}], or run it on a machine"
        " of its own kind"
    )
    if alone:
        return f"{of}. {remedy}, or install an emulator (`stoker doctor` says how)."
    return (
        f"{of}, without an {architecture} interpreter for {runtime}: only OS-only runtimes"
        f" (provided.*) can be emulated. {remedy}."
    )


def is_emulator(entry: str, architecture: str) -> bool:
    """Does this entry of binfmt_misc run programs of that architecture, in sandboxes as well?

    Those have other files than the machine: the kernel must have opened the emulator when it was
    registered (flag F, https://docs.kernel.org/admin-guide/binfmt-misc.html).
    """
    first, *lines = entry.splitlines() or [""]
    said = dict(line.partition(" ")[::2] for line in lines)
    if first != "enabled" or "F" not in said.get("flags:", "") or said.get("offset") != "0":
        return False
    try:
        magic = bytes.fromhex(said.get("magic", ""))
        mask = bytes.fromhex(said["mask"]) if "mask" in said else b"\xff" * len(magic)
    except ValueError:
        return False
    begins = _BEGINS[architecture]
    if len(mask) != len(magic) or not len(_ELF) < len(magic) <= len(begins):
        return False  # it would take any executable, or none
    seen = bytes(one & bits for one, bits in zip(begins, mask, strict=False))
    return seen == bytes(one & bits for one, bits in zip(magic, mask, strict=True))
