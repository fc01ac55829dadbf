"""What a template follows of this host's own files."""

import contextlib
import os

from stoker.sandbox.namespaces.plan import RESOLVER, CopyOf


def system_links() -> tuple[tuple[str, str], ...]:
    """Which of /bin /sbin /lib /lib64 are links on this host, and where to."""
    names = [name for name in ("/bin", "/sbin", "/lib", "/lib64") if os.path.islink(name)]
    return tuple((name, os.readlink(name)) for name in names)


def name_servers() -> CopyOf:
    """The host's; not systemd's stub, which listens on the host's loopback only."""
    behind_stub = "/run/systemd/resolve/resolv.conf"
    with contextlib.suppress(OSError), open(RESOLVER) as file:
        if "127.0.0.53" in file.read() and os.path.exists(behind_stub):
            return CopyOf(behind_stub, RESOLVER)
    return CopyOf(RESOLVER, RESOLVER)
