"""When a schedule that somebody has put down carries on: from when, until when, how fast. Pure.

    put ──── start ────── moment ~~ window ~~ due ────────── moment ──────── end
                          (planned)           (carried out)

Time passes `scale` times as fast for a plan, counted from the moment when it was put down: with
60, what is to happen in an hour happens in a minute.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from stoker.core.schedules import At, Rate, Schedule

AN_INSTANT = timedelta(microseconds=1)
NEVER = datetime(2200, 1, 1, tzinfo=UTC)  # behind the last year that AWS's expressions know
CATCH_UP_S = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    schedule: Schedule
    since: datetime  # when it was put down
    zone: tzinfo = UTC  # what its words mean
    start: datetime | None = None  # neither bound is for what happens once only
    end: datetime | None = None
    window: timedelta = timedelta()  # EventBridge Scheduler's flexible one
    at_once: bool = False  # a rate begins with its start, not one interval later
    scale: float = 1.0

    def first(self) -> datetime | None:
        """The first moment; None if there is none."""
        return self._behind(self._begin() - AN_INSTANT)

    def resumed(self, stopped: float, now: float) -> datetime | None:
        """The first moment for who goes on `now` with what has rested since `stopped`."""
        first = self._begin() - AN_INSTANT
        return self._behind(max(first, self._time(stopped), self._time(now - CATCH_UP_S)))

    def next(self, moment: datetime, now: float) -> datetime | None:
        """The one behind `moment`, when it is `now` (seconds since 1970). What was missed for more
        than a minute, as by a machine that slept, is not made up for."""
        return self._behind(max(moment, self._time(now - CATCH_UP_S)))

    def due(self, moment: datetime, chance: float = 0.0) -> float:
        """When what is planned for `moment` is carried out, in seconds since 1970. `chance`: from
        0 to 1, where in the flexible window."""
        passed = (moment + chance * self.window - self.since).total_seconds()
        return self.since.timestamp() + passed / self.scale

    def _behind(self, after: datetime) -> datetime | None:
        counted = self._begin()
        if self.at_once and isinstance(self.schedule, Rate):
            counted -= self.schedule.every
        try:
            found = self.schedule.next(after, self.zone, counted)
        except OverflowError:  # behind the end of the calendar
            return None
        if found is None or found >= NEVER:
            return None
        over = self.end is not None and found > self.end and not isinstance(self.schedule, At)
        return None if over else found

    def _begin(self) -> datetime:
        if self.start is None or isinstance(self.schedule, At):
            return self.since
        return max(self.start, self.since)

    def _time(self, now: float) -> datetime:
        passed = max(now - self.since.timestamp(), 0.0) * self.scale
        return self.since + timedelta(seconds=min(passed, (NEVER - self.since).total_seconds()))
