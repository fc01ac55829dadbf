"""What a user of the HTTP API gets, tried with the clients that users have."""

import base64
import hashlib
import io
import json
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from tests.running import REGION, make_zip, wait_until

Create = Callable[..., str]
ARN = "def handler(event, context): return context.invoked_function_arn"


def answer_of(response: dict[str, Any]) -> Any:
    assert "FunctionError" not in response, response["Payload"].read()
    return json.loads(response["Payload"].read())


def test_a_function_is_called_by_every_form_of_its_name(lambda_client: Any, create: Create) -> None:
    name = create(ARN)
    arn = f"arn:aws:lambda:{REGION}:000000000000:function:{name}"
    for form in (name, f"function:{name}", f"000000000000:function:{name}", arn):
        assert answer_of(lambda_client.invoke(FunctionName=form)) == arn
        latest = f"{form}:$LATEST"
        assert answer_of(lambda_client.invoke(FunctionName=latest)) == f"{arn}:$LATEST"
    qualified = lambda_client.invoke(FunctionName=name, Qualifier="$LATEST")
    assert answer_of(qualified) == f"{arn}:$LATEST"
    with pytest.raises(lambda_client.exceptions.ResourceNotFoundException, match=f"{name}:7"):
        lambda_client.invoke(FunctionName=name, Qualifier="7")


def test_the_code_can_be_downloaded_again(lambda_client: Any, create: Create) -> None:
    name = create({"main.py": ARN, "data/x": "1"})
    found = lambda_client.get_function(FunctionName=name)
    with urllib.request.urlopen(found["Code"]["Location"]) as response:
        package = response.read()
    digest = base64.b64encode(hashlib.sha256(package).digest()).decode()
    assert digest == found["Configuration"]["CodeSha256"]
    assert zipfile.ZipFile(io.BytesIO(package)).namelist() == ["main.py", "data/x"]


def test_the_list_of_functions_comes_in_pages(lambda_client: Any, create: Create) -> None:
    mine = {create(ARN) for _ in range(3)}
    pages = list(
        lambda_client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 1})
    )
    assert all(len(page["Functions"]) <= 1 for page in pages)
    assert mine <= {f["FunctionName"] for page in pages for f in page["Functions"]}


def test_a_second_change_waits_for_the_first(lambda_client: Any, create: Create) -> None:
    name = create(ARN)
    many = {"main.py": ARN, **{f"data/{n}": str(n) for n in range(3000)}}  # a while to unpack
    lambda_client.update_function_code(FunctionName=name, ZipFile=make_zip(many))
    with pytest.raises(lambda_client.exceptions.ResourceConflictException, match="in progress"):
        lambda_client.update_function_configuration(FunctionName=name, Timeout=9)
    assert answer_of(lambda_client.invoke(FunctionName=name)), "the old code serves meanwhile"
    wait_until(lambda_client, "function_updated_v2", name)
    lambda_client.update_function_configuration(FunctionName=name, Timeout=9)


def test_a_dry_run_runs_nothing(lambda_client: Any, create: Create) -> None:
    name = create("raise RuntimeError('must not be imported')")
    response = lambda_client.invoke(FunctionName=name, InvocationType="DryRun")
    assert (response["StatusCode"], response["Payload"].read()) == (204, b"")


def test_the_client_context_arrives(lambda_client: Any, create: Create) -> None:
    code = "def handler(event, context): return context.client_context.custom"
    sent = base64.b64encode(json.dumps({"custom": {"k": "ü"}}).encode()).decode()
    response = lambda_client.invoke(FunctionName=create(code), ClientContext=sent)
    assert answer_of(response) == {"k": "ü"}


def test_a_presigned_address_is_answered(lambda_client: Any, create: Create) -> None:
    name = create(ARN)
    address = lambda_client.generate_presigned_url("get_function", {"FunctionName": name})
    with urllib.request.urlopen(address) as response:
        assert json.load(response)["Configuration"]["FunctionName"] == name
