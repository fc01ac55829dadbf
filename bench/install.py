"""Bring the peers into build/bench. What cannot be had is left out, with the reason."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
BUILD = ROOT / "build" / "bench"
UV = Path(sys.executable).with_name("uv")
NODE_PACKAGES = {"serverless": "3.40.0", "serverless-offline": "13.9.0"}
DEBIAN_PACKAGES = {"runc": "runc", "bwrap": "bubblewrap", "wrk": "wrk"}  # command: package
INSTALL_S = 600


class NotInstallable(Exception):
    """Why a peer cannot be had here."""


@dataclass(slots=True)
class Peers:
    """Where everything is. None: `missing` says why."""

    python: Path  # one interpreter for all systems
    rie: Path | None = None
    awslambdaric: Path | None = None  # a folder for PYTHONPATH
    ministack: Path | None = None
    serverless: Path | None = None  # the folder with node_modules
    runc: Path | None = None
    bwrap: Path | None = None
    wrk: Path | None = None
    missing: dict[str, str] = field(default_factory=dict)


def base_interpreter() -> Path:
    """The interpreter behind .venv: what Stoker, too, finds first on the PATH we give it."""
    version = sysconfig.get_python_version()
    return (Path(sys.base_prefix) / "bin" / f"python{version}").resolve()


def install(say: Callable[[str], None]) -> Peers:
    """Quick when everything is there already."""
    BUILD.mkdir(parents=True, exist_ok=True)
    peers = Peers(base_interpreter())

    def attempt(name: str, step: Callable[[], Path]) -> Path | None:
        try:
            return step()
        except (NotInstallable, OSError, subprocess.SubprocessError) as reason:
            peers.missing[name] = " ".join(str(reason).split())[-300:]
            say(f"left out: {name} ({peers.missing[name]})")
            return None

    venv = attempt("Python peers", lambda: _venv(say))
    if venv:
        peers.rie = attempt("rie", lambda: _rie(venv))
        peers.ministack = attempt("ministack", lambda: _existing(venv / "bin" / "ministack"))
    peers.awslambdaric = attempt("awslambdaric", _awslambdaric)
    peers.serverless = attempt("serverless-offline", lambda: _serverless(say))
    for command in DEBIAN_PACKAGES:
        path = attempt(command, lambda command=command: _debian(command, say))  # type: ignore[misc]
        setattr(peers, command, path)
    return peers


def _venv(say: Callable[[str], None]) -> Path:
    folder = BUILD / "venv"

    def make() -> None:
        say("installing ministack and aws-sam-cli (for the aws-lambda-rie in it)")
        _run(UV, "venv", "--quiet", "--clear", "--python", base_interpreter(), folder)
        _pip("--python", folder / "bin" / "python", "-r", HERE / "locks" / "peers.lock")

    _unless_stamped(folder, (HERE / "locks" / "peers.lock").read_text(), make)
    return folder


def _awslambdaric() -> Path:
    folder, lock = BUILD / "awslambdaric", HERE / "locks" / "awslambdaric.lock"

    def make() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        _pip("--python", base_interpreter(), "--target", folder, "-r", lock)

    _unless_stamped(folder, lock.read_text(), make)
    return folder


def _rie(venv: Path) -> Path:
    """The emulator's binary, which ships in aws-sam-cli; made executable."""
    kind = {"x86_64": "x86_64", "aarch64": "arm64"}.get(os.uname().machine, "of this machine")
    found = list(venv.glob(f"lib/*/site-packages/samcli/local/rapid/aws-lambda-rie-{kind}"))
    if not found:
        raise NotInstallable(f"aws-sam-cli brings no aws-lambda-rie-{kind}")
    found[0].chmod(0o755)
    return found[0]


def _serverless(say: Callable[[str], None]) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise NotInstallable("there is no npm (Debian's packages nodejs and npm)")
    folder = BUILD / "node"
    wanted = json.dumps({"private": True, "dependencies": NODE_PACKAGES}, indent=2)

    def make() -> None:
        say("installing serverless and serverless-offline")
        folder.mkdir(exist_ok=True)
        (folder / "package.json").write_text(wanted)
        options = ["--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
        _run(npm, "install", "--loglevel=error", *options, cwd=folder)

    _unless_stamped(folder, wanted, make)
    return folder


def _debian(command: str, say: Callable[[str], None]) -> Path:
    if found := _which(command):
        return found
    apt = shutil.which("apt-get")
    package = DEBIAN_PACKAGES[command]
    if apt is None or os.geteuid() != 0:
        raise NotInstallable(f"install {package}: that needs root and apt")
    say(f"installing {package}")
    arguments = ["install", "-qq", "-y", "--no-install-recommends", package]
    try:
        _run(apt, *arguments)
    except NotInstallable:
        _run(apt, "update", "-qq")
        _run(apt, *arguments)
    return _existing(_which(command) or Path(command))


def _which(command: str) -> Path | None:
    found = shutil.which(command, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    return Path(found) if found else None


def _existing(path: Path) -> Path:
    if not path.exists():
        raise NotInstallable(f"{path.name} is not there after its installation")
    return path


def _unless_stamped(folder: Path, inputs: str, make: Callable[[], None]) -> None:
    """Make a folder again only when what it is made of has changed."""
    stamp, wanted = folder / ".installed", inputs + str(folder) + str(base_interpreter())
    if stamp.exists() and stamp.read_text() == wanted:
        return
    stamp.unlink(missing_ok=True)
    make()
    stamp.write_text(wanted)


def _pip(*arguments: str | Path) -> None:
    options = ["--quiet", "--no-deps", "--require-hashes", "--compile-bytecode"]
    _run(UV, "pip", "install", *options, *arguments)


def _run(*command: str | Path, cwd: Path = ROOT) -> None:
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "UV_LINK_MODE": "copy"}
    environ.setdefault(
        "SSL_CERT_FILE", environ.get("PIP_CERT", "/etc/ssl/certs/ca-certificates.crt")
    )
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=INSTALL_S,
        check=False,
    )
    if done.returncode != 0:
        raise NotInstallable((done.stderr or done.stdout).strip() or f"{command[0]} failed")
