"""The machine of one queue, against a slow model of what SQS promises."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.message_queue import Message, MessageQueue

VISIBILITY = 30.0


@dataclass
class Naive:
    """Every message with the time from which it is visible; looked through each time."""

    fifo: bool
    visible: dict[int, float] = field(default_factory=dict)
    flying: set[int] = field(default_factory=set)
    group: dict[int, str | None] = field(default_factory=dict)

    def land(self, now: float) -> None:
        self.flying -= {id for id in self.flying if self.visible[id] <= now}

    def receivable(self, now: float) -> set[int]:
        """Which may come next, one of these."""
        self.land(now)
        free = {id for id, at in self.visible.items() if at <= now and id not in self.flying}
        if not self.fifo:
            return free
        busy = {self.group[id] for id in self.flying}
        heads = {}
        for id in sorted(self.visible):
            heads.setdefault(self.group[id], id)
        return {id for group, id in heads.items() if group not in busy and id in free}


STEPS = st.one_of(
    st.tuples(st.just("send"), st.sampled_from("ab"), st.sampled_from([0, 0, 0, 5])),
    st.tuples(st.just("receive"), st.integers(1, 3), st.sampled_from([0, 10, 30])),
    st.tuples(st.just("delete"), st.integers(0, 20), st.none()),
    st.tuples(st.just("change"), st.integers(0, 20), st.sampled_from([0, 7, 60])),
    st.tuples(st.just("pass"), st.sampled_from([1, 5, 30]), st.none()),
)


@pytest.mark.parametrize("fifo", [False, True])
@given(steps=st.lists(STEPS, max_size=60))
def test_it_gives_what_the_naive_model_allows(fifo: bool, steps: list[tuple[object, ...]]) -> None:
    now, queue, naive, next_id = 0.0, MessageQueue(fifo), Naive(fifo), 1
    for step, what, more in steps:
        if step == "send":
            group = str(what) if fifo else None
            assert isinstance(more, int)
            queue.add(Message(next_id, now, now + more, 1, group), now)
            naive.visible[next_id], naive.group[next_id] = now + more, group
            next_id += 1
        elif step == "receive":
            assert isinstance(what, int) and isinstance(more, int)
            found = queue.receive(what, now, now + more)
            allowed = naive.receivable(now)
            if not fifo:
                assert len(found) == min(what, len(allowed))
                assert {one.id for one in found} <= allowed
            else:
                assert bool(found) == bool(allowed)
                check_lines(found, naive, allowed, now)
            for message in found:
                message.receipt = "r"
                naive.visible[message.id] = now + more
                naive.flying.add(message.id)
        elif step == "pass":
            assert isinstance(what, int)
            now += what
        elif naive.visible:
            assert isinstance(what, int)
            message = list(queue.all.values())[what % len(queue.all)]
            queue.advance(now)
            naive.land(now)
            if step == "delete":
                queue.remove(message)
                del naive.visible[message.id]
                naive.flying.discard(message.id)
            elif message.flying:
                assert isinstance(more, int)
                queue.change(message, now + more, now)
                naive.visible[message.id] = now + more
        check_counts(queue, naive, now)


def check_lines(found: list[Message], naive: Naive, allowed: set[int], now: float) -> None:
    """Of each group a visible piece of its line, from the head on and in its order."""
    for group in {one.group for one in found}:
        line = sorted(id for id in naive.visible if naive.group[id] == group)
        taken = [one.id for one in found if one.group == group]
        assert taken == line[: len(taken)]
        assert taken[0] in allowed
        assert all(naive.visible[id] <= now for id in taken)


def check_counts(queue: MessageQueue, naive: Naive, now: float) -> None:
    naive.land(now)
    delayed = {id for id, at in naive.visible.items() if at > now} - naive.flying
    visible = len(naive.visible) - len(naive.flying) - len(delayed)
    assert queue.counts(now) == (visible, len(naive.flying), len(delayed))
    assert queue.any_visible(now) == bool(naive.receivable(now))
    assert queue.size_bytes == len(naive.visible)
    at = queue.next_at()
    due = [at for at in naive.visible.values() if at > now]
    assert at == (min(due) if due else None)


def test_what_was_kept_in_flight_stays_so_until_its_time() -> None:
    queue = MessageQueue(fifo=True)
    queue.add(Message(1, 0, 50, 1, "g", receives=1, receipt="r"), 10)
    queue.add(Message(2, 0, 0, 1, "g"), 10)
    assert queue.receive(1, 10, 20) == []
    assert [one.id for one in queue.receive(2, 50, 60)] == [1, 2]


def test_the_old_ones_expire_from_the_old_end() -> None:
    queue = MessageQueue()
    for id in range(1, 5):
        queue.add(Message(id, float(id), 0, 1), 0)
    assert [one.id for one in queue.expired(63.5, 60)] == [1, 2, 3]
