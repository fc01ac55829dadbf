"""What pages bring along: style, scripts, pictures. In memory, under names that change with their
content, so that a browser need never ask for one twice."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

STATIC = "static/"  # below /_stoker/
_FOLDER = Path(__file__).with_name("static")
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    content: bytes
    kind: str


class Assets:
    def __init__(self, folder: Path = _FOLDER) -> None:
        self._by_path: dict[str, Asset] = {}
        self._paths: dict[str, str] = {}
        for file in sorted(folder.rglob("*")):
            kind = _TYPES.get(file.suffix)
            if kind is not None and file.is_file():
                name = file.relative_to(folder).as_posix()
                content = file.read_bytes()
                path = f"{STATIC}{sha256(content).hexdigest()[:12]}/{name}"
                self._by_path[path] = Asset(content, kind)
                self._paths[name] = path

    def find(self, path: str) -> Asset | None:
        return self._by_path.get(path)

    def path(self, name: str) -> str:
        """Below /_stoker/. A KeyError is our bug."""
        return self._paths[name]
