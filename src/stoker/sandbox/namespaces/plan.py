"""What a sandbox's file system is made of: a list of operations, as data. Pure.

A *template* is built once per runtime (`template_plan`): a small tmpfs root with read-only binds
of the system's libraries, the language at /var/lang and the runtime client at /var/runtime, and
nothing else of the host. Every sandbox is a copy of its template's mounts plus `SANDBOX_PLAN`:
its own /tmp, its own /proc, and, when it gets a function, the code at /var/task and the layers at
/opt. Print it with `stoker sandbox explain`.
"""

from typing import NamedTuple

LAMBDA_UID, LAMBDA_GID = 993, 990  # sbx_user1051, as `id` prints in AWS's sandboxes


class Directory(NamedTuple):
    path: str
    mode: int = 0o755


class File(NamedTuple):
    path: str
    content: str
    mode: int = 0o644


class CopyOf(NamedTuple):
    """A small host file, copied when the template is built; left out if the host has none."""

    source: str
    path: str


class Link(NamedTuple):
    path: str
    target: str


class Device(NamedTuple):
    path: str
    major: int
    minor: int


class Bind(NamedTuple):
    """The host's `source`, read-only and without set-uid bits; `optional`: if it exists."""

    source: str
    path: str
    optional: bool = False


Operation = Directory | File | CopyOf | Link | Device | Bind

_PASSWD = (
    "root:x:0:0:root:/root:/bin/bash\n"
    f"sbx_user1051:x:{LAMBDA_UID}:{LAMBDA_GID}::/home/sbx_user1051:/sbin/nologin\n"
    "nobody:x:65534:65534:nobody:/:/sbin/nologin\n"
)
_GROUP = f"root:x:0:\nsbx_user1051:x:{LAMBDA_GID}:\nnogroup:x:65534:\n"
RESOLVER = "/etc/resolv.conf"
_HOSTS_RESOLVER = CopyOf(RESOLVER, RESOLVER)
PACKAGES = "/var/packages"  # what a folder that is developed needs beside itself

_HOSTS = "127.0.0.1 localhost sandbox sandbox.localdomain sandbox.local\n::1 localhost\n"
_NSSWITCH = "passwd: files\ngroup: files\nhosts: files dns\n"

_ETC_BINDS = ("alternatives", "ssl/certs", "ca-certificates", "pki", "java-11-openjdk",
              "java-17-openjdk", "java-21-openjdk", "ld.so.conf.d", "fonts", "perl")  # fmt: skip
_ETC_COPIES = ("ld.so.cache", "ld.so.conf", "mime.types", "services", "protocols", "os-release",
               "debian_version", "gai.conf")  # fmt: skip
