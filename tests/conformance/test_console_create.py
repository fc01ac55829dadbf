"""A function made, shaped and shared out in the console, as a browser does it."""

import json
import re
import uuid
from collections.abc import Callable
from typing import Any

from tests.conformance.test_console import HERE, HOSTILE, Page, ask, check_harmless, post, token_of
from tests.faults.scene import until
from tests.running import PYTHON, REGION, StokerProcess, wait_until

Create = Callable[..., str]


def look(server: StokerProcess, path: str) -> str:
    """The text of a page that is there, and harmless."""
    status, _, text = ask(server, f"{HERE}/{path}")
    page = Page(text)
    assert status == 200, page.text
    check_harmless(page)
    return page.text


def test_a_function_is_made_with_a_role_of_its_own_and_runs(
    server: StokerProcess, lambda_client: Any
) -> None:
    name, token = f"made-{uuid.uuid4().hex[:8]}", token_of(server)
    assert "provided.al2023" in look(server, "create-function")
    form = {
        "FunctionName": name, "Runtime": "provided.al2023", "RoleChoice": "new",
        "MemorySize": "192", "Timeout": "20", "Tags": "team=shop",
    }  # fmt: skip
    status, headers, _ = post(server, f"{HERE}/create-function", token=token, **form)
    assert (status, headers["Location"]) == (303, f"{HERE}/functions/{name}/code")
    wait_until(lambda_client, "function_active_v2", name)
    answer = lambda_client.invoke(FunctionName=name, Payload='{"a": 1}')
    assert json.loads(answer["Payload"].read())["statusCode"] == 200
    assert "bootstrap" in look(server, f"functions/{name}/code")
    about = lambda_client.get_function(FunctionName=name)
    assert about["Configuration"]["MemorySize"] == 192
    assert about["Tags"] == {"team": "shop"}
    role = about["Configuration"]["Role"]
    iam = server.client("iam")
    try:
        found = iam.get_role(RoleName=role.rpartition("/")[2])["Role"]
        assert found["Arn"] == role
        trust = found["AssumeRolePolicyDocument"]["Statement"][0]
        assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
        (attached,) = iam.list_attached_role_policies(RoleName=found["RoleName"])[
            "AttachedPolicies"
        ]
        policy = iam.get_policy_version(PolicyArn=attached["PolicyArn"], VersionId="v1")
        resource = policy["PolicyVersion"]["Document"]["Statement"][1]["Resource"]
        assert resource == [f"arn:aws:logs:{REGION}:000000000000:log-group:/aws/lambda/{name}:*"]
        listed = look(server, "create-function/roles")
        assert role in listed
        chosen = ask(server, f"{HERE}/create-function?RoleChoice=existing&Role={role}")[2]
        assert f'value="{role}"' in chosen
        roles = len(iam.list_roles()["Roles"])
        refused = {**form, "MemorySize": "1", "Description": HOSTILE}
        for wrong in (form, {**refused, "FunctionName": f"{name}-2"}):  # the first: it is there
            status, _, text = post(server, f"{HERE}/create-function", token=token, **wrong)
            assert status == 400
            check_harmless(Page(text))
            assert "aria-invalid" in text
        assert len(iam.list_roles()["Roles"]) == roles, "what was made for nothing is gone"
    finally:
        iam.close()
        lambda_client.delete_function(FunctionName=name)


def test_a_refusal_is_beside_its_field_and_what_was_typed_is_kept(server: StokerProcess) -> None:
    form = {
        "FunctionName": HOSTILE, "Runtime": PYTHON, "RoleChoice": "existing", "Role": "none",
        "Tags": HOSTILE, "Layer1": HOSTILE, "MemorySize": HOSTILE,
    }  # fmt: skip
    status, _, text = post(server, f"{HERE}/create-function", token=token_of(server), **form)
    page = Page(text)
    assert status == 400
    check_harmless(page)
    marked = [attrs["name"] for _, attrs in page.tags if "aria-invalid" in attrs]
    assert marked == ["FunctionName", "MemorySize", "Role"]
    assert "whole number" in page.text
    layer = next(attrs for _, attrs in page.tags if attrs.get("name") == "Layer1")
    assert layer["value"] == HOSTILE.replace("\u202e", "\\u{202e}")


