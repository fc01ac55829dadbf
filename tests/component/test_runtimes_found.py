"""Which interpreters are found, which are refused, and what is built for /var/runtime."""

import json
import marshal
import os
import subprocess
import sys
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from stoker.runtimes.found import (
    FoundRuntime,
    Layout,
    RuntimeUnavailable,
    find_runtime,
    found_runtimes,
)
from stoker.runtimes.runtime_dir import allows, build_runtime_dir, sdk_version

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
HERE = f"python{VERSION}"  # the one runtime that is surely there
ABSENT = "python3.15"
FOUND = [found for found in found_runtimes() if found.runtime.startswith(("python", "provided"))]


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def as_version(version: str) -> str:
    """Shell text: an interpreter that calls itself `version`."""
    numbers = version.replace(".", ", ")
    program = f"import sys; sys.version_info = ({numbers}); exec(sys.argv[1])"
    return f'exec {sys.executable} -I -c "{program}" "$4"'


@pytest.fixture
def nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine on which only what a test puts there is found, for versions that are not ours."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for name in ("PYENV_ROOT", "XDG_DATA_HOME", "UV_PYTHON_INSTALL_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


# -- finding -------------------------------------------------------------------------------------


@pytest.mark.parametrize("found", FOUND, ids=lambda found: found.runtime)
def test_what_is_found_is_what_was_asked_for(found: FoundRuntime) -> None:
    if found.layout is Layout.NONE:
        assert found == FoundRuntime(found.runtime)
        assert found.inside == ""
        return
    said = subprocess.check_output(
        [str(found.executable), "-I", "-c", "import sys; print(*sys.version_info[:3], sep='.')"],
        text=True,
    )
    assert said.strip() == found.version
    assert found.runtime == "python" + found.version.rpartition(".")[0]
    assert found.inside == f"/var/lang/bin/{found.runtime}"
    assert found.prefix is not None
    assert (found.prefix / "bin" / found.runtime).resolve() == found.executable


def test_the_interpreter_we_run_on_is_found_and_os_only_runtimes_need_none() -> None:
    names = {found.runtime for found in FOUND}
    assert {HERE, "provided.al2023", "provided.al2"} <= names


