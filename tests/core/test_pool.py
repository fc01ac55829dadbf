"""Which environment runs what: the pool against a world that keeps its own, obvious books."""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from stoker.core.pool import KEPT_S, Begin, Pool, Retire, Room, Serve, Slot, Waiter, Waits

ROOM = Room(environments=4, memory_mb=500)
SIZES = {"small": 100, "big": 300}
KEYS = [("small",), ("big",)]


def waiter(key: tuple[str, ...] = KEYS[0], name: str = "w") -> Waiter[str]:
    return Waiter(name, key, SIZES[key[0]])


def begun(pool: Pool[str, str], who: Waiter[str]) -> Slot[str]:
    begin = pool.wait(who, 0.0)
    assert begin is not None
    return begin.slot


def warm(pool: Pool[str, str], key: tuple[str, ...] = KEYS[0], now: float = 0.0) -> Slot[str]:
    """An idle environment that was never used."""
    who = waiter(key)
    slot = begun(pool, who)
    pool.withdraw(who)
    assert pool.freed(slot, now) is None
    return slot


def test_the_last_used_environment_is_used_first() -> None:
    pool: Pool[str, str] = Pool(ROOM)
    first, second = begun(pool, one := waiter()), begun(pool, two := waiter())
    assert pool.withdraw(one) and pool.withdraw(two)
    assert pool.freed(first, 0.0) is pool.freed(second, 1.0) is None
    assert pool.use(KEYS[0]) is second
    assert pool.use(KEYS[0]) is first
    assert pool.use(KEYS[0]) is None


def test_who_waits_for_a_new_one_takes_what_comes_free_and_the_new_one_stays_warm() -> None:
    pool: Pool[str, str] = Pool(ROOM)
    busy = warm(pool)
    assert pool.use(KEYS[0]) is busy
    who = waiter()
    new = begun(pool, who)
    assert pool.freed(busy, 1.0) == Serve(who)
    assert pool.freed(new, 2.0) is None
    assert pool.idle == [new]


def test_an_environment_that_has_answered_is_worth_a_moment() -> None:
    pool: Pool[str, str] = Pool(ROOM)
    busy = warm(pool)
    pool.use(KEYS[0])
    pool.answered(busy)
    first, second = waiter(), waiter()
    assert pool.wait(first, 0.0) is None
    assert first.waits is Waits.A_MOMENT
    assert isinstance(pool.wait(second, 0.0), Begin), "one environment is worth one waiter"
    begin = pool.impatient(first, 1.0)
    assert isinstance(begin, Begin)
    assert first.waits is Waits.COVERED
    assert pool.impatient(second, 1.0) is None


def test_a_newcomer_counts_on_an_environment_whose_own_request_was_served_elsewhere() -> None:
    pool: Pool[str, str] = Pool(ROOM)
    busy = warm(pool)
    pool.use(KEYS[0])
    first = waiter()
    new = begun(pool, first)
    assert pool.freed(busy, 1.0) == Serve(first)
    late = waiter()
    assert pool.wait(late, 1.0) is None
    assert late.waits is Waits.COVERED
    assert pool.freed(new, 2.0) == Serve(late)


def test_room_is_made_by_evicting_the_longest_idle_and_never_the_busy() -> None:
    pool: Pool[str, str] = Pool(Room(environments=3, memory_mb=10_000))
    begin = [pool.wait(who := waiter(), 0.0) for _ in range(3)]
    slots = [each.slot for each in begin if each is not None]
    for who in pool.waiters:
        pool.withdraw(who)
    for now, slot in enumerate(slots):
        pool.freed(slot, float(now))
    pool.use(KEYS[0])  # the last of them is busy now
    big = pool.wait(waiter(KEYS[1]), 9.0)
    assert big is not None
    assert big.evicted == (slots[0],)


