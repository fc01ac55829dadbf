"""What is kept for a time is counted from its beginning to its end."""

from stoker.core.kept_time import KeptTime


def test_what_changes_in_between_counts_for_as_long_as_it_was() -> None:
    time: KeptTime[str] = KeptTime()
    assert time.take(100.0) == {}
    time.keep({"a": 2, "b": 1, "none": 0}, 110.0)
    time.keep({"a": 5}, 115.0)
    assert time.take(116.0) == {"a": 2 * 5 + 5 * 1, "b": 5}
    time.change("b", 3, 117.0)
    time.change("a", 0, 118.0)
    assert time.take(120.0) == {"a": 10, "b": 9}
    assert time.take(121.0) == {"b": 3}
