"""Which zips are acceptable: hostile ones are refused, all others read as `zipfile` reads them."""

import io
import stat
import struct
import warnings
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stoker.core import archives, limits
from stoker.core.archives import Archive, Entry
from stoker.core.errors import InvalidParameterValueException

Files = list[tuple[str, bytes, int]]  # name, content, st_mode
FILE, LINK, DIR = stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777, stat.S_IFDIR | 0o755
COULD_NOT = "Could not unzip uploaded file. Please check your file, then try to upload again."


def make(files: Files, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    data = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(data, "w", method) as archive:
        warnings.simplefilter("ignore")  # of names that come twice
        for name, content, mode in files:
            info = zipfile.ZipInfo("x")
            info.filename = info.orig_filename = name
            info.external_attr = mode << 16
            info.compress_type = method
            archive.writestr(info, content)
    return data.getvalue()


def inspect(*files: tuple[str, bytes, int]) -> Archive:
    return archives.inspect(make(list(files)))


def refused(data: bytes) -> str:
    with pytest.raises(InvalidParameterValueException) as refusal:
        archives.verify(data, archives.inspect(data))
    return refusal.value.message


def refused_files(*files: tuple[str, bytes, int]) -> str:
    message = refused(make(list(files)))
    assert message.startswith(COULD_NOT)
    return message


def test_files_directories_and_links_find_their_places() -> None:
    found = inspect(
        ("main.py", b"print()", FILE),
        ("./lib//deep/run", b"#!/bin/sh", stat.S_IFREG | 0o711),
        ("empty/", b"", DIR),
        ("lib/latest", b"deep/run", LINK),
    )
    assert found.directories == ("lib", "lib/deep", "empty")
    assert [(m.path, m.mode) for m in found.files] == [("main.py", 0o644), ("lib/deep/run", 0o755)]
    assert [(m.path, m.link) for m in found.links] == [("lib/latest", "deep/run")]
    assert found.size_bytes == 7 + 9 + 8


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o4755, 0o2000, 0o777, 0])
def test_modes_become_readable_for_everyone_and_nothing_more(mode: int) -> None:
    (member,) = inspect(("f", b"", stat.S_IFREG | mode)).files
    assert member.mode == (0o755 if mode & 0o111 else 0o644)


@pytest.mark.parametrize(
    "name",
    ["../f", "a/../../f", "a/..", "..", "/etc/passwd", "//f", "C:/f", "c:f", "C:\\f", "\\f",
     "..\\f", "a\\..\\..\\f", "a/../b"],
)  # fmt: skip
def test_a_name_that_leaves_the_archive_is_refused(name: str) -> None:
    assert "leaves the archive" in refused_files((name, b"", FILE))


@pytest.mark.parametrize("name", ["a\0b", "\0"])
def test_a_nul_in_a_name_is_refused_and_does_not_end_it(name: str) -> None:
    assert "NUL" in refused_files((name, b"", FILE))


@pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_devices_pipes_and_sockets_are_refused(kind: int) -> None:
    assert "device" in refused_files(("d", b"", kind | 0o666))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("a", b"1", FILE), ("a", b"2", FILE)),
        (("a", b"1", FILE), ("./a", b"2", FILE)),
        (("a", b"b", LINK), ("a", b"2", FILE)),
        (("a", b"1", FILE), ("a/b", b"2", FILE)),
        (("a/b", b"2", FILE), ("a", b"1", FILE)),
        (("a", b".", LINK), ("a/b", b"through the link", FILE)),
        (("a", b".", LINK), ("a/", b"", DIR)),
    ],
)
def test_no_path_is_taken_twice_and_nothing_lies_below_a_file_or_a_link(
    first: tuple[str, bytes, int], second: tuple[str, bytes, int]
) -> None:
    refused_files(first, second)


@pytest.mark.parametrize(
    "links",
    [
        {"a": "/etc/passwd"},
        {"a": ".."},
        {"a": "../x"},
        {"d/a": "../../x"},
        {"a": "b/../../x"},
        {"a": "b", "b": "../x"},
        {"d/up": "..", "a": "d/up/.."},
        {"d/e/up": "../..", "a": "d/e/up/../x"},
        {"a": "d/up/../x", "d/up": "."} | {"d/up": ".."},
    ],
)
def test_a_link_that_leaves_the_archive_is_refused(links: dict[str, str]) -> None:
    message = refused_files(*((name, to.encode(), LINK) for name, to in links.items()))
    assert "leaves the archive" in message


@pytest.mark.parametrize("links", [{"a": "a"}, {"a": "b", "b": "a"}, {"a": "b/c", "b": "a"}])
def test_a_link_in_a_circle_is_refused(links: dict[str, str]) -> None:
    message = refused_files(*((name, to.encode(), LINK) for name, to in links.items()))
    assert "circle" in message


