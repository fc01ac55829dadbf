"""Ruby on this machine: where to look, and what one says about itself."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from stoker.runtimes.interpreters import SYSTEM, Interpreter, home, newest_first
from stoker.runtimes.probes import Probes, say

# Loading what is linked with more than libc shows where the libraries of this ruby are.
_QUESTION = """
require "rbconfig"
%w[json openssl psych zlib socket etc].each { |name| begin; require name; rescue LoadError; end }
mapped = File.read("/proc/self/maps").scan(%r{/.*[.]so\\b.*$}).uniq rescue []
puts JSON.generate("engine" => RUBY_ENGINE, "version" => RUBY_VERSION, "ruby" => RbConfig.ruby,
                   "prefix" => RbConfig::CONFIG["prefix"], "mapped" => mapped)
"""


def _ask(path: Path) -> Interpreter | None:
    facts = say([path, "--disable-gems", "-e", _QUESTION], without="RUBY")
    if facts is None:
        return None
    numbers = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", facts["version"])
    prefix, executable = Path(facts["prefix"]), Path(facts["ruby"]).resolve()
    if numbers is None or facts["engine"] != "ruby" or not (prefix / "lib" / "ruby").is_dir():
        return None
    if not executable.is_relative_to(prefix):
        return None
    major, minor, patch = map(int, numbers.groups())
    # A ruby looks for its library where it was configured to be, not beside itself.
    needed = {prefix, *(Path(mapped).parent for mapped in facts["mapped"])}
    beyond = {d for d in needed if not str(d).startswith(SYSTEM)}
    inner = {d for d in beyond if d != prefix and d.is_relative_to(prefix)}
    return Interpreter((major, minor, patch), prefix, executable, tuple(sorted(beyond - inner)))


def ruby_candidates(runtime: str, version: str, places: Sequence[Path]) -> Iterator[Path]:
    """Where a ruby of this version ("3.3") may be, best first. Most of these do not exist.

    places: folders with a prefix per runtime.
    """
    yield from (place / runtime / "bin" / "ruby" for place in places)
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(":") if folder]
    for name in (f"ruby{version}", "ruby"):
        yield from (
            folder / name for folder in (*folders, Path("/usr/bin"), Path("/usr/local/bin"))
        )
    rbenv = home("RBENV_ROOT", ".rbenv") / "versions"
    asdf = home("ASDF_DATA_DIR", ".asdf") / "installs" / "ruby"
    mise = home("MISE_DATA_DIR", ".local/share/mise") / "installs" / "ruby"
    for versions in (rbenv, asdf, mise):
        yield from newest_first(versions, f"{version}.*", "ruby")
    for rubies in (
        Path.home() / ".rubies",
        home("rvm_path", ".rvm") / "rubies",
        Path("/opt/rubies"),
    ):
        yield from newest_first(rubies, f"ruby-{version}.*", "ruby")
    yield from newest_first(Path("/opt"), f"ruby*{version}*", "ruby")
    yield Path("/opt/ruby/bin/ruby")


# What a path is, or None if it is no CRuby that works. Runs it when it is new or changed.
probe_ruby = Probes(_ask)
