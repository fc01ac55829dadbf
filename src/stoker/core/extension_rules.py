"""What an extension must do, and whether one has done it: from what was seen, findings. Pure.

The rules are AWS's (Extensions API: register in init, ask for the next event when done, leave
within 2 seconds of SHUTDOWN, stay off the platform's ports); the life they are tried in is
scripted by cli/scripted_life.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from stoker.core.invoke_limits import SHUTDOWN_EXTERNAL_MS

PLATFORM_PORTS = frozenset({9001})
LATE_MS = 5000.0  # half of the ten seconds that extensions and runtime have for their init
HOLDS_UP_MS = 500.0  # an environment, after the answer: worth a word


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that was done to the function, and how it ended."""

    name: str
    ms: float
    error: str = ""  # the errorType that its caller got
    waited_for: tuple[str, ...] = ()  # extensions that were at work when it ended
    after_ms: float = 0.0  # extensions at work after the answer, at most


@dataclass(frozen=True, slots=True)
class Farewell:
    """One time at which everybody had to leave."""

    reason: str  # timeout, failure, spindown
    ms: float


@dataclass(frozen=True, slots=True)
class Seen:
    present: frozenset[str]  # files of extensions/
    registered: dict[str, tuple[str, ...]] = field(default_factory=dict)  # name -> events
    registered_ms: float | None = None  # until the last had registered, and the runtime began
    states: dict[str, str] = field(default_factory=dict)  # name -> the last error, if any
    acts: tuple[Act, ...] = ()
    farewells: tuple[Farewell, ...] = ()
    listens: frozenset[int] = frozenset()  # TCP ports, on all addresses or loopback
    dropped: int = 0  # telemetry that it did not take


@dataclass(frozen=True, slots=True)
class Finding:
    rule: str
    ok: bool
    text: str


def findings(seen: Seen, expected: dict[str, str]) -> list[Finding]:
    """`expected`: the error that each act by itself ends with ("" for none)."""
    return [
        *_launch(seen),
        *(_act(act, expected[act.name]) for act in seen.acts),
        *(_farewell(one) for one in seen.farewells),
        *_ports(seen),
        *_telemetry(seen),
    ]


def _launch(seen: Seen) -> Iterator[Finding]:
    if not seen.present:
        yield Finding("is an extension", False, "the layer has no file in extensions/")
    for name in sorted(seen.present):
        events = seen.registered.get(name)
        if name in seen.states:
            yield Finding(f"{name} registers", False, seen.states[name])
        elif events is None:
            yield Finding(f"{name} registers", False, "it never registered")
        else:
            yield Finding(f"{name} registers", True, ", ".join(events) or "for no event")
    if (waited_ms := seen.registered_ms) is not None:
        late = waited_ms >= LATE_MS
        text = f"{waited_ms:.0f} ms" + ", for which the runtime had to wait" * late
        yield Finding("registers in time", not late, text)


def _act(act: Act, expected: str) -> Finding:
    if act.error != expected:
        because = f"; {', '.join(act.waited_for)} had not asked for the next event" * bool(
            act.waited_for
        )
        said = f"the caller got {act.error or 'an answer'} instead of {expected or 'an answer'}"
        return Finding(act.name, False, said + because)
    text = f"{act.ms:.0f} ms"
    if act.after_ms >= HOLDS_UP_MS:
        text += f"; the environment was held up for {act.after_ms:.0f} ms after the answer"
    return Finding(act.name, True, text)


def _farewell(one: Farewell) -> Finding:
    rule = f"leaves at SHUTDOWN ({one.reason})"
    if one.ms >= SHUTDOWN_EXTERNAL_MS:
        return Finding(rule, False, f"it was killed after {SHUTDOWN_EXTERNAL_MS} ms")
    return Finding(rule, True, f"{one.ms:.0f} ms")


def _ports(seen: Seen) -> Iterator[Finding]:
    taken = sorted(seen.listens & PLATFORM_PORTS)
    if taken:
        yield Finding("stays off the platform's ports", False, f"it listens on {taken[0]}")
    elif seen.listens:
        ports = ", ".join(map(str, sorted(seen.listens)))
        yield Finding("stays off the platform's ports", True, f"it listens on {ports}")


def _telemetry(seen: Seen) -> Iterator[Finding]:
    if seen.dropped:
        text = f"{seen.dropped} events were dropped, because it did not take them"
        yield Finding("takes its telemetry", False, text)
