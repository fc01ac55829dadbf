"""A handler with a background thread that counts, for ever, every ten milliseconds."""

import os
import threading
import time
from pathlib import Path

ticks = 0


def count() -> None:
    global ticks
    while True:
        time.sleep(0.01)
        ticks += 1


threading.Thread(target=count, daemon=True).start()
print("init: the thread counts from now on")


def handler(event, context):
    before = ticks
    time.sleep(event.get("work_ms", 0) / 1000)
    print(f"Hello, {event['name']}: {ticks - before} ticks while I worked")
    return {
        "answer": f"Hello, {event['name']}",
        "environment": context.log_stream_name[-6:],
        "ticks_before": before,
        "ticks_after": ticks,
        "writes": {path: attempt(path) for path in event.get("write", [])},
    }


def attempt(folder: str) -> str:
    """Try to write a file there."""
    file = Path(folder, "intruder")
    try:
        file.write_text("was here")
    except OSError as err:
        return os.strerror(err.errno)
    file.unlink()
    return "written"
