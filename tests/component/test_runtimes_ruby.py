"""Which Ruby is found, and what `stoker runtimes install` makes of Debian's packages."""

import json
import os
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stoker.cli.main import app
from stoker.runtimes.found import Layout, RuntimeUnavailable, find_runtime
from stoker.runtimes.install import CannotInstall, install
from stoker.runtimes.runtime_dir import build_runtime_dir

RUNTIME = "ruby4.0"
VERSION = "4.0.7"
URI = "http://debian.test/debian/"


def answering(version: str, executable: str, prefix: str, engine: str = "ruby") -> str:
    """Shell text: a ruby, as far as anybody asks it before a function runs."""
    facts = {
        "engine": engine, "version": version, "ruby": executable, "prefix": prefix, "mapped": [],
    }  # fmt: skip
    return f"#!/bin/sh\ncat <<END\n{json.dumps(facts)}\nEND\n"


def fake_ruby(prefix: Path, version: str = VERSION, engine: str = "ruby") -> Path:
    path = prefix / "bin" / "ruby"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(answering(version, str(path), str(prefix), engine))
    path.chmod(0o755)
    (prefix / "lib" / "ruby").mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture
def nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose users have no Ruby anywhere."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    for name in ("RBENV_ROOT", "ASDF_DATA_DIR", "MISE_DATA_DIR", "rvm_path", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("STOKER_RUNTIMES_DIR", raising=False)
    (tmp_path / "bin").mkdir()
    return tmp_path


# -- finding -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "place",
    [f"runtimes/{RUNTIME}", f"home/.rbenv/versions/{VERSION}", f"home/.rubies/ruby-{VERSION}",
     f"home/.asdf/installs/ruby/{VERSION}", f"home/.local/share/mise/installs/ruby/{VERSION}",
     f"home/.rvm/rubies/ruby-{VERSION}"],
)  # fmt: skip
def test_it_looks_where_people_have_ruby(place: str, nothing_else: Path) -> None:
    executable = fake_ruby(nothing_else / place)
    found = find_runtime(RUNTIME, runtimes_dir=nothing_else / "runtimes")
    assert (found.version, found.executable) == (VERSION, executable)
    assert (found.layout, found.inside) == (Layout.PREFIX, "/var/lang/bin/ruby")
    assert found.prefix == nothing_else / place
    # It looks for its library where it was installed, so that place is shown, too.
    assert found.libraries == (found.prefix,)


def test_another_version_and_another_ruby_are_never_taken(nothing_else: Path) -> None:
    fake_ruby(nothing_else / "runtimes" / RUNTIME, "3.4.1")
    fake_ruby(nothing_else / "home/.rubies" / f"ruby-{VERSION}", engine="jruby")
    with pytest.raises(RuntimeUnavailable, match=f"`stoker runtimes install {RUNTIME}`"):
        find_runtime(RUNTIME, runtimes_dir=nothing_else / "runtimes")
    script = fake_ruby(nothing_else / "home/.rbenv/versions" / VERSION)
    script.write_text("#!/bin/sh\necho '{}'\n")
    with pytest.raises(RuntimeUnavailable):
        find_runtime(RUNTIME, runtimes_dir=nothing_else / "runtimes")
    chosen = {RUNTIME: nothing_else / "runtimes" / RUNTIME}
    with pytest.raises(RuntimeUnavailable, match=r"but that is Ruby 3\.4\.1"):
        find_runtime(RUNTIME, chosen=chosen)


def test_its_client_is_laid_out_for_the_sandbox(nothing_else: Path) -> None:
    fake_ruby(nothing_else / "runtimes" / RUNTIME)
    found = find_runtime(RUNTIME, runtimes_dir=nothing_else / "runtimes")
    made = build_runtime_dir(found, nothing_else / "cache")
    sources = Path(sys.modules[build_runtime_dir.__module__].__file__ or "").parent / "ruby"
    assert {path.name for path in made.iterdir()} == {
        path.name for path in sources.iterdir() if path.suffix == ".rb" or path.name == "bootstrap"
    }
    assert os.access(made / "bootstrap", os.X_OK)


def test_an_installation_is_linked(nothing_else: Path) -> None:
    prefix, place = nothing_else / "mine", nothing_else / "runtimes"
    fake_ruby(prefix)
    arguments = ["runtimes", "install", RUNTIME, "--from", str(prefix), "--into", str(place)]
    result = CliRunner().invoke(app, arguments)
    assert (result.exit_code, result.stdout) == (0, f"{RUNTIME}: {VERSION}, in {place / RUNTIME}\n")
    assert find_runtime(RUNTIME, runtimes_dir=place).prefix == prefix


def test_the_list_says_which_ones_no_registry_has(nothing_else: Path) -> None:
    fake_ruby(nothing_else / "home/.rubies" / f"ruby-{VERSION}")
    result = CliRunner().invoke(app, ["runtimes", "list"], env={"COLUMNS": "200"})
    rows = {row[0]: row[1:] for row in map(str.split, result.stdout.splitlines()) if row}
    assert rows[RUNTIME][0] == VERSION
    assert " ".join(rows["ruby3.2"]) == "- - (in no registry)"
    assert "--from PREFIX" in result.stdout


# -- Debian's packages ---------------------------------------------------------------------------

