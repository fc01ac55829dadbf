"""Tenant isolation: whose environment runs what, and what is told of it."""

import json
from dataclasses import replace

import pytest

from stoker.core.delivery import next_response
from stoker.core.errors import InvalidParameterValueException
from stoker.core.invocation import Invocation, LogSettings, RequestId, Target
from stoker.core.invocation_events import Reported, RuntimeDone, Start
from stoker.core.lifecycle_words import Status
from stoker.core.log_format import JsonLog
from stoker.core.telemetry import Report
from stoker.core.tenancy import crowded, of_tenant

SHARED = Target(
    "123456789012", "eu-west-1", "f", "$LATEST", "python3.13", "h.f", "r", "c", (), 128, 3,
    512, (), LogSettings("/aws/lambda/f"),
)  # fmt: skip
ISOLATED = replace(SHARED, per_tenant=True)
BLUE, GREEN = of_tenant(ISOLATED, "blue"), of_tenant(ISOLATED, "green")
# https://aws.amazon.com/blogs/compute/building-multi-tenant-saas-applications-with-aws-lambdas-new-tenant-isolation-mode
LACKING = (
    "The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your "
    "request and try again."
)


def test_no_two_tenants_have_the_same_key() -> None:
    assert len({BLUE.key, GREEN.key, ISOLATED.key, SHARED.key}) == 4
    assert of_tenant(ISOLATED, "blue").key == BLUE.key
    # ... but what runs for them is one version.
    assert BLUE.for_all == GREEN.for_all == ISOLATED.key != SHARED.for_all
    assert of_tenant(SHARED, "") is SHARED


def test_a_tenant_is_named_where_tenants_are_apart_and_nowhere_else() -> None:
    with pytest.raises(InvalidParameterValueException) as refusal:
        of_tenant(ISOLATED, "")
    assert refusal.value.message == LACKING
    with pytest.raises(InvalidParameterValueException, match="not enabled with tenancy"):
        of_tenant(SHARED, "blue")


def test_a_function_has_two_and_a_half_environments_for_each_unit_of_its_concurrency() -> None:
    other = replace(ISOLATED, name="g", tenant="blue").key
    keys = [BLUE.key, GREEN.key, BLUE.key, other, SHARED.key, (*SHARED.key[:4], "older")]
    assert not crowded(keys, GREEN.key, concurrency=2)
    keys += [GREEN.key, BLUE.key]
    assert crowded(keys, GREEN.key, concurrency=2)
    assert not crowded(keys, GREEN.key, concurrency=3)
    assert not crowded(keys, other, concurrency=1)
    assert crowded([], other, concurrency=0)


def test_the_runtime_is_told_and_its_header_cannot_be_ended() -> None:
    def told(tenant: str) -> list[bytes]:
        target = replace(ISOLATED, tenant=tenant)
        response = next_response(Invocation(RequestId("i"), target, b"{}", target.arn), 1)
        return [line for line in response.split(b"\r\n") if b"Tenant" in line]

    assert told("blue") == [b"Lambda-Runtime-Aws-Tenant-Id: blue"]
    assert told("a\r\nX: b") == [b"Lambda-Runtime-Aws-Tenant-Id: a  X: b"]
    assert told("") == []


def test_platform_events_and_wrapped_lines_name_the_tenant() -> None:
    hostile = 'a"b'
    target = replace(ISOLATED, tenant=hostile)
    ran = RuntimeDone("i", Status.SUCCESS, None, 2, 1, 2, 0, tenant=hostile)
    events = (Start("i", target), ran, Reported(Report("i", 1, 128, 0, tenant=hostile)))
    assert [json.loads(event.record)["tenantId"] for event in events] == [hostile] * 3
    untold = (Start("i", SHARED), Reported(Report("i", 1, 128, 0)))
    assert not any(b"tenantId" in event.record for event in untold)

    log = JsonLog(LogSettings("g", "JSON"), wraps=True, tenant=hostile)
    line = log.printed(b"words\n", 0, "i")
    assert line is not None
    assert json.loads(line.message)["tenantId"] == hostile
    between = log.printed(b"words\n", 0, None)
    assert between is not None
    assert b"tenantId" not in between.message  # before it serves anybody
