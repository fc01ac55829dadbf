"""The code of a function: look at it, change a file, deploy."""

import asyncio
import io
import zipfile
from dataclasses import dataclass
from typing import Any

from stoker.blobs.base import BlobMissing
from stoker.console.asked import Asked, Moved, Shown
from stoker.console.pages.function import key_of, page
from stoker.console.words import Exact, exact
from stoker.core.errors import InvalidParameterValueException, ResourceNotFoundException
from stoker.core.limits import MIB

PACKAGE_BYTES = 3 * MIB  # AWS's editor: larger packages can be downloaded, not edited
FILE_BYTES = 3 * MIB  # that is shown
UNPACKED_BYTES = 64 * MIB
MOST_FILES = 2000
UNSEEN = (
    "It has characters that cannot be seen (written out here), or lines that end in different ways:"
    " it is shown, and not edited."
)


@dataclass(frozen=True, slots=True)
class File:
    path: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Package:
    files: tuple[File, ...]
    path: str = ""  # of the file that is shown
    text: Exact | None = None  # to be edited
    seen: str = ""  # what cannot be edited, and only looked at
    why_not: str = ""  # it is not shown, or not edited


async def show(asked: Asked) -> Shown:
    """The files of $LATEST, and one of them."""
    return await _shown(asked, asked.query.get("file", ""))


async def deploy(asked: Asked) -> Moved | Shown:
    """Put a text in the place of a file; the others stay as they are."""
    path, text = asked.form.get("path", ""), asked.form.get("text", "")
    package = await _read(asked)
    changed = await asyncio.to_thread(replaced, package, path, text)
    name = asked.names["name"]
    await asked.call("lambda", "UpdateFunctionCode", FunctionName=name, ZipFile=changed)
    return Moved(asked.where.path("functions", name, "code", file=path))


async def _shown(asked: Asked, path: str) -> Shown:
    function = await _latest(asked)
    size = function.latest.code.size_bytes
    found = Package((), why_not="The package is larger than 3 MB: it cannot be edited here.")
    if size <= PACKAGE_BYTES:
        content = await _read(asked)
        handler = function.latest.handler.partition(".")[0]
        found = await asyncio.to_thread(opened, content, path, handler)
    return await page(asked, "code", "function_code.html", package=found, size=size)


async def _latest(asked: Asked) -> Any:
    async with asked.control.store.transaction() as tx:
        function = await tx.function(key_of(asked))
    if function is None:
        raise ResourceNotFoundException(f"Function not found: {key_of(asked).arn}")
    return function


async def _read(asked: Asked) -> bytes:
    function = await _latest(asked)
    if function.latest.code.size_bytes > PACKAGE_BYTES:
        raise InvalidParameterValueException("The package is larger than 3 MB.")
    try:
        return await asked.control.blobs.read(function.latest.code.sha256)
    except BlobMissing:
        raise ResourceNotFoundException("The code has been replaced since.") from None


def opened(content: bytes, path: str, handler: str) -> Package:
    """What is in a package, and the text of one file: that of the path, else the handler's."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [one for one in archive.infolist() if not one.is_dir()][:MOST_FILES]
            files = tuple(sorted((File(e.filename, e.file_size) for e in entries), key=_by_path))
            chosen = path or next((f.path for f in files if f.path.startswith(handler)), "")
            if not chosen:
                return Package(files, why_not="Choose a file.")
            return _file(archive, files, chosen)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
        return Package((), why_not=f"The package cannot be read: {error}")


def _by_path(file: File) -> str:
    return file.path


def _file(archive: zipfile.ZipFile, files: tuple[File, ...], path: str) -> Package:
    try:
        entry = archive.getinfo(path)
    except KeyError:
        return Package(files, path, why_not="There is no such file.")
    with archive.open(entry) as stream:
        data = stream.read(FILE_BYTES + 1)  # what it says of its size is its own word
    if len(data) > FILE_BYTES:
        return Package(files, path, why_not="The file is larger than 3 MB.")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return Package(files, path, why_not="The file is no text.")
    if "\0" in text:
        return Package(files, path, why_not="The file is no text.")
    if (editable := _editable(text)) is None:
        return Package(files, path, seen=text, why_not=UNSEEN)
    return Package(files, path, editable)


def _editable(text: str) -> Exact | None:
    """As an editor has it. A browser sends each end of a line as CR LF, so it must be one and the
    same in all of the file."""
    return exact(text.replace("\r\n", "\n") if _ends(text) == "\r\n" else text)


def _ends(text: str) -> str:
    """How its lines end."""
    return "\r\n" if "\r\n" in text and text.count("\n") == text.count("\r\n") else "\n"


def _edited(before: bytes, text: str) -> bytes:
    """What the editor's text makes of a file; the ends of its lines stay what they were."""
    try:
        old = before.decode()
    except UnicodeDecodeError:
        old = "\0"
    if _editable(old) is None:
        raise InvalidParameterValueException("This file is no text that can be edited here.")
    return text.replace("\r\n", "\n").replace("\n", _ends(old)).encode("utf-8", "replace")


def replaced(content: bytes, path: str, text: str) -> bytes:
    """The package with this text, as a browser sends it, for that file."""
    made, unpacked = io.BytesIO(), 0
    try:
        with (
            zipfile.ZipFile(io.BytesIO(content)) as archive,
            zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as changed,
        ):
            if path not in archive.namelist():
                raise InvalidParameterValueException(f"There is no file {path!r} in the package.")
            for entry in archive.infolist():
                with archive.open(entry) as stream:
                    data = stream.read(UNPACKED_BYTES - unpacked + 1)
                unpacked += len(data)
                if unpacked > UNPACKED_BYTES:
                    raise InvalidParameterValueException(
                        "Unpacked, the package is larger than 64 MB: it cannot be edited here."
                    )
                if entry.filename == path:
                    data = _edited(data, text)
                changed.writestr(entry, data, zipfile.ZIP_DEFLATED)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise InvalidParameterValueException(f"The package cannot be read: {error}") from error
    return made.getvalue()
