"""Is this zip acceptable? Decided from its bytes alone, before anything touches a disk.

    inspect(data) ──► Archive: directories, files and links, each at a path below the root

What is promised of an accepted archive, whoever made it:

  * no path and no link, followed as the kernel follows it, leaves the root;
  * every path is taken once, and nothing lies below a file or a link;
  * there are only regular files, directories and symbolic links;
  * at most `limits.ARCHIVE_ENTRIES` of them and less than `most_bytes` in all;
  * the packed bytes of no two entries overlap (which is how small bombs get big).

The parser is our own and not `zipfile`, which reads a directory of any size into memory before
one can look at it, cuts names at NUL, and believes what it is told.

`content(data, entry)` unpacks one entry and trusts nothing that was declared: more bytes, fewer
bytes or another checksum than promised is a refusal, too.
"""

import calendar
import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from stoker.core import limits
from stoker.core.errors import InvalidParameterValueException

_END = struct.Struct("<4s4H2IH")  # end of central directory
_LOCATOR64 = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQ2H2I4Q")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _UTF8 = 0x0001, 0x0800
_UNIX, _DARWIN = 3, 19  # makers whose external attributes hold a mode
_CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the central directory, as declared."""

    name: str
    mode: int  # st_mode, 0 if the maker's system has none
    size: int  # unpacked
    packed: int
    offset: int  # of its local header
    method: int
    crc: int
    modified: tuple[int, int, int, int, int, int]  # year … second, in no stated zone
    start: int  # of its packed bytes, after the local header

    @property
    def modified_s(self) -> int:
        """As seconds since the epoch, read as UTC: the zone inside an environment."""
        return calendar.timegm((*self.modified, 0, 0, 0))


@dataclass(frozen=True, slots=True)
class Member:
    """What is made at one path: a file, or a link if `link` is set."""

    path: str  # relative, "/" between names, no "." or ".."
    mode: int  # permission bits, normalised
    entry: Entry
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Archive:
    directories: tuple[str, ...]  # listed or implied, parents before children
    files: tuple[Member, ...]
    links: tuple[Member, ...]
    size_bytes: int  # unpacked


def inspect(data: bytes, most_bytes: int | None = limits.UNZIPPED_BYTES) -> Archive:
    """Check everything that can be known without unpacking files, or refuse as AWS does.
    `most_bytes`: unpacked; None for what has been accepted before."""
    entries = directory(data)
    links = {entry.offset: _link_text(data, entry) for entry in entries if stat.S_ISLNK(entry.mode)}
    return arrange(entries, links, most_bytes)


def arrange(
    entries: list[Entry], links: dict[int, str], most_bytes: int | None = limits.UNZIPPED_BYTES
) -> Archive:
    """Give every entry its place. `links`: targets of the symbolic links, by entry offset."""
    if not entries:
        raise InvalidParameterValueException("Uploaded file must be a non-empty zip")
    size = sum(entry.size for entry in entries)
    if most_bytes is not None and size >= most_bytes:
        raise InvalidParameterValueException(
            f"Unzipped size must be smaller than {most_bytes} bytes"
        )
    _check_overlaps(entries)
    directories: dict[str, None] = {}
    members: dict[str, Member] = {}
    for entry in entries:
        path, is_directory = _path(entry)
        _imply(directories, path if is_directory else _parent(path))
        if not is_directory:
            if path in members:
                raise _refusal(f"{entry.name!r} is in it twice")
            members[path] = _member(path, entry, links)
        if len(directories) + len(members) > limits.ARCHIVE_ENTRIES:
            raise _refusal(f"more than {limits.ARCHIVE_ENTRIES} files and directories")
    if clash := next((path for path in members if path in directories), None):
        raise _refusal(f"{clash!r} is both a directory and something else")
    check_links({path: m.link for path, m in members.items() if m.link is not None})
    return Archive(
        directories=tuple(directories),
        files=tuple(m for m in members.values() if m.link is None),
        links=tuple(m for m in members.values() if m.link is not None),
        size_bytes=size,
    )


def content(data: bytes, entry: Entry) -> Iterator[bytes]:
    """The entry's unpacked bytes in pieces, or a refusal as soon as they belie the directory."""
    crc, left = 0, entry.size
    for piece in _unpacked(data, entry):
        left -= len(piece)
        if left < 0:
            raise _refusal(f"{entry.name!r} is larger than declared")
        crc = zlib.crc32(piece, crc)
        yield piece
    if left or crc != entry.crc:
        raise _refusal(f"{entry.name!r} is damaged")


def verify(data: bytes, archive: Archive) -> None:
    """Unpack everything to nowhere: what passes can be unpacked later."""
    for member in archive.files:
        for _ in content(data, member.entry):
            pass


