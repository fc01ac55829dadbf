"""What the console's pages of stacks and account settings make of AWS's answers."""

import pytest

from stoker.console.pages.account import limits
from stoker.console.pages.layers import row
from stoker.console.pages.stacks import mood_of, page_of, values


@pytest.mark.parametrize(
    ("status", "mood"),
    [
        ("CREATE_COMPLETE", "good"),
        ("UPDATE_IN_PROGRESS", "busy"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "busy"),
        ("CREATE_FAILED", "bad"),
        ("ROLLBACK_IN_PROGRESS", "bad"),
        ("UPDATE_ROLLBACK_COMPLETE", "bad"),
    ],
)
def test_a_stack_that_is_not_as_asked_for_is_bad(status: str, mood: str) -> None:
    assert mood_of(status) == mood


def test_what_functions_reserved_counts_against_the_accounts_concurrency() -> None:
    most = {
        "ConcurrentExecutions": 1000,
        "UnreservedConcurrentExecutions": 850,
        "TotalCodeSize": 80 * 2**30,
        "CodeSizeUnzipped": 250 * 2**20,
        "CodeSizeZipped": 50 * 2**20,
    }
    usage = {"TotalCodeSize": 2**30, "FunctionCount": 3}
    found = {one.name: one for one in limits(most, usage, 7)}
    assert set(found) == set(most), "all that GetAccountSettings says"
    assert found["UnreservedConcurrentExecutions"].said == "7 of 850"
    assert found["ConcurrentExecutions"].said == "150 of 1,000"
    assert found["TotalCodeSize"].said == "1 GB of 80 GB"
    assert found["CodeSizeZipped"].used is None


def test_a_layer_that_names_no_runtime_is_for_any() -> None:
    version = {
        "Version": 2,
        "LayerVersionArn": "arn:2",
        "CreatedDate": "2026-01-02T03:04:05.678+0000",
    }
    found = row("own", version)
    assert (found.runtimes, found.architectures) == ("any", "any")
    assert found.created == "2026-01-02 03:04:05"


@pytest.mark.parametrize(
    ("kind", "physical", "page"),
    [
        ("AWS::Lambda::Function", "f", ("functions", "f")),
        ("AWS::Lambda::Function", "", ()),
        ("AWS::Lambda::LayerVersion", "arn:aws:lambda:r:1:layer:l:3", ("layers", "l")),
        ("AWS::Lambda::LayerVersion", "l", ()),
        ("AWS::CloudFormation::Stack", "arn:aws:cloudformation:r:1:stack/s/id", ("stacks", "s")),
        ("AWS::CloudFormation::Stack", "s", ()),
        ("AWS::Logs::LogGroup", "/g", ()),
    ],
)
def test_a_resource_leads_to_its_page_if_there_is_one(
    kind: str, physical: str, page: tuple[str, ...]
) -> None:
    assert page_of(kind, physical) == page


def test_what_went_into_a_stack_and_came_out_of_it_is_told_together() -> None:
    found = values(
        {
            "Parameters": [{"ParameterKey": "P", "ParameterValue": "/p", "ResolvedValue": "v"}],
            "Outputs": [
                {"OutputKey": "A", "OutputValue": "1", "Description": "why", "ExportName": "e"},
                {"OutputKey": "B", "OutputValue": "2", "ExportName": "e2"},
                {"OutputKey": "C", "OutputValue": "3"},
            ],
            "Tags": [{"Key": "t", "Value": "u"}],
        }
    )
    assert [(one.name, one.value, one.what, one.more) for one in found] == [
        ("P", "v", "parameter", ""),
        ("A", "1", "output", "why · exported as e"),
        ("B", "2", "output", "exported as e2"),
        ("C", "3", "output", ""),
        ("t", "u", "tag", ""),
    ]
