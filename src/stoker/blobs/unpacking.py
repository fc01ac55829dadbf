"""What is done on the disk to unpack a package, and to merge layers.

Both make a whole directory aside and rename it into place; the disk has it later
(blobs/lasting.py):

    <name>/tree/        what an environment sees
    <name>/facts.json   what was noticed on the way

No file is written twice: one whose bytes, mode and time are those of a file that some package
brought before is a hard link to it (`files`, from when it is on the disk), and merged layers are
hard links altogether. So an update of 250 MB in which one file changes writes one file, and the
page cache holds one copy of what many functions have in common.
"""

import errno
import hashlib
import json
import os
import shutil
import struct
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from stoker.core import archives

INCOMING = "incoming-"
_SHARED_FROM_BYTES = 4096  # below, a link costs what the file costs
_SDK = ("boto3", "botocore")
_SDK_NAMES = tuple(name.encode() for name in _SDK)
_OVERLAP = max(map(len, _SDK_NAMES)) - 1
_CHUNK = 256 * 1024
# Too many links to one file, links not allowed, no links on this file system.
_UNLINKABLE = (errno.EMLINK, errno.EPERM, errno.EXDEV, errno.ENOTSUP)

Folder = dict[str, "Path | Folder"]  # a file or a link of some layer, by name; or a folder


@dataclass(frozen=True, slots=True)
class CodeFacts:
    """What whoever makes a sandbox for this code wants to know."""

    mentions_sdk: bool  # some .py file names boto3 or botocore
    brings_sdk: bool  # a boto3 or botocore of its own is inside, wherever
    file_count: int
    size_bytes: int  # unpacked


def read_facts(here: Path) -> CodeFacts:
    return CodeFacts(**json.loads((here / "facts.json").read_text()))


def is_whole(here: Path) -> bool:
    """Nobody has taken away a part of it."""
    return (here / "tree").is_dir() and (here / "facts.json").is_file()


@dataclass(frozen=True, slots=True)
class Made:
    """A directory that is not on the disk yet."""

    facts: CodeFacts
    sharable: Mapping[str, str]  # paths in its tree, by the names that others will find them by


def unpack(data: bytes, here: Path, files: Path) -> Made:
    """Make the whole directory of one package, or leave nothing."""
    archive = archives.inspect(data, None)
    sharable: dict[str, str] = {}
    with _aside(here) as aside:
        facts = _write_tree(data, archive, aside / "tree", files, sharable)
        _finish(aside, facts)
    return Made(facts, sharable)


def share(tree: Path, made: Made, files: Path) -> None:
    """Let others find its files. Only what is on the disk is shared: the power may fail."""
    for name, path in made.sharable.items():
        files.mkdir(exist_ok=True)
        _link(tree / path, files / name)


def merge(parts: Sequence[Path], here: Path) -> Made:
    """Make one directory of several unpacked layers; raises as merge_trees does."""
    facts = [read_facts(part) for part in parts]
    whole = CodeFacts(
        mentions_sdk=any(f.mentions_sdk for f in facts),
        brings_sdk=any(f.brings_sdk for f in facts),
        file_count=sum(f.file_count for f in facts),
        size_bytes=sum(f.size_bytes for f in facts),
    )
    with _aside(here) as aside:
        merge_trees([part / "tree" for part in parts], aside / "tree")
        _finish(aside, whole)
    return Made(whole, {})


def merge_trees(trees: Sequence[Path], into: Path) -> None:
    """Make `into` of links to what is in the trees; a later one covers what earlier ones have.

    Raises InvalidParameterValueException if links that stay below their own root would, put
    together, leave the common one.
    """
    merged: Folder = {}
    for tree in trees:
        _cover(merged, tree)
    archives.check_links(dict(_links(merged)))
    _write_merged(merged, into)


@contextmanager
def _aside(here: Path) -> Iterator[Path]:
    """A folder that becomes `here`, unless something goes wrong."""
    aside = Path(tempfile.mkdtemp(prefix=INCOMING, dir=here.parent))
    try:
        aside.chmod(0o755)
        yield aside
        try:
            aside.rename(here)
        except OSError as error:
            # One whose caller was cancelled meanwhile came first, with the same.
            if error.errno != errno.ENOTEMPTY:
                raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _finish(aside: Path, facts: CodeFacts) -> None:
    (aside / "facts.json").write_text(json.dumps(asdict(facts)))


