"""The seccomp filter of a sandbox, as a classic BPF program. Pure.

A deny list: Lambda functions may be any program, so what cannot hurt is allowed. Refused are the
calls that reach the kernel's rarely used and privileged parts: mounts, namespaces, other
processes' memory, kernel modules and keys, tracing, clocks, io_uring, virtual-machine sockets.
`clone3` answers ENOSYS (its flags lie in memory, where a filter cannot look): glibc falls back to
`clone`, whose flags are looked at. A foreign ABI (32-bit, x32) is killed.
"""

import errno
import platform
import struct

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# name: (x86_64, aarch64); None where the architecture lacks it
_DENIED = {
    "ptrace": (101, 117), "syslog": (103, 116), "personality": (135, 92), "ustat": (136, None),
    "sysfs": (139, None), "modify_ldt": (154, None), "pivot_root": (155, 41),
    "_sysctl": (156, None), "adjtimex": (159, 171), "chroot": (161, 51), "acct": (163, 89),
    "settimeofday": (164, 170), "mount": (165, 40), "umount2": (166, 39), "swapon": (167, 224),
    "swapoff": (168, 225), "reboot": (169, 142), "sethostname": (170, 161),
    "setdomainname": (171, 162), "iopl": (172, None), "ioperm": (173, None),
    "create_module": (174, None), "init_module": (175, 105), "delete_module": (176, 106),
    "quotactl": (179, 60), "lookup_dcookie": (212, 18), "clock_settime": (227, 112),
    "kexec_load": (246, 104), "add_key": (248, 217),
    "request_key": (249, 218), "keyctl": (250, 219), "migrate_pages": (256, 238),
    "unshare": (272, 97), "move_pages": (279, 239), "perf_event_open": (298, 241),
    "fanotify_init": (300, 262), "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    "clock_adjtime": (305, 266), "setns": (308, 268), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "kcmp": (312, 272), "finit_module": (313, 273),
    "kexec_file_load": (320, 294), "bpf": (321, 280), "userfaultfd": (323, 282),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "pidfd_getfd": (438, 438), "mount_setattr": (442, 442), "quotactl_fd": (443, 443),
    "listns": (470, 470), "open_tree_attr": (467, 467),
}  # fmt: skip
_ABSENT = {  # answered as an older kernel would: programs have a fall-back for these
    "clone3": (435, 435), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
}  # fmt: skip
_CLONE = (56, 220)
_SOCKET = (41, 198)
_SOCKETPAIR = (53, 199)  # makes (and has the kernel load) any family, too

_NEW_NAMESPACES = 0x7E020000 | 0x80  # every CLONE_NEW*, with CLONE_NEWTIME
_ALLOWED_FAMILIES = (1, 2, 10, 16)  # AF_UNIX, AF_INET, AF_INET6, AF_NETLINK
_X32_BIT = 0x40000000

_LD, _JEQ, _JGE, _JSET, _RET = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_NR, _ARCH, _ARG0 = 0, 4, 16


def program(machine: str = "") -> bytes:
    """The filter for machine (default: this one), as the bytes of a sock_filter array."""
    machine = machine or platform.machine()
    column = list(_AUDIT_ARCH).index(machine)
    code = [
        _op(_LD, _ARCH),
        _op(_JEQ, _AUDIT_ARCH[machine], 1, 0),
        _op(_RET, _KILL),
        _op(_LD, _NR),
    ]
    if machine == "x86_64":
        code += [_op(_JGE, _X32_BIT, 0, 1), _op(_RET, _KILL)]
    for table, answer in ((_DENIED, errno.EPERM), (_ABSENT, errno.ENOSYS)):
        for numbers in table.values():
            number = numbers[column]
            if number is not None:
                code += [_op(_JEQ, number, 0, 1), _op(_RET, _error(answer))]
    code += [
        _op(_JEQ, _CLONE[column], 0, 4),
        _op(_LD, _ARG0),
        _op(_JSET, _NEW_NAMESPACES, 0, 1),
        _op(_RET, _error(errno.EPERM)),
        _op(_RET, _ALLOW),
        _op(_JEQ, _SOCKETPAIR[column], 1, 0),
        _op(_JEQ, _SOCKET[column], 0, 2 + len(_ALLOWED_FAMILIES)),
        _op(_LD, _ARG0),
    ]
    count = len(_ALLOWED_FAMILIES)
    code += [_op(_JEQ, family, count - i, 0) for i, family in enumerate(_ALLOWED_FAMILIES)]
    code += [_op(_RET, _error(errno.EAFNOSUPPORT)), _op(_RET, _ALLOW)]
    return b"".join(code)


def _error(number: int) -> int:
    return 0x00050000 | number


def _op(code: int, k: int, jump_true: int = 0, jump_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, jump_true, jump_false, k)
