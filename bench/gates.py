"""What is promised, and whether a run has held it: always a ratio to a peer in the same round."""

import statistics
from dataclasses import dataclass
from enum import StrEnum

from bench import names
from bench.distribution import Distribution
from bench.series import Book, Round, Series


class Sense(StrEnum):
    FASTER = "peer / Stoker"  # a duration or a size: less is better
    MORE = "Stoker / peer"  # a rate: more is better
    EXTRA = "Stoker / without"  # an overhead over ourselves: near 1 is better
    TAIL = "p99 / p50"
    RATE = "per second"  # no peer
    MOST = "at most"  # no peer; in the series' unit


@dataclass(frozen=True, slots=True)
class Gate:
    id: str
    text: str
    measure: str
    system: str
    peers: tuple[str, ...]  # the best of them counts, round by round
    sense: Sense
    bound: float

    @property
    def is_ceiling(self) -> bool:
        return self.sense in (Sense.EXTRA, Sense.TAIL, Sense.MOST)


@dataclass(frozen=True, slots=True)
class Verdict:
    gate: Gate
    ours: float | None = None  # medians over all samples
    theirs: float | None = None
    peer: str = ""
    ratios: tuple[float, ...] = ()  # one per round
    errors: int = 0
    missing: str = ""  # why it could not be judged

    @property
    def ratio(self) -> float | None:
        return statistics.median(self.ratios) if self.ratios else None

    @property
    def passed(self) -> bool | None:
        """None: not judged."""
        if self.ratio is None:
            return None
        held = self.ratio <= self.gate.bound if self.gate.is_ceiling else (
            self.ratio >= self.gate.bound
        )  # fmt: skip
        return held and self.errors == 0


_SURVIVORS = (names.RIE_MANAGED, names.OFFLINE, names.MINISTACK)

