"""How the AWS SDK for JavaScript gets to this machine, and who says that it is missing."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stoker.cli.doctor import javascript_sdk
from stoker.cli.main import app
from stoker.core.limits import RUNTIMES, Family
from stoker.runtimes.found import RuntimeUnavailable, find_runtime
from stoker.runtimes.install import CannotInstall, install_sdk
from stoker.runtimes.javascript_sdk import NAME, OLDEST_NODE, WANTED, find_sdk

NPM = """#!/bin/sh
[ $1 = ci ] || { echo "npm $1 is not to be asked" >&2; exit 1; }
case " $* " in *" --ignore-scripts "*) ;; *) exit 1;; esac
[ -f package.json ] && [ -f package-lock.json ] || exit 1
client=node_modules/@aws-sdk/client-lambda
mkdir -p $client/dist-cjs $client/dist-es $client/dist-types node_modules/tslib/dist-es
echo '{"version": "3.9.1"}' >$client/package.json
touch $client/dist-cjs/index.js $client/dist-es/index.js $client/dist-types/index.d.ts
touch $client/README.md node_modules/tslib/tslib.js node_modules/tslib/tslib.js.map
touch node_modules/tslib/dist-es/kept.js
chmod -R go= node_modules
echo '{}'
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for runtimes, and an npm whose registry has one release."""
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(NPM)
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{npm.parent}:/usr/bin:/bin")
    return tmp_path / "runtimes"


def test_what_node_does_not_read_is_left_out_and_all_may_read_the_rest(place: Path) -> None:
    sdk = install_sdk(place)
    assert (sdk.version, sdk.modules) == ("3.9.1", place / NAME / "node_modules")
    files = {str(f.relative_to(sdk.modules)) for f in sdk.modules.rglob("*") if f.is_file()}
    assert files == {
        "@aws-sdk/client-lambda/package.json", "@aws-sdk/client-lambda/dist-cjs/index.js",
        "tslib/tslib.js", "tslib/dist-es/kept.js",
    }  # fmt: skip
    assert {path.stat().st_mode & 0o444 for path in sdk.modules.rglob("*")} == {0o444}
    assert find_sdk(place) == sdk
    assert install_sdk(place) == sdk  # again: replaced


def test_an_npm_that_fails_changes_nothing(place: Path) -> None:
    sdk = install_sdk(place)
    (place.parent / "bin" / "npm").write_text("#!/bin/sh\necho 'no network' >&2\nexit 1\n")
    with pytest.raises(CannotInstall, match="no network"):
        install_sdk(place)
    assert find_sdk(place) == sdk
    (place.parent / "bin" / "npm").write_text("#!/bin/sh\necho '{}'\n")  # brings nothing
    with pytest.raises(CannotInstall, match="npm brought no AWS SDK"):
        install_sdk(place)
    assert [path.name for path in place.iterdir()] == [NAME]


def test_the_command_brings_it_and_the_lists_tell(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listed() -> dict[str, object]:
        rows = json.loads(CliRunner().invoke(app, ["runtimes", "list", "--json"]).stdout)
        (row,) = (row for row in rows if row["runtime"] == NAME)
        return dict(row)

    monkeypatch.setenv("STOKER_RUNTIMES_DIR", str(place))
    if find_sdk() is None:
        assert "`stoker runtimes install aws-sdk-js`" in str(listed()["remedy"])
        assert not javascript_sdk(place).ok
    arguments = ["runtimes", "install", NAME, "--into", str(place)]
    result = CliRunner().invoke(app, arguments)
    assert (result.exit_code, result.stdout) == (0, f"{NAME}: 3.9.1, in {place / NAME}\n")
    row = listed()
    assert (row["version"], row["path"]) == ("3.9.1", str(place / NAME / "node_modules"))
    assert javascript_sdk(place).ok
    refused = CliRunner().invoke(app, [*arguments, "--from", str(place)])
    assert refused.exit_code == 1


def test_every_node_that_it_runs_on_gets_it(place: Path) -> None:
    sdk = install_sdk(place)
    for name, runtime in RUNTIMES.items():
        try:
            found = find_runtime(name, runtimes_dir=place)
        except RuntimeUnavailable:
            continue
        gets = runtime.family is Family.NODE and int(name[6:8]) >= OLDEST_NODE
        assert found.modules == (sdk.modules if gets else None)
        assert (found.node_modules is None) is (runtime.family is not Family.NODE)


def test_the_lock_has_a_digest_for_every_package_and_no_hosts() -> None:
    lock = json.loads((WANTED / "package-lock.json").read_text())
    wanted = json.loads((WANTED / "package.json").read_text())["dependencies"]
    packages = {name: facts for name, facts in lock["packages"].items() if name}
    assert {f"node_modules/{name}" for name in wanted} <= set(packages)
    for name, facts in packages.items():
        assert facts["integrity"].startswith("sha512-"), name
        assert "resolved" not in facts, name
