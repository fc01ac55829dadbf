"""Extensions of real processes that subscribe: what an environment tells them, and when."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from stoker.core.invocation import LogSettings
from tests.component.test_environment import assert_lines
from tests.extending import EXTENSION, SUBSCRIBER
from tests.invoking import ECHO, Ground, run
from tests.subscribing import lost

ID = "11111111-2222-4333-8444-abcdefabcdef"
# Writes every event it gets to a file outside, a line each, before it says that it has it; goes on
# as if nothing were.
KEEPER = """
me = register("INVOKE", "SHUTDOWN")
files = (os.environ[name] for name in ("KEPT", "OWED", "LIVES"))
kept, owed, lives = (os.open(file, os.O_WRONLY | os.O_APPEND) for file in files)
os.write(lives, b".")
life, one_more, unsaid = os.fstat(lives).st_size, threading.Condition(), 0
def take(batch):
    global unsaid
    with one_more:
        os.write(kept, "".join(json.dumps(told) + "\\n" for told in batch).encode())
        unsaid += 1
def took():
    global unsaid
    with one_more:
        unsaid -= 1
        one_more.notify()
answer = subscribe(me, listen(), **json.loads(os.environ.get("CHANGES", "{}")))
assert answer == (200, "OK"), answer
"""
# Leaves when it has heard the last word and said that it has (else it would hear it again in its
# next life), or is killed at the end of its budget: there is a report of every invocation, also of
# one for whose init it was started again.
LOOP = """
def complete():
    said = [json.loads(line) for line in set(open(os.environ["KEPT"]))]
    reports = sum(each["type"] == "platform.report" for each in said)
    failed = [each for each in said if each["type"] == "platform.initReport"
              and each["record"]["status"] == "error"]
    invocations = os.fstat(owed).st_size
    return not unsaid and (reports >= invocations if invocations else bool(failed))
invoked = False
while True:
    if event(me)["eventType"] == "INVOKE":
        os.write(owed, b".")
        invoked = True
        continue
    if life > 1 and not invoked:
        os.write(owed, b".")
    with one_more:
        one_more.wait_for(complete)
    os._exit(0)
"""


def kinds(events: list[dict[str, Any]]) -> list[str]:
    """Without subscriptions: the runtime may be faster than they."""
    kinds = [str(event["type"]).removeprefix("platform.") for event in events]
    return [kind for kind in kinds if not kind.endswith("Subscription")]


class Keeper:
    """A function with an extension that keeps what it is told."""

    def __init__(
        self, world: Ground, script: str = ECHO, *, agent: str = KEEPER + LOOP, **facts: Any
    ) -> None:
        self.world = world
        files = {name: world.folder / name.lower() for name in ("KEPT", "OWED", "LIVES")}
        for file in files.values():
            file.touch()
        self.file = files["KEPT"]
        changes = facts.pop("changes", {})
        layer = world.layer({"extensions/agent": EXTENSION + SUBSCRIBER + agent})
        outside = ((name, str(file)) for name, file in files.items())
        environment = (("CHANGES", json.dumps(changes)), *outside)
        self.target = world.function(script, layers=(layer,), environment=environment, **facts)

    @property
    def events(self) -> list[dict[str, Any]]:
        lines = self.file.read_text().rpartition("\n")[0].splitlines()
        return [json.loads(line) for line in lines]

    @property
    def kinds(self) -> list[str]:
        return kinds(self.events)

    def records(self, kind: str) -> list[Any]:
        return [event["record"] for event in self.events if event["type"].endswith(kind)]

    async def ended(self) -> None:
        self.world.invoker.retire(lambda _: False)
        await self.world.until(lambda: not self.world.views(self.target))


COLD = ["initStart", "initRuntimeDone", "extension", "initReport"]


def test_a_cold_and_a_warm_invocation_tell_awss_events_in_awss_order(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        it = Keeper(world, "serve(lambda event: print('hi', flush=True))")
        await world.invoke(it.target, request_id=ID)
        await world.idle(it.target)
        await world.invoke(it.target)
        await world.idle(it.target)
        await it.ended()  # what was left came with the goodbye
        warm = ["start", "function", "runtimeDone", "report"]
        assert it.kinds == COLD + warm + warm
        start, done, report = (it.records(k)[0] for k in (".start", ".runtimeDone", ".report"))
        assert start["requestId"] == ID and start["functionArn"] == it.target.arn
        assert it.records("function") == ["hi\n"] * 2
        assert [span["name"] for span in done["spans"]] == [
            "responseLatency", "responseDuration", "runtimeOverhead",
        ]  # fmt: skip
        assert report["metrics"]["durationMs"] >= done["metrics"]["durationMs"]
        assert it.events[0]["type"] == "platform.initStart"
        (subscribed,) = it.records(".telemetrySubscription")
        assert subscribed["state"] == "Subscribed"
        assert it.records(".extension") == [
            {"name": "agent", "state": "Ready", "events": ["INVOKE", "SHUTDOWN"]}
        ]
        times = [event["time"] for event in it.events]
        assert times == sorted(times)
        lines = await world.lines(it.target)
        assert lines[1] == (
            "TELEMETRY\tName: agent\tState: Subscribed\tTypes: [Platform, Function, Extension]\n"
        )

    run(tmp_path, story)


def test_an_extension_may_wait_for_runtime_done_before_it_goes_on(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        agent = """
me = register("INVOKE")
assert subscribe(me, listen(), types=["platform"])[0] == 200
done = 0
def wait_for(kind):
    while True:
        for told in batches.get():
            if told["type"] == kind:
                return
            if told["type"] == "platform.report":
                say([span["name"] for span in told["record"]["spans"]])