def directory(data: bytes) -> list[Entry]:
    """Read the central directory, or refuse."""
    first, size, count = _find_directory(data)
    if count > limits.ARCHIVE_ENTRIES:
        raise _refusal(f"more than {limits.ARCHIVE_ENTRIES} files and directories")
    entries: list[Entry] = []
    at, end = first, first + size
    for _ in range(count):
        entry, at = _read_entry(data, at, end)
        if entry.start + entry.packed > first:
            raise _refusal(f"{entry.name!r} is cut short")
        entries.append(entry)
    return entries


def _find_directory(data: bytes) -> tuple[int, int, int]:
    """Where the central directory begins, its size, and how many entries it has."""
    # The last record is followed only by its own comment, of at most 65,535 bytes.
    end = data.rfind(b"PK\x05\x06", max(0, len(data) - _END.size - 0xFFFF))
    if end < 0 or end + _END.size > len(data):
        raise _refusal()
    _, disk, first_disk, here, count, size, start, _ = _END.unpack_from(data, end)
    limit = end
    if end >= _LOCATOR64.size and data[end - _LOCATOR64.size :][:4] == b"PK\x06\x07":
        _, _, at, _ = _LOCATOR64.unpack_from(data, end - _LOCATOR64.size)
        if at + _END64.size > end or data[at : at + 4] != b"PK\x06\x06":
            raise _refusal()
        _, _, _, _, disk, first_disk, here, count, size, start = _END64.unpack_from(data, at)
        limit = at
    # A prefix before the archive (a self-extracting one) is not accepted: offsets are absolute.
    if disk or first_disk or here != count or start + size > limit:
        raise _refusal()
    return start, size, count


def _read_entry(data: bytes, at: int, end: int) -> tuple[Entry, int]:
    if at + _CENTRAL.size > end or data[at : at + 4] != b"PK\x01\x02":
        raise _refusal()
    (
        _, made_by, _, flags, method, time, date, crc, packed, size,
        name_size, extra_size, comment_size, _, _, attributes, offset,
    ) = _CENTRAL.unpack_from(data, at)  # fmt: skip
    name_at = at + _CENTRAL.size
    extra_at = name_at + name_size
    after = extra_at + extra_size + comment_size
    if after > end:
        raise _refusal()
    raw_name = data[name_at:extra_at]
    try:
        name = raw_name.decode("utf-8" if flags & _UTF8 else "cp437")
    except UnicodeDecodeError:
        raise _refusal("a name is not UTF-8") from None
    if flags & _ENCRYPTED:
        raise _refusal(f"{name!r} is encrypted")
    if method not in (_STORED, _DEFLATED):
        raise _refusal(f"{name!r} is packed by a method other than deflate")
    size, packed, offset = _sizes64(data[extra_at : extra_at + extra_size], size, packed, offset)
    entry = Entry(
        name=name,
        mode=attributes >> 16 if made_by >> 8 in (_UNIX, _DARWIN) else 0,
        size=size,
        packed=packed,
        offset=offset,
        method=method,
        crc=crc,
        modified=_dos_time(date, time),
        start=_data_start(data, offset, name),
    )
    return entry, after


