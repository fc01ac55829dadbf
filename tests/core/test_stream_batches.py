"""Batches of a shard: compared with a function that says plainly what is to be handed over, and
looked at from outside while everything happens in any order."""

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.event_records import Response
from stoker.core.limits import SYNC_PAYLOAD_BYTES
from stoker.core.stream_batches import (
    AHEAD_BYTES,
    Batch,
    Checkpoint,
    Done,
    Failed,
    Fate,
    Outcome,
    Record,
    Refused,
    Rules,
    ShardBatches,
)
from stoker.core.stream_windows import STATE_BYTES

NO = Response(200, error="Unhandled")


def records(count: int, keys: int = 1, first: int = 0, arrived: float = 0.0) -> list[Record]:
    return [Record(f"{n:06d}", f"k{n % keys}", arrived, b"{}") for n in range(first, first + count)]


def names(batch: Batch) -> list[int]:
    return [int(one.sequence) for one in batch.records]


@dataclass
class Play:
    """Time passes when nothing is due. `behave` says what comes of a batch."""

    shard: ShardBatches
    behave: Callable[[Batch], Outcome]
    now: float = 1000.0
    invoked: list[list[int]] = field(default_factory=list)
    discarded: list[tuple[Fate, int, list[int]]] = field(default_factory=list)

    def to_the_end(self) -> None:
        for _ in range(10_000):
            batch = self.shard.take(self.now)
            if batch is None:
                due = self.shard.due()
                if due is None:
                    return
                assert due > self.now, "it says that something is due, and has nothing"
                self.now = due
                continue
            if batch.fate is None:
                self.invoked.append(names(batch))
                outcome = self.behave(batch)
            else:
                self.discarded.append((batch.fate, batch.attempts, names(batch)))
                outcome = Done()
            self.shard.end(batch, outcome, self.now)
        raise AssertionError("it does not come to an end")


# --- the plain description ----------------------------------------------------------------------


def plainly(
    count: int, rules: Rules, bad: set[int], *, reports: bool
) -> tuple[list[list[int]], list[int]]:
    """What is handed over, in order, and what is discarded, where records in `bad` always fail."""
    invoked: list[list[int]] = []
    discarded: list[int] = []
    assert rules.retries is not None

    def attempt(batch: list[int], failures: int) -> None:
        invoked.append(batch)
        wrong = [one for one in batch if one in bad]
        if not wrong:
            return
        first = batch.index(wrong[0]) if reports else 0
        rest = batch[first:]
        if rules.bisect and first:
            attempt(rest, failures)
        elif rules.bisect and len(rest) > 1:
            half = len(rest) // 2
            attempt(rest[:half], failures)
            attempt(rest[half:], failures)
        elif failures + 1 > (rules.retries or 0):
            discarded.extend(rest)
        else:
            attempt(rest, failures + 1)

    every = list(range(count))
    for start in range(0, count, rules.batch):
        attempt(every[start : start + rules.batch], 0)
    return invoked, discarded


@given(
    count=st.integers(1, 12),
    batch=st.integers(1, 6),
    retries=st.integers(0, 3),
    bisect=st.booleans(),
    reports=st.booleans(),
    bad=st.sets(st.integers(0, 11), max_size=5),
)
def test_what_fails_is_tried_again_split_and_discarded_as_plainly_said(
    count: int, batch: int, retries: int, bisect: bool, reports: bool, bad: set[int]
) -> None:
    rules = Rules(batch=batch, retries=retries, bisect=bisect)

    def behave(one: Batch) -> Outcome:
        wrong = [index for index, name in enumerate(names(one)) if name in bad]
        if not wrong:
            return Done()
        return Failed(NO, wrong[0] if reports else 0)

    shard = ShardBatches(rules)
    shard.add(records(count), 1000.0)
    play = Play(shard, behave)
    play.to_the_end()
    invoked, discarded = plainly(count, rules, bad, reports=reports)
    assert play.invoked == invoked
    assert [name for _, _, some in play.discarded for name in some] == discarded
    assert all(why is Fate.EXHAUSTED for why, _, _ in play.discarded)
    assert shard.checkpoint.sequence == f"{count - 1:06d}"
    assert shard.held == 0


# --- whatever the order --------------------------------------------------------------------------


