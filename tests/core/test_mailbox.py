"""A subscriber's mailbox: nothing is lost silently, nothing grows, and batches keep AWS's rules."""

import itertools
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from stoker.core.invoke_limits import DELIVERY_PAUSES_S, EVENT_OVERHEAD_BYTES
from stoker.core.mailbox import Mailbox
from stoker.core.subscriptions import Buffering

SMALL = Buffering(max_items=4, max_bytes=40, timeout_ms=100)


def notice(records: int, size_bytes: int) -> bytes:
    return json.dumps({"dropped": records, "bytes": size_bytes}).encode()


def mailbox(buffering: Buffering = SMALL, room_bytes: int = 10_000) -> Mailbox:
    return Mailbox(buffering, room_bytes, notice)


def test_a_batch_is_due_when_its_oldest_event_has_waited_long_enough() -> None:
    box = mailbox()
    assert box.due_s(0) is None
    box.offer(b"one", 1.0)
    box.offer(b"two", 1.09)
    assert abs((box.due_s(1.04) or 0) - 0.06) < 1e-9
    assert box.due_s(1.1) == 0
    assert box.take() == [b"one", b"two"]
    assert box.due_s(9) is None, "one batch at a time"
    box.acknowledged()
    assert box.is_empty and box.due_s(9) is None


def test_a_batch_is_due_at_once_when_it_is_full_by_items_or_bytes_or_in_a_hurry() -> None:
    box = mailbox()
    for _ in range(3):
        box.offer(b"x", 0)
    assert box.due_s(0) == 0.1
    assert box.due_s(0, hurry=True) == 0
    box.offer(b"x", 0)
    assert box.due_s(0) == 0
    wide = mailbox()
    wide.offer(b"x" * 39, 0)
    assert wide.due_s(0) == 0.1
    wide.offer(b"x", 0)
    assert wide.due_s(0) == 0


def test_a_batch_holds_no_more_than_was_asked_for_but_always_an_event() -> None:
    box = mailbox()
    for size in (50, 30, 10, 1, 1, 1, 1, 1):
        box.offer(b"x" * size, 0)
    sizes = []
    while box.due_s(0, hurry=True) is not None:
        sizes.append([len(event) for event in box.take()])
        box.acknowledged()
    assert sizes == [[50], [30, 10], [1, 1, 1, 1], [1]]


def test_a_failed_batch_is_repeated_with_pauses_and_then_counted() -> None:
    box = mailbox()
    box.offer(b"one", 0)
    box.offer(b"three", 0)
    for pause in DELIVERY_PAUSES_S:
        assert box.take() == [b"one", b"three"]
        box.offer(b"later", 0)
        box.failed(0)
        assert box.due_s(0) == pause, "and not before, however much waits"
        assert box.due_s(0, hurry=True) == pause
    assert box.take() == [b"one", b"three"]
    box.failed(9.0)
    assert box.due_s(9.0) == 0
    assert box.take() == [notice(2, 8), b"later", b"later", b"later"]


def test_a_batch_that_nobody_was_there_to_take_waits_for_who_comes() -> None:
    box = mailbox()
    box.offer(b"one", 0)
    for _ in range(2 * len(DELIVERY_PAUSES_S)):
        assert box.take() == [b"one"]
        box.failed(0, absent=True)
        assert box.due_s(0) == DELIVERY_PAUSES_S[0]
    for _ in DELIVERY_PAUSES_S:
        box.take()
        box.failed(0)
    assert box.take() == [b"one"], "from then on it has all its tries"


def test_what_there_is_no_room_for_is_counted_where_it_is_missing() -> None:
    box = mailbox(Buffering(10, 1000, 100), room_bytes=2 * (5 + EVENT_OVERHEAD_BYTES))
    for number in range(5):
        box.offer(b"%5d" % number, 0)
    assert box.take() == [b"    0", b"    1", notice(3, 15)]
    box.offer(b"after", 0)
    for _ in range(len(DELIVERY_PAUSES_S) + 1):
        box.failed(0)
        if box.due_s(0, hurry=True):
            assert box.take()[2:] == [notice(3, 15)]
    assert box.take() == [notice(5, 25), b"after"], "a notice that is lost is counted again"


def test_an_event_that_fits_no_mailbox_is_counted() -> None:
    box = mailbox(room_bytes=10)
    box.offer(b"x" * 100, 0)
    assert box.due_s(0) == 0.1
    assert box.take() == [notice(1, 100)]


# offer a short one, or a long and a short one at once; send, succeed, fail
STEPS = st.lists(st.sampled_from(["short", "two", "send", "send", "yes", "no", "no"]), max_size=200)


def numbered(number: int, size_bytes: int) -> bytes:
    return (b"%d " % number).ljust(size_bytes, b".")


def play(steps: tuple[str, ...] | list[str], room_bytes: int) -> None:
    """Whatever happens, what arrives is what was offered, in order, with every gap counted in
    its place; and no more is held than there is room for."""
    box = mailbox(room_bytes=room_bytes)
    offered: list[int] = []  # sizes
    arrived: list[bytes] = []
    flying: list[bytes] | None = None
    now = 0.0
    for step in steps:
        now += 1.0
        if step == "short":
            offered.append(8)
            box.offer(numbered(len(offered) - 1, 8), now)
        elif step == "two":
            offered += (30, 8)
            pair = [numbered(len(offered) - 2, 30), numbered(len(offered) - 1, 8)]
            box.offer_all(pair, now)
        elif step == "send" and flying is None and box.due_s(now, hurry=True) is not None:
            flying = box.take()
            assert 0 < len(flying) <= SMALL.max_items
        elif step == "yes" and flying is not None:
            arrived += flying
            box.acknowledged()
            flying = None
        elif step == "no" and flying is not None:
            box.failed(now)
            flying = None
    if flying is not None:
        arrived += flying
        box.acknowledged()
    while (due_s := box.due_s(now, hurry=True)) is not None:
        now += due_s
        arrived += box.take()
        box.acknowledged()
    assert box.is_empty
    at = 0
    for event in arrived:
        if event.startswith(b"{"):
            gap = json.loads(event)
            assert sum(offered[at : at + gap["dropped"]]) == gap["bytes"]
            at += gap["dropped"]
        else:
            assert int(event.split()[0]) == at, "in order, and every gap in its place"
            at += 1
    assert at == len(offered), "delivered or counted, each exactly once"


def test_nothing_is_lost_silently_in_any_short_story() -> None:
    """All of them: seven steps of five kinds."""
    for steps in itertools.product(["short", "two", "send", "yes", "no"], repeat=7):
        play(steps, 30 + 2 * EVENT_OVERHEAD_BYTES)


@given(STEPS, st.integers(1, 5))
@settings(max_examples=300)
def test_nothing_is_lost_silently_in_a_long_one(steps: list[str], room: int) -> None:
    play(steps, room * (20 + EVENT_OVERHEAD_BYTES))