def test_a_crowd_takes_no_environment_that_others_used_just_now() -> None:
    pool: Pool[str, str] = Pool(Room(environments=2, memory_mb=10_000))
    other = warm(pool, now=1.0)  # of KEYS[0]
    mine = begun(pool, waiter(KEYS[1]))
    crowd = waiter(KEYS[1])
    assert pool.wait(crowd, 2.0) is None
    assert crowd.waits is Waits.IN_LINE
    assert pool.grant(1.0 + KEPT_S - 0.1) is None
    grant = pool.grant(1.0 + KEPT_S)
    assert grant is not None
    assert grant.begin.evicted == (other,), "it has not been used for long enough"
    for now in (6.5, 6.6):
        assert isinstance(pool.freed(mine, now), Serve)
    assert pool.freed(mine, 7.0) is pool.freed(grant.begin.slot, 7.0) is None
    first = pool.wait(waiter(KEYS[0]), 7.1)
    assert first is not None
    assert len(first.evicted) == 1, "who has none takes even what was just used"


def test_the_line_for_room_is_served_in_order() -> None:
    pool: Pool[str, str] = Pool(Room(environments=1, memory_mb=1000))
    slot = begun(pool, waiter())
    big, small = waiter(KEYS[1]), waiter()
    assert pool.wait(big, 0.0) is pool.wait(small, 0.0) is None
    assert (big.waits, small.waits) == (Waits.IN_LINE, Waits.IN_LINE)
    assert pool.gone(slot) is not None
    grant = pool.grant(1.0)
    assert grant is not None
    assert grant.waiter is big
    assert pool.grant(1.0) is None


def test_a_failed_start_costs_only_the_request_it_was_for() -> None:
    pool: Pool[str, str] = Pool(ROOM)
    first, second = waiter(), waiter()
    one, two = begun(pool, first), begun(pool, second)
    assert pool.gone(one) is second
    assert pool.freed(two, 1.0) == Serve(first)
    assert pool.gone(two) is None


def test_the_doomed_serve_who_waits_and_are_retired_then() -> None:
    pool: Pool[str, str] = Pool(ROOM)
    who = waiter()
    slot = begun(pool, who)
    assert pool.doom(slot) is False
    assert pool.freed(slot, 1.0) == Serve(who)
    assert pool.freed(slot, 2.0) == Retire()
    assert list(pool.slots) == []


def test_time_takes_idle_environments_only() -> None:
    pool: Pool[str, str] = Pool(ROOM)
    idle = warm(pool, now=1.0)
    busy = warm(pool, KEYS[1], now=1.0)
    assert pool.use(KEYS[1]) is busy
    assert pool.expired(idle_before=0.5, born_before=-1) == []
    assert pool.expired(idle_before=1.0, born_before=-1) == [idle]
    assert pool.freed(busy, 2.0, born_before=1.0) == Retire()


def provisioned(pool: Pool[str, str], key: tuple[str, ...] = KEYS[0]) -> Slot[str]:
    begin = pool.provision(key, SIZES[key[0]], 0.0)
    assert begin is not None
    return begin.slot


def test_what_is_provisioned_is_used_first_and_is_neither_evicted_nor_idle_too_long() -> None:
    pool: Pool[str, str] = Pool(Room(environments=2, memory_mb=10_000))
    ahead = provisioned(pool)
    assert pool.freed(ahead, 0.0) is None
    warm(pool, now=1.0)
    assert pool.use(KEYS[0]) is ahead
    assert pool.freed(ahead, 2.0) is None
    begin = pool.wait(waiter(KEYS[1]), 3.0)
    assert begin is not None
    assert ahead not in begin.evicted
    assert pool.expired(idle_before=9.0, born_before=-1) == []
    assert pool.expired(idle_before=9.0, born_before=0.0) == [ahead], "but it grows old"


def test_nobody_waits_for_the_init_of_what_is_provisioned_but_takes_it_once_it_is_there() -> None:
    pool: Pool[str, str] = Pool(ROOM)
    ahead = provisioned(pool)
    who = waiter()
    on_demand = begun(pool, who)
    assert pool.freed(ahead, 1.0) == Serve(who)
    assert pool.freed(on_demand, 2.0) is None
    assert pool.gone(ahead) is None