def _write_tree(
    data: bytes, archive: archives.Archive, tree: Path, files: Path, sharable: dict[str, str]
) -> CodeFacts:
    """Directories, then files, then links: so nothing is ever written through a link. `sharable`
    gets the files that others may share."""
    tree.mkdir()
    for name in archive.directories:
        (tree / name).mkdir()
    mentions = False
    for member in archive.files:
        path = tree / member.path
        shared = _shared_name(data, member)
        if shared is not None and _take(files / shared, path, member.entry.size):
            pieces = _pieces(path)
        else:
            pieces = _written(data, member, path)
            if shared is not None:
                sharable[shared] = member.path
        mentions = _mention_sdk(pieces, member.path.endswith(".py") and not mentions) or mentions
    for member in archive.links:
        assert member.link is not None
        path = tree / member.path
        path.symlink_to(member.link)
        os.utime(path, (member.entry.modified_s,) * 2, follow_symlinks=False)
    for directory in (tree, *(tree / name for name in archive.directories)):
        directory.chmod(0o755)
    return CodeFacts(
        mentions_sdk=mentions,
        brings_sdk=any(_is_sdk(m.path) for m in (*archive.files, *archive.links)),
        file_count=len(archive.files),
        size_bytes=archive.size_bytes,
    )


def _written(data: bytes, member: archives.Member, path: Path) -> Iterator[bytes]:
    """Write it, and say what."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        for piece in archives.content(data, member.entry):
            file.write(piece)
            yield piece
        file.flush()
        os.fchmod(file.fileno(), member.mode)
        os.utime(file.fileno(), (member.entry.modified_s,) * 2)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            yield piece


def _shared_name(data: bytes, member: archives.Member) -> str | None:
    """The same for every file that is the same once it is unpacked; None: not worth it.

    It is the hash of the packed bytes, so that it is known without unpacking: what a zip
    declares (a checksum of 32 bits) anybody could bring about with other content.
    """
    entry = member.entry
    if entry.size < _SHARED_FROM_BYTES:
        return None
    declared = struct.pack(
        "<HIQqI", entry.method, entry.crc, entry.size, entry.modified_s, member.mode
    )
    name = hashlib.sha256(declared)
    name.update(memoryview(data)[entry.start : entry.start + entry.packed])
    return name.hexdigest()


def _take(shared: Path, path: Path, size: int) -> bool:
    """Make `path` the file that is shared, if there is such a one and it is sound."""
    if not _link(shared, path):
        return False
    if path.stat().st_size == size:
        return True
    path.unlink()
    shared.unlink(missing_ok=True)
    return False


def _link(source: Path, path: Path) -> bool:
    try:
        os.link(source, path, follow_symlinks=False)
    except (FileNotFoundError, FileExistsError):
        return False
    except OSError as error:
        if error.errno in _UNLINKABLE:
            return False
        raise
    return True


def _mention_sdk(pieces: Iterator[bytes], matters: bool) -> bool:
    """Whether they name it, if that matters. They are taken to the end in any case."""
    tail, found = b"", False
    for piece in pieces:
        if matters and not found:
            seen = tail + piece
            found = any(name in seen for name in _SDK_NAMES)
            tail = seen[-_OVERLAP:]
    return found


def _is_sdk(path: str) -> bool:
    return any(part.removesuffix(".py") in _SDK for part in path.split("/"))


def _cover(merged: Folder, layer: Path) -> None:
    """Put a layer's folder over what earlier layers have there."""
    for entry in os.scandir(layer):
        if not entry.is_dir(follow_symlinks=False):
            merged[entry.name] = Path(entry.path)
            continue
        below = merged.get(entry.name)
        if not isinstance(below, dict):
            below = merged[entry.name] = {}
        _cover(below, Path(entry.path))


def _links(folder: Folder, prefix: str = "") -> Iterator[tuple[str, str]]:
    """The path of each symbolic link, and where it leads."""
    for name, what in folder.items():
        if isinstance(what, dict):
            yield from _links(what, f"{prefix}{name}/")
        elif what.is_symlink():
            yield f"{prefix}{name}", str(what.readlink())


def _write_merged(folder: Folder, into: Path) -> None:
    into.mkdir()
    into.chmod(0o755)
    for name, what in folder.items():
        if isinstance(what, dict):
            _write_merged(what, into / name)
        elif not _link(what, into / name):
            shutil.copy2(what, into / name, follow_symlinks=False)


def unshare(files: Path) -> None:
    """Remove what no package has any more."""
    if not files.is_dir():
        return
    for entry in os.scandir(files):
        if entry.stat(follow_symlinks=False).st_nlink == 1:
            Path(entry.path).unlink(missing_ok=True)
