"""What every system runs. `count` tells a cold start from a warm one."""

import time

count = 0


def echo(event: dict[str, str], context: object) -> dict[str, object]:
    global count
    count += 1
    return {"count": count, "data": event["data"]}


def batch(event: dict[str, list[object]], context: object) -> None:
    """Messages of a queue. The log says how many."""
    print(f"messages: {len(event['Records'])}")


def nap(event: dict[str, str], context: object) -> dict[str, object]:
    time.sleep(1.0)
    return echo(event, context)
