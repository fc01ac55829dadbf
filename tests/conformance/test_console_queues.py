"""The console's pages of invocations and of queues, as a browser asks for them."""

import json
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.test_console import HERE, HOSTILE, Page, ask, check_harmless, post, token_of
from tests.conformance.test_function_urls import public
from tests.faults.scene import until
from tests.running import REGION, StokerProcess, wait_for

Create = Callable[..., str]
ELSEWHERE = f"/_stoker/111111111111/{REGION}"


def look(server: StokerProcess, at: str) -> Page:
    """A page that is there, and harmless."""
    status, _, text = ask(server, at)
    page = Page(text)
    assert status == 200, page.text
    check_harmless(page)
    return page


def actions(page: Page, end: str) -> list[str]:
    """Where its forms of this kind lead."""
    found = [str(attrs.get("action")) for tag, attrs in page.tags if tag == "form"]
    return [one for one in found if one.endswith(end)]


def test_an_invocation_is_shown_replayed_and_saved(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name, token = (
        create("def handler(event, context): return [event, 'answered']"),
        token_of(server),
    )
    at = f"{HERE}/functions/{name}"
    assert "It was not invoked" in look(server, f"{at}/invocations").text
    context = "eyJjdXN0b20iOiB7fX0="
    answer = lambda_client.invoke(
        FunctionName=name, Payload=json.dumps({"sent": HOSTILE}), ClientContext=context
    )
    request = answer["ResponseMetadata"]["RequestId"]
    wait_for(lambda: look(server, f"{at}/invocations").text, request[:8])
    listed = look(server, f"{at}/invocations")
    assert "RequestResponse" in listed.text
    assert "of 128 MB" in listed.text
    assert "$0.0000" in listed.text
    (link,) = [one for one in listed.addresses() if f"/invocations/{request}" in one]
    shown = look(server, link)
    assert json.dumps(HOSTILE)[1:-1].partition("\\u202e")[0] in shown.text
    assert "\u202e" not in shown.text
    replayed = Page(post(server, link.partition("?")[0], token=token)[2])
    check_harmless(replayed)
    assert "answered" in replayed.text
    assert "Billed Duration" in replayed.text
    until(lambda: look(server, f"{at}/invocations").text.count("RequestResponse"), lambda n: n == 2)
    status, headers, _ = post(server, f"{link.partition('?')[0]}/event", token=token, title="kept")
    assert (status, headers["Location"]) == (303, f"{at}?event=kept")
    assert '"sent"' in look(server, headers["Location"]).text
    for path in (link, f"{at}/invocations"):
        assert ask(server, path.replace(HERE, ELSEWHERE))[0] == 404
    assert ask(server, f"{at}/invocations/{uuid.uuid4()}")[0] == 404
    assert ask(server, "/a", Host=public(lambda_client, name))[0] == 200
    wait_for(lambda: look(server, f"{at}/invocations").text, "Function URL")
    lambda_client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(lambda_client.exceptions.TooManyRequestsException):
        lambda_client.invoke(FunctionName=name)
    throttled = look(server, f"{at}/invocations")
    why = "Throttled: ReservedFunctionConcurrentInvocationLimitExceeded"
    assert why in throttled.text
    links = [one for one in throttled.addresses() if "/invocations/" in one]
    alone = [text for one in links if why in (text := look(server, one).text)]
    assert alone
    assert all("Events of such ones are not kept" in text for text in alone)
    lambda_client.delete_function(FunctionName=name)
    create("def handler(event, context): return 1", FunctionName=name)
    assert request[:8] not in look(server, f"{at}/invocations").text


def test_megabytes_in_events_and_errors_are_shown_cut(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name = create(
        "def handler(event, context): raise ValueError('<script>\\x1b' + event)", MemorySize=512
    )
    at = f"{HERE}/functions/{name}/invocations"
    sent = lambda_client.invoke(FunctionName=name, Payload=json.dumps("<b>" + "x" * 5_000_000))
    assert sent["FunctionError"] == "Unhandled"
    request = sent["ResponseMetadata"]["RequestId"]
    wait_for(lambda: look(server, at).text, "Unhandled")
    shown = look(server, f"{at}/{request}")
    assert '"<b>xxx' in shown.text
    assert "more characters" in shown.text
    replayed = post(server, f"{at}/{request}", token=token_of(server))[2]
    assert "Failed: Unhandled" in replayed
    check_harmless(Page(replayed))
    assert len(replayed) < 500_000


def test_an_event_that_failed_is_shown_and_sent_again_or_discarded(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name, token = (
        create(f"def handler(event, context): raise ValueError({HOSTILE!r})"),
        token_of(server),
    )
    at = f"{HERE}/queues/{name}"
    lambda_client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    lambda_client.invoke(FunctionName=name, InvocationType="Event", Payload='{"n": "<i>"}')
    wait_for(lambda: look(server, at).text, "dropped")
    page = look(server, at)
    assert "RetriesExhausted" in page.text
    assert HOSTILE.partition(" ")[0] in page.text
    assert '{"n": "<i>"}' in page.text
    (replay,) = actions(page, "/replay")
    assert post(server, replay)[0] == 403
    status, headers, _ = post(server, replay, token=token)
    assert status == 303
    sent = headers["Location"].partition("sent=")[2]
    assert sent in look(server, headers["Location"]).text
    assert post(server, replay, token=token)[0] == 404, "it is on the list no more"
    until(lambda: len(actions(look(server, at), "/drop")), lambda many: many == 1)
    page = look(server, at)
    assert sent[:8] in page.text
    assert "0: failed" not in page.text
    (drop,) = actions(page, "/drop")
    assert post(server, drop, token=token)[0] == 303
    assert "None since the server's start" in look(server, at).text
    assert actions(look(server, f"{at}?ended=9&after=%3Cscript%3E"), "/drop") == []


def test_an_event_that_is_to_be_run_again_says_when_and_why_and_can_be_discarded(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name, token = (
        create("def handler(event, context): raise ValueError('no stock')"),
        token_of(server),
    )
    at = f"{HERE}/queues/{name}"
    lambda_client.invoke(FunctionName=name, InvocationType="Event", Payload="{}")
    page = until(lambda: look(server, at), lambda page: re.search(r"\bin \d", page.text))
    assert "ValueError: no stock" in page.text
    assert f"/queues/{name}" in "".join(look(server, f"{HERE}/queues").addresses())
    (number,) = [attrs["value"] for tag, attrs in page.tags if attrs.get("name") == "id"]
    assert post(server, at.replace(HERE, ELSEWHERE), token=token, id=number)[0] == 404
    assert post(server, at, token=token, id="1e3")[0] == 404
    assert post(server, at, token=token, id=str(number))[0] == 303
    assert "No event waits" in look(server, at).text


def test_a_mapping_is_shown_with_its_lag_and_switched(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name, token = create("def handler(event, context): return 1"), token_of(server)
    sqs = server.client("sqs")
    try:
        queue = f"q-{uuid.uuid4().hex[:8]}"
        url = sqs.create_queue(QueueName=queue)["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="one")
        made = lambda_client.create_event_source_mapping(
            FunctionName=name,
            EventSourceArn=f"arn:aws:sqs:{REGION}:000000000000:{queue}",
            Enabled=False,
        )
        try:
            row = row_of(server, made["UUID"])
            assert queue in row
            assert "1 visible, 0 in flight" in row
            assert "Disabled" in row
            at = f"{HERE}/mappings/{made['UUID']}"
            assert post(server, at, on="yes")[0] == 403
            assert post(server, at, token=token, on="yes")[0] == 303
            until(lambda: row_of(server, made["UUID"]), lambda row: "0 visible, 0 in" in row)
            assert "Enabled" in row_of(server, made["UUID"])
            assert post(server, at, token=token, on="no")[0] == 303
            until(lambda: row_of(server, made["UUID"]), lambda row: "Disabled" in row)
            assert 400 <= post(server, f"{HERE}/mappings/%3Cscript%3E", token=token)[0] < 500
        finally:
            lambda_client.delete_event_source_mapping(UUID=made["UUID"])
            sqs.delete_queue(QueueUrl=url)
    finally:
        sqs.close()


def row_of(server: StokerProcess, uuid: str) -> str:
    """The text of a mapping's row, wherever in the list it is."""
    at = f"{HERE}/queues"
    while True:
        page = look(server, at)
        for row in ask(server, at)[2].split("<tr>"):
            if uuid in row:
                return " ".join(Page(row).text.split())
        more = [one for one in page.addresses() if "after=" in one]
        assert more, "it is on no page"
        at = more[0]
