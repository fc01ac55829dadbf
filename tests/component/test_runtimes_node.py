"""Which Node.js is found, and what `stoker runtimes install` brings."""

import base64
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stoker.cli.main import app
from stoker.runtimes.found import Layout, RuntimeUnavailable, find_runtime
from stoker.runtimes.install import CannotInstall, check_integrity, install

RUNTIME = "nodejs26.x"
VERSION = "26.5.1"


def fake_node(prefix: Path, version: str = VERSION) -> Path:
    """An installation of Node.js, as far as anybody asks it before a function runs."""
    path = prefix / "bin" / "node"
    path.parent.mkdir(parents=True, exist_ok=True)
    facts = {"version": version, "executable": str(path.resolve()), "mapped": []}
    path.write_text(f"#!/bin/sh\necho '{json.dumps(facts)}'\n")
    path.chmod(0o755)
    (prefix / "include" / "node").mkdir(parents=True, exist_ok=True)
    (prefix / "include" / "node" / "node.h").touch()
    return path


@pytest.fixture
def nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose users have no Node.js anywhere."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    for name in ("NVM_DIR", "VOLTA_HOME", "FNM_DIR", "XDG_DATA_HOME", "STOKER_RUNTIMES_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_a_missing_node_is_refused_with_the_command_that_brings_it(nothing_else: Path) -> None:
    with pytest.raises(RuntimeUnavailable, match=f"`stoker runtimes install {RUNTIME}`"):
        find_runtime(RUNTIME)


@pytest.mark.parametrize(
    "place",
    [f"runtimes/{RUNTIME}", "home/.nvm/versions/node/v26.5.1",
     "home/.volta/tools/image/node/26.5.1",
     "home/.local/share/fnm/node-versions/v26.5.1/installation"],
)  # fmt: skip
def test_it_looks_where_people_have_node(place: str, nothing_else: Path) -> None:
    executable = fake_node(nothing_else / place)
    found = find_runtime(RUNTIME, runtimes_dir=nothing_else / "runtimes")
    assert (found.version, found.executable) == (VERSION, executable)
    assert (found.layout, found.inside) == (Layout.PREFIX, "/var/lang/bin/node")
    assert found.prefix == nothing_else / place


def test_another_version_is_never_taken(nothing_else: Path) -> None:
    fake_node(nothing_else / "runtimes" / RUNTIME, "24.1.0")
    with pytest.raises(RuntimeUnavailable, match=r"there is no Node\.js 26"):
        find_runtime(RUNTIME, runtimes_dir=nothing_else / "runtimes")


def test_a_folder_that_is_more_than_an_installation_is_not_shown_to_functions(
    nothing_else: Path,
) -> None:
    """~/bin/node would have functions see the whole home."""
    fake_node(nothing_else)
    (nothing_else / "include" / "node" / "node.h").unlink()
    with pytest.raises(RuntimeUnavailable):
        find_runtime(RUNTIME)


# -- installing ----------------------------------------------------------------------------------


def test_an_installation_is_linked_and_found_by_the_server(nothing_else: Path) -> None:
    prefix, place = nothing_else / "mine", nothing_else / "runtimes"
    fake_node(prefix)
    result = CliRunner().invoke(
        app, ["runtimes", "install", RUNTIME, "--from", str(prefix), "--into", str(place)]
    )
    assert (result.exit_code, result.stdout) == (0, f"{RUNTIME}: {VERSION}, in {place / RUNTIME}\n")
    assert find_runtime(RUNTIME, runtimes_dir=place).prefix == prefix
    listed = subprocess.run(
        [sys.executable, "-m", "stoker", "runtimes", "list", "--json"],
        env={**os.environ, "STOKER_RUNTIMES_DIR": str(place)},
        capture_output=True,
        check=True,
    )
    rows = {row["runtime"]: row for row in json.loads(listed.stdout)}
    assert rows[RUNTIME]["version"] == VERSION
    assert rows["provided.al2023"] == {
        "runtime": "provided.al2023", "version": None, "path": None, "remedy": None,
    }  # fmt: skip


def test_what_is_not_what_was_asked_for_is_not_installed(nothing_else: Path) -> None:
    place = nothing_else / "runtimes"
    fake_node(nothing_else / "mine", "24.1.0")
    with pytest.raises(CannotInstall, match=r"is Node\.js 24\.1\.0"):
        install(RUNTIME, place, nothing_else / "mine")
    assert list(place.iterdir()) == []


def registry(folder: Path, archive: bytes, integrity: str) -> None:
    """An npm whose registry has one release of the package, beside an older one."""
    releases = [
        {"version": "26.0.0", "dist.integrity": "sha512-no"},
        {"version": VERSION, "dist.integrity": integrity},
        {"version": "26.5.0", "dist.integrity": "sha512-no"},
    ]
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "archive.tgz").write_bytes(archive)
    npm = folder / "bin" / "npm"
    npm.write_text(
        "#!/bin/sh\n"
        f"[ $1 = view ] && echo '{json.dumps(releases)}' && exit\n"
        f"case $2 in node-linux-*@{VERSION}) cp {folder}/archive.tgz $4/a.tgz; echo '[]';;\n"
        "*) echo no such release >&2; exit 1;; esac\n"
    )
    npm.chmod(0o755)


def archive(tmp_path: Path, place: Path) -> bytes:
    """As npm packs it; its node says that it is where it will be."""
    node = fake_node(tmp_path / "packed")
    facts = {"version": VERSION, "executable": "$(realpath $0)", "mapped": []}
    node.write_text("#!/bin/sh\ncat <<END\n" + json.dumps(facts) + "\nEND\n")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        packed.add(tmp_path / "packed", "package")
    return buffer.getvalue()


def test_node_comes_from_npm_with_its_digest_checked(nothing_else: Path) -> None:
    place = nothing_else / "runtimes"
    data = archive(nothing_else, place)
    digest = base64.b64encode(hashlib.sha512(data).digest()).decode()
    registry(nothing_else, data, f"sha512-{digest}")
    (place / RUNTIME).mkdir(parents=True)  # an older one: replaced
    found = install(RUNTIME, place)
    assert (found.version, found.prefix) == (VERSION, place / RUNTIME)
    assert [path.name for path in place.iterdir()] == [RUNTIME]
    assert (place / RUNTIME).stat().st_mode & 0o777 == 0o755

    registry(nothing_else, data + b"!", f"sha512-{digest}")
    with pytest.raises(CannotInstall, match="is not what the registry says it is"):
        install(RUNTIME, place)
    assert find_runtime(RUNTIME, runtimes_dir=place).version == VERSION


def test_a_weak_digest_is_not_enough(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x")
    weak = base64.b64encode(hashlib.sha1(b"x").digest()).decode()
    for text in ("", f"sha1-{weak}", "sha512-"):
        with pytest.raises(CannotInstall):
            check_integrity(file, text)


@pytest.mark.parametrize(
    ("runtime", "words"),
    [
        ("nodejs99.x", "is not a runtime that AWS Lambda has"),
        ("provided.al2023", "needs nothing"),
        ("dotnet8", "is not built into Stoker yet"),
    ],
)
def test_what_cannot_be_installed_is_said(runtime: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(CannotInstall, match=words):
        install(runtime, tmp_path)


def test_without_npm_the_way_out_is_named(
    nothing_else: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(nothing_else / "bin"))
    with pytest.raises(CannotInstall, match="npm, which downloads it, is not on this machine"):
        install(RUNTIME, nothing_else / "runtimes")
