"""Which hierarchy enforces what, on the three kinds of machine there are."""

from pathlib import Path

import pytest

from stoker.cli.machine import delegation
from stoker.sandbox.namespaces.cgroups import Layout
from stoker.sandbox.namespaces.rootless import limitations

HYBRID = """\
tmpfs /sys/fs/cgroup tmpfs rw 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0
cgroup /sys/fs/cgroup/freezer cgroup rw,freezer 0 0
cgroup /sys/fs/cgroup/pids cgroup rw,pids 0 0
cgroup /sys/fs/cgroup/systemd cgroup rw,name=systemd 0 0
"""


def test_version_1_alone_uses_its_own_freezer() -> None:
    layout = Layout.detect(HYBRID)
    assert layout.unified == ""
    assert layout.hierarchies() == [
        "/sys/fs/cgroup/memory",
        "/sys/fs/cgroup/cpu,cpuacct",
        "/sys/fs/cgroup/pids",
        "/sys/fs/cgroup/freezer",
    ]
    assert layout.missing() == []


def test_an_empty_version_2_beside_version_1_freezes(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("hugetlb\n")
    layout = Layout.detect(HYBRID + f"cgroup2 {tmp_path} cgroup2 rw 0 0\n")
    assert layout.hierarchies()[-1] == str(tmp_path)
    assert "/sys/fs/cgroup/freezer" not in layout.hierarchies()
    assert not layout.is_v2("memory")


def test_version_2_alone_has_one_hierarchy(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    layout = Layout.detect(f"cgroup2 {tmp_path} cgroup2 rw 0 0\n")
    assert layout.hierarchies() == [str(tmp_path)]
    assert layout.missing() == []
    assert all(layout.is_v2(name) for name in ("memory", "cpu", "pids"))


@pytest.mark.parametrize("controllers", ["", "memory", "cpu pids"])
def test_what_a_machine_lacks_is_named(tmp_path: Path, controllers: str) -> None:
    (tmp_path / "cgroup.controllers").write_text(controllers)
    layout = Layout.detect(f"cgroup2 {tmp_path} cgroup2 rw 0 0\n")
    assert layout.missing() == sorted(
        {"memory", "cpu", "pids"} - set(controllers.split()),
        key=["memory", "cpu", "pids"].index,
    )


def test_a_machine_without_cgroups_cannot_even_freeze() -> None:
    assert Layout.detect("").missing() == ["memory", "cpu", "pids", "freezer"]


def given(*controllers: str) -> Layout:
    """What an ordinary user has of cgroup 2 in a group of their own."""
    return Layout("", "", "", "", "/user/group", frozenset(controllers))


def test_a_delegated_group_without_a_controller_is_not_well_and_the_remedy_is_said() -> None:
    finding = delegation(given("memory", "pids"))
    assert (finding.ok, finding.needed, finding.found) == (False, False, "memory, pids")
    assert finding.remedy.startswith("without cpu: ")
    assert "/etc/systemd/system/user@.service.d/delegate.conf" in finding.remedy
    assert delegation(given()).found == "no controllers"
    assert delegation(given("memory", "cpu", "pids")).ok


def test_where_nothing_was_delegated_doctor_says_how_to_have_it_done() -> None:
    finding = delegation(Layout("", "", "", "", "", frozenset()))
    assert (finding.ok, finding.found) == (False, "none")
    assert "systemd-run --user --scope -p Delegate=yes" in finding.remedy


def test_a_server_that_cannot_limit_for_want_of_delegation_points_to_doctor() -> None:
    assert "stoker doctor" in " ".join(limitations(given("memory", "pids")))
    assert "stoker doctor" not in " ".join(limitations(given("memory", "cpu", "pids")))
