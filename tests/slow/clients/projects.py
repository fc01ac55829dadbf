"""Functions on AWS's own runtime clients, built from their registries into build/clients.

Versions and checksums are pinned beside each function; where packages come from is the machine's
own matter (its proxies and mirrors), so no file here says it.

    go/      github.com/aws/aws-lambda-go      go.mod, go.sum
    rust/    lambda_runtime                    Cargo.lock, but for the registry's address
    cpp/     aws-lambda-cpp                    vendored, with its curl, in the npm package below
    python/  awslambdaric                      requirements.lock of this checkout
    java/    aws-lambda-java-runtime-interface-client   pom.xml; what it needs is chosen by it
"""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.running import PYTHON, bring_awslambdaric

HERE = Path(__file__).parent
BUILD = HERE.parents[2] / "build" / "clients"
BUILD_S = 1500
RIC = "aws-lambda-ric@3.3.0"
RIC_SHA512 = (
    "9p06TbKVK4a050NY/vYOxhMHvnIiUu5o1W0//q6yNLSqA/c91pn4BOj3C3sRTpplkUNsGJdU5qWyU2STo6L8hA=="
)
# AWS's own build uses configure, which would need autoconf and libtool here.
CURL_OFF = (
    "BUILD_SHARED_LIBS",
    "BUILD_CURL_EXE",
    "BUILD_TESTING",
    "CURL_ENABLE_SSL",
    "CURL_ZLIB",
    "ENABLE_THREADED_RESOLVER",
    "ENABLE_MANUAL",
    "ENABLE_UNIX_SOCKETS",
    "ENABLE_IPV6",
    "CURL_USE_LIBSSH2",
    "USE_LIBIDN2",
)
CURL = ["-DCMAKE_BUILD_TYPE=MinSizeRel", "-DHTTP_ONLY=ON", *(f"-D{name}=OFF" for name in CURL_OFF)]


class NoToolchain(Exception):
    """What this machine lacks to build a function."""


class BuildFailed(Exception):
    """A toolchain's last words."""


@dataclass(frozen=True, slots=True)
class Package:
    """What CreateFunction wants to know, and what the server must be started with."""

    files: Mapping[str, str | bytes]
    runtime: str = "provided.al2023"
    handler: str = "any"
    server_options: tuple[str, ...] = ()


@cache
def package(name: str) -> Package:
    """Build what is not built yet; minutes the first time. Raises NoToolchain, BuildFailed."""
    folder = BUILD / name
    folder.mkdir(parents=True, exist_ok=True)
    return _BUILDERS[name](folder)


def _go(folder: Path) -> Package:
    program = folder / "bootstrap"
    command = [_tool("go"), "build", "-p", "1", "-trimpath", "-tags", "lambda.norpc"]
    _run(*command, "-ldflags", "-s -w", "-o", program, ".", cwd=HERE / "go", CGO_ENABLED="0")
    return Package({"bootstrap": program.read_bytes()})


def _rust(folder: Path) -> Package:
    cargo = _tool("cargo")
    shutil.copytree(HERE / "rust", folder, dirs_exist_ok=True, ignore=lambda *_: ["Cargo.lock"])
    pinned, lock = (HERE / "rust" / "Cargo.lock").read_text(), folder / "Cargo.lock"
    if not lock.exists() or re.sub(r'source = ".*"\n', "", lock.read_text()) != pinned:
        lock.unlink(missing_ok=True)
        _run(cargo, "generate-lockfile", cwd=folder)
        source = re.search(r'source = ".*"\n', lock.read_text())
        assert source, "no package comes from a registry"
        lock.write_text(re.sub(r"(?=^checksum = )", source[0], pinned, flags=re.MULTILINE))
    target = folder / "target"
    _run(cargo, "build", "-j1", "--release", "--locked", "--target-dir", target, cwd=folder)
    return Package({"bootstrap": (target / "release" / "bootstrap").read_bytes()})