def _sizes64(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Replace what does not fit in 32 bits by the values of the zip64 extra field."""
    wide = [size, packed, offset]
    if 0xFFFFFFFF not in wide:
        return size, packed, offset
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<2H", extra, at)
        body = extra[at + 4 : at + 4 + length]
        if tag == 1:
            for i, value in enumerate(wide):
                if value == 0xFFFFFFFF:
                    if len(body) < 8:
                        raise _refusal()
                    wide[i] = int.from_bytes(body[:8], "little")
                    body = body[8:]
            return wide[0], wide[1], wide[2]
        at += 4 + length
    raise _refusal()


def _dos_time(date: int, time: int) -> tuple[int, int, int, int, int, int]:
    """MS-DOS's date, each field brought into its range: many makers leave zeros."""
    month = min(max(date >> 5 & 15, 1), 12)
    year = 1980 + (date >> 9)
    day = min(max(date & 31, 1), calendar.monthrange(year, month)[1])
    return year, month, day, min(time >> 11, 23), min(time >> 5 & 63, 59), min(time % 32 * 2, 59)


def _check_overlaps(entries: list[Entry]) -> None:
    reach = 0
    for entry in sorted(entries, key=lambda e: e.offset):
        if entry.offset < reach:
            raise _refusal(f"{entry.name!r} overlaps another entry")
        reach = entry.start + entry.packed


def _path(entry: Entry) -> tuple[str, bool]:
    """Where the entry goes, "" for the root itself, and whether it is a directory."""
    name, kind = entry.name, stat.S_IFMT(entry.mode)
    if "\0" in name:
        raise _refusal(f"{name!r} has a NUL in it")
    windows = name.replace("\\", "/")
    if windows.startswith("/") or windows[1:2] == ":" or ".." in windows.split("/"):
        raise _refusal(f"{name!r} leaves the archive")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
        raise _refusal(f"{name!r} is a device, a pipe or a socket")
    is_directory = kind == stat.S_IFDIR or (kind == 0 and name.endswith("/"))
    if name.endswith("/") and not is_directory:
        raise _refusal(f"{name!r} ends as a directory does and is none")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    path = "/".join(parts)
    if not path and not is_directory:
        raise _refusal(f"{name!r} names no file")
    try:
        raw = path.encode()
    except UnicodeEncodeError:
        raise _refusal(f"{name!r} is not Unicode") from None
    longest = max((len(part.encode()) for part in parts), default=0)
    if (
        len(raw) > limits.ARCHIVE_PATH_BYTES
        or longest > limits.ARCHIVE_NAME_BYTES
        or len(parts) > limits.ARCHIVE_DEPTH
    ):
        raise _refusal("a path is too long")
    return path, is_directory


def _member(path: str, entry: Entry, links: dict[int, str]) -> Member:
    if stat.S_ISLNK(entry.mode):
        return Member(path, 0o777, entry, links[entry.offset])
    # Readable for the unprivileged user inside, whatever the maker's umask was.
    return Member(path, 0o755 if entry.mode & 0o111 else 0o644, entry)


def _imply(directories: dict[str, None], path: str) -> None:
    """Add a directory and its parents, parents first."""
    missing = []
    while path and path not in directories:
        missing.append(path)
        path = _parent(path)
    for new in reversed(missing):
        directories[new] = None


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _link_text(data: bytes, entry: Entry) -> str:
    if entry.size > limits.ARCHIVE_LINK_BYTES:
        raise _refusal(f"link {entry.name!r} is too long")
    try:
        return b"".join(content(data, entry)).decode()
    except UnicodeDecodeError:
        raise _refusal(f"link {entry.name!r} is not UTF-8") from None


def check_links(links: dict[str, str]) -> None:
    """Follow every link (path -> text) as the kernel would; refuse the one that gets out."""
    steps = limits.ARCHIVE_LINK_STEPS
    for path, text in links.items():
        if not text or "\0" in text:
            raise _refusal(f"link {path!r} leads nowhere")
        steps -= _follow(path, links, steps)
    # What is walked *through* a link is covered: nothing lies below a link (see arrange).


def _follow(path: str, links: dict[str, str], budget: int) -> int:
    """How many steps it takes to the end of the link; refuses if one leaves the root."""
    todo = list(reversed(path.split("/")))
    here: list[str] = []
    hops = steps = 0
    while todo:
        steps += 1
        if steps > budget:
            raise _refusal("too many links to follow")
        match todo.pop():
            case "" | ".":
                continue
            case "..":
                if not here:
                    raise _refusal(f"link {path!r} leaves the archive")
                here.pop()
            case name:
                here.append(name)
                text = links.get("/".join(here))
                if text is None:
                    continue
                hops += 1
                if hops > limits.ARCHIVE_LINK_HOPS:
                    raise _refusal(f"link {path!r} goes in a circle, or too far")
                if text.startswith("/"):
                    raise _refusal(f"link {path!r} leaves the archive")
                here.pop()
                todo += reversed(text.split("/"))
    return steps


def _data_start(data: bytes, offset: int, name: str) -> int:
    """Behind the local header, whose sizes are its own and not the directory's."""
    if offset + _LOCAL.size > len(data) or data[offset : offset + 4] != b"PK\x03\x04":
        raise _refusal(f"{name!r} is not where it should be")
    *_, name_size, extra_size = _LOCAL.unpack_from(data, offset)
    return offset + _LOCAL.size + int(name_size) + int(extra_size)


def _unpacked(data: bytes, entry: Entry) -> Iterator[bytes]:
    packed = memoryview(data)[entry.start : entry.start + entry.packed]
    pieces = (packed[at : at + _CHUNK] for at in range(0, len(packed), _CHUNK))
    if entry.method == _STORED:
        yield from map(bytes, pieces)
        return
    if not packed:
        return
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for piece in pieces:
            rest: bytes | memoryview = piece
            while rest and not inflate.eof:
                yield inflate.decompress(rest, _CHUNK)
                rest = inflate.unconsumed_tail
        # All input is taken, but the bound may have left output behind.
        while not inflate.eof and (last := inflate.decompress(b"", _CHUNK)):
            yield last
    except zlib.error:
        raise _refusal(f"{entry.name!r} is damaged") from None
    if not inflate.eof:
        raise _refusal(f"{entry.name!r} is cut short")


def _refusal(why: str = "") -> InvalidParameterValueException:
    reason = f" ({why})" if why else ""
    return InvalidParameterValueException(
        f"Could not unzip uploaded file. Please check your file, then try to upload again.{reason}"
    )