@pytest.mark.parametrize(
    "links", [{"a": "b"}, {"d/a": "../b"}, {"d/up": "..", "a": "d/up/x"}, {"a": "./b//c/."}]
)
def test_a_link_that_stays_inside_is_kept(links: dict[str, str]) -> None:
    found = inspect(*((name, to.encode(), LINK) for name, to in links.items()))
    assert {m.path: m.link for m in found.links} == links


def test_resolving_links_has_an_end_however_they_are_woven() -> None:
    """Each link walks through the next one twice: 2^30 steps, if nobody counted."""
    links = {f"l{n}": f"l{n + 1}/../l{n + 1}" for n in range(30)}
    message = refused_files(*((name, to.encode(), LINK) for name, to in links.items()))
    assert "circle" in message
    many = {f"m{n}": "/".join(["."] * 2000) for n in range(300)}
    assert "too many links" in refused_files(*((n, t.encode(), LINK) for n, t in many.items()))


@pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\x03\x04" + b"\0" * 100, b"PK\x05\x06"])
def test_what_is_no_zip_cannot_be_unzipped(data: bytes) -> None:
    assert refused(data).startswith(COULD_NOT)


def test_an_empty_zip_is_refused_in_awss_words() -> None:
    assert refused(make([])) == "Uploaded file must be a non-empty zip"


def declare(data: bytes, **fields: int) -> bytes:
    """Rewrite what the central directory says of its only entry."""
    at = data.index(b"PK\x01\x02")
    offsets = {"flags": (8, "<H"), "method": (10, "<H"), "crc": (16, "<I"),
               "packed": (20, "<I"), "size": (24, "<I"), "offset": (42, "<I")}  # fmt: skip
    changed = bytearray(data)
    for name, value in fields.items():
        offset, form = offsets[name]
        struct.pack_into(form, changed, at + offset, value)
    return bytes(changed)


ZIP = make([("f", b"x" * 1000, FILE)])


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"flags": 1}, "encrypted"),
        ({"method": 12}, "other than deflate"),
        ({"crc": 1}, "damaged"),
        ({"size": 10}, "larger than declared"),
        ({"size": 2000}, "damaged"),
        ({"packed": 2}, "cut short"),
        ({"packed": 10**6}, "cut short"),
        ({"offset": 1}, "not where it should be"),
        ({"offset": 10**6}, "not where it should be"),
    ],
)
def test_a_directory_that_lies_is_found_out(fields: dict[str, int], why: str) -> None:
    message = refused(declare(ZIP, **fields))
    assert message.startswith(COULD_NOT)
    assert why in message


def test_250_mb_unpacked_are_too_many_whatever_they_weigh_packed() -> None:
    assert refused(declare(ZIP, size=limits.UNZIPPED_BYTES)) == (
        "Unzipped size must be smaller than 262144000 bytes"
    )
    almost = declare(ZIP, size=limits.UNZIPPED_BYTES - 1)
    assert archives.inspect(almost).size_bytes == limits.UNZIPPED_BYTES - 1


def test_entries_that_share_their_packed_bytes_are_refused() -> None:
    data = make([("a", b"x" * 1000, FILE), ("b", b"x" * 1000, FILE)])
    second = data.rindex(b"PK\x01\x02")
    first = data.index(b"PK\x01\x02")
    overlapping = bytearray(data)
    overlapping[second + 42 : second + 46] = data[first + 42 : first + 46]
    assert "overlaps" in refused(bytes(overlapping))


def test_a_local_header_cannot_stretch_into_the_next_entry() -> None:
    """The trick behind bombs whose directory looks tidy: a long "extra" field in front."""
    data = bytearray(make([("a", b"x" * 1000, FILE), ("b", b"x" * 1000, FILE)]))
    second = data.index(b"PK\x03\x04", 4)
    struct.pack_into("<H", data, 28, second)  # the first entry's data now begins in the second
    assert "overlaps" in refused(bytes(data))


def test_too_many_entries_are_refused_before_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ARCHIVE_ENTRIES", 5)
    inspect(*((f"f{n}", b"", FILE) for n in range(5)))
    assert "more than 5" in refused_files(*((f"f{n}", b"", FILE) for n in range(6)))
    assert "more than 5" in refused_files(("a/b/c/d/e/f", b"", FILE))  # directories count


@pytest.mark.parametrize("name", ["é.py", "日本/語.py", "a" * 255, "/".join(["d" * 200] * 20)])
def test_names_of_every_kind_are_kept(name: str) -> None:
    assert inspect((name, b"", FILE)).files[0].path == name


@pytest.mark.parametrize(
    "name", ["a" * 256, "/".join(["d" * 200] * 21), "é" * 128, "/".join(["d"] * 201)]
)
def test_names_that_no_disk_can_hold_are_refused(name: str) -> None:
    assert "too long" in refused_files((name, b"", FILE))


def test_zip64_is_read() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        with archive.open(zipfile.ZipInfo("f"), "w", force_zip64=True) as file:
            file.write(b"hello")
        for n in range(70_000):  # more than 16 bits can count
            archive.writestr(zipfile.ZipInfo(f"n{n}"), b"")
    found = archives.inspect(data.getvalue())
    assert len(found.files) == 70_001
    assert b"".join(archives.content(data.getvalue(), found.files[0].entry)) == b"hello"


