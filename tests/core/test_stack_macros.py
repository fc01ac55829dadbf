"""Fn::Transform and Transform: what a template includes from elsewhere."""

from typing import Any

import pytest

from stoker.core.errors import ServiceError
from stoker.core.stacks import macros
from stoker.core.stacks.functions import Scope
from stoker.core.stacks.text import BODY_BYTES

SCOPE = Scope({"AWS::Region": "eu-central-1", "Bucket": "b"})
QUEUE = {"Type": "AWS::SQS::Queue"}


def include(location: Any) -> dict[str, Any]:
    return {"Name": "AWS::Include", "Parameters": {"Location": location}}


def included(body: dict[str, Any], **texts: str) -> dict[str, Any]:
    """`texts`: of s3://b/<name>."""
    there = {f"s3://b/{name}": text for name, text in texts.items()}
    assert sorted(macros.places(body, SCOPE)) == sorted(there)
    return macros.included(body, SCOPE, there)


def refusal(body: dict[str, Any], **texts: str) -> str:
    with pytest.raises(ServiceError) as raised:
        included(body, **texts)
    assert raised.value.code == "ValidationError"
    return raised.value.message


def test_a_snippet_stands_where_it_is_included_beside_what_is_there() -> None:
    body = {
        "Resources": {
            "Own": {**QUEUE, "Properties": {"Fn::Transform": include("s3://b/wait")}},
            "Fn::Transform": include({"Fn::Sub": "s3://${Bucket}/more"}),
        },
        "Outputs": {"It": {"Value": [{"Fn::Transform": [include("s3://b/wait")]}, 1]}},
    }
    found = included(body, wait="VisibilityTimeout: 9", more="More: {Type: T, P: !Ref Own}")
    assert found == {
        "Resources": {
            "Own": {**QUEUE, "Properties": {"VisibilityTimeout": 9}},
            "More": {"Type": "T", "P": {"Ref": "Own"}},
        },
        "Outputs": {"It": {"Value": [{"VisibilityTimeout": 9}, 1]}},
    }
    assert macros.transforms_of(body) == ["AWS::Include"]


def test_a_whole_template_includes_sections_and_keeps_its_other_transforms() -> None:
    body = {
        "Transform": [include("s3://b/sections"), "AWS::Serverless-2016-10-31"],
        "Resources": {"Own": QUEUE},
    }
    found = included(body, sections='{"Mappings": {"M": {"a": {"b": 1}}}}')
    assert found == {
        "Transform": ["AWS::Serverless-2016-10-31"],
        "Resources": {"Own": QUEUE},
        "Mappings": {"M": {"a": {"b": 1}}},
    }
    assert macros.transforms_of(body) == ["AWS::Include", "AWS::Serverless-2016-10-31"]


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (include("./local.yaml"), "Transform AWS::Include failed with: The location parameter is"),
        (include(None), "is not a valid S3 uri."),
        (include({"Ref": "Own"}), "Own cannot be used here"),
        ("AWS::LanguageExtensions", "AWS::LanguageExtensions is a transform of a whole template"),
        ({"Name": "Mine"}, "No transform named Mine found."),
        ({"Name": 1}, "a Transform is named by a text."),
        ({"Name": "AWS::Include", "Parameters": "x"}, "must be an object"),
        ([include(f"s3://b/{number}") for number in range(501)], "at most 500 snippets"),
    ],
)
def test_what_cannot_be_included_is_refused(part: Any, words: str) -> None:
    assert words in refusal({"Resources": {"Own": QUEUE, "Fn::Transform": part}})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "The specified S3 object's content should be valid Yaml/JSON."),
        ("- a", "content should be valid"),
        ("Own: {Type: T}", "s3://b/it and the place where it is included both have Own"),
        ("A: {'Fn::Transform': {Name: 'AWS::Include'}}", "A snippet cannot include another."),
        (f"A: {'x' * (BODY_BYTES // 2)}", "at most"),
    ],
)
def test_a_snippet_that_cannot_stand_there_is_refused(text: str, words: str) -> None:
    part = {"Fn::Transform": include("s3://b/it")}
    body = {"Resources": {"Own": QUEUE, **part}, "Outputs": part, "Mappings": part}
    assert words in refusal(body, it=text)


def test_parameters_include_nothing() -> None:
    body = {"Parameters": {"Fn::Transform": include("s3://b/it")}, "Resources": {"Own": QUEUE}}
    assert "cannot be used in the Parameters section" in refusal(body, it="{}")


def test_files_that_are_not_packaged_are_found_with_the_place_that_names_them() -> None:
    body = {
        "Transform": ["AWS::LanguageExtensions", include("sections.yaml")],
        "Resources": {"A": {"Fn::Transform": include("a.json")}},
        "Outputs": {"Fn::Transform": include("s3://b/there")},
        "Mappings": {"Fn::Transform": include({"Ref": "Place"})},
    }
    found = list(macros.local_includes(body))
    assert [one["Location"] for one in found] == ["sections.yaml", "a.json"]
    found[1]["Location"] = "s3://b/now"
    assert body["Resources"] == {"A": {"Fn::Transform": include("s3://b/now")}}
