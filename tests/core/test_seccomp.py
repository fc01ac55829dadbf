"""The seccomp filter, run by a small interpreter of classic BPF."""

import errno
import struct

import pytest

from stoker.sandbox.namespaces import seccomp

X86, ARM = 0xC000003E, 0xC00000B7
ALLOW, KILL = 0x7FFF0000, 0x80000000


def run(machine: str, number: int, arch: int, argument: int = 0) -> int:
    """What the kernel would do with this call: the filter's return value."""
    packet = struct.pack("=IIQ6Q", number, arch, 0, argument, *(0,) * 5)
    program = seccomp.program(machine)
    code = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    at, accumulator = 0, 0
    while True:
        operation, jump_true, jump_false, k = code[at]
        at += 1
        match operation:
            case 0x20:
                accumulator = struct.unpack_from("=I", packet, k)[0]
            case 0x15:
                at += jump_true if accumulator == k else jump_false
            case 0x35:
                at += jump_true if accumulator >= k else jump_false
            case 0x45:
                at += jump_true if accumulator & k else jump_false
            case 0x06:
                return int(k)
            case _:
                raise AssertionError(f"unknown operation {operation:#x}")


def refused(number: int) -> int:
    return 0x00050000 | number


MACHINES = {
    "x86_64": (X86, {"read": 0, "fork": 57, "execve": 59, "clone": 56, "socket": 41, "mount": 165,
                     "ptrace": 101, "unshare": 272, "bpf": 321, "setns": 308}),
    "aarch64": (ARM, {"read": 63, "execve": 221, "clone": 220, "socket": 198, "mount": 40,
                      "ptrace": 117, "unshare": 97, "bpf": 280, "setns": 268}),
}  # fmt: skip


@pytest.mark.parametrize("machine", MACHINES)
class TestFilter:
    def test_ordinary_calls_pass(self, machine: str) -> None:
        arch, numbers = MACHINES[machine]
        for name in ("read", "execve"):
            assert run(machine, numbers[name], arch) == ALLOW, name

    def test_privileged_calls_are_refused(self, machine: str) -> None:
        arch, numbers = MACHINES[machine]
        for name in ("mount", "ptrace", "unshare", "bpf", "setns"):
            assert run(machine, numbers[name], arch) == refused(errno.EPERM), name

    def test_a_thread_or_a_child_may_be_made_but_no_namespace(self, machine: str) -> None:
        arch, numbers = MACHINES[machine]
        pthread_flags, sigchld = 0x3D0F00, 17
        assert run(machine, numbers["clone"], arch, pthread_flags) == ALLOW
        assert run(machine, numbers["clone"], arch, sigchld) == ALLOW
        for namespace in (0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000,
                          0x40000000):  # fmt: skip
            answer = run(machine, numbers["clone"], arch, sigchld | namespace)
            assert answer == refused(errno.EPERM), hex(namespace)

    def test_clone3_and_io_uring_are_not_there(self, machine: str) -> None:
        arch, _ = MACHINES[machine]
        for number in (435, 425, 426, 427):
            assert run(machine, number, arch) == refused(errno.ENOSYS)

    def test_only_local_and_internet_sockets(self, machine: str) -> None:
        arch, numbers = MACHINES[machine]
        allowed = [f for f in range(64) if run(machine, numbers["socket"], arch, f) == ALLOW]
        assert allowed == [1, 2, 10, 16]  # unix, inet, inet6, netlink; no packet, alg, vsock

    def test_a_foreign_architecture_is_killed(self, machine: str) -> None:
        arch, _ = MACHINES[machine]
        for other in {X86, ARM, 0x40000003} - {arch}:
            assert run(machine, 0, other) == KILL


def test_the_x32_abi_is_killed() -> None:
    assert run("x86_64", 0x40000000 | 165, X86) == KILL