event(me)
while True:
    wait_for("platform.runtimeDone")
    say("the runtime is done")
    event(me)
"""
        it = Keeper(world, agent=agent)
        for number in (b"1", b"2"):
            assert (await world.invoke(it.target, number)).payload == number
            await world.idle(it.target)
        said = [line for line in await world.lines(it.target) if line.startswith("agent ")]
        done = "agent the runtime is done\n"
        assert said == [done, "agent ['extensionOverhead']\n", done]

    run(tmp_path, story)


def test_the_older_api_has_its_own_records(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        agent = (KEEPER + LOOP).replace("listen(), ", "listen(), '/2020-08-15/logs', ")
        it = Keeper(world, agent=agent, changes={"schemaVersion": "2021-03-18"})
        await world.invoke(it.target, request_id=ID)
        await world.idle(it.target)
        await it.ended()
        assert it.kinds == ["extension", "start", "runtimeDone", "end", "report"]
        assert it.events[0]["type"] == "platform.logsSubscription"
        assert [event["record"] for event in it.events[2:5]] == [
            {"requestId": ID, "version": "$LATEST"},
            {"requestId": ID, "status": "success"},
            {"requestId": ID},
        ]
        assert (await world.lines(it.target))[1] == (
            "LOGS\tName: agent\tState: Subscribed\tTypes: [Platform, Function, Extension]\n"
        )

    run(tmp_path, story)


def test_a_timeout_is_told_and_the_subscription_outlives_the_reset(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        it = Keeper(
            world,
            "serve(lambda event: time.sleep(60) if event == 'hang' else event)",
            timeout_s=2,  # the second one's is for another init, too
        )
        await world.invoke(it.target, b'"hang"', request_id=ID)
        await world.idle(it.target)
        assert (await world.invoke(it.target, b"2")).payload == b"2"
        await world.idle(it.target)
        await it.ended()
        assert it.kinds == [
            *COLD, "start", "runtimeDone", "report",
            *COLD, "start", "runtimeDone", "report",
        ]  # fmt: skip
        done, report = it.records(".runtimeDone")[0], it.records(".report")[0]
        assert done["status"] == report["status"] == "timeout"
        assert done["metrics"]["producedBytes"] == 0
        assert report["metrics"]["durationMs"] == 2000.0
        phases = [event["record"]["phase"] for event in it.events if "phase" in event["record"]]
        assert phases == ["init"] * 3 + ["invoke"] * 3
        states = [event["record"].get("state") for event in it.events]
        assert [state for state in states if state] == [
            "Subscribed", "Ready", "Already subscribed", "Ready",
        ]  # fmt: skip

    run(tmp_path, story)


def test_a_failed_init_is_told_from_its_beginning(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        it = Keeper(world, 'print("no", flush=True)\nos._exit(3)')
        while "report" not in it.kinds:  # who was killed is told when it runs again
            await world.invoke(it.target)
            await world.idle(it.target)
        # Who is killed before it has said that it has them gets the same events again.
        once = [event for n, event in enumerate(it.events) if event not in it.events[:n]]
        attempt = ["initStart", "function", "initRuntimeDone", "initReport"]
        told = [*attempt, *attempt, "start", "runtimeDone", "report"]
        assert [kind for kind in kinds(once) if kind != "extension"][: len(told)] == told
        for event in it.events:
            if "status" in event["record"]:
                assert event["record"]["status"] == "error"
                assert event["record"]["errorType"] == "Runtime.ExitError"

    run(tmp_path, story)


def test_json_lines_are_objects_and_levels_do_not_concern_subscribers(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        script = """
line = json.dumps({"level": "DEBUG", "timestamp": "2099-01-01T00:00:00Z", "n": 1})
serve(lambda event: event and print(line, "plain", sep="\\n", flush=True))
"""
        it = Keeper(world, script, changes={"types": ["function"]})
        settings = LogSettings(it.target.log.group, "JSON", "ERROR", "WARN")
        target = it.target = replace(it.target, log=settings)
        await world.invoke(target, b"1")
        while len(it.events) < 2:
            await world.idle(target)
            await world.invoke(target, b"0")
        records = [event["record"] for event in it.events]
        assert records == [
            {"level": "DEBUG", "timestamp": "2099-01-01T00:00:00Z", "n": 1},
            "plain\n",
        ]

    run(tmp_path, story)


def test_ten_thousand_lines_reach_the_log_and_the_subscriber_or_are_counted(
    tmp_path: Path,
) -> None:
    async def story(world: Ground) -> None:
        script = """