def test_a_long_file_is_edited_without_losing_any_of_it(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    end = "def handler(event, context): return 'first'\n"
    code = "# \u00fc & <b> + %\n" * 6_000 + end
    name, token = create(code), token_of(server)
    at = f"{HERE}/functions/{name}/code"
    assert Page(ask(server, at)[2]).text.count("# \u00fc & <b> + %\n") == 6_000
    sent = code.replace("first", "second").replace("\n", "\r\n")  # as a browser does
    assert post(server, at, token=token, path="main.py", text=sent)[0] == 303
    wait_until(lambda_client, "function_updated_v2", name)
    assert lambda_client.invoke(FunctionName=name)["Payload"].read() == b'"second"'


def test_versions_and_aliases_are_made_shifted_and_deleted(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name, token = create("def handler(event, context): return 1"), token_of(server)
    at = f"{HERE}/functions/{name}/versions"

    def press(act: str, **form: str) -> str:
        status, headers, text = post(server, at, token=token, act=act, **form)
        assert status in (303, 400)
        check_harmless(Page(text))
        return str(headers["Location"]) if status == 303 else Page(text).text

    assert press("publish", Description="the first") == at
    lambda_client.update_function_configuration(FunctionName=name, MemorySize=192)
    wait_until(lambda_client, "function_updated_v2", name)
    assert press("publish") == at
    assert press("create alias", Name="prod", FunctionVersion="1", Description=HOSTILE) == at
    assert "Value" in press("create alias", Name="<b>", FunctionVersion="1")
    lambda_client.invoke(FunctionName=name, Qualifier="prod")
    until(lambda: look(server, f"functions/{name}/versions"), lambda text: "1 went there" in text)
    alias = lambda_client.get_alias(FunctionName=name, Name="prod")
    shifted = {"Name": "prod", "FunctionVersion": "1", "Other": "2", "Percent": "25"}
    assert press("update alias", RevisionId=alias["RevisionId"], **shifted) == at
    weights = lambda_client.get_alias(FunctionName=name, Name="prod")["RoutingConfig"]
    assert weights == {"AdditionalVersionWeights": {"2": 0.25}}
    stale = press("update alias", RevisionId=alias["RevisionId"], **shifted)
    assert "PreconditionFailedException" in stale
    assert "ResourceConflictException" in press("delete version", Qualifier="1")
    assert "Which version?" in press("delete version", Qualifier="")
    assert press("delete alias", Name="prod") == at
    assert press("delete version", Qualifier="1") == at
    assert "the first" not in look(server, f"functions/{name}/versions")
    assert "No such button" in press("<script>")


def test_concurrency_is_reserved_and_provisioned_and_both_are_taken_back(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name, token = create("def handler(event, context): return 1"), token_of(server)
    version = lambda_client.publish_version(FunctionName=name)["Version"]
    at = f"{HERE}/functions/{name}/concurrency"

    def press(**form: str) -> tuple[int, str]:
        status, _, text = post(server, at, token=token, **form)
        check_harmless(Page(text))
        return status, Page(text).text

    assert press(what="Reserved", act="set", Amount="7")[0] == 303
    kept = lambda_client.get_function_concurrency(FunctionName=name)
    assert kept["ReservedConcurrentExecutions"] == 7
    assert "0 of 7" in look(server, f"functions/{name}/concurrency")
    assert press(what="Provisioned", act="set", Qualifier=version, Amount="1")[0] == 303
    until(lambda: look(server, f"functions/{name}/concurrency"), lambda text: "READY" in text)
    status, text = press(what="Provisioned", act="set", Qualifier=version, Amount="8")
    assert status == 400
    assert "InvalidParameterValueException" in text
    for bad in ({"what": "Reserved", "Amount": HOSTILE}, {"what": "<b>"}, {"what": "Reserved"}):
        assert press(act="set", **bad)[0] == 400
    assert press(what="Provisioned", act="remove", Qualifier=version)[0] == 303
    assert press(what="Reserved", act="remove")[0] == 303
    kept = lambda_client.get_function_concurrency(FunctionName=name)
    assert "ReservedConcurrentExecutions" not in kept


def test_what_leads_to_a_function_is_drawn_with_where_its_results_go(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    code = "def handler(event, context): return 1"
    name, other = create(code), create(code)
    about = lambda_client.get_function_configuration(FunctionName=name)
    arn = about["FunctionArn"]
    lambda_client.create_alias(FunctionName=name, Name="prod", FunctionVersion="$LATEST")
    lambda_client.create_function_url_config(FunctionName=name, AuthType="NONE")
    queue = f"arn:aws:sqs:{REGION}:000000000000:{name}-in"
    clients = {one: server.client(one) for one in ("sqs", "events", "sns", "s3", "logs")}
    try:
        clients["sqs"].create_queue(QueueName=f"{name}-in")
        mapping = lambda_client.create_event_source_mapping(
            FunctionName=f"{name}:prod", EventSourceArn=queue, Enabled=False
        )
        rule = clients["events"].put_rule(Name=f"{name}-rule", ScheduleExpression="rate(1 day)")
        clients["events"].put_targets(Rule=f"{name}-rule", Targets=[{"Id": "1", "Arn": arn}])
        topic = clients["sns"].create_topic(Name=f"{name}-topic")["TopicArn"]
        clients["sns"].subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
        bucket = f"{name}-pictures"
        clients["s3"].create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        group = f"/aws/lambda/{other}"
        for number, (principal, source) in enumerate(
            (
                ("events", rule["RuleArn"]),
                ("s3", f"arn:aws:s3:::{bucket}"),
                ("logs", f"arn:aws:logs:{REGION}:000000000000:log-group:{group}:*"),
            )
        ):
            lambda_client.add_permission(
                FunctionName=name, StatementId=f"s{number}", Action="lambda:InvokeFunction",
                Principal=f"{principal}.amazonaws.com", SourceArn=source,
            )  # fmt: skip
        clients["logs"].create_log_group(logGroupName=group)
        clients["logs"].put_subscription_filter(
            logGroupName=group, filterName="f", filterPattern='"<b>"', destinationArn=arn
        )
        told = {"LambdaFunctionArn": arn, "Events": ["s3:ObjectRemoved:*"]}
        clients["s3"].put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [told]}
        )
        lambda_client.put_function_event_invoke_config(
            FunctionName=name,
            DestinationConfig={"OnSuccess": {"Destination": f"{arn[: -len(name)]}{other}"}},
        )
        text = look(server, f"functions/{name}/triggers")
        boxes = [" ".join(part.split()) for part in re.split(r"\n\s*\n", text)]
        lambda_client.delete_event_source_mapping(UUID=mapping["UUID"])
    finally:
        for client in clients.values():
            client.close()
    for kind, what, state in (
        ("SQS queue", f"{name}-in", "Disabled"),
        ("EventBridge", f"{name}-rule", "ENABLED"),
        ("SNS topic", f"{name}-topic", "not permitted by the policy"),
        ("S3 bucket", bucket, "s3:ObjectRemoved:*"),
        ("Log group", group, 'lines of "<b>"'),
        ("Function URL", "lambda-url", "AuthType NONE"),
        ("Function", other, "successes of asynchronous invocations"),
        ("Log group", f"/aws/lambda/{name}", "what it prints"),
    ):
        assert any(kind in one and what in one and state in one for one in boxes), (kind, boxes)
    assert (
        f'href="{HERE}/functions/{other}/logs"'
        in ask(server, f"{HERE}/functions/{name}/triggers")[2]
    )