@given(
    seed=st.integers(0, 2**32),
    lanes=st.integers(1, 4),
    keys=st.integers(1, 5),
    batch=st.integers(1, 5),
    bisect=st.booleans(),
    retries=st.sampled_from([None, 0, 2]),
)
def test_of_each_key_nothing_overtakes_and_a_checkpoint_leaves_nothing_behind(
    seed: int, lanes: int, keys: int, batch: int, bisect: bool, retries: int | None
) -> None:
    """Reads, ends, refusals and restarts come as they like; each record is done at least once."""
    draw, every = random.Random(seed), records(30, keys)
    rules = Rules(batch=batch, lanes=lanes, bisect=bisect, retries=retries)
    shard, read, now = ShardBatches(rules), 0, 1000.0
    running: list[Batch] = []
    ended: set[int] = set()
    history: dict[str, list[int]] = defaultdict(list)  # by key, since the last restart
    steps = 0
    while len(ended) < len(every) or shard.checkpoint.sequence != every[-1].sequence:
        steps += 1
        assert steps < 5000
        now += draw.random() * 20
        match draw.choice("racce" if steps < 300 else "race"):
            case "r" if read < len(every):
                some = every[read : read + draw.randint(1, 7)]
                read += len(some)
                shard.add(some, now)
            case "a" | "e":
                while (one := shard.take(now)) is not None:
                    assert all(one.lane != other.lane for other in running)
                    keyed = {record.key for record in one.records}
                    assert not any(r.key in keyed for other in running for r in other.records)
                    running.append(one)
                if running:
                    one = running.pop(draw.randrange(len(running)))
                    outcome = draw.choice([Done(), Done(), Failed(NO), Refused()])
                    if len(one.records) > 1 and draw.random() < 0.2:
                        outcome = Failed(NO, draw.randrange(1, len(one.records)))
                    outcome = Done() if one.fate else outcome
                    shard.end(one, outcome, now)
                    done = len(one.records) if isinstance(outcome, Done) else 0
                    done = outcome.first if isinstance(outcome, Failed) else done
                    for record in one.records[:done]:
                        ended.add(int(record.sequence))
                        history[record.key].append(int(record.sequence))
            case _ if draw.random() < 0.05 and steps < 300:  # it dies, and another one goes on
                sequence = shard.checkpoint.sequence
                read = 0 if sequence is None else int(sequence) + 1
                assert set(range(read)) <= ended, "a checkpoint is behind all that is done"
                shard, running = ShardBatches(rules, shard.checkpoint), []
                for one_history in history.values():
                    assert one_history == sorted(one_history)
                history.clear()
    for one_history in history.values():
        assert one_history == sorted(one_history)
        assert len(one_history) == len(set(one_history)), "twice in one life"


# --- one by one ----------------------------------------------------------------------------------


def test_a_batch_is_handed_over_when_it_is_full_or_its_time_is_over() -> None:
    shard = ShardBatches(Rules(batch=3, gather_s=10))
    shard.add(records(2), 1000.0)
    assert shard.take(1009.9) is None
    assert shard.due() == 1010.0
    shard.add(records(1, first=2), 1001.0)
    full = shard.take(1001.0)
    assert full is not None and names(full) == [0, 1, 2]
    shard.add(records(1, first=3), 1002.0)
    assert shard.take(1020.0) is None, "one batch of a lane at a time"
    assert shard.due() is None
    shard.end(full, Done(), 1005.0)
    assert shard.take(1011.9) is None
    late = shard.take(1012.0)
    assert late is not None and names(late) == [3]


def test_a_closed_shard_waits_for_nothing_more() -> None:
    shard = ShardBatches(Rules(batch=3, gather_s=300))
    shard.add(records(1), 1000.0)
    shard.close()
    assert not shard.is_at_its_end
    batch = shard.take(1000.0)
    assert batch is not None
    shard.end(batch, Done(), 1000.0)
    assert shard.is_at_its_end
    assert shard.room == 0


def test_what_a_filter_keeps_back_is_done() -> None:
    shard = ShardBatches(Rules())
    unwanted = [replace(one, body=b"") for one in records(3)]
    shard.add(unwanted, 0.0)
    assert shard.take(0.0) is None
    assert shard.checkpoint == Checkpoint("000002")
    shard.add(records(1, first=3), 0.0)
    shard.add([replace(one, body=b"") for one in records(1, first=4)], 0.0)
    assert shard.checkpoint == Checkpoint("000002"), "not ahead of what waits"


def test_a_record_that_is_too_old_is_not_tried_again_nor_at_all() -> None:
    rules = Rules(batch=2, max_age_s=60)
    shard = ShardBatches(rules)
    shard.add(records(1, arrived=900.0) + records(3, first=1, arrived=990.0), 1000.0)
    play = Play(shard, lambda _batch: Failed(NO))
    play.to_the_end()
    assert play.discarded[0] == (Fate.TOO_OLD, 0, [0])
    assert [some for why, _, some in play.discarded if why is Fate.TOO_OLD] == [[0], [1], [2, 3]]
    assert 1050.0 <= play.now < 1051.0, "as soon as they are"
    assert shard.checkpoint.sequence == "000003"


def test_refusals_are_not_counted_and_wait_longer_each_time() -> None:
    shard = ShardBatches(Rules(retries=0))
    shard.add(records(1), 0.0)
    now, waits = 0.0, []
    for _ in range(12):
        batch = shard.take(now)
        assert batch is not None and batch.fate is None and batch.attempts == 0
        shard.end(batch, Refused(), now)
        due = shard.due()
        assert due is not None
        waits.append(due - now)
        now = due
    assert waits == sorted(waits) and waits[-1] == 30.0
    batch = shard.take(now)
    assert batch is not None
    shard.end(batch, Refused(), now)
    assert shard.take(now) is None
    shard.hurry()
    assert shard.take(now) is not None


