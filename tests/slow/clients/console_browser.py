"""Walks through the console in a real Chromium, by Playwright; prints what it saw, as JSON.

console_browser.py URL FUNCTION FOLDER      pictures go to FOLDER
"""

import json
import re
import sys
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import expect, sync_playwright  # type: ignore[import-not-found]

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
EXPECTED = (
    "ERR_NETWORK_CHANGED",  # of who makes sandboxes on this machine; the browser asks again
    "status of 400",  # the form that _made fills in wrongly
)
# Told when something was painted. What Playwright itself waits for in a page, the CSP refuses.
PAINTED = """new Promise((told) => new PerformanceObserver((list) => {
    for (const entry of list.getEntriesByName("first-contentful-paint")) told(entry.startTime);
}).observe({ type: "paint", buffered: true }))"""
UNLABELLED = (
    "[...document.querySelectorAll('input:not([type=hidden]), select, textarea')]"
    ".filter((one) => !one.labels.length).length"
)
PATIENCE_MS = 60_000


def main(url: str, function: str, folder: Path) -> dict[str, Any]:
    said: list[str] = []
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path="/usr/bin/chromium", args=list(FLAGS))

        def opened(scheme: str, width: int, height: int) -> Any:
            size = {"width": width, "height": height}
            page = browser.new_context(viewport=size, color_scheme=scheme).new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.on("console", lambda message: said.append(message.text))
            page.on("pageerror", lambda error: said.append(str(error)))
            return page

        light, dark = opened("light", 1280, 720), opened("dark", 1280, 720)
        facts = {
            **_functions(light, url, folder),
            **_tried(light, url, function, folder),
            **_made(opened("light", 1280, 660), url, folder),
            **_shared(opened("light", 1280, 720), url, function, folder),
            **_lives(dark, url, function, folder),
            **_flooded(opened("light", 1280, 720), url),
            **_rest(opened("light", 1280, 720), dark, url, function, folder),
            **_learned(opened("light", 1280, 900), url, folder),
            **_queues(opened("light", 1280, 720), dark, url, function, folder),
            **_observed(opened("light", 1280, 720), dark, url, function, folder),
            **_tuned(opened("light", 1280, 900), url, function, folder),
            **_narrow(opened("light", 390, 720), url, function),
        }
        browser.close()
    return {**facts, "said": [text for text in said if not any(one in text for one in EXPECTED)]}


def _functions(page: Any, url: str, folder: Path) -> dict[str, Any]:
    page.goto(f"{url}/functions")
    painted = []
    for _ in range(5):
        page.reload()
        painted.append(page.evaluate(PAINTED))
    page.screenshot(path=folder / "console-functions.png")
    page.keyboard.press("/")
    page.keyboard.type("no such function")
    page.wait_for_selector("text=No function has")
    return {"painted_ms": sorted(painted), "searched": True}


def _tried(page: Any, url: str, function: str, folder: Path) -> dict[str, Any]:
    """By the keyboard alone."""
    page.goto(f"{url}/functions?search={function}")
    page.focus(f"text={function}")
    page.keyboard.press("Enter")
    page.wait_for_selector("#payload")
    page.focus("#payload")
    page.keyboard.press("Control+A")
    page.keyboard.type('{"wait": 0.2}')
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#outcome >> text=Billed Duration")
    page.wait_for_selector("#said:has-text('Succeeded')", state="attached")
    page.screenshot(path=folder / "console-test.png")
    page.fill("input[name=title]", "a slow one")
    page.click("text=Save event")
    page.wait_for_selector("select[name=event] option:text('a slow one')", state="attached")
    return {"outcome": page.url}


def _made(page: Any, url: str, folder: Path) -> dict[str, Any]:
    """A new function, by the keyboard alone: refused first, and changed and run then."""
    page.goto(f"{url}/create-function")
    page.screenshot(path=folder / "console-create.png")
    page.keyboard.type("greeting")
    page.fill("input[name=MemorySize]", "64")
    page.keyboard.press("Enter")
    page.wait_for_selector("[aria-invalid]")
    wrong = page.get_attribute("[aria-invalid]", "name")
    page.fill("input[name=MemorySize]", "128")
    unlabelled = page.evaluate(UNLABELLED)
    page.keyboard.press("Enter")
    page.wait_for_url("**/functions/greeting/code")
    page.wait_for_selector("textarea >> text=Hello")
    expect(page).to_have_title(re.compile("^greeting"), timeout=PATIENCE_MS)
    while "Active" not in page.inner_text("h1 .state"):
        page.reload()
    page.fill("#text", page.input_value("#text").replace("Hello", "Good morning"))
    page.focus("#text")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/code?file=**")
    while "update" in page.inner_text("h1 .state"):
        page.reload()
    page.goto(f"{url}/functions/greeting")
    page.focus("#payload")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#outcome >> text=Good morning")
    return {"wrong": wrong, "made": page.url, "unlabelled_there": unlabelled}