_DEVICES = (("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9))


class Language(NamedTuple):
    """Where a managed runtime's distribution is, and how /var/lang is made of it."""

    prefix: str  # host path bound at /var/lang; "" if `links` make it of the system's /usr
    links: tuple[tuple[str, str], ...] = ()  # (path below /var/lang, target)
    modules: str | None = None  # of Node.js: host path of its AWS SDK, "" if there is none


# ES modules are not looked for in NODE_PATH but in each node_modules from /var/task upwards. So,
# in AWS's order: the layers', then the SDK's.
_NODE_LINKS = (
    Link("/var/node_modules", "/opt/nodejs/node_modules"),
    Link("/node_modules", "/var/runtime/node_modules"),
)


def template_plan(
    language: Language | None,
    runtime_dir: str | None,
    system_links: tuple[tuple[str, str], ...],
    libraries: tuple[str, ...] = (),
    resolver: CopyOf | File = _HOSTS_RESOLVER,
) -> list[Operation]:
    """The root file system of one runtime's sandboxes, parents before children.

    language: None for OS-only runtimes. runtime_dir: host path of what /var/runtime shows.
    resolver: makes the list of name servers that can be reached from another network namespace.
    libraries: host directories beyond the system's that the interpreter was linked against.
    system_links: the host's own links such as ("/bin", "usr/bin"); a name among /bin /sbin /lib
    /lib64 that is missing there is bound as the directory it is.
    """
    plan: list[Operation] = [Bind("/usr", "/usr")]
    linked = dict(system_links)
    for name in ("/bin", "/sbin", "/lib", "/lib64"):
        plan.append(Link(name, linked[name]) if name in linked else Bind(name, name, True))
    # AWS's /bin/sh is bash, and bootstraps rely on it (`source`, `pipefail`).
    plan.append(Bind("/usr/bin/bash", "/usr/bin/sh"))
    plan += [Directory("/etc"), Directory("/etc/ssl")]
    plan += [Bind(f"/etc/{name}", f"/etc/{name}", True) for name in _ETC_BINDS]
    plan += [CopyOf(f"/etc/{name}", f"/etc/{name}") for name in _ETC_COPIES]
    plan += [
        resolver,
        File("/etc/passwd", _PASSWD),
        File("/etc/group", _GROUP),
        File("/etc/hosts", _HOSTS),
        File("/etc/nsswitch.conf", _NSSWITCH),
        Directory("/dev"),
        *(Device(f"/dev/{name}", major, minor) for name, major, minor in _DEVICES),
        Link("/dev/fd", "/proc/self/fd"),
        Link("/dev/stdin", "/proc/self/fd/0"),
        Link("/dev/stdout", "/proc/self/fd/1"),
        Link("/dev/stderr", "/proc/self/fd/2"),
        *(Directory(name) for name in ("/proc", "/opt", "/var", "/var/task", "/var/tmp", PACKAGES)),
        Directory("/tmp", 0o1777),
    ]
    plan += [Bind(path, path) for path in libraries]
    if language is None:
        plan.append(Directory("/var/lang"))
    elif language.prefix:
        plan.append(Bind(language.prefix, "/var/lang"))
    else:
        plan += [Directory("/var/lang"), Directory("/var/lang/bin")]
        plan += [Link(f"/var/lang/{name}", target) for name, target in language.links]
    plan.append(
        Directory("/var/runtime") if runtime_dir is None else Bind(runtime_dir, "/var/runtime")
    )
    if language is not None and language.modules is not None:
        plan += _NODE_LINKS
        plan += [Bind(language.modules, "/var/runtime/node_modules")] if language.modules else []
    return plan


class Step(NamedTuple):
    """One thing done for each sandbox on top of its template; for people to read."""

    what: str
    where: str
    when: str  # "ahead" (in stock) or "cold start"


SANDBOX_PLAN = (
    Step("enter a network namespace of its own (lo; veth if egress is host)", "net", "ahead"),
    Step("join its cgroups: memory, cpu, pids, and cgroup 2 for freezing", "cgroup", "ahead"),
    Step("copy the template's mounts into a mount namespace of its own", "/", "ahead"),
    Step("new pid, ipc and uts namespaces", "pid ipc uts", "ahead"),
    Step("ext4 of the configured size on a file without a name, nosuid nodev", "/tmp", "ahead"),
    Step("proc of its own pid namespace, nosuid nodev noexec", "/proc", "ahead"),
    Step(f"user namespace: uid {LAMBDA_UID} inside, a uid of its own outside", "user", "ahead"),
    Step("no capabilities, no_new_privs, not dumpable, seccomp filter", "init", "ahead"),
    Step("managed Python: fork the runtime from the zygote, and warm it", "runtime", "ahead"),
    Step("memory.max from MemorySize", "cgroup", "cold start"),
    Step("the function's code, read-only nosuid nodev", "/var/task", "cold start"),
    Step("the layers, merged ahead, read-only nosuid nodev", "/opt", "cold start"),
    Step("`stoker dev`: packages beside the code, read-only nosuid nodev", PACKAGES, "cold start"),
    Step("cpu.max = MemorySize/1769 of a core, once init is over", "cgroup", "cold start"),
)


def explain(plan: list[Operation]) -> list[tuple[str, str, str]]:
    """(operation, path inside, detail) per line, in the order of execution."""
    rows: list[tuple[str, str, str]] = []
    for operation in plan:
        match operation:
            case Directory(path, mode):
                rows.append(("directory", path, f"{mode:04o}"))
            case File(path, content, mode):
                rows.append(("file", path, f"{len(content)} bytes, {mode:04o}"))
            case CopyOf(source, path):
                rows.append(("copy", path, source))
            case Link(path, target):
                rows.append(("link", path, target))
            case Device(path, major, minor):
                rows.append(("device", path, f"{major}:{minor}"))
            case Bind(source, path, optional):
                rows.append(("bind ro nosuid", path, source + (", if there" if optional else "")))
    return rows + [(f"then ({s.when})", s.where, s.what) for s in SANDBOX_PLAN]
