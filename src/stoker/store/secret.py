"""A secret of the server's own, made by its first start."""

import os
import uuid
from pathlib import Path


def kept_secret(path: Path, size: int) -> bytes:
    """`size` random bytes, the same at each start. One that is not whole is made anew."""
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        found = b""
    if len(found) == size:
        return found
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made, new = os.urandom(size), path.with_suffix(f".{uuid.uuid4().hex}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, made)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    new.rename(path)
    return made
