"""The latest things of each, within bounds."""

from hypothesis import given
from hypothesis import strategies as st

from stoker.core.latest import OVERHEAD_BYTES, SPARE, Latest

KIB = 1024
ADDED = st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 6 * KIB)), max_size=60)


class Slow:
    """The same, by looking at everything."""

    def __init__(self, most: int, each_bytes: int, each: int) -> None:
        self.most, self.each_bytes, self.each = most, min(each_bytes, most), each
        self.kept: list[tuple[str, int, int]] = []  # key, thing, size; the oldest first

    def add(self, key: str, thing: int, size: int) -> None:
        if size > self.each_bytes:
            return
        self.kept.append((key, thing, size))
        while (
            sum(one[2] for one in self.kept if one[0] == key) > self.each_bytes
            or sum(one[0] == key for one in self.kept) > self.each
        ):
            self.kept.remove(next(one for one in self.kept if one[0] == key))
        if sum(one[2] for one in self.kept) > self.most:
            self.make_room(self.most - self.most // SPARE)

    def make_room(self, enough: int) -> None:
        while sum(one[2] for one in self.kept) > enough:
            newest = {one[0]: number for number, one in enumerate(self.kept)}
            quiet = min(newest, key=lambda key: newest[key])
            self.kept.remove(next(one for one in self.kept if one[0] == quiet))

    def of(self, key: str) -> list[int]:
        return [thing for its, thing, _ in reversed(self.kept) if its == key]


@given(ADDED, st.integers(0, 24), st.integers(0, 12), st.integers(1, 5))
def test_what_is_kept_is_what_an_obvious_model_keeps(
    added: list[tuple[str, int]], most_kb: int, each_kb: int, each: int
) -> None:
    latest: Latest[str, int] = Latest(most_kb * KIB, each_kb * KIB, each)
    slow = Slow(most_kb * KIB, each_kb * KIB, each)
    for number, (key, size) in enumerate(added):
        latest.add(key, number, size)
        slow.add(key, number, size + OVERHEAD_BYTES)
        assert latest.size <= most_kb * KIB
    for key in "abcde":
        assert latest.of(key) == slow.of(key)
        assert latest.count(key) == len(slow.of(key))
    assert latest.size == sum(one[2] for one in slow.kept)
    assert set(latest) == {one[0] for one in slow.kept}


def test_what_is_taken_away_gives_its_room_back() -> None:
    latest: Latest[str, str] = Latest(8 * KIB, 8 * KIB, 100)
    for thing in ("first", "second", "third"):
        latest.add("a", thing, KIB)
    latest.remove("a", "second")
    latest.remove("a", "second")
    latest.remove("b", "nobody's")
    assert latest.of("a") == ["third", "first"]
    latest.forget("a")
    latest.forget("a")
    assert (latest.size, latest.of("a"), list(latest)) == (0, [], [])


def test_what_is_larger_than_may_be_takes_no_room_from_others() -> None:
    latest: Latest[str, str] = Latest(8 * KIB, 4 * KIB, 100)
    latest.add("a", "small", KIB)
    assert not latest.fits(4 * KIB)
    latest.add("a", "large", 4 * KIB)
    assert latest.of("a") == ["small"]
    none: Latest[str, str] = Latest(0, 0, 100)
    none.add("a", "small", 0)
    assert none.of("a") == []
