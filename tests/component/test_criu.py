"""Which CRIU is found, what its images say, and what is told of its log."""

import struct
from pathlib import Path

import pytest

from stoker.runtimes.criu import OLDEST, find_criu, is_enough, lacking
from stoker.sandbox.namespaces.image import reason
from stoker.sandbox.namespaces.protobuf import Malformed, message_in, number_in, with_number

LINKER = "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"


def installed(place: Path, version: str) -> Path:
    """As `stoker runtimes install criu` leaves it."""
    prefix = place / "criu"
    for name in (LINKER, "lib/stoker/criu"):
        (prefix / name).parent.mkdir(parents=True, exist_ok=True)
        (prefix / name).touch()
    (prefix / "VERSION").write_text(f"{version}\n")
    return prefix


def test_a_criu_that_is_new_enough_is_found_with_its_own_loader(tmp_path: Path) -> None:
    prefix = installed(tmp_path, "4.2.1")
    found = find_criu(tmp_path)
    assert found is not None
    assert (found.version, found.linker) == ("4.2.1", prefix / LINKER)


@pytest.mark.parametrize("lost", ["VERSION", LINKER, "lib/stoker/criu"])
def test_half_a_criu_is_none(tmp_path: Path, lost: str) -> None:
    (installed(tmp_path, "4.2.1") / lost).unlink()
    found = find_criu(tmp_path)
    assert found is None or tmp_path not in found.prefix.parents


@pytest.mark.parametrize(
    ("version", "enough"),
    [("4.2", True), ("4.2.1", True), ("4.10", True), ("5.0", True), ("4.1.1", False),
     ("3.17.1", False), ("", False), ("none", False)],
)  # fmt: skip
def test_versions_are_numbers(tmp_path: Path, version: str, enough: bool) -> None:
    assert is_enough(version) is enough


def test_what_is_lacking_names_the_version_and_the_way() -> None:
    assert f"{OLDEST[0]}.{OLDEST[1]}" in lacking()
    assert "`stoker runtimes install criu`" in lacking()


# --- images -------------------------------------------------------------------------------------

NESTED = b"\x08\x01\x50\x07"  # 1: 1, 10: 7
ENTRY = (
    b"\x08\x02\x1a\x04" + NESTED + b"\x25\x01\x00\x00\x00" + b"\x29" + bytes(8) + b"\x50\xac\x02"
)


def test_fields_are_found_behind_those_of_every_kind() -> None:
    assert message_in(ENTRY, 3) == NESTED
    assert number_in(NESTED, 10) == 7
    assert number_in(ENTRY, 10) == 300
    assert number_in(ENTRY, 11) is None
    assert message_in(ENTRY, 9) is None


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**32 - 1])
def test_a_number_is_changed_and_all_else_is_kept(value: int) -> None:
    changed = with_number(ENTRY, 10, value)
    assert number_in(changed, 10) == value
    assert message_in(changed, 3) == NESTED
    assert number_in(changed, 1) == 2
    assert with_number(changed, 10, 300) == ENTRY


def test_a_message_that_is_cut_off_within_a_field_is_malformed() -> None:
    for size in set(range(1, len(ENTRY))) - {2, 8, 13, 22}:
        with pytest.raises(Malformed):
            number_in(ENTRY[:size], 10)


def test_a_number_without_an_end_is_malformed() -> None:
    with pytest.raises(Malformed, match="does not end"):
        number_in(b"\x50" + b"\xff" * 11, 10)
    with pytest.raises(Malformed, match="no field"):
        number_in(struct.pack("B", 3), 10)


LOG = """\
(00.021328) Error (criu/tun.c:85): tun: Unable to create tun: No such file or directory
(00.077773) Error (criu/util.c:1534): rlimit: Can't setup RLIMIT_NOFILE for self: EPERM
(00.065097) Error (criu/files-reg.c:1790): Can't lookup mount=24 for fd=0 path=/dev/null
(00.065157) Error (criu/cr-dump.c:1681): Dump files (pid: 3) failed with -1
(00.081228) Error (criu/cr-dump.c:2111): Dumping FAILED.
"""


def test_the_reason_is_the_first_complaint_that_says_something() -> None:
    assert reason(LOG) == "Can't lookup mount=24 for fd=0 path=/dev/null"
    assert reason(LOG.splitlines()[-1]) == "Dumping FAILED."
    assert reason("(00.1) pie: 3: Error (criu/pie/restorer.c:2185): Unable to create a thread") == (
        "Unable to create a thread"
    )
    assert reason("") == "it gives no reason"


def test_a_reason_is_no_longer_than_people_read() -> None:
    assert len(reason("Error (criu/a.c:1): " + "x" * 10_000)) == 300
