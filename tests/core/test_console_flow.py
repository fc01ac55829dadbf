"""What flows where: the boxes, who is let in, and the lines between them."""

import json
from typing import Any

import pytest

from stoker.console import flow
from stoker.console.asked import Where
from stoker.console.flow import BAD, GOOD, OFF, Policy
from stoker.console.links import page_of

ACCOUNT, REGION = "000000000000", "eu-central-1"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:shop"
GROUP = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/g:*"
BUCKET = "arn:aws:s3:::pictures"


def allow(who: Any, source: str = "", **more: Any) -> dict[str, Any]:
    condition = {"ArnLike": {"AWS:SourceArn": source}} if source else {}
    return {
        "Effect": "Allow", "Principal": who, "Action": "lambda:InvokeFunction",
        "Resource": FUNCTION, "Condition": {**condition, **more},
    }  # fmt: skip


def principal(name: str) -> dict[str, str]:
    return {"Service": f"{name}.amazonaws.com"}


def policy(*statements: dict[str, Any], of: str = "") -> Policy:
    return Policy(of, json.dumps({"Version": "2012-10-17", "Statement": statements}))


@pytest.mark.parametrize(
    ("arn", "found"),
    [
        (f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders", ("sqs", "orders")),
        (f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/t/stream/2026", ("dynamodb", "t")),
        (f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s", ("kinesis", "s")),
        (f"arn:aws:events:{REGION}:{ACCOUNT}:rule/nightly", ("events", "nightly")),
        (f"{FUNCTION}:prod", ("lambda", "f:prod")),
        (GROUP, ("logs", "/aws/lambda/g")),
        (BUCKET, ("s3", "pictures")),
        (f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/web/0a", (
            "elasticloadbalancing", "web")),
        ("arn:aws:elasticloadbalancing:::*", ("elasticloadbalancing", "*")),
        ("<b>", ("", "<b>")),
        ("", ("", "")),
    ],
)  # fmt: skip
def test_an_arn_is_of_somebody_and_has_a_name_for_people(arn: str, found: tuple[str, str]) -> None:
    assert flow.of_arn(arn) == found


def test_a_mapping_shows_its_state_and_what_came_of_it_last() -> None:
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"
    base = {"EventSourceArn": queue, "FunctionArn": f"{FUNCTION}:prod", "BatchSize": 10}
    good, off, broken, kafka = flow.of_mappings(
        [
            {**base, "State": "Enabled", "LastProcessingResult": "OK"},
            {**base, "State": "Disabled", "LastProcessingResult": "PROBLEM: x"},
            {**base, "State": "Enabled", "LastProcessingResult": "PROBLEM: Function call failed"},
            {"State": "Updating", "Topics": ["a", "b"], "FunctionArn": FUNCTION},
        ]
    )
    assert (good.kind, good.name, good.qualifier) == ("SQS queue", "orders", "prod")
    assert (good.detail, good.mood) == ("batches of 10; OK", GOOD)
    assert (off.mood, broken.mood, kafka.mood) == (OFF, BAD, "busy")
    assert (kafka.kind, kafka.name) == ("Kafka topic", "a, b")


def test_who_is_not_let_in_by_the_policy_says_so() -> None:
    topics = flow.of_topics(
        [
            {"Protocol": "lambda", "Endpoint": FUNCTION, "TopicArn": TOPIC},
            {"Protocol": "lambda", "Endpoint": f"{FUNCTION}:prod", "TopicArn": TOPIC},
            {"Protocol": "lambda", "Endpoint": f"{FUNCTION}2", "TopicArn": TOPIC},
            {"Protocol": "sqs", "Endpoint": "arn:aws:sqs:::q", "TopicArn": TOPIC},
        ],
        FUNCTION,
    )
    groups = flow.of_log_groups([(GROUP, "ERROR", FUNCTION)])
    let_in = [policy(allow(principal("sns"), TOPIC), allow(principal(f"logs.{REGION}"), GROUP))]
    found = flow.admitted(topics + groups, let_in, ACCOUNT)
    assert [(one.service, one.qualifier, one.mood) for one in found] == [
        ("sns", "", GOOD), ("sns", "prod", BAD), ("logs", "", GOOD),
    ]  # fmt: skip
    queue = flow.of_mappings([{"EventSourceArn": "arn:aws:sqs:::q", "State": "Enabled"}])
    assert flow.admitted(queue, [], ACCOUNT) == queue, "its role lets it in, not the policy"


def test_a_permission_is_shown_where_nothing_that_was_found_uses_it() -> None:
    told = {"LambdaFunctionConfigurations": [
        {"LambdaFunctionArn": FUNCTION, "Events": ["s3:ObjectCreated:*"]},
        {"LambdaFunctionArn": f"{FUNCTION}2", "Events": ["s3:ObjectRemoved:*"]},
    ]}  # fmt: skip
    found = flow.of_bucket(BUCKET, told, FUNCTION)
    assert [one.detail for one in found] == ["s3:ObjectCreated:*"]
    given = [
        policy(
            allow(principal("s3"), "arn:aws:s3:::pict*"),
            allow(principal("s3"), "arn:aws:s3:::other"),
            allow(principal("apigateway"), f"arn:aws:execute-api:{REGION}:{ACCOUNT}:abc/*/GET/x"),
            allow({"AWS": ["arn:aws:iam::1:root", "arn:aws:iam::2:root"]}),
            {**allow("*"), "Effect": "Deny"},
            allow("*", StringEquals={"lambda:FunctionUrlAuthType": "NONE"}),
        )
    ]
    shown = flow.of_policies(given, found)
    assert [(one.kind, one.name) for one in shown] == [
        ("S3 bucket", "other"),
        ("API Gateway", "abc/*/GET/x"),
        ("Permission", "arn:aws:iam::1:root"),
        ("Permission", "arn:aws:iam::2:root"),
        ("Permission", "everybody"),
    ]
    assert {one.mood for one in shown} == {OFF}
    url = {"FunctionUrl": "http://x", "AuthType": "NONE", "FunctionArn": FUNCTION}
    assert "everybody" not in [
        one.name for one in flow.of_policies(given, [*found, *flow.of_urls([url])])
    ]
    assert flow.of_policies([Policy("", "")], []) == []


@pytest.mark.parametrize(
    "statement",
    [
        {}, {"Effect": "Allow"}, {"Effect": "Allow", "Principal": [], "Condition": []},
        {"Effect": "Allow", "Principal": {"AWS": [1, None]}, "Condition": {"X": []}},
        {"Effect": "Allow", "Principal": "x", "Condition": {"X": {"aws:SourceArn": []}}},
    ],
)  # fmt: skip
def test_a_statement_of_any_shape_is_drawn_or_left_out(statement: dict[str, Any]) -> None:
    for one in flow.of_policies([policy(statement)], []):
        assert one.state == "allowed"


def test_results_go_to_destinations_and_failed_deliveries_are_red() -> None:
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"
    configs = [
        {
            "FunctionArn": f"{FUNCTION}:$LATEST",
            "DestinationConfig": {
                "OnSuccess": {"Destination": f"{FUNCTION}2"}, "OnFailure": {},
            },
        },
        {"FunctionArn": f"{FUNCTION}:prod", "DestinationConfig": {
            "OnFailure": {"Destination": queue}}},
    ]  # fmt: skip
    mapping = {
        "EventSourceArn": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s",
        "DestinationConfig": {"OnFailure": {"Destination": queue}},
    }
    found = flow.of_destinations(configs, queue, [mapping, {}], {"DeadLetterErrors": 2})
    assert [(one.kind, one.qualifier, one.mood) for one in found] == [
        ("Function", "", GOOD), ("SQS queue", "prod", GOOD), ("SQS queue", "", BAD),
        ("SQS queue", "", GOOD),
    ]  # fmt: skip
    assert found[2].state == "2 not delivered in the last hour"
    assert found[3].detail == "what failed of s"


@pytest.mark.parametrize("many", [0, 1, 2, 100])
@pytest.mark.parametrize("inward", [True, False])
def test_each_box_has_a_line_from_its_middle_to_the_functions(many: int, inward: bool) -> None:
    boxes = [flow.box(BUCKET, "", "", GOOD)] * many
    drawn = flow.lines(boxes, inward=inward)
    assert len(drawn.paths) == many
    assert drawn.height == max(1, many) * (flow.HEIGHT + flow.GAP) - flow.GAP
    ends = [path.removeprefix("M0 ").partition("C")[0] for path, _ in drawn.paths]
    if not inward:
        ends = [path.rpartition(" ")[2] for path, _ in drawn.paths]
    assert [float(end) for end in ends] == [
        number * (flow.HEIGHT + flow.GAP) + flow.HEIGHT / 2 for number in range(many)
    ]
    assert len(flow.heads(drawn, inward=inward)) == (min(1, many) if inward else many)


def test_a_box_leads_to_the_page_of_what_it_names() -> None:
    here = Where(ACCOUNT, REGION)
    there = Where("111111111111", "us-east-1")
    other = "arn:aws:lambda:us-east-1:111111111111:function:g:prod"
    assert page_of(here, other) == there.path("functions", "g")
    assert page_of(here, GROUP) == here.path("functions", "g", "logs")
    for arn in (TOPIC, BUCKET, "", "x", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:mine:*"):
        assert page_of(here, arn) == ""