def test_what_need_not_be_kept_any_more_ends_when_it_has_nothing_to_do() -> None:
    pool: Pool[str, str] = Pool(ROOM)
    ahead = provisioned(pool)
    pool.freed(ahead, 0.0)
    assert pool.use(KEYS[0]) is ahead
    assert pool.doom(ahead) is False
    assert pool.freed(ahead, 1.0) == Retire()
    assert pool.slots == {}


def test_what_is_begun_for_somebody_who_was_served_meanwhile_need_not_be_made() -> None:
    pool: Pool[str, str] = Pool(ROOM)
    busy = warm(pool)
    assert pool.use(KEYS[0]) is busy
    first, second = waiter(), waiter()
    one, two = begun(pool, first), begun(pool, second)
    assert not (pool.needless(one) or pool.needless(two))
    assert pool.freed(busy, 1.0) == Serve(first)
    assert pool.needless(one), "whichever comes first"
    assert pool.gone(one) is None
    assert not pool.needless(two), "somebody counts on it"
    ahead = provisioned(pool)
    assert not pool.needless(ahead), "it is for nobody, and wanted"


def test_a_function_that_may_not_grow_yet_has_what_is_warm_and_nothing_else() -> None:
    grown: list[tuple[str, ...]] = []

    def may_grow(key: tuple[str, ...], now: float) -> bool:
        grown.append(key)
        return len(grown) <= 1

    pool: Pool[str, str] = Pool(ROOM, may_grow)
    slot = begun(pool, waiter())
    late = waiter()
    assert pool.wait(late, 0.0) is None
    assert late.waits is Waits.TOO_FAST
    assert not pool.withdraw(late)
    pool.freed(slot, 1.0)
    pool.answered(slot)
    patient = waiter()
    assert pool.wait(patient, 1.0) is None
    assert patient.waits is Waits.A_MOMENT
    assert pool.impatient(patient, 2.0) is None
    assert patient.waits is Waits.TOO_FAST
    assert pool.freed(slot, 3.0) is None
    assert pool.use(KEYS[0]) is slot


@dataclass(eq=False)
class Seen:
    """One environment, as the world knows it."""

    slot: Slot[str]
    state: str = "starting"  # starting | idle | busy | answered
    runs: Waiter[str] | None = None


@dataclass(eq=False)
class Books:
    environments: list[Seen] = field(default_factory=list)  # idle ones: last used last
    waiting: list[Waiter[str]] = field(default_factory=list)  # longest first
    served: list[Waiter[str]] = field(default_factory=list)
    refused: list[Waiter[str]] = field(default_factory=list)
    asked: int = 0

    def of(self, *states: str) -> list[Seen]:
        return [seen for seen in self.environments if seen.state in states]