GATES = (
    Gate("T1", "warm p50, 1 client", names.WARM, names.STOKER, (names.RIE_RIC,), Sense.FASTER, 4),
    Gate("T1b", "the same", names.WARM, names.STOKER, (names.RIE_RAW,), Sense.FASTER, 2),
    Gate("T2", "the same, unmodified awslambdaric on both sides",
         names.WARM, names.STOKER_RIC, (names.RIE_RIC,), Sense.FASTER, 2),
    Gate("T3", "answered per second, 8 clients, no errors",
         names.throughput(8), names.STOKER, _SURVIVORS, Sense.MORE, 5),
    Gate("T4", "answered per second, 64 clients, no errors",
         names.throughput(64), names.STOKER, _SURVIVORS, Sense.MORE, 5),
    Gate("T5", "p99 / p50, warm, 1 client", names.WARM, names.STOKER, (), Sense.TAIL, 3),
    Gate("T6", "cold start over HTTP, prepared sandbox",
         names.COLD, names.STOKER, (names.BARE,), Sense.FASTER, 5),
    Gate("S1", "first answer of a function with numpy and boto3, restored",
         names.SNAP_START, names.RESTORED, (names.FULL_INIT,), Sense.FASTER, 30),
    Gate("S1b", "the same; peer is CRIU's restore of such a process",
         names.SNAP_START, names.RESTORED, (names.CRIU,), Sense.FASTER, 3),
    Gate("S2", "memory of 20 environments, restored",
         names.SNAP_START_MEMORY, names.RESTORED, (names.FULL_INIT,), Sense.FASTER, 8),
    Gate("T7", "the same; peer from its start to its first answer",
         names.COLD, names.STOKER, (names.RIE_RIC,), Sense.FASTER, 20),
    Gate("T8", "cold start through boto3",
         names.COLD_BOTO3, names.STOKER, (names.MINISTACK,), Sense.FASTER, 40),
    Gate("T9", "cold start with nothing prepared",
         names.COLD, names.UNPREPARED, (names.RUNC,), Sense.FASTER, 4),
    Gate("L1", "cold start with 5 layers of 50 MB / with none",
         names.LAYERS, names.LAYERED, (names.STOKER,), Sense.EXTRA, 1.1),
    Gate("T11", "warm p50 after 10 ms of rest, frozen / never frozen",
         names.RESTED, names.STOKER, (names.UNFROZEN,), Sense.EXTRA, 1.15),
    Gate("T12", "memory (PSS) of one more idle environment",
         names.MEMORY, names.STOKER, (names.BARE,), Sense.FASTER, 2),
    Gate("T12b", "the same", names.MEMORY, names.STOKER, (names.RIE_RIC,), Sense.FASTER, 8),
    Gate("T14", "isolated environments created, invoked and ended per second",
         names.CHURN, names.STOKER, (), Sense.RATE, 150),
    Gate("T15", "warm p50, isolated and frozen / --sandbox process",
         names.WARM, names.STOKER, (names.UNISOLATED,), Sense.EXTRA, 1.15),
    Gate("M1", "cpu per warm invoke, metrics kept / nothing counted",
         names.CPU, names.STOKER, (names.UNMETERED,), Sense.EXTRA, 1.05),
    Gate("M2", "cpu per warm invoke, metrics kept and active tracing / nothing counted or traced",
         names.CPU, names.TRACED, (names.UNMETERED,), Sense.EXTRA, 1.05),
    Gate("M3", "the file of metrics of 100 functions, 60 calls a minute each, after 455 days",
         names.METRICS_SIZE, names.STOKER, (), Sense.MOST, 1000),
    Gate("M4", "answered per second, 8 clients, active tracing, traces and metrics exported / not",
         names.EXPORT_RATE, names.EXPORTED, (names.TRACED,), Sense.MORE, 0.95),
    Gate("V1", "the slowest page, 1,000 functions and 1,000,000 invocations recorded",
         names.PAGES, names.STOKER, (), Sense.MOST, 50),
    Gate("V2", "answered per second, 8 clients, a live page open / none",
         names.LIVE_RATE, names.LIVE, (names.STOKER,), Sense.MORE, 0.97),
    Gate("V3", "from a change of phase until a live page is told", names.LATE, names.STOKER, (),
         Sense.MOST, 200),
    Gate("V4", "first contentful paint of the list of functions, in Chromium",
         names.PAINT, names.STOKER, (), Sense.MOST, 300),
    Gate("X1", "warm p50 with an extension that hears of every invocation / without",
         names.WARM_EXTENDED, names.EXTENDED, (names.STOKER,), Sense.EXTRA, 1.6),
    Gate("X2", "cold start with an external extension in Python / without",
         names.COLD_EXTENDED, names.EXTENDED, (names.STOKER,), Sense.EXTRA, 3),
    Gate("X3", "answered per second, 8 clients, all telemetry over HTTP / none",
         names.WATCHED_RATE, names.WATCHED, (names.STOKER,), Sense.MORE, 0.75),
    Gate("C1", "GetFunction through boto3", names.GET, names.STOKER, (names.MOTO,),
         Sense.FASTER, 1),
    Gate("C2", "ListFunctions of 1,000", names.LIST, names.STOKER, (names.MOTO,),
         Sense.FASTER, 1),
    Gate("C3", "CreateFunction of a 1 KB zip", names.CREATE, names.STOKER, (names.MOTO,),
         Sense.FASTER, 1),
    Gate("C4", "warm p50 with 10,000 functions in the store / with one",
         names.WARM_CROWDED, names.CROWDED, (names.STOKER,), Sense.EXTRA, 1.05),
    Gate("C6", "warm p50 while versions of another function are published / quiet",
         names.WARM_PUBLISHING, names.PUBLISHING, (names.STOKER,), Sense.EXTRA, 1.1),
    Gate("C5", "starts to ready per second with 10,000 functions (2 s each)",
         names.STARTS_CROWDED, names.CROWDED, (), Sense.RATE, 0.5),
    Gate("E1", "an event is accepted, p50, 1 client", names.ACCEPTED, names.STOKER, (),
         Sense.MOST, 2),
    Gate("E2", "events run to their end per second / synchronous answers, 8 clients",
         names.EVENTS_DONE, names.ASYNCHRONOUS, (names.SYNCHRONOUS,), Sense.MORE, 0.5),
    Gate("E3", "memory that 100,000 queued events add", names.QUEUED_MEMORY, names.STOKER, (),
         Sense.MOST, 200),
    Gate("E4", "start to ready with 100,000 queued events", names.QUEUED_START, names.STOKER, (),
         Sense.MOST, 5),
    Gate("E5", "messages per second through a mapping, batches of 10",
         names.MAPPED, names.STOKER, (names.MINISTACK,), Sense.MORE, 10),
    Gate("P1", "warm p50 of a function while another has 1,000 callers at once / quiet",
         names.STORM, names.STORMED, (names.STOKER,), Sense.EXTRA, 3),
    Gate("D2", "sam deploy of a project, the whole tool", names.SAM_DEPLOY, names.STOKER,
         (names.MINISTACK,), Sense.FASTER, 1),
    Gate("D2b", "the same, once more, unchanged / at first", names.SAM_DEPLOY,
         names.STOKER_UNCHANGED, (names.STOKER,), Sense.EXTRA, 0.5),
    Gate("D3", "cdk deploy of a project, the whole tool", names.CDK_DEPLOY, names.STOKER,
         (names.MINISTACK,), Sense.FASTER, 1),
    Gate("D3b", "the same, once more, unchanged / at first", names.CDK_DEPLOY,
         names.STOKER_UNCHANGED, (names.STOKER,), Sense.EXTRA, 0.5),
    Gate("D1", "stoker dev: from a save to the new answer, Python", names.SAVED_PYTHON,
         names.STOKER, (), Sense.MOST, 100),
    Gate("D1b", "the same, Node.js", names.SAVED_NODE, names.STOKER, (), Sense.MOST, 300),
)  # fmt: skip