def test_dates_that_do_not_exist_become_ones_that_do() -> None:
    data = bytearray(ZIP)
    at = data.index(b"PK\x01\x02")
    for time, date in ((0, 0), (0xFFFF, 0xFFFF), (0, 0x5C5F)):
        struct.pack_into("<2H", data, at + 12, time, date)
        (member,) = archives.inspect(bytes(data)).files
        assert member.entry.modified_s >= 315532800  # 1980


contents = st.binary(max_size=300) | st.integers(0, 600_000).map(lambda n: b"ab" * n)
plain_names = st.lists(
    st.text(alphabet="abc.é", min_size=1, max_size=4).filter(lambda s: s not in (".", "..")),
    min_size=1,
    max_size=3,
).map("/".join)


@given(st.dictionaries(plain_names, contents, min_size=1, max_size=6), st.sampled_from([0, 8]))
@settings(deadline=None, max_examples=60)
def test_what_is_accepted_reads_as_zipfile_reads_it(files: dict[str, bytes], method: int) -> None:
    data = make([(name, content, FILE) for name, content in files.items()], method)
    clash = any(a != b and b.startswith(a + "/") for a in files for b in files)
    try:
        found = archives.inspect(data)
    except InvalidParameterValueException:
        assert clash
        return
    assert not clash
    with zipfile.ZipFile(io.BytesIO(data)) as judge:
        ours = {m.path: b"".join(archives.content(data, m.entry)) for m in found.files}
        assert ours == {info.filename: judge.read(info) for info in judge.infolist()}
        assert [m.entry.modified for m in found.files] == [i.date_time for i in judge.infolist()]


parts = st.sampled_from(["a", "b", "c", "..", ".", "", "a\\..", "C:"])
names = st.lists(parts, min_size=1, max_size=5).map("/".join)
entries = st.lists(
    st.tuples(names, st.sampled_from([FILE, LINK, DIR, 0]), names, st.integers(0, 10**8)),
    max_size=8,
)


@given(entries)
@settings(max_examples=600, deadline=None)
def test_nothing_accepted_can_leave_its_root_or_exceed_its_size(
    given_entries: list[tuple[str, int, str, int]],
) -> None:
    listed = [
        Entry(name, mode, size, 0, 100 * n, 0, 0, (1980, 1, 1, 0, 0, 0), 100 * n + 30)
        for n, (name, mode, _, size) in enumerate(given_entries)
    ]
    links = {e.offset: to for e, (_, _, to, _) in zip(listed, given_entries, strict=True)}
    try:
        found = archives.arrange(listed, links)
    except InvalidParameterValueException:
        return
    assert sum(m.entry.size for m in (*found.files, *found.links)) < limits.UNZIPPED_BYTES
    paths = [m.path for m in (*found.files, *found.links)]
    assert len(set(paths) | set(found.directories)) == len(paths) + len(found.directories)
    made = {m.path: m.link for m in found.links}
    for path in paths + list(found.directories):
        assert not set(path.split("/")) & {"", ".", ".."}
        parent = path.rpartition("/")[0]
        assert parent == "" or parent in found.directories
    for path, link in made.items():
        assert stays_inside([*path.split("/")[:-1], *link.split("/")] if link else [], made)


def stays_inside(walk: list[str], links: dict[str, str | None]) -> bool:
    """The obvious way: a list of steps below a root at depth 0; a link is more steps."""
    here: list[str] = []
    for _ in range(10_000):
        if not walk:
            return True
        step, *walk = walk
        if step == "..":
            if not here:
                return False
            here.pop()
        elif step not in ("", "."):
            to = links.get("/".join([*here, step]))
            if to is not None and to.startswith("/"):
                return False
            if to is None:
                here.append(step)
            else:
                walk = [*to.split("/"), *walk]
    return False


@given(st.data())
@settings(max_examples=500, deadline=None)
def test_any_bytes_are_accepted_or_refused_and_nothing_else(data: st.DataObject) -> None:
    base = bytearray(make([("a/b", b"x" * 50, FILE), ("l", b"a/b", LINK), ("c", b"y", FILE)]))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(base) - 1))
        base[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(base)))
    for zip_file in (bytes(base), bytes(base[:cut]), bytes(base[cut:])):
        try:
            archives.verify(zip_file, archives.inspect(zip_file))
        except InvalidParameterValueException:
            continue


def test_a_bomb_is_stopped_at_what_it_declared_not_at_what_it_holds() -> None:
    bomb = make([("bomb", b"\0" * 50_000_000, FILE)])
    (member,) = archives.inspect(declare(bomb, size=1000)).files
    taken = 0
    with pytest.raises(InvalidParameterValueException):  # noqa: PT012
        for piece in archives.content(bomb, member.entry):
            taken += len(piece)
    assert taken < 1_000_000
