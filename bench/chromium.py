"""First contentful paint of a page in a real Chromium, by its own clock (DevTools protocol).

A new page each time, with an empty cache; the browser runs already.
https://developer.mozilla.org/docs/Web/API/PerformancePaintTiming
"""

import asyncio
import json
import shutil
import tempfile
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

from bench.processes import CannotStart, Child, free_port

PATIENCE_S = 30.0
POLL_S = 0.05
# Told when something was painted, however late that is.
PAINTED = """new Promise((told) => new PerformanceObserver((list) => {
    for (const entry of list.getEntries())
        if (entry.name === "first-contentful-paint") told(entry.startTime);
}).observe({ type: "paint", buffered: true }))"""


def find() -> Path:
    """Raise CannotStart."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        raise CannotStart("there is no Chromium here")
    return Path(found)


def paints(url: str, times: int, log: Path) -> list[float]:
    """Milliseconds, of so many visits. Raise CannotStart."""
    port = free_port()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-extensions")
        where = (f"--user-data-dir={profile}", f"--remote-debugging-port={port}")
        browser = Child([find(), *options, *where, "about:blank"], log)
        try:
            browser.wait_for_port(port)
            return asyncio.run(_visits(port, url, times))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise CannotStart(f"Chromium: {type(error).__name__} {error}") from error
        finally:
            browser.stop()


async def _visits(port: int, url: str, times: int) -> list[float]:
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        return [await _visit(session, f"http://127.0.0.1:{port}", url) for _ in range(times)]


async def _visit(session: aiohttp.ClientSession, browser: str, url: str) -> float:
    async with session.put(f"{browser}/json/new?about:blank") as answer:
        page = await answer.json(content_type=None)
    try:
        async with session.ws_connect(page["webSocketDebuggerUrl"]) as socket:
            numbers = count(1)

            async def call(method: str, **given: Any) -> dict[str, Any]:
                number = next(numbers)
                await socket.send_str(json.dumps({"id": number, "method": method, "params": given}))
                async with asyncio.timeout(PATIENCE_S):
                    while True:
                        told = json.loads((await socket.receive()).data)
                        if told.get("id") == number:
                            found: dict[str, Any] = told.get("result", {})
                            return found

            await call("Network.enable")
            await call("Network.setCacheDisabled", cacheDisabled=True)
            await call("Page.navigate", url=url)
            found = await call("Runtime.evaluate", expression=PAINTED, awaitPromise=True)
            return float(found["result"]["value"])
    finally:
        async with session.get(f"{browser}/json/close/{page['id']}"):
            pass
