"""Events to try a function with, one in each line of a file. Pure.

A line is an event as JSON. One that is {"payload": …, "weight": 3} stands for its payload, which
is taken as often as it weighs; other lines weigh 1.
"""

import json
import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WeightedEvent:
    payload: bytes
    weight: float = 1.0


def read_events(text: str) -> list[WeightedEvent]:
    """Raise ValueError, which names the line."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            event = json.loads(line)
        except ValueError as error:
            raise ValueError(f"line {number} is no JSON: {error}") from None
        if isinstance(event, dict) and event.keys() == {"payload", "weight"}:
            weight = event["weight"]
            if type(weight) not in (int, float) or not 0 < weight < math.inf:
                raise ValueError(f"line {number}: a weight is a number above 0")
            found.append(WeightedEvent(json.dumps(event["payload"]).encode(), float(weight)))
        else:
            found.append(WeightedEvent(line.strip().encode()))
    if not found:
        raise ValueError("there is no event in it")
    return found