def judge(book: Book, gate: Gate) -> Verdict:
    ours = book.series.get((gate.measure, gate.system))
    if ours is None or not ours.rounds:
        why = book.missing.get(gate.system) or book.missing.get(gate.measure) or "not measured"
        return Verdict(gate, missing=why)
    mine = _median(ours)
    if gate.sense in (Sense.TAIL, Sense.RATE, Sense.MOST):
        ratios = tuple(_alone(gate.sense, each.distribution) for each in ours.rounds.values())
        return Verdict(gate, mine, None, "", ratios, ours.errors)
    measured = [
        series
        for name in gate.peers
        if (series := book.series.get((gate.measure, name))) and series.rounds
    ]
    if not measured:
        reasons = {book.missing.get(name, f"{name} was not measured") for name in gate.peers}
        return Verdict(gate, mine, missing="; ".join(sorted(reasons)))
    best = max(measured, key=_median) if gate.sense is Sense.MORE else min(measured, key=_median)
    ratios = tuple(
        _ratio(gate.sense, ours.rounds[number], [series.rounds[number] for series in present])
        for number in sorted(ours.rounds)
        if (present := [series for series in measured if number in series.rounds])
    )
    return Verdict(gate, mine, _median(best), best.system, ratios, ours.errors)


def _ratio(sense: Sense, ours: Round, theirs: list[Round]) -> float:
    mine = ours.distribution.p50
    others = [each.distribution.p50 for each in theirs]
    if sense is Sense.MORE:
        return mine / max(*others, 1e-9)
    if sense is Sense.FASTER:
        return min(others) / mine
    return mine / min(others)


def _alone(sense: Sense, seen: Distribution) -> float:
    return seen.p99 / seen.p50 if sense is Sense.TAIL else seen.p50


def _median(series: Series) -> float:
    return statistics.median(series.samples)