class PoolStory(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.pool: Pool[str, str] = Pool(ROOM)
        self.books = Books()
        self.now = 0.0

    def began(self, begin: Begin[str] | None) -> None:
        if begin is None:
            return
        idle_since = [seen.slot for seen in self.books.of("idle") if not seen.slot.provisioned]
        oldest_first = sorted(idle_since, key=lambda slot: slot.idle_since)
        assert list(begin.evicted) == oldest_first[: len(begin.evicted)]
        for slot in begin.evicted:
            self.leave(slot)
        self.books.environments.append(Seen(begin.slot))

    def leave(self, slot: Slot[str]) -> None:
        self.books.environments = [s for s in self.books.environments if s.slot is not slot]

    def granted(self) -> None:
        """What the shell does after everything that may make room."""
        while self.pool.in_line:
            grant = self.pool.grant(self.now)
            if grant is None:
                break
            self.began(grant.begin)

    @rule(key=st.sampled_from(KEYS))
    def request(self, key: tuple[str, ...]) -> None:
        books = self.books
        books.asked += 1
        self.now += 1
        who = waiter(key, f"w{books.asked}")
        warm = [seen for seen in books.of("idle") if seen.slot.key == key]
        slot = self.pool.use(key)
        if slot is None:
            assert not warm, "there was a warm one"
            mine = [each for each in books.waiting if each.key == key]
            patient = sum(each.waits is Waits.A_MOMENT for each in mine)
            answered = sum(seen.slot.key == key for seen in books.of("answered"))
            line = self.pool.in_line
            begin = self.pool.wait(who, self.now)
            assert (who.waits is Waits.A_MOMENT) == (answered > patient)
            assert not (begin and line), "who came last got the room"
            books.waiting.append(who)
            self.began(begin)
            self.granted()
            return
        best = [seen for seen in warm if seen.slot.provisioned] or warm
        assert best[-1].slot is slot, "what is provisioned first, of that the last used first"
        best[-1].state, best[-1].runs = "busy", who
        self.granted()

    @rule(key=st.sampled_from(KEYS))
    def provision(self, key: tuple[str, ...]) -> None:
        line = self.pool.in_line
        begin = self.pool.provision(key, SIZES[key[0]], self.now)
        assert not (begin and line), "who provisions comes after who waits"
        self.began(begin)

    @precondition(lambda self: self.books.of("busy"))
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        seen = data.draw(st.sampled_from(self.books.of("busy")))
        seen.state = "answered"
        assert seen.runs is not None
        self.books.served.append(seen.runs)
        self.pool.answered(seen.slot)

    @precondition(lambda self: self.books.of("starting", "busy", "answered"))
    @rule(data=st.data())
    def come_free(self, data: st.DataObject) -> None:
        self.now += 1
        books = self.books
        seen = data.draw(st.sampled_from(books.of("starting", "busy", "answered")))
        if seen.state == "busy" and seen.runs is not None:
            books.served.append(seen.runs)
        mine = [who for who in books.waiting if who.key == seen.slot.key]
        counted_on = seen.slot.starting and seen.slot.covers
        if counted_on and any(who.waits is Waits.COVERED for who in mine):
            mine = [who for who in mine if who.waits is Waits.COVERED]
        seen.runs = None
        books.environments.remove(seen)
        match self.pool.freed(seen.slot, self.now):
            case Serve(who):
                assert who is mine[0], "the longest wait first"
                books.waiting.remove(who)
                books.environments.append(seen)
                seen.state, seen.runs = "busy", who
            case None:
                assert not mine, "somebody waited for it"
                books.environments.append(seen)
                seen.state = "idle"
            case _:
                assert seen.slot.doomed and not mine
        self.granted()

    @precondition(lambda self: self.books.environments)
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        seen = data.draw(st.sampled_from(self.books.environments))
        if seen.state == "busy" and seen.runs is not None:
            self.books.served.append(seen.runs)  # with an error
        self.leave(seen.slot)
        orphan = self.pool.gone(seen.slot)
        if orphan is not None:
            self.books.waiting.remove(orphan)
            self.books.refused.append(orphan)
        self.granted()

    @precondition(lambda self: self.books.of("idle"))
    @rule(data=st.data())
    def stumble(self, data: st.DataObject) -> None:
        """An idle environment loses a process, and is idle again later."""
        seen = data.draw(st.sampled_from(self.books.of("idle")))
        self.pool.held(seen.slot)
        seen.state = "starting"  # to the world: cannot be used now

    @precondition(lambda self: self.books.waiting)
    @rule(data=st.data())
    def lose_patience(self, data: st.DataObject) -> None:
        self.began(self.pool.impatient(data.draw(st.sampled_from(self.books.waiting)), self.now))

    @precondition(lambda self: self.books.waiting)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        who = data.draw(st.sampled_from(self.books.waiting))
        assert self.pool.withdraw(who)
        assert not self.pool.withdraw(who)
        self.books.waiting.remove(who)
        self.books.refused.append(who)
        self.granted()

    @precondition(lambda self: self.books.environments)
    @rule(data=st.data())
    def doom(self, data: st.DataObject) -> None:
        seen = data.draw(st.sampled_from(self.books.environments))
        assert self.pool.doom(seen.slot) == (seen.state == "idle")
        if seen.state == "idle":
            self.leave(seen.slot)
            self.granted()

    @rule(idle_before=st.floats(0, 50))
    def time_passes(self, idle_before: float) -> None:
        idle = [seen.slot for seen in self.books.of("idle") if not seen.slot.provisioned]
        over = {slot for slot in idle if slot.idle_since <= idle_before}
        assert set(self.pool.expired(idle_before=idle_before, born_before=-1)) == over
        for slot in over:
            self.leave(slot)
        self.granted()

    @invariant()
    def the_books_agree(self) -> None:
        pool, books = self.pool, self.books
        assert set(pool.slots) == {seen.slot for seen in books.environments}
        assert {*pool.idle, *pool.ready} == {seen.slot for seen in books.of("idle")}
        assert all(slot.provisioned for slot in pool.ready)
        assert {id(who) for who in pool.waiters} == {id(who) for who in books.waiting}
        assert len(pool.slots) <= ROOM.environments
        assert sum(slot.memory_mb for slot in pool.slots) <= ROOM.memory_mb
        assert pool.quiet == (not books.waiting and not books.of("busy", "answered"))

    @invariant()
    def nobody_waits_for_nothing(self) -> None:
        books = self.books
        for key in KEYS:
            mine = [who for who in books.waiting if who.key == key]
            warm = [seen for seen in books.of("idle") if seen.slot.key == key]
            assert not (mine and warm), "somebody waits beside a warm environment"
            covered = sum(who.waits is Waits.COVERED for who in mine)
            mine_too = [slot for slot in self.pool.slots if slot.key == key and slot.covers]
            under_way = sum(slot.starting for slot in mine_too)
            assert covered <= under_way, "somebody counts on an environment that is not there"
        assert all(who.waits is not Waits.NO_MORE for who in books.waiting)

    @invariant()
    def who_stands_in_line_does_not_fit(self) -> None:
        line = [who for who in self.books.waiting if who.waits is Waits.IN_LINE]
        assert self.pool.in_line == len(line)
        if not line:
            return
        first = next(iter(self.pool._line))
        crowd = any(slot.key == first.key for slot in self.pool.slots)
        fixed = [
            seen
            for seen in self.books.environments
            if seen.state != "idle"
            or seen.slot.provisioned
            or (crowd and self.now - seen.slot.idle_since < KEPT_S)
        ]
        memory_mb = sum(seen.slot.memory_mb for seen in fixed)
        full = len(fixed) >= ROOM.environments
        assert full or memory_mb + first.memory_mb > ROOM.memory_mb, "there was room"

    def teardown(self) -> None:
        """Whatever happened: when everything ends well, and nothing is kept, everybody has been
        served."""
        for seen in list(self.books.environments):
            if seen.slot.provisioned and self.pool.doom(seen.slot):
                self.leave(seen.slot)
        for _ in range(200):
            self.granted()
            pending = self.books.of("starting", "busy", "answered")
            if pending:
                seen = pending[0]
                seen.runs = None
                decision = self.pool.freed(seen.slot, self.now)
                self.books.environments.remove(seen)
                if isinstance(decision, Serve):
                    self.books.waiting.remove(decision.waiter)
                    self.books.environments.append(seen)
                    seen.state = "busy"
                elif decision is None:
                    self.books.environments.append(seen)
                    seen.state = "idle"
            elif self.books.waiting:
                self.began(self.pool.impatient(self.books.waiting[0], self.now))
            else:
                break
        assert self.books.waiting == []


PoolStory.TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestPoolStory = PoolStory.TestCase