def _shared(page: Any, url: str, function: str, folder: Path) -> dict[str, Any]:
    """What leads to a function; and an alias that is shifted with a slider, by the keyboard."""
    at = f"{url}/functions/{function}"
    page.goto(f"{at}/triggers")
    page.wait_for_selector("text=not permitted by the policy")
    page.screenshot(path=folder / "console-triggers.png")
    page.goto(f"{at}/versions")
    page.screenshot(path=folder / "console-versions.png")
    slider = page.locator(".alias input[type=range]").first
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    shown = page.inner_text(".alias output >> nth=0")
    unlabelled = page.evaluate(UNLABELLED)
    page.keyboard.press("Enter")
    page.wait_for_selector("dd:text('75 %')")
    page.goto(f"{at}/concurrency")
    page.fill("input[name=Amount]", "7")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=0 of 7")
    unlabelled += page.evaluate(UNLABELLED)
    return {"slid": shown, "unlabelled_here": unlabelled}


def _lives(page: Any, url: str, function: str, folder: Path) -> dict[str, Any]:
    """How late a change of phase is on the page, by the page's own clock and the server's."""
    page.goto(f"{url}/environments?function={function}")
    page.wait_for_selector("#rows button")
    late = page.evaluate(
        """async (path) => {
            const token = document.querySelector('meta[name="stoker-token"]').content, late = [];
            const lives = window.stokerLives;
            const bars = () => [...lives.values()].flatMap((life) => life.bars);
            for (let i = 0; i < 8; i++) {
                const known = new Set(bars().map((bar) => bar.began)), end = Date.now() + 5000;
                const body = new URLSearchParams({ token, payload: '{"wait": 0.3}' });
                const done = fetch(path, { method: "POST", body });
                let fresh = null;
                while (!fresh && Date.now() < end) {
                    await new Promise((next) => setTimeout(next, 2));
                    fresh = bars().find((bar) => bar.phase === "Invoke" && !known.has(bar.began));
                }
                late.push(fresh ? Date.now() - fresh.began : 5000);
                await done;
                await new Promise((next) => setTimeout(next, 200));
            }
            return late.sort((a, b) => a - b);
        }""",
        page.url.partition("/environments")[0] + f"/functions/{function}",
    )
    page.focus("#rows button")
    page.keyboard.press("Enter")
    page.wait_for_selector("#detail >> text=Cold start, step by step")
    page.screenshot(path=folder / "console-environments.png")
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    paused = page.get_attribute("#pause", "aria-pressed")
    return {"late_ms": late, "paused": paused}


def _flooded(page: Any, url: str) -> dict[str, Any]:
    """What a page keeps that was told of more than anybody looks at, while a row has the focus."""
    now = time.time() * 1000
    names = (
        "limit",
        "running",
        "reserved",
        "provisioned",
        "reserved_running",
        "waiting",
        "throttled",
    )
    water = {**dict.fromkeys(names, 1), "function": None}

    def life(name: str, number: int) -> dict[str, Any]:
        bars = [["Invoke", now - 9000 + number * 40 + one, 1, 1, []] for one in range(40)]
        facts = {"version": "1", "how": "on-demand", "reason": "retired"}
        return {"id": name, "function": "f", "phase": "Dead", **facts, "bars": bars}

    told = [
        [life("first", number), *(life(f"{number}-{other}", number) for other in range(40))]
        for number in range(100)
    ]
    events = [
        "event: lives\ndata: "
        + json.dumps({"now": now, "water": water, "lives": lives if number else lives[:1]})
        + "\n\n"
        for number, lives in enumerate(told)
    ]
    kind = {"Content-Type": "text/event-stream"}
    once = iter(["".join(events[:1]), "".join(events[1:])])
    page.route(
        "**/environments/follow*",
        lambda route: route.fulfill(status=200, headers=kind, body=next(once, "")),
    )
    page.goto(f"{url}/environments")
    page.focus("#rows button")
    page.evaluate(
        "new Promise((told) => { const look = () => stokerLives.size > 99 ? told()"
        " : setTimeout(look, 20); look(); })"
    )
    kept = page.evaluate(
        "[stokerLives.size, document.querySelectorAll('#rows li').length,"
        " Math.max(...[...stokerLives.values()].map((life) => life.bars.length))]"
    )
    page.close()
    return {"kept": kept}


def _rest(light: Any, dark: Any, url: str, function: str, folder: Path) -> dict[str, Any]:
    at = f"{url}/functions/{function}"
    light.goto(f"{at}/monitor?hours=1")
    light.wait_for_selector("#plots figure:nth-child(12) canvas")
    light.wait_for_selector("#plots figure:first-child .u-value:text-matches('^[1-9]')")
    light.screenshot(path=folder / "console-monitor.png")
    dark.goto(f"{at}/logs")
    dark.wait_for_selector("text=REPORT RequestId")
    light.goto(f"{at}/code")
    dark.goto(f"{at}/configuration")
    unlabelled = 0
    for page in (light, dark):
        unlabelled += page.evaluate(UNLABELLED)
    return {"unlabelled": unlabelled}


