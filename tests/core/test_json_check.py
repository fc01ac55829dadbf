"""Whether an event is JSON: two ways to ask, one answer."""

import json

from hypothesis import example, given
from hypothesis import strategies as st

from stoker.api.json_check import complaint, complaint_about_large

numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
documents = st.recursive(
    st.none() | st.booleans() | numbers | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
fragments = st.lists(
    st.sampled_from([*'[]{},:"\\ \n019.-+eEtu', "true", "null", "é", "\0"]), max_size=8
)


@given(documents, st.booleans())
def test_both_accept_what_is_json(value: object, ascii_only: bool) -> None:
    data = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "replace")
    assert complaint(data) is None
    assert complaint_about_large(data) is None


@example(b"1\0]")
@given(fragments.map("".join).map(str.encode) | st.binary(max_size=8))
def test_both_agree_on_what_is_not(data: bytes) -> None:
    """But for line breaks within strings, which older SQLites let pass."""
    small, large = complaint(data), complaint_about_large(data)
    assert (small is None) == (large is None) or (b'"' in data and b"\n" in data)
