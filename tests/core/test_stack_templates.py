"""Templates: read, checked, put in order, and what their functions mean."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stoker.core.errors import ServiceError
from stoker.core.stacks import dynamic, language_extensions, naming
from stoker.core.stacks.functions import NO_VALUE, UNKNOWN, Scope, evaluate, is_true
from stoker.core.stacks.macros import transforms_of
from stoker.core.stacks.parameters import Given, chosen, meant
from stoker.core.stacks.template import (
    capabilities_of,
    check_kinds,
    check_rules,
    parse,
)
from stoker.core.stacks.text import BODY_BYTES, read_template

SHORT_FORMS = """\
AWSTemplateFormatVersion: 2010-09-09
Description: a date, an account and a switch stay what they are
Conditions:
  IsEu: !Equals [!Ref AWS::Region, eu-central-1]
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Condition: IsEu
    Properties: {VisibilityTimeout: 30, QueueName: !Sub "${AWS::StackName}-q"}
  Policy:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref Queue]
      PolicyDocument:
        Version: 2012-10-17
        Statement: {Principal: {AWS: 012345678901}, Resource: !GetAtt Queue.Arn, Effect: Allow}
"""


def scope(**more: Any) -> Scope:
    there = {"Queue": "the-url"}

    def look_up(logical: str, attribute: str | None) -> Any:
        if logical not in there:
            return UNKNOWN
        return there[logical] if attribute is None else f"{logical}.{attribute}"

    parameters = {"AWS::Region": "eu-central-1", "Names": ["a", "b"], "Stage": "dev"}
    mappings = {"Sizes": {"dev": {"memory": 128}}}
    facts = {"parameters": parameters, "mappings": mappings, "lookup": look_up, **more}
    return Scope(**facts)


def refusal(text: str | dict[str, Any]) -> str:
    with pytest.raises(ServiceError) as raised:
        parse(read_template(text) if isinstance(text, str) else text)
    assert raised.value.code == "ValidationError"
    return raised.value.message


def test_short_forms_are_functions_and_dates_are_texts() -> None:
    body = read_template(SHORT_FORMS)
    assert body["AWSTemplateFormatVersion"] == "2010-09-09"
    queue, policy = (body["Resources"][name]["Properties"] for name in ("Queue", "Policy"))
    assert queue == {"VisibilityTimeout": 30, "QueueName": {"Fn::Sub": "${AWS::StackName}-q"}}
    statement = policy["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"AWS": "012345678901"}, "and no octal number"
    assert statement["Resource"] == {"Fn::GetAtt": ["Queue", "Arn"]}
    assert body["Conditions"]["IsEu"] == {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-central-1"]}


def test_json_and_yaml_say_the_same() -> None:
    body = read_template(SHORT_FORMS)
    assert read_template(json.dumps(body)) == body


def test_resources_come_behind_what_they_need() -> None:
    template = parse(read_template(SHORT_FORMS))
    assert list(template.resources) == ["Queue", "Policy"]
    assert template.resources["Policy"].needs == {"Queue"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Resources: {A: &x {Type: T}, B: *x}", "aliases are not allowed"),
        ("{", "not well-formed"),
        ("- a", "unsupported structure"),
        ("Resources: {A: {Type: !!binary aGk=}}", "unsupported tag"),
        ("Resources: {A: !Nonsense x}", "unsupported tag !Nonsense"),
        ("Resources: {A: {Type: T}, A: {Type: T}}", "Duplicate key"),
        ("Resources: {}", "At least one Resources member must be defined."),
        ("Resources: {A-b: {Type: T}}", "non alphanumeric"),
        ("Resources: {A: {}}", "must contain a Type member"),
        ("Resources: {A: {Type: T, DependsOn: B}}", "Unresolved resource dependencies [B]"),
        ("Resources: {A: {Type: T, Properties: {P: !Ref B}}}", "dependencies [B] in the Resources"),
        ("Resources: {A: {Type: T}}\nOutputs: {O: {Value: !Ref B}}", "[B] in the Outputs block"),
        ("Resources: {A: {Type: T, Condition: C}}", "Unresolved condition dependency C"),
        ("Resources: {A: {Type: T, Foo: 1}}", "Invalid template resource property 'Foo'"),
        ("Foo: 1\nResources: {A: {Type: T}}", "Invalid template property or properties [Foo]"),
        ("[" * 100 + "]" * 100, "deeper than 64"),
        ('{"a":' * 5000 + "1" + "}" * 5000, "deeper than 64"),
        (f"Description: {'x' * BODY_BYTES}", "at most"),
    ],
)  # fmt: skip
def test_a_bad_template_is_refused_with_the_reason(text: str, words: str) -> None:
    assert words in refusal(text)


def test_a_cycle_is_named() -> None:
    one, two = ({"Type": "T", "Properties": {"P": {"Ref": name}}} for name in ("B", "A"))
    said = refusal({"Resources": {"A": one, "B": two, "C": {"Type": "T"}}})
    assert said == "Circular dependency between resources: [A, B]"


def test_types_that_nobody_serves_are_named_with_those_that_are() -> None:
    resources = {"A": {"Type": "AWS::EC2::Vpc"}, "B": {"Type": "Custom::Mine"}}
    template = parse({"Resources": resources})
    with pytest.raises(ServiceError, match=r"AWS::EC2::Vpc.*Stoker serves AWS::SQS::Queue"):
        check_kinds(template.resources, {"AWS::SQS::Queue"})


def test_a_type_that_nobody_asks_for_need_not_be_served() -> None:
    resources = {"A": {"Type": "AWS::EC2::Vpc", "Condition": "No"}, "B": {"Type": "Custom::Mine"}}
    conditions = {"No": {"Fn::Equals": [1, 2]}}
    template = parse({"Resources": resources, "Conditions": conditions})
    check_kinds(template.in_force(Scope({}, conditions=template.conditions)), ())


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({"Ref": "Queue"}, "the-url"),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, "Queue.Arn"),
        ({"Fn::GetAtt": "Queue.A.B"}, "Queue.A.B"),
        ({"Fn::Sub": "${Queue}/${Queue.Arn}/${Stage}/${!Literal}"},
         "the-url/Queue.Arn/dev/${Literal}"),
        ({"Fn::Sub": ["${X}-${Stage}", {"X": {"Ref": "Queue"}}]}, "the-url-dev"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Stage"}, 1, True]]}, "a-dev-1-true"),
        ({"Fn::Join": ["-", {"Ref": "Names"}]}, "a-b"),
        ({"Fn::Select": ["1", {"Ref": "Names"}]}, "b"),
        ({"Fn::Select": [0, {"Fn::Split": [".", "x.y"]}]}, "x"),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "memory"]}, 128),
        ({"Fn::FindInMap": ["Sizes", "no", "memory", {"DefaultValue": 1}]}, 1),
        ({"Fn::Base64": "hi"}, "aGk="),
        ({"Fn::GetAZs": ""}, ["eu-central-1a", "eu-central-1b", "eu-central-1c"]),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, ["10.0.0.0/24", "10.0.1.0/24"]),
        ({"Fn::Length": {"Ref": "Names"}}, 2),
        ({"Fn::ToJsonString": {"a": [1, {"Ref": "Stage"}]}}, '{"a":[1,"dev"]}'),
        ({"Fn::If": ["Yes", "then", {"Ref": "Absent"}]}, "then"),
        ({"a": {"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}, "b": [{"Ref": "AWS::NoValue"}]},
         {"b": []}),
        ({"Fn::ImportValue": "there"}, "imported there"),
        ({"Condition": {"StringEquals": {"a": "b"}}}, {"Condition": {"StringEquals": {"a": "b"}}}),
    ],
)  # fmt: skip
def test_functions_mean_what_aws_says(said: Any, meant: Any) -> None:
    conditions = {
        "Yes": {"Fn::Equals": [1, "1"]},
        "No": {"Fn::Not": [{"Condition": "Yes"}]},
    }
    around = scope(conditions=conditions, imported=lambda name: f"imported {name}")
    assert evaluate(said, around) == meant


def test_conditions_are_made_of_conditions() -> None:
    around = scope(
        conditions={
            "T": {"Fn::Equals": [True, "true"]},
            "F": {"Fn::Not": [{"Condition": "T"}]},
            "And": {"Fn::And": [{"Condition": "T"}, {"Condition": "F"}]},
            "Or": {"Fn::Or": [{"Condition": "T"}, {"Condition": "F"}]},
            "Loop": {"Condition": "Loop"},
        }
    )
    truths = {name: is_true(name, around) for name in ("T", "F", "And", "Or")}
    assert truths == {"T": True, "F": False, "And": False, "Or": True}
    with pytest.raises(ServiceError, match="Circular"):
        is_true("Loop", around)


def test_conditions_that_name_each_other_cost_no_more_than_there_are() -> None:
    chain: dict[str, Any] = {"C100": {"Fn::Equals": ["a", "a"]}}
    chain |= {f"C{n}": {"Fn::And": [{"Condition": f"C{n + 1}"}] * 2} for n in range(100)}
    assert is_true("C0", Scope({}, conditions=chain))  # else 2**100 steps


@pytest.mark.parametrize(
    "conditions",
    [
        {"C0": {"Fn::Equals": [{"Fn::If": ["C0", "a", "b"]}, "a"]}},
        {f"C{n}": {"Fn::Not": [{"Condition": f"C{n + 1}"}]} for n in range(2000)},
    ],
)
def test_conditions_without_end_are_refused(conditions: dict[str, Any]) -> None:
    with pytest.raises(ServiceError):
        is_true("C0", Scope({}, conditions=conditions))


def test_what_is_made_of_something_unknown_is_unknown() -> None:
    for said in (
        {"Ref": "New"}, {"Fn::Sub": "a-${New}"}, {"Fn::Join": ["", ["a", {"Ref": "New"}]]},
        {"Fn::Select": [0, {"Fn::Split": [":", {"Ref": "New"}]}]}, {"Fn::Base64": {"Ref": "New"}},
    ):  # fmt: skip
        assert evaluate(said, scope()) == UNKNOWN


@pytest.mark.parametrize(
    "said",
    [
        {"Fn::Nonsense": 1}, {"Fn::Join": ["-"]}, {"Fn::Select": [9, ["a"]]}, {"Fn::Sub": 1},
        {"Fn::Select": [-1, ["a"]]}, {"Fn::Cidr": ["10.0.0.0/30", 99, 8]}, {"Fn::GetAtt": "Queue"},
        {"Fn::FindInMap": ["Sizes", "x", "y"]}, {"Fn::If": ["Nobody", 1, 2]}, {"Ref": ["a"]},
        {"Fn::ImportValue": "nobody"}, {"Fn::Base64": {"a": 1}}, {"Fn::Split": ["", "a"]},
    ],
)  # fmt: skip
def test_a_misused_function_is_refused(said: Any) -> None:
    with pytest.raises(ServiceError):
        evaluate(said, scope())


LONG = {"Fn::Sub": "${Long}" * 250}  # nearly as long as a text may be
TWICE: Any = "x" * 1000
for _ in range(40):
    TWICE = {"Fn::Sub": ["${T}${T}", {"T": TWICE}]}
OFTEN: Any = "x" * 1000
for _ in range(60):
    OFTEN = {"Fn::Base64": OFTEN}


@pytest.mark.parametrize(
    "said",
    [
        {"Fn::Join": ["", ["x" * 4000] * 1000]},
        {"Fn::Join": ["x" * 1000, [""] * 10_000]},
        {"Fn::Join": ["", [{"Fn::If": ["Yes", [LONG] * 20, ""]}]]},
        {"Fn::Join": ["", [{"Fn::Split": ["x", LONG]}] * 30]},
        {"Fn::Sub": ["${T}" * 100_000, {"T": LONG}]},
        TWICE,
        OFTEN,
        [LONG] * 100,
        [{"Ref": "Long"}] * 10_000,
        [{"Fn::Split": ["x", LONG]}] * 20,
        [{"Fn::FindInMap": ["Long", "a", "b"]}] * 10_000,
        {"Fn::ToJsonString": [LONG, LONG]},
    ],
)
def test_no_text_grows_without_end(said: Any) -> None:
    """None of these is longer than a template, and each would be more than a machine has, or much
    of it. What is made is counted for the template as a whole."""
    assert len(json.dumps(said)) < 12 * 1024 * 1024
    large = scope(
        parameters={"Long": "x" * 4096},
        mappings={"Long": {"a": {"b": ["x" * 1000] * 4}}},
        conditions={"Yes": True},
    )
    with pytest.raises(ServiceError, match=r"more than \d+ characters"):
        evaluate([said, said], large)
    assert evaluate({"Fn::Join": ["", ["a", "b"]]}, scope()) == "ab"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Ref", "Fn::Sub", "Fn::If", "Fn::Join", "Fn::GetAtt", "a", "Fn::Split"]
            ),
            inner,
            max_size=2,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(values)
def test_whatever_stands_in_a_template_has_a_meaning_or_is_refused(said: Any) -> None:
    try:
        found = evaluate(said, scope(conditions={"a": True}))
        parse({"Resources": {"A": {"Type": "T", "Properties": {"P": said}}}})
    except ServiceError:
        return
    assert found is NO_VALUE or json.dumps(found) is not None


DECLARED = {
    "Stage": {"Type": "String", "Default": "dev", "AllowedValues": ["dev", "prod"]},
    "Size": {"Type": "Number", "MinValue": 1, "MaxValue": 3},
    "Names": {"Type": "CommaDelimitedList", "Default": "a, b"},
    "Word": {"Type": "String", "Default": "abc", "AllowedPattern": "[a-z]+", "MaxLength": 4},
}


def test_parameters_are_given_kept_or_by_default() -> None:
    asked = [Given("Stage", keep=True), Given("Size", "2")]
    found = chosen(DECLARED, asked, {"Stage": "prod"})
    assert found == {"Stage": "prod", "Size": "2", "Names": "a, b", "Word": "abc"}
    assert meant("CommaDelimitedList", "a, b") == ["a", "b"]
    assert meant("AWS::SSM::Parameter::Value<List<String>>", "a,b") == ["a", "b"]
    assert meant("Number", "2") == "2"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ([], "Parameters: [Size] must have values"),
        ([Given("Size", "2"), Given("Other", "x")], "Parameters: [Other] do not exist in the"),
        ([Given("Size", "x")], "is not a number"),
        ([Given("Size", "9")], "must be at most 3"),
        ([Given("Size", "2"), Given("Stage", "test")], "AllowedValues [dev, prod]"),
        ([Given("Size", "2"), Given("Word", "A")], "must match pattern"),
        ([Given("Size", "2"), Given("Word", "abcde")], "at most 4 characters"),
        ([Given("Size", "2"), Given("Word", keep=True)], "no previous value"),
    ],
)
def test_a_parameter_that_is_not_allowed_is_refused(asked: list[Given], words: str) -> None:
    with pytest.raises(ServiceError) as raised:
        chosen(DECLARED, asked, {})
    assert words in raised.value.message


def test_no_pattern_keeps_the_server_busy() -> None:
    def take(pattern: str, value: str) -> None:
        chosen({"It": {"Type": "String", "AllowedPattern": pattern, "Default": value}}, [], {})

    with pytest.raises(ServiceError, match="must match pattern"):
        take("(a+)+$", "a" * 400 + "b")  # `re` would take 2**400 steps
    with pytest.raises(ServiceError, match="must match pattern"):
        take("[a-z]*", "a" * 1500 + "1")  # the whole value counts
    with pytest.raises(ServiceError, match="no regular expression"):
        take("(", "a")
    take("(?=.*[A-Z]).*", "none")  # only `re` understands it: not checked


@pytest.mark.parametrize(
    "part",
    [
        {"Parameters": ["It"]},
        {"Parameters": {"It": {"Type": "Number", "Default": 1, "MinValue": "few"}}},
        {"Parameters": {"It": {"Type": "String", "Default": "\ud800"}}},
        {"Resources": {"It": {"Type": "AWS::SQS::Queue", "DependsOn": [["It"]]}}},
        {"Outputs": {"It": {"Value": "x", "Condition": ["It"]}}},
        {"Metadata": "a number"},
    ],
)
def test_what_has_not_the_form_that_it_must_have_is_refused(part: dict[str, Any]) -> None:
    text = json.dumps({"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}, **part})
    text = text.replace('"a number"', "9" * 5000)

    def read() -> None:
        body = read_template(text)
        chosen(body.get("Parameters", {}), [], {})
        parse(body)

    with pytest.raises(ServiceError, match="Template format error"):
        read()


def test_dynamic_references_are_asked_for_and_put_in() -> None:
    value = {"A": ["x-{{resolve:ssm:/a/b:3}}"], "B": "{{resolve:secretsmanager:s:SecretString:k}}"}
    ssm, secret = sorted(dynamic.references(value), key=len)
    assert dynamic.question(ssm) == (
        "ssm", "GetParameter", {"Name": "/a/b:3", "WithDecryption": False},
    )  # fmt: skip
    assert dynamic.question(secret) == ("secretsmanager", "GetSecretValue", {"SecretId": "s"})
    known = {
        ssm: dynamic.answer(ssm, {"Parameter": {"Value": "one"}}),
        secret: dynamic.answer(secret, {"SecretString": '{"k": "two"}'}),
    }
    assert dynamic.replaced(value, known) == {"A": ["x-one"], "B": "two"}
    with pytest.raises(ServiceError, match="key k"):
        dynamic.answer(secret, {"SecretString": "{}"})
    long = "{{resolve:secretsmanager:arn:aws:secretsmanager:eu-1:0:secret:n:SecretString:::v}}"
    assert dynamic.question(long)[2] == {
        "SecretId": "arn:aws:secretsmanager:eu-1:0:secret:n", "VersionId": "v",
    }  # fmt: skip


def test_rules_are_asserted() -> None:
    rule = {
        "Assertions": [
            {
                "Assert": {"Fn::Not": [{"Fn::Contains": [["1", "2"], {"Ref": "Version"}]}]},
                "AssertDescription": "too old",
            }
        ]
    }
    template = parse({"Rules": {"Check": rule}, "Resources": {"A": {"Type": "T"}}})
    check_rules(template, Scope({"Version": "6"}))
    with pytest.raises(ServiceError, match="too old"):
        check_rules(template, Scope({"Version": "2"}))


def test_loops_are_written_out() -> None:
    body = {
        "Transform": ["AWS::LanguageExtensions"],
        "Resources": {
            "Fn::ForEach::Queues": [
                "Name",
                {"Ref": "Names"},
                {
                    "Queue${Name}": {
                        "Type": "T",
                        "Properties": {"P": {"Ref": "Name"}, "Q": "${Name}"},
                    }
                },
            ]
        },
    }
    made = language_extensions.unrolled(body, scope())
    assert made["Resources"] == {
        "Queuea": {"Type": "T", "Properties": {"P": "a", "Q": "a"}},
        "Queueb": {"Type": "T", "Properties": {"P": "b", "Q": "b"}},
    }
    assert transforms_of(body) == ["AWS::LanguageExtensions"]
    inner: Any = "x"
    for name in "abcdefgh":
        inner = {f"Fn::ForEach::{name}": [name, list("0123456789"), {f"${{{name}}}": inner}]}
    with pytest.raises(ServiceError, match="more than"):
        language_extensions.unrolled({"Resources": inner}, scope())


def test_a_function_may_make_the_name_of_a_resource() -> None:
    name = {"Fn::Sub": "Queue${Stage}"}
    parts = {"P": {"Ref": name}, "Q": {"Fn::GetAtt": [name, "Arn"]}}
    body = {"Resources": {"A": {"Type": "T", "Properties": parts}, "Queuedev": {"Type": "T"}}}
    made = parse(language_extensions.unrolled(body, scope())).resources["A"]
    assert made.properties == {"P": {"Ref": "Queuedev"}, "Q": {"Fn::GetAtt": ["Queuedev", "Arn"]}}
    assert made.needs == {"Queuedev"}
    parts["P"] = {"Ref": {"Ref": "Names"}}
    with pytest.raises(ServiceError, match="has to make a text"):
        language_extensions.unrolled(body, scope())


def test_what_becomes_of_a_resource_may_be_said_by_functions() -> None:
    body: dict[str, Any] = {
        "Resources": {
            "A": {"Type": "T", "DeletionPolicy": {"Ref": "Keep"}},
            "B": {"Type": "T", "UpdateReplacePolicy": {"Fn::If": ["Yes", "Retain", "Delete"]}},
        }
    }
    with pytest.raises(ServiceError, match="Unrecognized DeletionPolicy"):
        parse(body)  # without the transform
    around = scope(parameters={"Keep": "Retain"}, conditions={"Yes": True})
    found = parse(language_extensions.unrolled(body, around)).resources
    assert (found["A"].deletion, found["B"].replacement) == ("Retain", "Retain")
    around = scope(parameters={"Keep": NO_VALUE}, conditions={"Yes": False})
    found = parse(language_extensions.unrolled(body, around)).resources
    assert (found["A"].deletion, found["B"].replacement) == ("Delete", "Delete")
    body["Resources"]["A"]["DeletionPolicy"] = {"Ref": "B"}
    with pytest.raises(ServiceError, match="B cannot be used here"):
        language_extensions.unrolled(body, Scope({}, conditions={"Yes": True}))


@pytest.mark.parametrize(
    ("words", "body"),
    [
        ("data limit", {"Q${Name}": {"Type": "T", "P": "x" * 100_000}}),
        ("data limit", {"Q${Name}": "${Name}" * 20_000}),
        ("parts", {"Fn::ForEach::Other": ["B", {"Ref": "Many"}, {}]}),
    ],
)
def test_loops_do_not_grow_without_end(words: str, body: dict[str, Any]) -> None:
    many = [f"{number:0100}" for number in range(800)]
    loops = {"Fn::ForEach::Queues": ["Name", {"Ref": "Many"}, body]}
    with pytest.raises(ServiceError, match=words):
        language_extensions.unrolled({"Resources": loops}, scope(parameters={"Many": many}))


def test_what_touches_iam_needs_to_be_allowed() -> None:
    role = {"Type": "AWS::IAM::Role", "Properties": {}}
    named = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "x"}}
    assert capabilities_of(parse({"Resources": {"A": {"Type": "T"}}})) == []
    assert capabilities_of(parse({"Resources": {"A": role}})) == ["CAPABILITY_IAM"]
    assert capabilities_of(parse({"Resources": {"A": role, "B": named}})) == [
        "CAPABILITY_NAMED_IAM"
    ]


@given(st.text("abcXYZ-0", min_size=1, max_size=128), st.text("abcXYZ", min_size=1, max_size=255))
def test_a_generated_name_fits_and_tells_its_stack(stack: str, logical: str) -> None:
    name = naming.generated("arn:1", stack, logical, 0, most=64)
    assert len(name) <= 64
    assert name != naming.generated("arn:1", stack, logical, 1, most=64), "another one, replaced"
    assert name == naming.generated("arn:1", stack, logical, 0, most=64), "asked again: the same"
    assert name[:10] == f"{stack}-{logical}"[:10] or len(f"{stack}-{logical}") < 10
    lower = naming.generated("arn:1", stack, logical, 0, most=63, lower=True)
    assert lower == lower.lower() and len(lower) <= 63
