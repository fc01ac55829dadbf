"""Controllers of version 2 reach the sandboxes also where processes are in the group above them."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from stoker.sandbox.namespaces.cgroups import Cgroups, Layout, make_way, step_back

pytestmark = pytest.mark.root
CONTROLLER = "hugetlb"  # the kernel's rule is the same; version 2 has it beside version 1's, too


@pytest.fixture
def container() -> Iterator[Path]:
    """A group as a container sees its own: the root of what there is, with its processes in it."""
    unified = Path(Layout.detect().unified)
    if CONTROLLER not in _words(unified / "cgroup.controllers"):
        pytest.skip(f"no cgroup v2 with {CONTROLLER}")
    handed = unified / "cgroup.subtree_control"
    before = _words(handed)
    handed.write_text(f"+{CONTROLLER}")
    group = unified / f"container-{os.getpid()}"
    group.mkdir()
    try:
        yield group
    finally:
        group.rmdir()
        if CONTROLLER not in before:
            with contextlib.suppress(OSError):  # someone else hands it down by now
                handed.write_text(f"-{CONTROLLER}")


def _words(file: Path) -> list[str]:
    return file.read_text().split() if file.exists() else []


def test_in_a_container_its_processes_make_way_and_come_back(container: Path) -> None:
    layout = Layout("", "", "", "", str(container), frozenset((CONTROLLER,)))
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:  # ends with its input
        (container / "cgroup.procs").write_text(str(process.pid))
        with pytest.raises(OSError, match=r"busy: .*cgroup.subtree_control"):
            Cgroups(layout, "ours").start()

        beside = make_way(layout, "ours")
        cgroups = Cgroups(layout, "ours")
        cgroups.start()
        group = cgroups.create("one")
        assert CONTROLLER in _words(Path(group.paths[0], "cgroup.controllers"))
        assert _words(Path(beside, "cgroup.procs")) == [str(process.pid)]
        assert make_way(layout, "another") == "", "nobody is in the way"

        assert group.remove()
        cgroups.remove()
        step_back(layout, beside)
        assert _words(container / "cgroup.procs") == [str(process.pid)]
        assert not [entry for entry in container.iterdir() if entry.is_dir()]
