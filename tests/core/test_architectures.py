"""Which functions a machine runs by their architecture, and which emulators count."""

import pytest

from stoker.core.architectures import ARM64, X86_64, Machine, is_emulator, lack

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
PLAIN, EMULATING = Machine(X86_64), Machine(X86_64, frozenset({ARM64}))

# As Linux 6 shows what Debian's qemu-user-static registers.
QEMU = """enabled
interpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P
flags: POF
offset 0
magic 7f454c460201010000000000000000000200b700
mask ffffffffffffff00fffffffffffffffffeffffff
"""
QEMU_ARM = """enabled
interpreter /usr/libexec/qemu-binfmt/arm-binfmt-P
flags: POF
offset 0
magic 7f454c4601010100000000000000000002002800
mask ffffffffffffff00fffffffffffffffffeffffff
"""
PYTHON = """enabled
interpreter /usr/bin/python3.11
flags: F
offset 0
magic a70d0d0a
"""
JAR = "enabled\ninterpreter /usr/bin/jexec\nflags: F\nextension .jar\n"


@pytest.mark.parametrize(
    ("runtime", "architecture", "machine", "runs"),
    [
        ("python3.13", X86_64, PLAIN, True),
        ("provided.al2023", X86_64, EMULATING, True),
        ("provided.al2023", ARM64, EMULATING, True),
        ("provided.al2", ARM64, EMULATING, True),
        ("provided.al2023", ARM64, PLAIN, False),
        ("python3.13", ARM64, EMULATING, False),
        ("nodejs22.x", ARM64, EMULATING, False),
        ("dotnet8", ARM64, EMULATING, False),
        ("python3.13", ARM64, Machine(ARM64), True),
        ("provided.al2023", X86_64, Machine(ARM64), False),
        ("provided.al2023", X86_64, Machine(ARM64, frozenset({X86_64})), True),
    ],
)
def test_a_machine_runs_its_own_and_emulates_what_brings_its_program(
    runtime: str, architecture: str, machine: Machine, runs: bool
) -> None:
    assert (lack(ARN, runtime, architecture, machine) == "") is runs


def test_a_refusal_names_what_lacks_and_the_way_out() -> None:
    assert lack(ARN, "provided.al2023", ARM64, PLAIN) == (
        f"{ARN} is built for arm64 and this machine is x86_64. Update the function with"
        " Architectures [x86_64], or run it on a machine of its own kind, or install an emulator"
        " (`stoker doctor` says how)."
    )
    assert lack(ARN, "python3.13", ARM64, EMULATING) == (
        f"{ARN} is built for arm64 and this machine is x86_64, without an arm64 interpreter for"
        " python3.13: only OS-only runtimes (provided.*) can be emulated. Update the function with"
        " Architectures [x86_64], or run it on a machine of its own kind."
    )


def test_what_debian_registers_is_an_emulator_of_its_architecture_only() -> None:
    assert is_emulator(QEMU, ARM64)
    assert not is_emulator(QEMU, X86_64)


def test_a_mask_is_not_needed() -> None:
    lines = [line for line in QEMU.splitlines() if not line.startswith("mask")]
    assert is_emulator("\n".join(lines), ARM64)


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "enabled",
        QEMU.replace("enabled", "disabled"),
        QEMU.replace("flags: POF", "flags: PO"),  # a sandbox does not have the emulator's file
        QEMU.replace("flags: POF\n", ""),
        QEMU.replace("offset 0", "offset 4"),
        QEMU.replace("magic 7f", "magic 7"),
        QEMU.replace("mask ff", "mask no"),
        QEMU.replace("mask ff", "mask "),
        QEMU.replace("b700", "b701"),
        QEMU.replace("b700\n", "b70000\n").replace("ffffff\n", "ffffffff\n"),
        QEMU.replace("0200b700", "0200").replace("feffffff", "feff"),  # any executable at all
        QEMU_ARM,
        PYTHON,
        JAR,
    ],
)
def test_what_would_not_run_such_a_program_in_a_sandbox_is_no_emulator(entry: str) -> None:
    assert not is_emulator(entry, ARM64)
