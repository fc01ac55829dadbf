"""What a runtime says of an error for X-Ray: what is taken of it, and how it is cropped."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.error_cause import CAUSE_BYTES, error_cause

FRAME = {"path": "main.py", "line": 3, "label": "handler"}
CAUSE = {
    "working_directory": "/var/task",
    "paths": ["main.py"],
    "exceptions": [{"message": "no", "type": "E", "stack": [FRAME]}],
    "message": "no",
}


def test_a_cause_is_taken_as_it_is_and_what_is_not_of_it_is_left_out() -> None:
    assert error_cause(json.dumps(CAUSE)) == CAUSE
    assert error_cause(json.dumps(CAUSE | {"secret": 1})) == CAUSE


def test_a_header_s_characters_are_bytes_of_utf_8() -> None:
    header = '{"message": "größer"}'.encode().decode("latin-1")
    cause = error_cause(header)
    assert cause is not None
    assert cause["message"] == "größer"


@pytest.mark.parametrize(
    "text", ["", "no", "[]", "{}", '{"message": ""}', '{"paths": []}', '{"message": 7}', "\xff"]
)
def test_what_says_nothing_is_no_cause(text: str) -> None:
    assert error_cause(text) is None


def test_a_large_cause_is_cropped_until_it_fits() -> None:
    large = CAUSE | {"message": "x" * 70_000, "paths": ["y" * 100] * 600}
    cause = error_cause(json.dumps(large))
    assert cause is not None
    assert len(json.dumps(cause, separators=(",", ":"))) <= CAUSE_BYTES
    assert cause["message"] == "x" * 42_000  # 0.6 of it
    assert cause["paths"] == ["y" * 60] * 360


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inside: (
            st.lists(inside, max_size=3)
            | st.dictionaries(
                st.sampled_from(("paths", "exceptions", "stack", "line", "message", "path")),
                inside,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_nothing_that_is_said_breaks_the_reading(said: object) -> None:
    cause = error_cause(json.dumps(said))
    assert cause is None or set(cause) == set(CAUSE)
