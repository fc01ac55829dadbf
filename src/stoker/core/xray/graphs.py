"""A service graph: who asked whom how often, and what came of it, over many traces. Pure."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from stoker.core.xray.works import CLIENT, Service, Work

BUCKETS = 100  # of a histogram


@dataclass(slots=True)
class Tally:
    """What came of a number of works."""

    began: float = math.inf
    ended: float = 0.0
    total: int = 0
    ok: int = 0
    throttles: int = 0
    other_errors: int = 0
    faults: int = 0
    response_s: float = 0.0
    times: Counter[float] = field(default_factory=Counter)

    def add(self, work: Work) -> None:
        self.began, self.ended = min(self.began, work.began), max(self.ended, work.ended)
        self.total += 1
        self.ok += work.ok
        self.faults += work.fault
        self.throttles += work.throttle
        self.other_errors += work.error and not work.throttle
        self.response_s += work.response_s
        rounded = _rounded(work.response_s)
        if rounded in self.times or len(self.times) < BUCKETS:
            self.times[rounded] += 1

    @property
    def errors(self) -> int:
        return self.throttles + self.other_errors


@dataclass(slots=True)
class Node:
    number: int
    service: Service
    root: bool = False  # somebody outside asks it
    tally: Tally = field(default_factory=Tally)
    edges: dict[int, Tally] = field(default_factory=dict)  # by the number of who is asked


def graph(works: Iterable[Work]) -> list[Node]:
    """Nodes by their numbers. Who calls from outside is another node for each that it calls."""
    nodes: dict[tuple[Service, Service | None], Node] = {}

    def node(service: Service, behind: Service | None = None) -> Node:
        key = (service, behind)
        if key not in nodes:
            nodes[key] = Node(len(nodes), service)
        return nodes[key]

    for work in works:
        asked = node(work.service)
        asked.tally.add(work)
        if work.asker is None:
            asker = node(Service(work.service.name, CLIENT), work.service)
            asker.tally.began = min(asker.tally.began, work.began)
            asker.tally.ended = max(asker.tally.ended, work.ended)
            asked.root = True
        else:
            asker = node(work.asker)
        if asker is not asked:
            asker.edges.setdefault(asked.number, Tally()).add(work)
    return list(nodes.values())


def _rounded(seconds: float) -> float:
    """To two digits: as exact as a histogram needs to be."""
    return float(f"{seconds:.1e}")
