"""For which of AWS's services a request is that none of ours answers."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from stoker.api import services
from stoker.api.asking import Asked, asked_of

SIGNATURE = (
    "AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/{}/aws4_request,"
    " SignedHeaders=host, Signature=0"
)


def asked(service: str, method: str, target: str, **headers: str) -> Asked:
    request: Any = SimpleNamespace(
        method=method,
        target=target,
        headers={"authorization": SIGNATURE.format(service), **headers},
        body=b"",
    )
    return asyncio.run(asked_of(request))


def test_whoever_signs_by_its_own_name_waits_for_no_other_to_be_read() -> None:
    services.every.cache_clear()
    found = asked("s3", "HEAD", "/bucket/key")
    assert (found.service, found.found and found.found.operation) == ("s3", "HeadObject")
    assert services.every.cache_info().currsize == 0


def test_one_that_signs_by_another_name_is_found_among_all() -> None:
    target = {"x-amz-target": "AWSStepFunctions.StartExecution"}
    found = asked("states", "POST", "/", **target)
    assert found.service == "stepfunctions"
    assert found.found is not None
    assert found.found.operation == "StartExecution"


def test_one_is_the_same_by_its_name_as_among_all() -> None:
    for one in services.every():
        own = one.name == one.signing_name and one.name not in services.BUILT
        assert services.named(one.name) == (one if own else None), one.name


@pytest.mark.parametrize("name", ["", "..", "../s3", "s3/2006-03-01", "/etc", "s3\0", "x" * 10_000])
def test_what_is_nobody_s_name_opens_no_file(name: str) -> None:
    assert services.named(name) is None
