"""The pool and what the machine has left: who looks at it, and when it is believed."""

from stoker.core.pool import BELIEVED_S, EACH_MB, KEPT_S, Pool, Room, Slot, Waiter, Waits

KEYS = [("small",), ("big",)]
SPARE_MB = 100


class Machine:
    """A pool on a machine that has so much left."""

    def __init__(self, free_mb: float) -> None:
        self.free_mb, self.looks = free_mb, 0
        room = Room(9, 10_000, spare_mb=SPARE_MB)
        self.pool: Pool[str, str] = Pool(room, free_mb=self.look)

    def look(self) -> float:
        self.looks += 1
        return self.free_mb

    def begun(self, key: tuple[str, ...]) -> Slot[str]:
        begin = self.pool.wait(waiter(key), 0.0)
        assert begin is not None
        return begin.slot

    def warm(self, now: float) -> Slot[str]:
        """An idle environment that was never used."""
        who = waiter(KEYS[0])
        begin = self.pool.wait(who, 0.0)
        assert begin is not None
        self.pool.withdraw(who)
        assert self.pool.freed(begin.slot, now) is None
        return begin.slot


def waiter(key: tuple[str, ...]) -> Waiter[str]:
    return Waiter("w", key, 100)


def test_memory_of_the_machine_makes_room_as_a_number_of_environments_does() -> None:
    machine = Machine(1000.0)
    pool, first, second = machine.pool, machine.warm(1.0), machine.warm(2.0)
    machine.free_mb = SPARE_MB + EACH_MB
    assert machine.begun(KEYS[1]), "just enough, and nobody is evicted"
    assert pool.idle == [first, second]
    begin = pool.wait(waiter(KEYS[1]), 1.0 + KEPT_S)
    assert begin is not None
    assert begin.evicted == (first,), "the one that starts is not seen in what is free yet"
    machine.free_mb = 0.0
    late = waiter(KEYS[1])
    assert pool.wait(late, 2.0 + KEPT_S) is None
    assert late.waits is Waits.IN_LINE
    assert pool.idle == [second], "nobody is evicted in vain"


def test_what_was_seen_ahead_is_believed_once() -> None:
    machine = Machine(1000.0)
    pool = machine.pool
    machine.warm(1.0)
    assert pool.unseen
    pool.look(2.0)
    assert not pool.unseen, "one look is enough"
    looks, machine.free_mb = machine.looks, 0.0
    assert machine.begun(KEYS[1])
    assert machine.looks == looks, "whoever begins alone does not wait for a look"
    assert pool.wait(waiter(KEYS[1]), 3.0) is None, "who comes next does not believe it any more"


def test_nobody_looks_ahead_while_others_are_on_their_way() -> None:
    machine = Machine(1000.0)
    slot = machine.begun(KEYS[0])
    looks = machine.looks
    assert not machine.pool.unseen, "its memory is not to be seen yet"
    machine.pool.look(1.0)
    assert machine.looks == looks
    machine.pool.freed(slot, 2.0)
    assert machine.pool.unseen


def test_what_was_seen_long_ago_is_not_believed() -> None:
    machine = Machine(1000.0)
    machine.pool.look(1.0)
    machine.free_mb = 0.0
    assert machine.pool.wait(waiter(KEYS[0]), 1.1 + BELIEVED_S) is None


def test_memory_that_was_short_is_looked_at_again() -> None:
    machine = Machine(0.0)
    machine.pool.look(1.0)
    machine.free_mb = 1000.0
    assert machine.begun(KEYS[0])
