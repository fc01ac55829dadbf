"""The console's pages of layers, stacks and account settings, as a browser asks for them."""

import io
import json
import uuid
import zipfile
from typing import Any

from tests.conformance.test_console import HERE, HOSTILE, Page, ask, check_harmless
from tests.running import StokerProcess


def look(server: StokerProcess, path: str) -> str:
    """The text of a page that is there, and harmless."""
    status, _, text = ask(server, f"{HERE}/{path}")
    page = Page(text)
    assert status == 200, page.text
    check_harmless(page)
    return page.text


def test_a_layer_is_shown_with_all_its_versions(server: StokerProcess, lambda_client: Any) -> None:
    name = f"layer-{uuid.uuid4().hex}"
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("python/own.py", "")
    for description in ("the first", HOSTILE):
        lambda_client.publish_layer_version(
            LayerName=name,
            Description=description,
            Content={"ZipFile": package.getvalue()},
            CompatibleRuntimes=["python3.13"],
        )
    assert name in look(server, "layers")
    text = look(server, f"layers/{name}")
    assert "the first" in text
    assert HOSTILE.replace("\u202e", "\\u{202e}") in text
    assert f"layer:{name}:2" in text
    assert "python3.13" in text
    status, _, refused = ask(server, f"{HERE}/layers/%3Cscript%3E%00")
    assert 200 <= status < 500
    check_harmless(Page(refused))


def test_a_stack_is_shown_with_its_resources_and_events(server: StokerProcess) -> None:
    name = f"stack-{uuid.uuid4().hex}"
    template = {
        "Description": HOSTILE.replace("\u202e", ""),
        "Resources": {"Group": {"Type": "AWS::Logs::LogGroup"}},
        "Outputs": {"Name": {"Value": HOSTILE.replace("\u202e", "")}},
    }
    cloudformation = server.client("cloudformation")
    try:
        cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        assert name in look(server, "stacks")
        text = look(server, f"stacks/{name}")
        assert "CREATE_COMPLETE" in text
        assert "CREATE_IN_PROGRESS" in text
        assert "AWS::Logs::LogGroup" in text
        assert "<script src=" in text  # as text: look() saw that it is none
    finally:
        cloudformation.delete_stack(StackName=name)
        cloudformation.close()
    status, _, refused = ask(server, f"{HERE}/stacks/nobody")
    assert 400 <= status < 500
    check_harmless(Page(refused))


def test_an_accounts_limits_are_shown_with_what_is_used(
    server: StokerProcess, lambda_client: Any
) -> None:
    limit = lambda_client.get_account_settings()["AccountLimit"]
    text = look(server, "account")
    assert "TotalCodeSize" in text
    assert f"of {limit['ConcurrentExecutions']:,}" in text
