"""Conversations with the environment's machine, as text (*.txt beside this file).

A command, then what comes of it:

    invoke r1
    ----
    deliver r1 to runtime
    START r1

Commands of the runtime go through the table of legal calls first, as over HTTP. Lines that begin
with "#" are for the reader.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from stoker.core import faults
from stoker.core import lifecycle_words as life
from stoker.core.extension_states import ExtensionState
from stoker.core.faults import Fault
from stoker.core.invocation import RequestId
from stoker.core.lifecycle import Lifecycle, NotAllowed
from stoker.core.lifecycle_words import RUNTIME, Effect, Extension, Party, Status
from stoker.core.runtime_states import Answer, Call, refusal

FILES = sorted(Path(__file__).parent.glob("*.txt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_scenario(path: Path) -> None:
    environment = Lifecycle()
    for number, command, expected in blocks(path.read_text()):
        words = command.split()
        if words[0] == "environment":
            environment = made(words[1:])
            continue
        came = list(told(environment, words, command))
        assert came == expected, f"{path.name}:{number}: {command}"


def blocks(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """(line number, command, expected lines) of each block; blocks end at an empty line."""
    lines = [line.rstrip() for line in text.splitlines()]
    for block in re.split(r"\n{2,}", "\n".join(lines).strip()):
        spoken = [line for line in block.split("\n") if not line.startswith("#")]
        if spoken:
            rest = spoken[1:]
            assert not rest or rest[0] == "----", f"{spoken[0]}: ---- must follow"
            yield lines.index(spoken[0]) + 1, spoken[0], rest[1:]


def made(words: list[str]) -> Lifecycle:
    facts = dict(word.split("=") for word in words)
    names = frozenset(Party(name) for name in facts.get("extensions", "").split(",") if name)
    return Lifecycle(timeout_s=float(facts.get("timeout", 3)), externals=names)


def told(environment: Lifecycle, words: list[str], command: str) -> Iterator[str]:
    refused = illegal(environment, words)
    if refused is not None:
        yield f"{refused.status} {json.loads(refused.body)['errorType']}"
        return
    try:
        effects = environment.handle(event(words, command))
    except NotAllowed:
        yield "refused"
        return
    for effect in effects:
        yield shown(effect)


def illegal(environment: Lifecycle, words: list[str]) -> Answer | None:
    """What the Runtime API answers to a call that may not be carried out now."""
    match words:
        case ["runtime", "next"]:
            return refusal(environment.runtime_state, Call.NEXT)
        case ["runtime", "init/error", _]:
            return refusal(environment.runtime_state, Call.INIT_ERROR)
        case ["runtime", ("response" | "error") as call, request_id, *_]:
            wanted = Call.RESPONSE if call == "response" else Call.ERROR
            held = environment.handed(request_id)
            return refusal(environment.runtime_state, wanted, id_matches=held)
    return None


def event(words: list[str], command: str) -> life.Event:
    match words:
        case ["born"]:
            return life.Born()
        case ["invoke", request_id]:
            return life.Assigned(RequestId(request_id))
        case ["deadline", request_id]:
            return life.DeadlinePassed(RequestId(request_id))
        case ["runtime", "next"]:
            return life.AskedNext(RUNTIME)
        case ["runtime", "init/error", kind]:
            return life.InitErrorPosted(kind)
        case ["runtime", "response", request_id, "too", "large"]:
            return life.Answered(RequestId(request_id), faults.OVERSIZED)
        case ["runtime", "response" | "error", request_id]:
            return life.Answered(RequestId(request_id))
        case ["runtime", "exits", code]:
            fault = faults.runtime_exit(int(code), None, None, out_of_memory=False)
            return life.Exited(RUNTIME, fault)
        case ["runtime", "killed", *memory]:
            fault = faults.runtime_exit(None, 9, None, out_of_memory=bool(memory))
            return life.Exited(RUNTIME, fault)
        case ["init", "limit"]:
            return life.InitLimitPassed()
        case ["budget", "spent"]:
            return life.BudgetSpent()
        case ["retire"]:
            return life.Retired()
        case ["lost", *why]:
            return life.Lost(" ".join(why))
        case [name, "next"]:
            return life.AskedNext(Party(name))
        case [name, ("registers" | "registers-inside") as how, *wants]:
            extension = Extension(
                Party(name), how == "registers", "INVOKE" in wants, "SHUTDOWN" in wants
            )
            return life.Registered(extension)
        case [name, ("init/error" | "exit/error") as call, kind]:
            state = ExtensionState.INIT_ERROR if call == "init/error" else ExtensionState.EXIT_ERROR
            return life.ExtensionFailed(Party(name), state, kind)
        case [name, "killed"]:
            return life.Exited(Party(name), faults.extension_exit(None, 9, None))
        case [name, "exits", code]:
            return life.Exited(Party(name), faults.extension_exit(int(code), None, None))
    raise AssertionError(f"not understood: {command}")


def shown(effect: Effect) -> str:
    match effect:
        case life.Start(party):
            return f"start {party}"
        case life.InitBegan(phase):
            return "init begins" if phase == "init" else "init begins inside the invocation"
        case life.InitEnded(phase, status, fault, seen):
            stand = "".join(f"; {one.party} {one.state}" for one in seen)
            return f"init ends in phase {phase}{outcome(status, fault)}{stand}"
        case life.Deliver(request_id, to):
            return f"deliver {request_id} to {', '.join(sorted(to))}"
        case life.InvokeBegan(request_id):
            return f"START {request_id}"
        case life.RuntimeDone(request_id):
            return f"the runtime is done with {request_id or 'the init'}"
        case life.Finish(request_id, fault):
            if fault is None or fault.posted:
                return f"answer {request_id} with what was posted"
            return f"answer {request_id} with {fault.type}: {fault.text}"
        case life.Abandon(request_id, reason):
            return f"answer {request_id} with our own failure: {reason}"
        case life.InvokeEnded(request_id, status, fault):
            return f"END and REPORT {request_id}{outcome(status, fault)}"
        case life.BecomeIdle():
            return "idle"
        case life.Withdraw():
            return "not available"
        case life.Dismiss(budget_ms):
            return f"{budget_ms} ms to leave"
        case life.Terminate(grace_ms):
            return f"SIGTERM to the runtime, SIGKILL after {grace_ms} ms"
        case life.Goodbye(reason, to, kill):
            told = f"SHUTDOWN {reason} to {', '.join(sorted(to)) or 'nobody'}"
            return told + (f", SIGKILL to {', '.join(sorted(kill))}" if kill else "")
        case life.KillAll():
            return "kill all processes"
        case life.Kill(reason):
            return f"destroy: {reason}"


def outcome(status: Status, fault: Fault | None) -> str:
    if status is Status.SUCCESS:
        return ""
    return f": {status}" + (f" {fault.type}" if fault and status is Status.ERROR else "")