def handle(event):
    for n in range(10_000 if event else 0):
        print(f"{n:05d}", "x" * 60)
    sys.stdout.flush()
serve(handle)
"""
        it = Keeper(world, script, changes={"types": ["function"]})
        await world.invoke(it.target, b"1")
        while len(it.file.read_text().splitlines()) < 10_000 and not lost(it.events):
            await world.idle(it.target)
            await world.invoke(it.target, b"0")  # what was left comes when it runs again
        await world.idle(it.target)
        logged = [line for line in await world.lines(it.target) if line.endswith("x\n")]
        assert len(logged) == 10_000
        events = it.events
        told = [event["record"] for event in events if event["type"] == "function"]
        assert len(told) + lost(events) == 10_000
        there = set(told)
        assert told == [line for line in logged if line in there], "in order"

    run(tmp_path, story)


def test_bad_subscriptions_are_refused_and_change_nothing(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        agent = """
me = register("INVOKE")
port = listen()
tried = [
    ask("PUT", "/2022-07-01/telemetry", "{}", {})[:2],
    ask("PUT", "/2022-07-01/telemetry", "{}", {"Lambda-Extension-Identifier": "x"})[:2],
    ask("PUT", "/2022-07-01/telemetry", "{}",
        {"Lambda-Extension-Identifier": "00000000-0000-4000-8000-000000000000"})[:2],
    ask("PUT", "/2022-07-01/telemetry", "not json", me)[:2],
    ask("PUT", "/2022-07-01/telemetry", "x" * 1_000_000, me)[:2],
    ask("GET", "/2022-07-01/telemetry", None, me)[:2],
    subscribe(me, int(API.rpartition(":")[2])),
    subscribe(me, port, destination={"protocol": "TCP", "port": 1}),
    subscribe(me, port),
    subscribe(me, port),
    subscribe(me, port, "/2020-08-15/logs", schemaVersion="2020-08-15"),
]
say(json.dumps(tried))
event(me)
say(json.dumps(subscribe(me, port)))
event(me)
"""
        it = Keeper(world, agent=agent)
        assert (await world.invoke(it.target, b"1")).payload == b"1"
        await world.idle(it.target)
        said = [
            json.loads(line.removeprefix("agent "))
            for line in await world.lines(it.target)
            if line.startswith("agent ")
        ]
        tried, late = said
        assert [status for status, _ in tried] == [
            403, 403, 403, 400, 413, 405, 400, 400, 200, 200, 400,
        ]  # fmt: skip
        assert late[0] == 403
        assert late[1]["errorType"] == "Telemetry.SubscriptionClosed"

    run(tmp_path, story)


def test_lines_without_a_subscriber_are_as_before(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function("print('init', flush=True)\n" + ECHO)
        await world.invoke(f)
        await world.idle(f)
        assert_lines(
            await world.lines(f), r"INIT_START .*\n", r"init\n", r"START .*\n", r"END .*\n",
            r"REPORT .*\n",
        )  # fmt: skip

    run(tmp_path, story)


def test_ten_subscribers_that_take_nothing_hold_up_neither_their_function_nor_others(
    tmp_path: Path,
) -> None:
    """Over both protocols: nobody ever accepts, or reads."""
    script = """
EXT, SUB = "/2020-01-01/extension", "/2022-07-01/telemetry"
def join(name, protocol):
    on = http.client.HTTPConnection(API)
    _, _, answer = call("POST", EXT + "/register", "{}", {"Lambda-Extension-Name": name}, on)
    me = {"Lambda-Extension-Identifier": answer.headers["Lambda-Extension-Identifier"]}
    deaf = socket.create_server(("127.0.0.1", 0), backlog=1)
    port = deaf.getsockname()[1]
    to = {"protocol": "TCP", "port": port}
    if protocol == "HTTP":
        to = {"protocol": "HTTP", "URI": f"http://sandbox:{port}/"}
    body = {"schemaVersion": "2022-12-13", "types": ["platform", "function"],
            "buffering": {"timeoutMs": 25}, "destination": to}
    assert call("PUT", SUB, json.dumps(body), me, on)[0] == 200
    threading.Thread(target=call, args=("GET", EXT + "/event/next", None, me, on)).start()
    return deaf
kept = [join(f"inner-{n}", "HTTP" if n % 2 else "TCP") for n in range(10)]
def handle(event):
    for n in range(20_000):
        print(f"{n:05d}", "x" * 60)
    sys.stdout.flush()
    return event
serve(handle)
"""

    async def story(world: Ground) -> None:
        loud, quiet = world.function(script), world.function(ECHO)
        for number in (b"1", b"2"):
            assert (await world.invoke(loud, number)).payload == number
            assert (await world.invoke(quiet, number)).payload == number
            await world.idle(loud)
        said = [line for line in await world.lines(loud) if line.endswith("x\n")]
        assert len(said) == 40_000

    run(tmp_path, story)
