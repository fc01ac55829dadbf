"""The server gives up root for good once the launcher runs.

It becomes an unprivileged user in a mount namespace of its own, in which directories that only
root may enter (/root, say) are hidden behind an empty one, with just the paths put back that the
server needs: its interpreter, its source, its data. So a server that has been taken over can
neither read the operator's files nor start a privileged program.
"""

import contextlib
import os
from pathlib import Path

from stoker.sandbox.namespaces import syscalls as sys_

SERVER_UID = 358_399  # just below the sandboxes' (network.Block.uid), in nobody's range


def own(path: Path) -> None:
    """Hand a directory and all in it to the unprivileged server; made if missing."""
    path.mkdir(parents=True, exist_ok=True)
    if path.stat().st_uid == SERVER_UID:
        return
    for parent, directories, files in os.walk(path):
        for name in (*directories, *files):
            os.chown(Path(parent, name), SERVER_UID, SERVER_UID, follow_symlinks=False)
    os.chown(path, SERVER_UID, SERVER_UID)


def outlast_functions() -> None:
    """When the machine's memory runs out, everything else ends before the server and what it
    starts from now on (functions stand first in line: birth.c). Call as root."""
    with contextlib.suppress(OSError):  # a container may be forbidden to
        Path("/proc/self/oom_score_adj").write_text("-500")


def drop_root(visible: list[Path]) -> None:
    """Become the unprivileged server. Call as root, before any thread is started.

    visible: paths that must stay reachable, files or directories. After this nothing that needs
    privilege works any more, in this process and in whatever it starts.
    """
    sys_.unshare(sys_.CLONE_NEWNS)
    sys_.mount("none", "/", "", sys_.MS_REC | sys_.MS_PRIVATE)
    for closed, wanted in hidden_by(visible).items():
        _hide_all_but(closed, wanted)
    os.setgroups([])
    os.setresgid(SERVER_UID, SERVER_UID, SERVER_UID)
    os.setresuid(SERVER_UID, SERVER_UID, SERVER_UID)
    sys_.prctl(sys_.PR_SET_NO_NEW_PRIVS, 1)


def hidden_by(paths: list[Path]) -> dict[Path, list[Path]]:
    """For each topmost directory that others may not enter: which of paths lie below it."""
    found: dict[Path, list[Path]] = {}
    for path in dict.fromkeys(path.resolve() for path in paths if path.exists()):
        for ancestor in reversed(path.parents):
            if not ancestor.stat().st_mode & 0o001:
                found.setdefault(ancestor, []).append(path)
                break
    return found


def _hide_all_but(closed: Path, wanted: list[Path]) -> None:
    kept = [path for path in wanted if not any(other in path.parents for other in wanted)]
    trees = {path: sys_.open_tree(str(path), recursive=True) for path in kept}
    sys_.mount("stoker", str(closed), "tmpfs", sys_.MS_NOSUID | sys_.MS_NODEV, "mode=0755,size=1m")
    for path, tree in trees.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if os.path.isdir(f"/proc/self/fd/{tree}"):
            path.mkdir(exist_ok=True)
        else:
            path.touch()
        sys_.move_mount(tree, str(path))
        os.close(tree)
    with contextlib.suppress(OSError):
        os.chmod(closed, 0o755)
