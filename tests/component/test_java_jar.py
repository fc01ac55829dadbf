"""The jar of the Java runtime client is what its sources say."""

import re
import shutil
import zipfile
from pathlib import Path

import pytest

from scripts.build_java_runtime import JAR, build, compiler, digest

REMEDY = "run scripts/build_java_runtime.py"


def manifest() -> dict[str, str]:
    with zipfile.ZipFile(JAR) as jar:
        lines = jar.read("META-INF/MANIFEST.MF").decode().splitlines()
    return dict(line.split(": ", 1) for line in lines if line)


def test_the_jar_was_made_of_these_sources() -> None:
    said = manifest()
    assert said["Sources-1"] + said["Sources-2"] == digest(), REMEDY


@pytest.mark.slow
def test_the_compiler_that_made_the_jar_makes_the_same_again(tmp_path: Path) -> None:
    javac = shutil.which("javac")
    if javac is None:
        pytest.skip("there is no javac on this machine")
    if compiler(Path(javac)) != manifest()["Created-By"]:
        pytest.skip(f"the jar was made by {manifest()['Created-By']}")
    build(Path(javac), tmp_path / "again.jar")
    assert (tmp_path / "again.jar").read_bytes() == JAR.read_bytes(), REMEDY


def test_its_classes_are_for_the_oldest_java_that_is_supported() -> None:
    with zipfile.ZipFile(JAR) as jar:
        for name in jar.namelist():
            if name.endswith(".class"):
                assert jar.read(name)[6:8] == (55).to_bytes(2, "big"), name  # Java 11


def test_it_brings_what_handlers_are_compiled_against() -> None:
    """aws-lambda-java-core of Maven Central, by its public names."""
    with zipfile.ZipFile(JAR) as jar:
        ours = re.compile(r"^com/amazonaws/services/lambda/|[.]class$")
        names = {ours.sub("", name) for name in jar.namelist()}
    core = ("Context", "ClientContext", "Client", "CognitoIdentity", "CustomPojoSerializer",
            "LambdaLogger", "LambdaRuntime", "LambdaRuntimeInternal", "RequestHandler",
            "RequestStreamHandler", "logging/LogFormat", "logging/LogLevel")  # fmt: skip
    assert {f"runtime/{name}" for name in core} <= names
    crac = ("Context", "Core", "Resource", "CheckpointException", "RestoreException")
    assert {f"crac/{name}" for name in crac} <= names
