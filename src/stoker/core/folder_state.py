"""What a folder is like now, as one number that changes when any of its files does.

Each file counts by itself, in whatever order, so that a change costs what changed and not what is
there: a folder with 50,000 files is looked through once.
"""

import stat
from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple

_BYTES = 16


class Facts(NamedTuple):
    """What is looked at of a file, or of a link itself."""

    changed_ns: int
    size: int
    inode: int  # editors put a new file in place of the old one
    mode: int
    writes: int  # seen so far: two of them may come within one tick of the file system's clock


class FolderState:
    def __init__(self) -> None:
        self._files: dict[str, Facts] = {}
        self._sum = 0

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, path: str) -> bool:
        return path in self._files

    def items(self) -> Iterator[tuple[str, Facts]]:
        """Every file, by its path below the folder."""
        yield from self._files.items()

    @property
    def fingerprint(self) -> str:
        """The same for the same files."""
        return self._sum.to_bytes(_BYTES, "big").hex()

    def closed(self) -> list[str]:
        """Files that only their owner, or their group, may read: a function cannot."""
        return sorted(
            path
            for path, facts in self._files.items()
            if stat.S_ISREG(facts.mode) and not facts.mode & stat.S_IROTH
        )

    def put(self, path: str, facts: Facts | None) -> None:
        """This is what the file is like; None: there is none."""
        before = self._files.pop(path, None)
        if before is not None:
            self._sum ^= _number(path, before)
        if facts is not None:
            self._files[path] = facts
            self._sum ^= _number(path, facts)

    def drop_below(self, folder: str) -> None:
        """The folder is gone, with all that was in it."""
        below = f"{folder}/"
        for path in [path for path in self._files if path.startswith(below)]:
            self.put(path, None)


def _number(path: str, facts: Facts) -> int:
    text = "\0".join((path, *map(str, facts)))
    digest = blake2b(text.encode("utf-8", "surrogateescape"), digest_size=_BYTES)
    return int.from_bytes(digest.digest(), "big")
