"""Environments of real processes: what callers get and what is logged, in good days and bad."""

import json
import re
from pathlib import Path

from stoker.core.invoke_limits import EVENT_BYTES
from tests.invoking import ECHO, Ground, run

ID = "11111111-2222-4333-8444-abcdefabcdef"
MS = r"\d+\.\d\d ms"
INIT_START = r"INIT_START .*\n"
START = r"START RequestId: \S+ Version: \$LATEST\n"
END = r"END RequestId: \S+\n"


def report(rest: str = r"\t\n") -> str:
    return (
        rf"REPORT RequestId: \S+\tDuration: {MS}\tBilled Duration: \d+ ms\t"
        rf"Memory Size: 128 MB\tMax Memory Used: \d+ MB{rest}"
    )


def failed(kind: str) -> str:
    return report(rf"\tStatus: error\tError Type: {kind}\n")


def assert_lines(lines: list[str], *patterns: str) -> None:
    shown = "".join(f"\n  {line!r}" for line in lines)
    assert len(lines) == len(patterns), shown
    for line, pattern in zip(lines, patterns, strict=True):
        assert re.fullmatch(pattern, line, re.DOTALL), f"{line!r} is not {pattern}{shown}"


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_cold_start_and_a_warm_one_run_in_the_same_process(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function("serve(lambda event: [os.getpid(), event])")
        first = json.loads((await world.invoke(f, b'{"n":1}')).payload)
        second = json.loads((await world.invoke(f, b'{"n":2}')).payload)
        assert first[0] == second[0]
        assert [first[1], second[1]] == [{"n": 1}, {"n": 2}]

    run(tmp_path, story)


def test_the_lines_of_a_cold_and_a_warm_invocation_are_those_of_aws(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            "print('init', flush=True)\nserve(lambda event: print('hi', flush=True))"
        )
        await world.invoke(f, request_id=ID)
        await world.idle(f)
        await world.invoke(f)
        await world.idle(f)
        assert_lines(
            await world.lines(f),
            r"INIT_START Runtime Version: provided:al2023\.v1\t"
            r"Runtime Version ARN: arn:aws:lambda:eu-west-1::runtime:[0-9a-f]{64}\n",
            r"init\n",
            rf"START RequestId: {ID} Version: \$LATEST\n",
            r"hi\n",
            rf"END RequestId: {ID}\n",
            report(rf"\tInit Duration: {MS}\t\n"),
            START,
            r"hi\n",
            END,
            report(),
        )

    run(tmp_path, story)


def test_an_error_of_the_handler_is_its_own_business(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            """
while True:
    fail(next_event()[0], '{"errorMessage": "no"}', {"Content-Type": "application/json"})
"""
        )
        result = await world.invoke(f)
        assert result.function_error == "Unhandled"
        assert result.payload == b'{"errorMessage": "no"}'
        await world.idle(f)
        lines = await world.lines(f)
        assert_lines(lines, INIT_START, START, END, report(rf"\tInit Duration: {MS}\t\n"))

    run(tmp_path, story)


def test_a_timeout_answers_and_resets_the_environment_in_place(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            """
kept = os.environ["TMPDIR"] + "/kept"
def handle(event):
    if event == "hang":
        open(kept, "w").write("still here")
        time.sleep(60)
    return [os.getpid(), open(kept).read()]
serve(handle)
""",
            timeout_s=1,
        )
        result = await world.invoke(f, b'"hang"', request_id=ID)
        assert result.function_error == "Unhandled"
        assert result.payload == (
            b'{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: %b '
            b'Error: Task timed out after 1.00 seconds"}' % ID.encode()
        )
        before = await world.idle(f)
        assert before.phase == "Blank"
        assert before.pids == ()
        payload = json.loads((await world.invoke(f, b'"look"')).payload)
        assert payload[1] == "still here"
        after = await world.idle(f)
        assert (after.id, after.log_stream) == (before.id, before.log_stream)
        assert_lines(
            await world.lines(f),
            INIT_START,
            START,
            rf"\d{{4}}-\d\d-\d\dT[\d:]{{8}}\.\d{{3}}Z {ID} Task timed out after 1\.00 seconds\n",
            END,
            r"REPORT .*\tDuration: 1000\.00 ms\tBilled Duration: \d+ ms\t"
            rf".*\tInit Duration: {MS}\tStatus: timeout\n",
            START,
            END,
            report(),  # the second init is part of its duration
        )

    run(tmp_path, story)


def test_a_stale_deadline_does_not_hit_the_next_invocation(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function("serve(lambda event: time.sleep(event) or os.getpid())", timeout_s=2)
        pids = {(await world.invoke(f, event)).payload for event in (b"0.7", b"0.7", b"0.7", b"0")}
        assert len(pids) == 1

    run(tmp_path, story)


EXITS = {
    "os._exit(0)": "Runtime exited without providing a reason",
    "sys.exit(3)": "Runtime exited with error: exit status 3",
    "os.kill(os.getpid(), 11)": "Runtime exited with error: signal: segmentation fault",
    "os.kill(os.getpid(), 9)": "Runtime exited with error: signal: killed",
}


def test_a_runtime_that_exits_says_how_in_gos_words(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        for script, words in EXITS.items():
            f = world.function(f"serve(lambda event: {script})")
            result = await world.invoke(f, request_id=ID)
            assert json.loads(result.payload) == {
                "errorType": "Runtime.ExitError",
                "errorMessage": f"RequestId: {ID} Error: {words}",
            }
            assert result.payload.startswith(b'{"errorType":"Runtime.ExitError","errorMessage":"')
            await world.idle(f)
            assert_lines(
                await world.lines(f),
                INIT_START,
                START,
                rf"RequestId: {ID} Error: {re.escape(words)}\nRuntime\.ExitError",
                END,
                r"REPORT .*\tStatus: error\tError Type: Runtime\.ExitError\n",
            )

    run(tmp_path, story)


def test_what_a_dying_runtime_printed_last_stands_before_end(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            "print('x' * 50000, flush=True)\n"
            "serve(lambda event: os.write(1, b'last' * 10000) and os._exit(1))"
        )
        await world.invoke(f)
        await world.idle(f)
        lines = await world.lines(f)
        assert lines[3] == "last" * 10000
        assert lines[4].startswith("RequestId:")

    run(tmp_path, story)


def test_a_crash_after_the_answer_leaves_it_standing_and_costs_a_reset(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function("respond(next_event()[0], str(os.getpid()))\nos._exit(1)")
        first = await world.invoke(f)
        assert first.function_error is None
        environment = await world.idle(f)
        second = await world.invoke(f)
        assert second.function_error is None
        assert second.payload != first.payload
        assert (await world.idle(f)).id == environment.id
        again = [START, r"RequestId: .*", END, failed(r"Runtime\.ExitError")]
        lines = await world.lines(f)
        assert_lines(lines[:1] + lines[5:], INIT_START, *again)

    run(tmp_path, story)


def test_an_init_that_exits_is_tried_again_inside_the_invocation(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function("print('trying', flush=True)\nsys.exit(7)")
        words = "Runtime exited with error: exit status 7"
        for _ in range(2):
            result = await world.invoke(f, request_id=ID)
            assert json.loads(result.payload)["errorMessage"] == f"RequestId: {ID} Error: {words}"
            await world.idle(f)
        init_report = rf"INIT_REPORT Init Duration: {MS}\tPhase: {{}}\tStatus: error\t"
        init_report += r"Error Type: Runtime\.ExitError\n"
        tried = [
            r"trying\n",
            init_report.format("invoke"),
            START,
            rf"RequestId: {ID} Error: {words}\nRuntime\.ExitError",
            END,
            failed(r"Runtime\.ExitError"),
        ]
        lines = await world.lines(f)
        assert_lines(lines, INIT_START, r"trying\n", init_report.format("init"), *tried, *tried)
        assert len(world.views(f)) == 1

    run(tmp_path, story)


def test_a_posted_init_error_is_the_payload_and_wins_over_the_exit(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            """
body = '{"errorMessage": "m", "errorType": "E", "requestId": "", "stackTrace": []}'
init_error(body, {"Lambda-Runtime-Function-Error-Type": "Runtime.ImportModuleError"})
sys.exit(1)
"""
        )
        result = await world.invoke(f)
        assert result.function_error == "Unhandled"
        assert result.payload == (
            b'{"errorMessage": "m", "errorType": "E", "requestId": "", "stackTrace": []}'
        )
        await world.idle(f)
        kind = r"Runtime\.ImportModuleError"
        assert_lines(
            await world.lines(f),
            INIT_START,
            rf"INIT_REPORT Init Duration: {MS}\tPhase: init\tStatus: error\tError Type: {kind}\n",
            rf"INIT_REPORT Init Duration: {MS}\tPhase: invoke\tStatus: error\tError Type: {kind}\n",
            START,
            END,
            failed(kind),
        )

    run(tmp_path, story)


def test_an_init_that_succeeds_the_second_time_is_part_of_the_duration(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            """
flag = os.environ["TMPDIR"] + "/flag"
if not os.path.exists(flag):
    open(flag, "w").close()
    sys.exit(1)
"""
            + ECHO
        )
        assert (await world.invoke(f, b"1")).payload == b"1"
        await world.idle(f)
        assert_lines(
            await world.lines(f),
            INIT_START,
            r"INIT_REPORT .*\tPhase: init\tStatus: error\tError Type: Runtime\.ExitError\n",
            START,
            END,
            report(),
        )

    run(tmp_path, story)


def test_an_init_over_its_limit_goes_on_under_the_functions_own_timeout(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function("time.sleep(0.6)\n" + ECHO)
        assert (await world.invoke(f, b"1")).payload == b"1"
        await world.idle(f)
        assert_lines(
            await world.lines(f),
            INIT_START,
            rf"INIT_REPORT Init Duration: {MS}\tPhase: init\tStatus: timeout\n",
            START,
            END,
            report(),
        )

    run(tmp_path, story, init_limit_s=0.2)


def test_a_second_init_can_time_out_as_well(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function("time.sleep(60)", timeout_s=1)
        result = await world.invoke(f)
        assert json.loads(result.payload)["errorType"] == "Sandbox.Timedout"
        await world.idle(f)
        assert_lines(
            await world.lines(f),
            INIT_START,
            rf"INIT_REPORT Init Duration: {MS}\tPhase: init\tStatus: timeout\n",
            rf"INIT_REPORT Init Duration: {MS}\tPhase: invoke\tStatus: timeout\n",
            START,
            r".* Task timed out after 1\.00 seconds\n",
            END,
            r"REPORT .*\tDuration: 1000\.00 ms\t.*\tStatus: timeout\n",
        )

    run(tmp_path, story, init_limit_s=0.1)


def test_a_function_without_a_usable_bootstrap_says_so(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        nothing = world.target({"other": ""})
        result = await world.invoke(nothing, request_id=ID)
        assert (
            result.payload
            == (
                b'{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: %b Error: '
                b"Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]\"}"
            )
            % ID.encode()
        )

        not_executable = world.target({"bootstrap": "#!/bin/sh\n"})
        bootstrap = world.folder / "code" / not_executable.code / "bootstrap"
        bootstrap.chmod(0o644)
        result = await world.invoke(not_executable)
        message = json.loads(result.payload)["errorMessage"]
        assert message.endswith(f"fork/exec {bootstrap}: permission denied")

        wrong_format = world.target({"bootstrap": "neither script nor program"})
        result = await world.invoke(wrong_format)
        assert json.loads(result.payload)["errorType"] == "Runtime.InvalidEntrypoint"
        assert "exec format error" in json.loads(result.payload)["errorMessage"]

    run(tmp_path, story)


def test_a_layer_may_bring_the_bootstrap(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        layer = world.function("serve(lambda event: 'from the layer')")
        f = world.target({"data": ""}, layers=(layer.code,))
        assert (await world.invoke(f)).payload == b'"from the layer"'

    run(tmp_path, story)


def test_the_packages_own_bootstrap_goes_before_a_layers(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        layer = world.function("serve(lambda event: 'from the layer')")
        f = world.function("serve(lambda event: 'from the package')", layers=(layer.code,))
        assert (await world.invoke(f)).payload == b'"from the package"'

    run(tmp_path, story)


def test_variables_may_have_any_signs_in_them(tmp_path: Path) -> None:
    variables = (("EQUALS", "a=b==c="), ("LINES", "one\ntwo\t"), ("QUOTES", "'\"`$(x) ä€😀"))

    async def story(world: Ground) -> None:
        script = "serve(lambda event: {name: os.environ[name] for name in event})"
        f = world.function(script, environment=variables)
        names = json.dumps([name for name, _ in variables]).encode()
        assert json.loads((await world.invoke(f, names)).payload) == dict(variables)

    run(tmp_path, story)


def test_an_idle_environment_stands_still_until_the_next_event(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            """
ticks = 0
def tick():
    global ticks
    while True:
        ticks += 1
        time.sleep(0.001)
threading.Thread(target=tick, daemon=True).start()
serve(lambda event: ticks)
"""
        )
        await world.invoke(f)
        await world.until(lambda: world.views(f)[0].frozen)
        # Each thread stops when it is next scheduled, which on a busy machine takes a moment.
        await world.until(lambda: {state_of(pid) for pid in world.views(f)[0].pids} == {"T"})
        before = int((await world.invoke(f)).payload)
        await world.until(lambda: int(world.views(f)[0].frozen) == 1)
        after = int((await world.invoke(f)).payload)
        assert after >= before

    run(tmp_path, story)


def test_everything_a_handler_prints_stands_between_start_and_end(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            """
def handle(event):
    for n in range(event):
        print(n)
    print("no newline at the end", end="", flush=True)
serve(handle)
"""
        )
        await world.invoke(f, b"20000")
        await world.idle(f)
        await world.invoke(f, b"0")
        await world.idle(f)
        lines = await world.lines(f)
        printed = [f"{n}\n" for n in range(20000)]
        assert lines[2:20003] == [*printed, "no newline at the end"]
        assert lines[20003].startswith("END")
        assert lines[20006:20008] == ["no newline at the end", lines[20007]]

    run(tmp_path, story)


def test_a_line_longer_than_an_event_comes_in_pieces_and_whole_characters(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function("serve(lambda event: print('x' + '\\u00e9' * 300000, flush=True))")
        await world.invoke(f)
        await world.idle(f)
        pieces = (await world.lines(f))[2:-2]
        assert "".join(pieces) == "x" + "\u00e9" * 300000 + "\n"
        assert all(len(piece.encode()) <= EVENT_BYTES for piece in pieces)
        assert len(pieces) == 3

    run(tmp_path, story)


def test_a_background_child_that_never_stops_printing_delays_nobody(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        noisy = world.function(
            """
if os.fork() == 0:
    while True:
        os.write(1, b"\\n" * 4096)
"""
            + ECHO
        )
        quiet = world.function(ECHO)
        for n in range(5):
            event = b"%d" % n
            assert (await world.invoke(noisy, event)).payload == event
            assert (await world.invoke(quiet, event)).payload == event
            await world.idle(noisy)

    run(tmp_path, story)


def test_the_tail_is_the_end_of_what_was_logged(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function("serve(lambda event: print('x' * event, flush=True))")
        cold = await world.invoke(f, b"10", tail=True)
        assert cold.log_tail is not None
        text = cold.log_tail.decode()
        assert re.fullmatch(
            INIT_START + START + "x{10}\n" + END + report(rf"\tInit Duration: {MS}\t\n"), text
        )
        warm = await world.invoke(f, b"10", tail=True)
        assert warm.log_tail is not None
        assert re.fullmatch(START + "x{10}\n" + END + report(), warm.log_tail.decode())
        assert (await world.invoke(f, b"10")).log_tail is None
        long = await world.invoke(f, b"100000", tail=True)
        assert long.log_tail is not None
        assert len(long.log_tail) == 4096
        assert re.fullmatch("x+\n" + END + report(), long.log_tail.decode())

    run(tmp_path, story)


def test_the_tail_of_a_failure_has_its_lines_too(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function("serve(lambda event: os._exit(1))")
        result = await world.invoke(f, tail=True)
        assert result.log_tail is not None
        assert b"Runtime.ExitError" in result.log_tail
        assert result.log_tail.endswith(b"Status: error\tError Type: Runtime.ExitError\n")

    run(tmp_path, story)
