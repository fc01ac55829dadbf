"""A folder as a deployment package."""

import io
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

LEFT_OUT = {".git", ".venv", "__pycache__", ".pytest_cache", ".mypy_cache", ".DS_Store"}


def package(path: Path) -> bytes:
    """A folder, or one file, as a zip, always the same for the same files: modes are kept, times
    are not. Raise OSError."""
    folder = path if path.is_dir() else path.parent
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in _files(folder) if path.is_dir() else [path]:
            entry = zipfile.ZipInfo(file.relative_to(folder).as_posix())
            entry.compress_type = zipfile.ZIP_DEFLATED
            link = file.is_symlink()
            kept = stat.S_IMODE(file.lstat().st_mode)
            entry.external_attr = (stat.S_IFLNK | 0o777 if link else stat.S_IFREG | kept) << 16
            archive.writestr(entry, str(file.readlink()) if link else file.read_bytes())
    return buffer.getvalue()


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name in LEFT_OUT:
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _files(path)
        elif path.is_file() or path.is_symlink():
            yield path