def test_a_venv_is_taken_for_the_installation_that_it_was_made_of(tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", symlinks=True)
    found = find_runtime(HERE, chosen={HERE: tmp_path / "venv"})
    assert found.prefix == Path(sys.base_prefix)
    assert found.executable == (Path(sys.base_prefix) / "bin" / HERE).resolve()


@pytest.mark.skipif(not Path(f"/usr/bin/{HERE}").exists(), reason=f"no /usr/bin/{HERE}")
def test_a_distributions_python_is_shown_by_links() -> None:
    found = find_runtime(HERE, chosen={HERE: Path(f"/usr/bin/{HERE}")})
    assert (found.layout, found.prefix) == (Layout.LINKS, Path("/usr"))
    assert dict(found.links) == {
        f"bin/{HERE}": f"/usr/bin/{HERE}",
        "bin/python3": f"/usr/bin/{HERE}",
        "bin/python": f"/usr/bin/{HERE}",
        f"lib/{HERE}": f"/usr/lib/{HERE}",
    }


def test_another_version_under_the_right_name_is_not_taken(nothing_else: Path) -> None:
    script(nothing_else / "bin" / ABSENT, f'exec {sys.executable} "$@"')
    with pytest.raises(RuntimeUnavailable, match=r"there is no Python 3\.15 on this machine"):
        find_runtime(ABSENT)


@pytest.mark.parametrize("text", ["exit 1", "echo nonsense", "kill -9 $$", "echo '{}'; exit 2"])
def test_what_is_no_interpreter_is_passed_over(text: str, nothing_else: Path) -> None:
    script(nothing_else / "bin" / ABSENT, text)
    script(nothing_else / "runtimes" / ABSENT / "bin" / ABSENT, as_version("3.15.1"))
    assert find_runtime(ABSENT, runtimes_dir=nothing_else / "runtimes").version == "3.15.1"


@pytest.mark.parametrize(
    "place",
    [
        "bin",
        "home/.pyenv/versions/3.15.2/bin",
        "home/.local/share/uv/python/cpython-3.15.2-linux-x86_64-gnu/bin",
    ],
)
def test_it_looks_where_people_have_interpreters(place: str, nothing_else: Path) -> None:
    with pytest.raises(RuntimeUnavailable):
        find_runtime(ABSENT)
    script(nothing_else / place / ABSENT, as_version("3.15.1"))
    assert find_runtime(ABSENT).version == "3.15.1"


def test_a_shim_that_refuses_leads_to_the_version_behind_it(
    nothing_else: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pyenv's shim answers for the selected version alone."""
    root = nothing_else / "elsewhere"
    script(root / "shims" / ABSENT, "echo 'command not found' >&2; exit 127")
    monkeypatch.setenv("PATH", str(root / "shims"))
    for version in ("3.15.9", "3.15.10"):
        script(root / "versions" / version / "bin" / ABSENT, as_version(version))
    assert find_runtime(ABSENT).version == "3.15.10"


def test_an_interpreter_is_asked_again_only_when_it_changed(nothing_else: Path) -> None:
    count = nothing_else / "asked"
    path = script(nothing_else / "bin" / ABSENT, f"echo . >>{count}; {as_version('3.15.1')}")
    for _ in range(3):
        find_runtime(ABSENT)
    assert count.read_text() == ".\n"
    script(path, as_version("3.14.1"))
    os.utime(path, ns=(1, 1))
    with pytest.raises(RuntimeUnavailable):
        find_runtime(ABSENT)


def test_libraries_beyond_the_system_and_the_prefix_are_named(nothing_else: Path) -> None:
    foreign = "/home/linuxbrew/lib/libssl.so.3"
    text = as_version("3.15.1").replace("exec(sys.argv[1])", (
        "import builtins, io; real = open; "
        f"builtins.open = lambda *a: io.StringIO('0-1 r 0 0 0 {foreign}\\n')"
        " if a[0] == '/proc/self/maps' else real(*a); exec(sys.argv[1])"
    ))  # fmt: skip
    script(nothing_else / "bin" / ABSENT, text)
    assert find_runtime(ABSENT).libraries == (Path(foreign).parent,)
    assert find_runtime(HERE, chosen={HERE: Path(sys.executable)}).libraries == ()


# -- refusing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("runtime", "words"),
    [
        ("dotnet8", "dotnet8 is not built into Stoker yet"),
        ("java8.al2", "docs/COMPATIBILITY.md"),
        ("python3.7", "python3.7 is retired"),
        ("python2.7", "Stoker runs python3.8 and later"),
        ("fortran77", "is not a runtime that AWS Lambda has"),
    ],
)
def test_other_runtimes_are_refused_in_words_that_help(runtime: str, words: str) -> None:
    with pytest.raises(RuntimeUnavailable, match=words):
        find_runtime(runtime)


def test_a_missing_python_is_refused_with_the_remedy(nothing_else: Path) -> None:
    with pytest.raises(RuntimeUnavailable) as refusal:
        find_runtime(ABSENT)
    assert "uv python install 3.15" in str(refusal.value)
    assert "PATH" in str(refusal.value)


def test_a_chosen_interpreter_is_used_or_nothing(tmp_path: Path) -> None:
    wrong = {ABSENT: Path(sys.executable)}
    with pytest.raises(
        RuntimeUnavailable, match=rf"the configuration names .* is Python {VERSION}"
    ):
        find_runtime(ABSENT, chosen=wrong)
    with pytest.raises(RuntimeUnavailable, match="is no CPython that can be run"):
        find_runtime(HERE, chosen={HERE: tmp_path / "absent"})


# -- /var/runtime --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache") / "below"


def test_functions_find_the_sdk(cache: Path) -> None:
    folder = build_runtime_dir(find_runtime(HERE), cache)
    program = (
        f"import sys; sys.path.append({str(folder)!r}); import boto3\n"
        "from importlib.metadata import version\n"
        "print(version('boto3') == boto3.__version__, boto3.__file__)\n"
        "boto3.client('sqs', region_name='eu-central-1')"
    )
    said = subprocess.check_output([sys.executable, "-I", "-S", "-c", program], text=True)
    assert said.split() == ["True", f"{folder}/boto3/__init__.py"]


def test_modules_are_compiled_for_good_under_their_names_inside(cache: Path) -> None:
    folder = build_runtime_dir(find_runtime(HERE), cache)
    compiled = list(folder.rglob("*.pyc"))
    assert len(compiled) == len(list(folder.rglob("*.py")))
    for path in compiled:
        data = path.read_bytes()
        assert data[4:8] == b"\1\0\0\0", f"{path} would be checked against its source"
        source = path.parents[1] / (path.name.partition(".")[0] + ".py")
        name = Path("/var/runtime") / source.relative_to(folder)
        assert marshal.loads(data[16:]).co_filename == str(name)


def test_everybody_may_read_it_and_the_script_may_be_run(cache: Path) -> None:
    folder = build_runtime_dir(find_runtime(HERE), cache)
    for path in (folder, *folder.rglob("*")):
        mode = path.stat().st_mode & 0o777
        assert mode & 0o555 == 0o555 if path.is_dir() else mode & 0o444 == 0o444, path
    assert (folder / "bootstrap").stat().st_mode & 0o111 == 0o111
    assert (folder / "bootstrap").read_text().startswith("#!/bin/bash\n")


def test_it_is_built_once_and_a_dead_builders_rest_is_cleared(tmp_path: Path) -> None:
    left = tmp_path / ".building-dead" / "boto3"
    left.mkdir(parents=True)
    with ThreadPoolExecutor(3) as pool:
        folders = set(pool.map(lambda _: build_runtime_dir(find_runtime(HERE), tmp_path), range(3)))
    (folder,) = folders
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([".lock", folder.name])
    born = folder.stat().st_ctime_ns
    assert build_runtime_dir(find_runtime(HERE), tmp_path) == folder
    assert folder.stat().st_ctime_ns == born


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    found = find_runtime(HERE)
    broken = FoundRuntime(HERE, "3.8.0", Layout.PREFIX, found.prefix, Path("/bin/false"))
    with pytest.raises(subprocess.CalledProcessError):
        build_runtime_dir(broken, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_a_python_that_the_sdk_does_not_support_gets_none(tmp_path: Path) -> None:
    found = find_runtime(HERE)
    assert sdk_version(found) is not None
    old = FoundRuntime("python3.8", "3.8.18", Layout.PREFIX, found.prefix, found.executable)
    assert sdk_version(old) is None
    assert sdk_version(FoundRuntime("provided.al2023")) is None
    names = {path.name for path in build_runtime_dir(old, tmp_path).iterdir()}
    assert {"bootstrap", "bootstrap.py", "__pycache__"} <= names
    ours = ("bootstrap", "_stoker_", "snapshot_restore_py", "__")
    assert not [name for name in names if not name.startswith(ours)]


def install(folder: Path, name: str, metadata: str, files: dict[str, int]) -> None:
    """A package as pip leaves it; `files` have these modes."""
    info = folder / f"{name}-9.9.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.9\n{metadata}\n"
    )
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in [*files, "../../bin/tool"]))
    for file, mode in files.items():
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text("x = 1\n")
        (folder / file).chmod(mode)