APT = """#!{python}
import pathlib, re, shutil, sys
text = " ".join(sys.argv[1:])
here = pathlib.Path("{folder}")
place = re.search(r"Dir::Etc::sourcelist=(\\S+)", text)
lines = pathlib.Path(place[1]).read_text() if place else ""
suite = re.search(r"(\\S+) main", lines)
if "indextargets" in text:
    print("Debian {uri} bookworm\\nDebian {uri}security/ bookworm-security\\nOther http://o/ x")
elif " update " in text:
    (here / "updated").open("a").write(lines + "\\n")
elif (suite[1] if suite else "own") == "{has}":
    cache = re.search(r"Dir::Cache=(\\S+)", text)[1]
    shutil.copy(here / "fake.deb", cache + "/archives/fake.deb")
else:
    sys.exit("E: Unable to locate package " + sys.argv[-1])
"""
LINKER = """#!/bin/sh
# --library-path PLACES --argv0 NAME PROGRAM ARGUMENTS...
[ "$6" = show ] && echo "$2|$4|$5|$RUBYLIB" && exit
prefix=${4%/bin/*}
"""


def debian(folder: Path, has: str) -> None:
    """An apt that knows the package in one place: "own", or one of Debian's suites."""
    tree = folder / "tree"
    files = {
        "usr/bin/ruby4.0": "the program",
        "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2": LINKER
        + answering(VERSION, "$4", "$prefix").partition("\n")[2],
        "usr/lib/ruby/4.0.0/json.rb": "",
        "usr/lib/ruby/vendor_ruby/rubygems/defaults/operating_system.rb": "Debian's own",
        "lib/x86_64-linux-gnu/libold.so.1": "",  # where suites before 13 have it
        "usr/share/doc/ruby4.0/copyright": "",
    }
    for name, text in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
        (tree / name).chmod(0o755)
    with tarfile.open(folder / "fake.deb", "w") as archive:
        archive.add(tree, ".")
    apt = APT.format(python=sys.executable, folder=folder, uri=URI, has=has)
    unpack = '#!/bin/sh\nmkdir -p "$3" && tar -x -C "$3" -f "$2"\n'
    for name, text in {"apt-get": apt, "dpkg-deb": unpack}.items():
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)


@pytest.mark.parametrize("has", ["own", "stable", "testing"])
def test_debians_package_becomes_a_prefix_that_may_be_anywhere(
    has: str, nothing_else: Path
) -> None:
    debian(nothing_else, has)
    place = nothing_else / "runtimes"
    found = install(RUNTIME, place)
    assert (found.version, found.executable) == (VERSION, place / RUNTIME / "bin" / "ruby4.0")
    prefix = place / RUNTIME
    names = {str(path.relative_to(prefix)) for path in prefix.rglob("*") if not path.is_dir()}
    assert names == {
        "bin/ruby", "bin/ruby4.0", "lib/stoker/ruby4.0", "lib/ruby/4.0.0/json.rb",
        "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", "lib/x86_64-linux-gnu/libold.so.1",
    }  # fmt: skip
    moved = nothing_else / "moved"
    prefix.rename(moved)
    (nothing_else / "bin" / "elsewhere").symlink_to(moved / "bin" / "ruby4.0")
    environ = {**os.environ, "LD_LIBRARY_PATH": "/mine", "RUBYLIB": "/lib"}
    said = subprocess.check_output(["elsewhere", "show"], env=environ, text=True)
    libraries, name, program, rubylib = said.strip().split("|")
    assert libraries == f"{moved}/lib/x86_64-linux-gnu:/mine"
    assert (name, program) == (f"{moved}/bin/ruby4.0", f"{moved}/lib/stoker/ruby4.0")
    assert rubylib.split(":")[:3] == [
        "/lib",
        f"{moved}/lib/ruby/vendor_ruby",
        f"{moved}/lib/ruby/4.0.0",
    ]


def test_debians_suites_are_asked_in_order_by_the_machines_own_addresses(
    nothing_else: Path,
) -> None:
    debian(nothing_else, "testing")
    install(RUNTIME, nothing_else / "runtimes")
    asked = (nothing_else / "updated").read_text().split("\n\n")
    rows = [[line.split(" ")[-3:] for line in lines.splitlines()] for lines in asked if lines]
    assert rows == [
        [[URI, "stable", "main"], [f"{URI}security/", "stable-security", "main"]],
        [[URI, "testing", "main"]],
    ]


def test_an_installation_that_is_killed_leaves_what_was_there_and_the_next_clears_it_away(
    nothing_else: Path,
) -> None:
    debian(nothing_else, "own")
    place = nothing_else / "runtimes"
    fake_ruby(place / RUNTIME, "4.0.1")
    unpack = nothing_else / "bin" / "dpkg-deb"
    works = unpack.read_text()
    os.mkfifo(nothing_else / "stuck")
    unpack.write_text(f"#!/bin/sh\nexec cat >{nothing_else}/stuck\n")
    command = [sys.executable, "-m", "stoker", "runtimes", "install", RUNTIME, "--into", place]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    with (nothing_else / "stuck").open():  # opened by both: it is in the middle
        assert [path.name[:12] for path in place.glob(".*")] == [".installing-"]
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert find_runtime(RUNTIME, runtimes_dir=place).version == "4.0.1"
    unpack.write_text(works)
    assert install(RUNTIME, place).version == VERSION
    assert [path.name for path in place.iterdir()] == [RUNTIME]


def test_a_package_that_debian_has_not_is_refused_with_the_way_out(nothing_else: Path) -> None:
    debian(nothing_else, "nowhere")
    with pytest.raises(CannotInstall, match=r"Unable to locate package ruby4\.0.*--from PREFIX"):
        install(RUNTIME, nothing_else / "runtimes")
    assert list((nothing_else / "runtimes").iterdir()) == []


def test_a_machine_without_apt_is_told_so(
    nothing_else: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(nothing_else / "bin"))
    with pytest.raises(CannotInstall, match=r"apt-get, which would bring.*rbenv"):
        install(RUNTIME, nothing_else / "runtimes")
