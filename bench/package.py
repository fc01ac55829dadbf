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


def layer(extension: str, imports: str = "") -> bytes:
    """A layer with one of functions/extensions; `imports` before its own."""
    buffer = io.BytesIO()
    text = (FUNCTIONS / "extensions" / extension).read_text()
    entry = zipfile.ZipInfo(f"extensions/{extension}")
    entry.external_attr = 0o755 << 16
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(entry, text.replace("\nimport ", f"\n{imports}import ", 1))
    return buffer.getvalue()


@functools.cache
def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(FUNCTIONS / "main.py", "main.py")
    return buffer.getvalue()