def test_files_are_linked_if_everybody_may_read_them_and_else_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    install(site, "boto3", "", {"boto3/public.py": 0o644, "boto3/private.py": 0o600})
    monkeypatch.syspath_prepend(site)
    folder = build_runtime_dir(find_runtime(HERE), tmp_path / "cache") / "boto3"
    assert (folder / "public.py").samefile(site / "boto3" / "public.py")
    assert not (folder / "private.py").samefile(site / "boto3" / "private.py")
    assert (folder / "private.py").stat().st_mode & 0o777 == 0o644
    assert (site / "boto3" / "private.py").stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.rglob("tool"))


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [("Requires-Python: >=3.8\nRequires-Dist: other (>=1)", "9.9"),
     ("Requires-Dist: absent", None),
     ("Requires-Dist: absent ; extra == 'crt'", "9.9"),
     ("Requires-Dist: fussy", None)],
)  # fmt: skip
def test_the_sdk_is_there_if_all_that_it_needs_is(
    metadata: str, expected: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "boto3", metadata, {})
    install(tmp_path, "other", "", {})
    install(tmp_path, "fussy", "Requires-Python: >=4", {})
    monkeypatch.syspath_prepend(tmp_path)
    assert sdk_version(find_runtime(HERE)) == expected


@pytest.mark.parametrize(
    "requirement",
    [
        ">=3.10", ">= 3.10", "!=3.0.*,!=3.1.*,>=2.7", ">=2.7, !=3.0.*, !=3.12.*", "<4", "<=3.11",
        "==3.11.*", "~=3.9", "~=3.11.2", ">3.11", "==3.11.7", "!=3.11.7", ">=3.11.7,<3.13", "",
    ],
)  # fmt: skip
def test_requires_python_is_understood_as_pip_understands_it(requirement: str) -> None:
    for version in ("3.8.18", "3.9.0", "3.10.13", "3.11.0", "3.11.7", "3.12.1", "3.14.0"):
        numbers = tuple(int(number) for number in version.split("."))
        assert allows(requirement, numbers) is SpecifierSet(requirement).contains(version), version


def test_a_requires_python_in_other_words_allows_nothing() -> None:
    assert not allows(">=3.8; or so", (3, 11, 7))
    assert not allows(">=3.8", ())


def test_the_launcher_is_told_in_json(cache: Path) -> None:
    def ask(runtime: str) -> dict[str, object]:
        command = [sys.executable, "-m", "stoker.runtimes.resolve", runtime, str(cache)]
        answer: dict[str, object] = json.loads(subprocess.check_output(command))
        return answer

    facts = ask(HERE)
    assert facts["executable"] == f"/var/lang/bin/{HERE}"
    assert facts["runtime_dir"] == str(build_runtime_dir(find_runtime(HERE), cache))
    assert bool(facts["prefix"]) is not bool(facts["links"])
    assert ask("provided.al2023") == {
        "prefix": "", "links": [], "libraries": [], "executable": "", "runtime_dir": None,
        "sdk": None, "parked": [], "forks": False, "modules": None,
    }  # fmt: skip
    assert list(ask("dotnet8")) == ["error"]
