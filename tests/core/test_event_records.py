"""What destinations and dead-letter queues are told."""

import json
from dataclasses import replace
from typing import Any

import pytest

from stoker.core.async_events import Condition
from stoker.core.event_records import Ending, Response, dead_letter, record

FAILED = Ending(
    request_id="e4b46cbf-b738-4xmp-8880-a18cdf61200e",
    function_arn="arn:aws:lambda:us-east-2:123456789012:function:my-function:$LATEST",
    condition=Condition.RETRIES_EXHAUSTED,
    attempts=3,
    event=b'{"ORDER_IDS": [1.10, 2]}',
    response=Response(200, b'{"errorMessage": "no", "errorType": "E"}', "$LATEST", "Unhandled"),
    now=1573755365.568,
)


def told(ending: Ending) -> Any:
    return json.loads(record(ending))


def test_the_record_is_as_the_developer_guide_shows_it() -> None:
    assert told(FAILED) == {
        "version": "1.0",
        "timestamp": "2019-11-14T18:16:05.568Z",
        "requestContext": {
            "requestId": FAILED.request_id,
            "functionArn": FAILED.function_arn,
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": {"ORDER_IDS": [1.1, 2]},
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "responsePayload": {"errorMessage": "no", "errorType": "E"},
    }
    assert b'"requestPayload":{"ORDER_IDS": [1.10, 2]}' in record(FAILED), "as it came"


def test_success_has_no_error_and_what_never_ran_no_response() -> None:
    success = replace(
        FAILED, condition=Condition.SUCCESS, attempts=1, response=Response(200, b"null", "7")
    )
    assert told(success)["responseContext"] == {"statusCode": 200, "executedVersion": "7"}
    assert told(success)["responsePayload"] is None
    never = told(replace(FAILED, condition=Condition.ZERO_RESERVED_CONCURRENCY, response=None))
    assert "responseContext" not in never and "responsePayload" not in never


def test_an_answer_that_is_not_json_is_told_as_a_string() -> None:
    odd = replace(FAILED, response=Response(200, b"\xff{", "1", None))
    assert told(odd)["responsePayload"] == "\ufffd{"


@pytest.mark.parametrize(
    ("response", "code", "message"),
    [
        (FAILED.response, "200", "no"),
        (
            Response(200, b'{"errorMessage": null}', "1", "Unhandled"),
            "200",
            '{"errorMessage": null}',
        ),
        (Response(200, b"oops", "1", "Unhandled"), "200", "oops"),
        (Response(429, error="TooManyRequestsException"), "429", "Rate Exceeded."),
        (Response(500, error="ServiceException"), "500", "ServiceException"),
        (None, None, "RetriesExhausted"),
    ],
)
def test_a_dead_letter_says_what_went_wrong(
    response: Response | None, code: str | None, message: str
) -> None:
    found = dead_letter(replace(FAILED, response=response))
    assert {name: (one.kind, one.value) for name, one in found.items()} == {
        "RequestID": ("String", FAILED.request_id),
        **({"ErrorCode": ("Number", code)} if code else {}),
        "ErrorMessage": ("String", message),
    }


def test_its_message_has_an_end_and_stays_text() -> None:
    long = json.dumps({"errorMessage": "é" * 3000}).encode()
    found = dead_letter(replace(FAILED, response=Response(200, long, "1", "Unhandled")))
    assert found["ErrorMessage"].value == "é" * 512
    empty = replace(FAILED, response=Response(200, b'{"errorMessage": ""}', "1", "Unhandled"))
    assert "ErrorMessage" not in dead_letter(empty), "SQS takes no empty attribute"
