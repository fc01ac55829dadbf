"""Regular expressions of APIs: as Java's, and in bounded time whatever comes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.rest import regex
from stoker.core.rest.regex import BadRegex, TooHard


@pytest.mark.parametrize(
    ("pattern", "text", "whole"),
    [
        ("", "", True), ("a+b", "aab", True), ("(a|b)*c", "ababc", True), ("a??b", "ab", True),
        (".*Error.*", "an Error here", True), (".+", "a\nb", False), ("(\\n|.)+", "a\nb", True),
        ("^Bearer [-0-9a-zA-Z\\._]*$", "Bearer a.b-c", True), ("[^a-z]{2,3}", "AB", True),
        ("[^a-z]{2,3}", "ABCD", False), ("(?i)ABc", "abC", True), ("\\d+", "12x", False),
        ("[\\w.-]+@[\\w-]+", "a.b@c-d", True), ("a{0}b", "b", True), ("a{2,}", "aaaa", True),
        ("\\bfoo\\b", "foo", True), ("\\x41\\u0042", "AB", True), ("(a*)*", "aaa", True),
        ("[]a]+", "]a", True), ("[a\\]]+", "]a", True), ("(?:ab)+", "abab", True),
    ],
)  # fmt: skip
def test_the_whole_text_fits(pattern: str, text: str, whole: bool) -> None:
    assert regex.read(pattern).matches(text) is whole


@pytest.mark.parametrize(
    "pattern",
    ["(", ")", "a)", "*", "a**", "[a", "[", "a{3,2}", "a{", "(?=a)", "(?<n>a)", "\\1", "\\p{L}",
     "x{9999}", "(" * 60 + ")" * 60, "a" * 1001, "(((a{99}){99}){99})", "\\", "[[a]]"],
)  # fmt: skip
def test_what_is_not_understood_is_refused(pattern: str) -> None:
    with pytest.raises(BadRegex):
        regex.Regex(pattern)


def test_groups_and_places_are_told() -> None:
    found = regex.read("(\\w+)=(\\d*)").search("x; key=12;")
    assert found is not None
    assert (found.start, found.end, found.group(1), found.group(2)) == (3, 9, "key", "12")
    assert [span.start for span in regex.read("a*").spans("baa")] == [0, 1, 3]


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(a*)*b", "(.*)(.*)(.*)(.*)b"])
def test_what_backtracks_elsewhere_is_quick_here(pattern: str) -> None:
    assert not regex.read(pattern).matches("a" * 2000)


def test_a_text_too_long_for_its_expression_is_given_up() -> None:
    with pytest.raises(TooHard):
        regex.read("(.*)(.*)(.*)[^x]y").search("a" * 30_000)


ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "(a)", "(a|b)", "(ab|b)", "\\w", "^", "$"])
SUFFIXES = st.sampled_from(["", "", "*", "+", "?", "*?", "{1,2}"])
PATTERNS = st.lists(st.tuples(ATOMS, SUFFIXES), max_size=5).map(
    lambda parts: "".join(a + ("" if a in "^$" else s) for a, s in parts)
)


@given(PATTERNS, st.text("abc", max_size=8))
def test_it_finds_what_re_finds(pattern: str, text: str) -> None:
    ours, theirs = regex.Regex(pattern).search(text), re.search(pattern, text)
    assert (None if ours is None else (ours.start, ours.end)) == (theirs and theirs.span())
