"""How a chain of events is counted."""

from hypothesis import given
from hypothesis import strategies as st

from stoker.core.lineage import ENTRIES, TURNS, advanced, mark, turns

F, G = mark("arn:f"), mark("arn:g")
HEADER = "Root=1-2-3;Parent=4;Sampled=0"


def test_the_first_invocation_counts_zero_and_each_return_one_more() -> None:
    header, seen = HEADER, []
    for _ in range(TURNS + 3):
        header, count = advanced(header, F)
        seen.append(count)
        assert turns(header, F) == count
    assert seen == [*range(TURNS + 1), TURNS, TURNS]
    assert header == f"{HEADER};Lineage={F}:{TURNS}"


def test_functions_are_counted_apart_and_what_stands_around_stays() -> None:
    header, _ = advanced(HEADER, F)
    header, _ = advanced(f"{header};Self=1-5", G)
    header, count = advanced(header, F)
    assert count == 1
    assert header == f"{HEADER};Lineage={G}:0|{F}:1;Self=1-5"
    assert (turns(header, G), turns(header, "nobody")) == (0, 0)


def test_what_others_wrote_is_kept_and_not_believed() -> None:
    header, count = advanced(f"{HEADER};Lineage=1:{F}:0", F)
    assert count == 0
    assert header.endswith(f"Lineage=1:{F}:0|{F}:0")
    for said in ("x", "-1", "²", ""):
        assert advanced(f"{HEADER};Lineage={F}:{said}", F)[1] == 0
    assert advanced(f"{HEADER};Lineage={F}:{'9' * 5000}", F)[1] == TURNS


@given(st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=300))
def test_any_header_is_borne_and_does_not_grow_without_end(text: str) -> None:
    header = f"{text};Lineage=" + "|".join(f"{n:08x}:1" for n in range(100))
    header, _ = advanced(header, F)
    after = header
    for _ in range(3):
        after, _ = advanced(after, F)
    assert len(after) <= len(header) + 2
    assert after.count("|") < ENTRIES + text.count("|")
