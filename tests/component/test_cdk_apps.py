"""What `stoker deploy` makes of a CDK app, and which it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest

from stoker.cli.cdk import NoAssembly, is_app, stacks_of

ME, REGION = "000000000000", "eu-central-1"
STACK = "aws:cloudformation:stack"


def artifact(name: str, *needs: str, environment: str = "", **more: Any) -> dict[str, Any]:
    properties = {"templateFile": f"{name}.json", **more}
    where = environment or f"aws://{ME}/unknown-region"
    return {
        "type": STACK, "environment": where, "properties": properties, "dependencies": list(needs)
    }  # fmt: skip


def assembly(folder: Path, artifacts: dict[str, Any], **more: Any) -> Path:
    folder.mkdir(exist_ok=True)
    for name, one in artifacts.items():
        if one["type"] == STACK:
            (folder / f"{name}.json").write_text(json.dumps({"Resources": {}}))
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts, **more}))
    return folder


def test_stacks_come_behind_what_they_need_and_those_of_stages_too(tmp_path: Path) -> None:
    stage = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "stage"}}
    found = {"Late": artifact("Late", "Early", "Stage"), "Early": artifact("Early"), "Stage": stage}
    assembly(tmp_path, found)
    inner = artifact("Inner", stackName="prod-inner", environment="aws://unknown-account/us-west-2")
    assembly(tmp_path / "stage", {"Inner": inner})
    made = [(one.name, one.region) for one in stacks_of(tmp_path, ME, REGION)]
    assert sorted(made) == [("Early", REGION), ("Late", REGION), ("prod-inner", "us-west-2")]
    assert made[-1] == ("Late", REGION)


def test_the_bootstrap_is_not_asked_for_and_assets_have_their_places(tmp_path: Path) -> None:
    listed = {"type": "cdk:asset-manifest", "properties": {"file": "assets.json"}}
    assembly(tmp_path, {"A": artifact("A", "A.assets"), "A.assets": listed})
    version = {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/cdk-bootstrap/q/version"}
    parameters = {"BootstrapVersion": version, "Mine": {"Type": "String"}}
    template = {
        "Resources": {},
        "Parameters": parameters,
        "Rules": {"CheckBootstrapVersion": {"Assertions": []}},
    }
    (tmp_path / "A.json").write_text(json.dumps(template))
    place = {"bucketName": "of-${AWS::AccountId}-${AWS::Region}", "objectKey": "k.zip"}
    code = {"source": {"path": "code", "packaging": "zip"}, "destinations": {"x": place}}
    itself = {"source": {"path": "A.json", "packaging": "file"}, "destinations": {"x": place}}
    (tmp_path / "assets.json").write_text(json.dumps({"files": {"1": code, "2": itself}}))
    (stack,) = stacks_of(tmp_path, ME, REGION)
    assert stack.template == {"Resources": {}, "Parameters": {"Mine": {"Type": "String"}}}
    (asset,) = stack.assets
    assert (asset.path, asset.zipped) == (tmp_path / "code", True)
    assert (asset.bucket, asset.key) == (f"of-{ME}-{REGION}", "k.zip")


def test_what_cannot_be_deployed_is_refused_with_the_reason(tmp_path: Path) -> None:
    def refused(artifacts: dict[str, Any], **more: Any) -> str:
        assembly(tmp_path, artifacts, **more)
        with pytest.raises(NoAssembly) as refusal:
            stacks_of(tmp_path, ME, REGION)
        return str(refusal.value)

    other = artifact("A", environment="aws://123456789012/us-east-1")
    assert "AWS_ACCESS_KEY_ID=123456789012" in refused({"A": other})
    assert "looks up first: vpc:1" in refused({}, missing=[{"key": "vpc:1"}])
    listed = {"type": "cdk:asset-manifest", "properties": {"file": "assets.json"}}
    images = {"1": {"displayName": "Fn/Image", "source": {"directory": "d"}}}
    (tmp_path / "assets.json").write_text(json.dumps({"dockerImages": images}))
    both = {"A": artifact("A", "A.assets"), "A.assets": listed}
    assert "Fn/Image is a container image" in refused(both)
    (tmp_path / "assets.json").write_text(
        json.dumps({"files": {"1": {"displayName": "B", "source": {"executable": ["make"]}}}})
    )
    assert "B is made by a command" in refused(both)


def test_an_app_is_run_with_what_its_library_asks_for(tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.write_text("import os, sys\nsys.exit(int(os.environ['CDK_CONTEXT_JSON'][-2]))")
    for said, reason in ((3, "ended with status 3"), (0, "has not written")):
        (tmp_path / "cdk.json").write_text(
            json.dumps({"app": "python3 app.py", "context": {"status": said}})
        )
        for what in (tmp_path, app):
            assert is_app(what)
            with pytest.raises(NoAssembly, match=reason):
                stacks_of(what, ME, REGION)


def test_a_folder_with_a_handler_is_no_app(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("def handler(event, context): pass")
    assert not is_app(tmp_path)
