"""Chalice, unmodified: an API from a definition, and functions for whatever happens elsewhere."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.test_rest_apis import fetch
from tests.running import REGION, StokerProcess, log_of, wait_for
from tests.slow.deploying import Shell, project, python_tool, replace_in

pytestmark = [pytest.mark.slow, pytest.mark.root]
CHALICE = ("chalice==1.34.0", "setuptools==84.2.1")
LAMBDA = "site-dev"  # what all of its functions begin with


@pytest.fixture
def clients(server: StokerProcess) -> Iterator[dict[str, Any]]:
    """And what Chalice expects to be there: a queue, a bucket and a topic."""
    names = ("apigateway", "events", "iam", "lambda", "logs", "s3", "sns", "sqs")
    with ExitStack() as stack:
        found = {name: stack.enter_context(closing(server.client(name))) for name in names}
        # As long as its functions run.
        found["sqs"].create_queue(
            QueueName="jobs-of-chalice", Attributes={"VisibilityTimeout": "60"}
        )
        place = {"LocationConstraint": REGION}
        found["s3"].create_bucket(Bucket="files-of-chalice", CreateBucketConfiguration=place)
        found["sns"].create_topic(Name="news-of-chalice")
        yield found


def deploy(shell: Shell) -> str:
    """The name under which the API answers."""
    found = re.search(r"https://([\w.-]+)/api/", shell.run("chalice", "deploy"))
    assert found is not None
    return found[1]


def what_is_there(clients: dict[str, Any]) -> list[object]:
    functions, apis = clients["lambda"], clients["apigateway"]
    ours = [
        one
        for one in functions.list_functions()["Functions"]
        if one["FunctionName"].startswith(LAMBDA)
    ]
    mappings = functions.list_event_source_mappings()["EventSourceMappings"]
    queue = [one for one in mappings if one["EventSourceArn"].endswith("jobs-of-chalice")]
    return [
        sorted((one["FunctionName"], one["CodeSha256"]) for one in ours),
        [(one["UUID"], one["State"], one["BatchSize"]) for one in queue],
        [one["id"] for one in apis.get_rest_apis()["items"] if one["name"] == "site"],
        [one["Name"] for one in clients["events"].list_rules(NamePrefix=LAMBDA)["Rules"]],
        [one["SubscriptionArn"] for one in clients["sns"].list_subscriptions()["Subscriptions"]],
        [one["RoleName"] for one in clients["iam"].list_roles()["Roles"] if LAMBDA in one["Arn"]],
    ]


def use(server: StokerProcess, host: str) -> None:
    assert fetch(server, host, "/api/")[:2] == (200, {"hello": "again"})
    sent = fetch(server, host, "/api/users/b", "POST", "[1]", Content_Type="application/json")
    assert sent[:2] == (201, {"name": "b", "sent": [1]})
    preflight = fetch(server, host, "/api/users/b", "OPTIONS", Origin="http://elsewhere")
    assert (preflight[0], preflight[2]["Access-Control-Allow-Origin"]) == (200, "*")
    assert fetch(server, host, "/api/guarded")[0] == 401
    assert fetch(server, host, "/api/guarded", Authorization="no")[0] == 403
    assert fetch(server, host, "/api/guarded", Authorization="yes")[1] == {"who": "me"}


def trigger(clients: dict[str, Any]) -> None:
    """Each function hears of what it is for."""
    url = clients["sqs"].get_queue_url(QueueName="jobs-of-chalice")["QueueUrl"]
    clients["sqs"].send_message(QueueUrl=url, MessageBody="sent")
    clients["s3"].put_object(Bucket="files-of-chalice", Key="put.txt", Body=b"x")
    clients["sns"].publish(
        TopicArn=clients["sns"].create_topic(Name="news-of-chalice")["TopicArn"], Message="told"
    )
    for name, said in (("worker", "job sent"), ("files", "file put.txt"), ("reader", "news told")):
        wait_for(lambda name=name: log_of(clients["logs"], f"{LAMBDA}-{name}"), said)


def test_a_project_is_deployed_used_updated_and_removed(
    server: StokerProcess, clients: dict[str, Any], tmp_path: Path
) -> None:
    folder = project("chalice", tmp_path)
    shell = Shell(server, folder, python_tool(*CHALICE))
    before = what_is_there(clients)
    host = deploy(shell)
    assert fetch(server, host, "/api/")[:2] == (200, {"hello": "world"})
    made = what_is_there(clients)
    assert deploy(shell) == host
    assert what_is_there(clients) == made
    said = shell.run("chalice", "invoke", "-n", "plain", answer='{"a": 1}')
    assert json.loads(said) == {"plain": {"a": 1}}
    assert "plain {'a': 1}" in shell.run("chalice", "logs", "-n", "plain")
    replace_in(folder / "app.py", '"world"', '"again"')
    assert deploy(shell) == host
    use(server, host)
    trigger(clients)
    shell.run("chalice", "delete")
    assert what_is_there(clients) == before
    clients["s3"].delete_object(Bucket="files-of-chalice", Key="put.txt")
    clients["s3"].delete_bucket(Bucket="files-of-chalice")