def _cpp(folder: Path) -> Package:
    compiler, cmake, npm = _tool("g++"), _tool("cmake"), _tool("npm")
    installed = folder / "installed"
    if not (installed / "lib" / "libaws-lambda-runtime.a").exists():
        _unpack_ric(npm, folder)
        here = f"-DCMAKE_INSTALL_PREFIX={installed}"
        for source, options in (
            ("curl-curl-7_83_1", CURL),
            ("aws-lambda-cpp-0.2.8", ["-DCMAKE_BUILD_TYPE=Release"]),
        ):
            built = folder / f"{source}.build"
            found = [here, f"-DCMAKE_PREFIX_PATH={installed}"]
            _run(cmake, "-S", folder / source, "-B", built, *found, *options)
            _run(cmake, "--build", built, "-j1", "--target", "install")
    libraries = installed / "lib"
    program = folder / "bootstrap"
    _run(
        *(compiler, "-std=c++17", "-O1", "-s", HERE / "cpp" / "main.cc", "-o", program),
        *("-I", installed / "include", "-L", libraries, "-laws-lambda-runtime", "-lcurl"),
    )
    return Package({"bootstrap": program.read_bytes()})


def _unpack_ric(npm: str, folder: Path) -> None:
    _run(npm, "pack", RIC, "--pack-destination", folder, cwd=folder)
    (archive,) = folder.glob("aws-lambda-ric-*.tgz")
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != RIC_SHA512:
        raise BuildFailed(f"{RIC} is not what it was: {digest}")
    with tarfile.open(archive) as content:
        content.extractall(folder, filter="data")
    for vendored in (folder / "package" / "deps").glob("*.tar.gz"):
        with tarfile.open(vendored) as content:
            content.extractall(folder, filter="data")


def _python(folder: Path) -> Package:
    bring_awslambdaric(folder)
    return Package(
        {"main.py": (HERE / "python" / "main.py").read_bytes()},
        runtime=PYTHON,
        handler="main.handler",
        server_options=("--python-client", str(folder)),
    )


# /usr is the machine's own inside, too. The client unpacks its native part into /tmp.
_START_JAVA = """#!/bin/sh
exec {java} -XX:+UseSerialGC -XX:TieredStopAtLevel=1 --add-opens=java.base/java.io=ALL-UNNAMED \\
  -cp "$(printf '%s:' client/*.jar)" com.amazonaws.services.lambda.runtime.api.client.AWSLambda Main
"""


def _java(folder: Path) -> Package:
    """The client's jars beside the function, and a bootstrap that starts the machine's java."""
    javac, maven = _tool("javac"), _tool("mvn")
    java = Path(_tool("java")).resolve()
    if not java.is_relative_to("/usr"):
        raise NoToolchain("there is no java in /usr, which is visible inside")
    jars, classes = folder / "jars", folder / "classes"
    if not any(jars.glob("aws-lambda-java-runtime-interface-client-*.jar")):
        pom = ["-f", HERE / "java" / "pom.xml", f"-DoutputDirectory={jars}"]
        _run(maven, "-q", "-B", *pom, "dependency:copy-dependencies")
    path = ":".join(map(str, sorted(jars.glob("*.jar"))))
    _run(javac, "-cp", path, "-d", classes, HERE / "java" / "Main.java")
    files = {f"client/{jar.name}": jar.read_bytes() for jar in jars.glob("*.jar")}
    files |= {file.name: file.read_bytes() for file in classes.glob("*.class")}
    return Package({**files, "bootstrap": _START_JAVA.format(java=java)}, handler="Main")


_BUILDERS: dict[str, Callable[[Path], Package]] = {
    "go": _go,
    "rust": _rust,
    "cpp": _cpp,
    "python": _python,
    "java": _java,
}


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise NoToolchain(f"there is no {name} on this machine")
    return found


def _run(*command: str | Path, cwd: Path | None = None, **environ: str) -> None:
    """At the lowest priority: a build is in nobody's way."""
    done = subprocess.run(
        ["nice", "-n", "19", *command],
        cwd=cwd,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BUILD_S,
        check=False,
    )
    if done.returncode != 0:
        raise BuildFailed(f"{Path(command[0]).name}: {(done.stderr or done.stdout)[-4000:]}")