def _learned(page: Any, url: str, folder: Path) -> dict[str, Any]:
    """An experiment, by its button; the page follows it to its end."""
    page.goto(f"{url}/learn")
    page.click("text=Three concurrent invocations")
    page.click("text=Run it")
    page.wait_for_selector("#run[data-follow]")
    page.wait_for_selector("#run:not([data-follow]) >> text=So it is")
    page.wait_for_selector("#said:has-text('So it is')", state="attached")
    page.screenshot(path=folder / "console-learn.png")
    return {"claims": page.locator(".claims .holds").count()}


def _queues(light: Any, dark: Any, url: str, function: str, folder: Path) -> dict[str, Any]:
    """The latest invocations, one of them once more; and a queue with an event that has ended."""
    light.goto(f"{url}/functions/{function}/invocations")
    light.wait_for_selector("text=RequestResponse")
    half = {"x": 0, "y": 0, "width": 1280, "height": 480}
    light.screenshot(path=folder / "console-invocations.png", clip=half)
    light.focus("tbody tr:first-child a")
    light.keyboard.press("Enter")
    light.click("text=Replay")
    light.wait_for_selector("#outcome >> text=Billed Duration")
    dark.goto(f"{url}/queues")
    dark.wait_for_selector("text=visible")
    dark.screenshot(path=folder / "console-queues.png", clip=half)
    light.goto(f"{url}/queues/emails")
    light.wait_for_selector("text=dropped")
    light.wait_for_selector("#waiting .state:text('to be run again')")
    light.screenshot(path=folder / "console-queue.png", clip=half)
    light.click("#over button:text('Replay')")
    light.wait_for_selector("text=Sent again, as request")
    return {"replayed": light.url}


def _observed(light: Any, dark: Any, url: str, function: str, folder: Path) -> dict[str, Any]:
    light.goto(f"{url}/insights?group=/aws/lambda/{function}")
    light.fill("#query", 'filter @type = "REPORT"\n| stats avg(@duration) as mean by bin(1s)')
    light.press("#query", "Control+Enter")
    light.wait_for_selector("#results >> text=Complete")
    light.wait_for_selector("#plots canvas")
    light.screenshot(path=folder / "console-insights.png")
    light.fill("#query", "fields @message | sorted @timestamp")
    light.press("#query", "Control+Enter")
    mistake = light.inner_text("mark")
    dark.goto(f"{url}/functions/{function}/logs")
    dark.click("#log a >> nth=-1")
    dark.wait_for_selector("text=Invocation")
    dark.click(".fall a:text-is('logs') >> nth=0")
    dark.wait_for_selector("text=REPORT RequestId")
    dark.goto(f"{url}/traces?filter=fault")
    dark.click("#list tbody a >> nth=0")
    dark.wait_for_selector("text=no stock for this order")
    dark.screenshot(path=folder / "console-trace.png")
    dark.goto(f"{url}/traces/graph")
    nodes = dark.locator(".graph .node").count()
    dark.goto(f"{url}/doctor")
    dark.wait_for_selector("text=isolates functions in namespaces")
    return {"mistake": mistake, "nodes": nodes}


def _tuned(page: Any, url: str, function: str, folder: Path) -> dict[str, Any]:
    """Applied by one key."""
    page.goto(f"{url}/functions/{function}/tune")
    page.fill("input[name=memory]", "128,256,512,1024")
    page.fill("input[name=runs]", "10")
    page.fill("input[name=cold]", "2")
    page.fill("textarea[name=events]", '{"count": 60000}')
    page.press("textarea[name=events]", "Control+Enter")
    page.wait_for_selector("progress")
    page.wait_for_selector("img.chart")
    page.evaluate("document.querySelector('img.chart').decode()")
    page.screenshot(path=folder / "console-tune.png")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("a")
    page.wait_for_url("**/configuration")
    return {"applied": page.input_value("input[name=MemorySize]")}


def _narrow(page: Any, url: str, function: str) -> dict[str, Any]:
    wide, one = [], f"functions/{function}"
    for path in (
        *("functions", "create-function", "insights", "traces", "traces/graph", "doctor"),
        *("environments", "queues", "queues/emails", "account", "learn", "learn/concurrent"),
        *(one, f"{one}/configuration", f"{one}/versions", f"{one}/monitor", f"{one}/tune"),
    ):
        page.goto(f"{url}/{path}")
        if path == "environments":
            page.click("#rows button >> nth=0")
            page.wait_for_selector("#detail >> text=Log stream")
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        wide.append((over, path))
    return {"too_wide": max(wide)}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))))
