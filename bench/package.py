"""The deployment package, the same for all systems that take one."""

import functools
import io
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FUNCTIONS = Path(__file__).parent / "functions"
RUNTIME = f"python3.{sys.version_info.minor}"  # Lambda's name of the one interpreter
HANDLER = "main.echo"
MEMORY_MB = 1769  # one core
TIMEOUT_S = 30


def definition(name: str, handler: str = HANDLER, layers: Sequence[str] = ()) -> dict[str, Any]:
    """Arguments of CreateFunction."""
    return {
        "Layers": list(layers),
        "FunctionName": name,
        "Runtime": RUNTIME,
        "Handler": handler,
        "Role": "arn:aws:iam::000000000000:role/bench",
        "Code": {"ZipFile": _zip()},
        "MemorySize": MEMORY_MB,
        "Timeout": TIMEOUT_S,
    }


def layer(extension: str) -> bytes:
    """A layer with one of functions/extensions."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.write(FUNCTIONS / "extensions" / extension, f"extensions/{extension}")
    return buffer.getvalue()


@functools.cache
def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(FUNCTIONS / "main.py", "main.py")
    return buffer.getvalue()
