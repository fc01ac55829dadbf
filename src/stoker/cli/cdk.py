"""A CDK app as `stoker deploy` takes it: the cloud assembly that its library writes.

    app.py ──► cdk.out/manifest.json ──► assets into the buckets that it names, stacks in order

Neither the CDK's CLI nor its bootstrap stack is needed: a bucket that is not there is made, and
what asks for the bootstrap's version is left out of the templates.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from stoker.core.stacks.text import read_template

MANIFEST, APP, OUT = "manifest.json", "cdk.json", "cdk.out"
_PROGRAMS = {".py": "python3", ".js": "node", ".mjs": "node", ".cjs": "node"}
_ANY = ("", "unknown-account", "unknown-region")  # of a stack that is for whoever deploys it
_BOOTSTRAP = "/cdk-bootstrap/"


class NoAssembly(ValueError):
    """A CDK app that cannot be deployed: why."""


@dataclass(frozen=True, slots=True)
class Asset:
    path: Path
    zipped: bool  # a folder that is to be one file
    bucket: str
    key: str


@dataclass(frozen=True, slots=True)
class AppStack:
    name: str
    region: str
    template: dict[str, Any]
    assets: tuple[Asset, ...]


def is_app(what: Path) -> bool:
    """A program that synthesises, the folder of such a one, or what it has synthesised."""
    if what.is_file():
        return what.suffix in _PROGRAMS
    return any((what / name).is_file() for name in (APP, MANIFEST, f"{OUT}/{MANIFEST}"))


def stacks_of(what: Path, account: str, region: str) -> list[AppStack]:
    """Those of the app, each behind what it needs; the app is run if that is what there is. Raise
    NoAssembly; OSError."""
    return list(_stacks(_assembly(what, account, region), account, region))


def _assembly(what: Path, account: str, region: str) -> Path:
    """The folder with the manifest."""
    settings: dict[str, Any] = {}
    folder = what if what.is_dir() else what.parent
    if (folder / APP).is_file():
        settings = json.loads((folder / APP).read_text())
    if what.is_file():
        program = _PROGRAMS[what.suffix]
        command = [shutil.which(program) or program, what.name]
    elif "app" in settings:
        command = ["/bin/sh", "-c", str(settings["app"])]  # by a shell, as the CDK's CLI does it
    else:
        return what if (what / MANIFEST).is_file() else what / OUT
    made = (folder / str(settings.get("output", OUT))).resolve()
    context = dict(settings.get("context", {}))
    if (folder / "cdk.context.json").is_file():
        context |= json.loads((folder / "cdk.context.json").read_text())
    environ = {
        **os.environ,
        "CDK_OUTDIR": str(made),
        "CDK_CONTEXT_JSON": json.dumps(context),
        "CDK_DEFAULT_ACCOUNT": account,
        "CDK_DEFAULT_REGION": region,
    }
    status = subprocess.run(command, cwd=folder, env=environ, check=False).returncode
    if status != 0:
        raise NoAssembly(f"the app in {folder} ended with status {status}")
    if not (made / MANIFEST).is_file():
        raise NoAssembly(f"{what} is no CDK app: it has not written {made / MANIFEST}")
    return made


def _stacks(folder: Path, account: str, region: str) -> Iterator[AppStack]:
    manifest = json.loads((folder / MANIFEST).read_text())
    missing = [str(one.get("key")) for one in manifest.get("missing", [])]
    if missing:
        raise NoAssembly(f"the app wants what `cdk synth` looks up first: {', '.join(missing)}")
    artifacts: dict[str, Any] = manifest.get("artifacts", {})
    needs = {name: one.get("dependencies", []) for name, one in artifacts.items()}
    for name in TopologicalSorter(needs).static_order():
        artifact = artifacts[name]
        properties = artifact.get("properties", {})
        if artifact["type"] == "cdk:cloud-assembly":  # of a stage
            yield from _stacks(folder / properties["directoryName"], account, region)
        elif artifact["type"] == "aws:cloudformation:stack":
            yield _stack(folder, name, artifact, artifacts, account, region)


def _stack(
    folder: Path, name: str, artifact: Mapping[str, Any], artifacts: Mapping[str, Any],
    account: str, region: str,
) -> AppStack:  # fmt: skip
    properties = artifact["properties"]
    called = str(properties.get("stackName", name))
    its_account, _, its_region = (
        artifact.get("environment", "").removeprefix("aws://").partition("/")
    )
    if its_account not in (*_ANY, account):
        raise NoAssembly(
            f"{called} is for account {its_account}, and these credentials are of {account}:"
            f" AWS_ACCESS_KEY_ID={its_account} makes them that account's"
        )
    where = region if its_region in _ANY else its_region
    names = {"AWS::AccountId": account, "AWS::Region": where, "AWS::Partition": "aws"}
    assets = [
        asset
        for need in artifact.get("dependencies", [])
        if artifacts[need]["type"] == "cdk:asset-manifest"
        for asset in _assets(folder, artifacts[need]["properties"]["file"], names)
        if asset.path != folder / properties["templateFile"]  # which is handed over itself
    ]
    text = (folder / properties["templateFile"]).read_text()
    return AppStack(called, where, _without_bootstrap(read_template(text)), tuple(assets))


def _assets(folder: Path, listed: str, names: Mapping[str, str]) -> Iterator[Asset]:
    manifest = json.loads((folder / listed).read_text())
    for image in manifest.get("dockerImages", {}).values():
        called = image.get("displayName") or image.get("source", {}).get("directory")
        raise NoAssembly(f"{called} is a container image, which nothing here builds")
    for file in manifest.get("files", {}).values():
        source = file["source"]
        if "path" not in source:
            raise NoAssembly(f"{file.get('displayName')} is made by a command: run `cdk synth`")
        for place in file["destinations"].values():
            bucket, key = (_filled(place[one], names) for one in ("bucketName", "objectKey"))
            yield Asset(folder / source["path"], source.get("packaging") == "zip", bucket, key)


def _filled(text: str, names: Mapping[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(f"${{{name}}}", value)
    return text


def _without_bootstrap(template: dict[str, Any]) -> dict[str, Any]:
    parameters = template.get("Parameters", {})
    asked = [
        name
        for name, one in parameters.items()
        if str(one.get("Default", "")).startswith(_BOOTSTRAP)
    ]
    for name in asked:
        del parameters[name]
        template.get("Rules", {}).pop(f"Check{name}", None)
    return {name: part for name, part in template.items() if part or name == "Resources"}
