"""The table of legal Runtime API calls, whole, as the specification prints it."""

import json

import pytest

from stoker.core.runtime_states import INVALID_REQUEST_ID, Call, RuntimeState, refusal

# Rows: states; columns: next, response, error, init/error, restore/next, restore/error.
# "ok" is carried out; response and error with the id that is in hand.
TABLE = """
Started                  ok  400 400 ok  ok  403
InitError                403 400 400 403 403 403
Ready                    ok  400 400 403 403 403
Running                  ok  ok  ok  403 403 403
InvocationResponse       403 403 403 403 403 403
RuntimeResponseSentState ok  403 403 403 403 403
RestoreReady             403 400 400 403 403 403
Restoring                ok  400 400 ok  403 ok
RuntimeRestoreErrorState 403 400 400 403 403 403
"""
CALLS = [
    Call.NEXT, Call.RESPONSE, Call.ERROR, Call.INIT_ERROR, Call.RESTORE_NEXT, Call.RESTORE_ERROR,
]  # fmt: skip
ROWS = [line.split() for line in TABLE.strip().splitlines()]
CELLS = [
    (RuntimeState(state), call, answer)
    for state, *answers in ROWS
    for call, answer in zip(CALLS, answers, strict=True)
]


def test_the_table_is_whole() -> None:
    assert {state for state, _, _ in CELLS} == set(RuntimeState)
    assert len(CELLS) == len(RuntimeState) * len(Call)


@pytest.mark.parametrize(("state", "call", "answer"), CELLS)
def test_with_the_id_in_hand(state: RuntimeState, call: Call, answer: str) -> None:
    refused = refusal(state, call, id_matches=True)
    assert (str(refused.status) if refused else "ok") == answer


@pytest.mark.parametrize(("state", "call", "answer"), CELLS)
def test_with_any_other_id(state: RuntimeState, call: Call, answer: str) -> None:
    refused = refusal(state, call, id_matches=False)
    if call in (Call.RESPONSE, Call.ERROR):
        assert refused is INVALID_REQUEST_ID
    else:
        assert (str(refused.status) if refused else "ok") == answer


def test_the_refusals_are_worded_as_awss() -> None:
    assert INVALID_REQUEST_ID.body == (
        b'{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}'
    )
    refused = refusal(RuntimeState.RUNNING, Call.INIT_ERROR)
    assert refused is not None
    assert json.loads(refused.body) == {
        "errorMessage": "State transition from Running to InitError failed for runtime. "
        "Error: State transition is not allowed",
        "errorType": "InvalidStateTransition",
    }