def test_an_event_is_never_larger_than_a_function_takes() -> None:
    shard = ShardBatches(Rules(batch=100))
    shard.add([replace(one, body=b"x" * 2_000_000) for one in records(5)], 0.0)
    sizes = []
    while (batch := shard.take(0.0)) is not None:
        assert batch.size <= SYNC_PAYLOAD_BYTES
        sizes.append(len(batch.records))
        shard.end(batch, Done(), 0.0)
    assert sizes == [3, 2]


def test_a_record_that_no_function_takes_is_discarded() -> None:
    shard = ShardBatches(Rules())
    huge = Record("000000", "k", 0.0, b"x" * (SYNC_PAYLOAD_BYTES + 1))
    shard.add([huge, *records(1, first=1)], 0.0)
    assert shard.room == 498
    play = Play(shard, lambda _batch: Done())
    play.to_the_end()
    assert play.discarded == [(Fate.EXHAUSTED, 0, [0])]
    assert play.invoked == [[1]]


def test_no_more_is_read_than_may_be_held() -> None:
    shard = ShardBatches(Rules(batch=10))
    assert shard.room == 500
    shard.add(records(500), 0.0)
    assert shard.room == 0
    shard = ShardBatches(Rules(batch=10_000, lanes=10))
    assert shard.room == 200_000
    shard.add([Record("000000", "k", 0.0, b"x" * AHEAD_BYTES)], 0.0)
    assert shard.room == 0


# --- windows -------------------------------------------------------------------------------------


def windowed(*arrived: float, rules: Rules = Rules(window_s=60, retries=1)) -> ShardBatches:  # noqa: B008
    shard = ShardBatches(rules)
    shard.add([Record(f"{n:06d}", "k", at, b"{}") for n, at in enumerate(arrived)], 1000.0)
    return shard


def test_a_state_goes_from_batch_to_batch_and_ends_with_its_window() -> None:
    shard = windowed(1000.0, 1001.0, 1020.0, 1079.0, 1080.0, rules=Rules(window_s=60, batch=2))
    seen = []
    while (batch := shard.take(1100.0)) is not None:
        assert batch.window is not None
        seen.append((names(batch), batch.window.start, batch.window.state, batch.is_final))
        shard.end(batch, Done(None if batch.is_final else b"%d" % len(seen)), 1100.0)
    assert seen == [
        ([0, 1], 960.0, b"{}", False),
        ([], 960.0, b"1", True),
        ([2, 3], 1020.0, b"{}", False),
        ([], 1020.0, b"3", True),
        ([4], 1080.0, b"{}", False),
    ]
    assert (shard.due(), shard.window_end()) == (None, 1140.0)
    shard.caught_up(1139.9)
    assert shard.take(1200.0) is None, "there may be more of this window"
    shard.caught_up(1140.0)
    last = shard.take(1200.0)
    assert last is not None and last.is_final
    shard.end(last, Done(), 1200.0)
    assert shard.checkpoint == Checkpoint("000004")
    assert (shard.due(), shard.window_end()) == (None, None)


def test_the_state_is_that_of_the_checkpoint() -> None:
    shard = windowed(1000.0, 1001.0, 1002.0)
    batch = shard.take(1000.0)
    assert batch is not None
    shard.end(batch, Failed(NO, 1, b'{"n":1}'), 1000.0)
    kept = shard.checkpoint
    assert kept.sequence == "000000"
    assert kept.window is not None and kept.window.state == b'{"n":1}'
    again = ShardBatches(Rules(window_s=60), kept)
    again.add([Record("000001", "k", 1001.0, b"{}")], 1000.0)
    batch = again.take(1000.0)
    assert batch is not None and batch.window == kept.window


def test_a_state_that_is_too_large_ends_its_window_early() -> None:
    shard = windowed(1000.0, 1001.0, rules=Rules(window_s=60, batch=1))
    batch = shard.take(1000.0)
    assert batch is not None
    shard.end(batch, Done(b'"%b"' % (b"x" * STATE_BYTES)), 1000.0)
    final = shard.take(1000.0)
    assert final is not None and final.is_final
    assert final.window is not None and final.window.is_too_large
    shard.end(final, Done(), 1000.0)
    batch = shard.take(1000.0)
    assert batch is not None and not batch.is_final
    assert batch.window is not None and batch.window.state == b"{}"


@pytest.mark.parametrize("bisect", [False, True])
def test_the_end_of_a_window_is_tried_again_as_often_as_the_rest(bisect: bool) -> None:
    shard = windowed(1000.0, rules=Rules(window_s=60, retries=1, bisect=bisect))
    shard.close()
    play = Play(shard, lambda batch: Failed(NO) if batch.is_final else Done(b"1"))
    play.to_the_end()
    assert play.invoked == [[0], [], []]
    assert play.discarded == [(Fate.EXHAUSTED, 2, [])]
    assert shard.is_at_its_end
