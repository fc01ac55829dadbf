"""In the child: executions of state machines, by moto's interpreter, within bounds, and kept.

    StartExecution ──► threads of moto's ──► Lambda tasks (state_tasks.py) ──► the end, told, kept

A state machine may wait for a year or turn in a circle, so executions, threads and histories have
limits. An execution does not outlive this process: what ran then is ABORTED when it is read again.
"""

import contextlib
import datetime
import json
import logging
import threading
import time
import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from stoker.neighbours import state_tasks
from stoker.neighbours.triggers import Hooks

RUNNING = 16  # executions at a time, of all accounts
THREADS = 128  # of this process: beyond, a state is not entered; each has 8 MB of address space
MAP_AT_A_TIME = 10  # of one Map, whatever it asks for (AWS: 40)
EVENTS = 25_000  # of one execution's history (AWS)
HISTORY_BYTES = 32 * 1024**2  # of one execution
EVENT_BYTES = 1024  # that an event has beside its texts
KEPT = 500  # executions that have ended, of all accounts; the oldest are forgotten
KEPT_BYTES = 96 * 1024**2
RESTARTED = "the server ended while it ran"

_lock = threading.Lock()
_known: list[Any] = []  # executions, the oldest first
_retrying = threading.local()
_when: list[Callable[[], None]] = []
_ended: list[Callable[[Any], None]] = []


class TooMuch(Exception):
    """A bound of ours, or of AWS's."""


def when_changed(call: Callable[[], None]) -> None:
    """Call it when an execution has ended."""
    _when[:] = [call]


def when_ended(call: Callable[[Any], None]) -> None:
    """Call it with each execution that has ended."""
    _ended[:] = [call]


def unlisted(execution: Any, machine: Any) -> None:
    """Only who started it knows it."""
    with _lock, contextlib.suppress(ValueError):
        machine.executions.remove(execution)


def forget(execution: Any) -> None:
    """Call when it has ended."""
    with _lock, contextlib.suppress(ValueError):
        _known.remove(execution)


def end(it: Any, status: str, error: str | None, cause: str | None) -> None:
    """At once, if it still runs; a function that runs for it is left to its end."""
    with _lock:
        if it.status == "RUNNING":
            it.stop_date = datetime.datetime.now(datetime.UTC)
            it.error, it.cause = error, cause
            it.exec_status = type(it.exec_status)(status)
            env = it.exec_worker.env
            if env is not None:
                env.event_manager.add_event(env.event_history_context, *_last_event(it))
                it.stop(it.stop_date, error, cause)


def _last_event(it: Any) -> tuple[Any, dict[str, Any]]:
    """Of an execution that was ended: type and details."""
    from moto.stepfunctions.parser.api import HistoryEventType

    kind = "executionAborted" if it.status == "ABORTED" else "executionTimedOut"
    said = {"error": it.error, "cause": it.cause}
    details = {name: text for name, text in said.items() if text is not None}
    return HistoryEventType(kind[0].upper() + kind[1:]), {f"{kind}EventDetails": details}


def hooks() -> Hooks:
    """Switches the interpreter on. Importing it takes a second."""
    from moto.core.config import default_user_config
    from moto.stepfunctions.parser import models

    # It logs whole payloads; executions tell of their errors.
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL + 1)
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    _adopt(models.stepfunctions_parser_backends)
    return (*state_tasks.hooks(), *_of_refusals(), *_of_executions(), *_of_threads())


def _adopt(run: Any) -> None:
    """Machines of a time when they were only kept; and executions that were read."""
    from moto.stepfunctions.models import stepfunctions_backends as shown

    backend: Any
    for account, region, backend in list(shown.iter_backends()):
        run[account][region].state_machines.extend(backend.state_machines)
        backend.state_machines.clear()
    for _, _, backend in list(run.iter_backends()):
        for machine in backend.state_machines:
            _known.extend(machine.executions)
    _known.sort(key=lambda one: one.start_date)


# --- Executions ---------------------------------------------------------------------------------


def _of_executions() -> Hooks:
    from moto.core.responses import ActionResult
    from moto.stepfunctions.exceptions import ExecutionAlreadyExists
    from moto.stepfunctions.parser import models
    from moto.stepfunctions.parser.api import ExecutionStatus
    from moto.stepfunctions.parser.backend import execution, execution_worker
    from moto.stepfunctions.responses import StepFunctionResponse

    class ExecutionLimitExceeded(ExecutionAlreadyExists):
        TYPE = "ExecutionLimitExceeded"

    Backend = models.StepFunctionsParserBackend
    Execution, Told = execution.Execution, execution.BaseExecutionWorkerCommunication
    start, reflect, history = Backend.start_execution, Told.terminated, Execution.to_history_output
    environment = execution_worker.ExecutionWorker._get_evaluation_environment

    def started(self: Any, arn: str, name: Any = None, given: Any = None, *more: Any) -> Any:
        """One has a name, and there are only so many at a time."""
        with _lock:
            if len(_running()) >= RUNNING:
                raise ExecutionLimitExceeded(f"{RUNNING} executions run: no more do at a time here")
            it = start(self, arn, name or str(uuid.uuid4()), given, *more)
            if it not in _known:
                _known.append(it)
            _forget()
        return it

    def made(self: Any) -> Any:
        """An environment of the interpreter: all its frames have this event_manager."""
        env: Any = environment(self)
        env.event_manager.execution = self._execution_communication.execution
        return env

    def terminated(self: Any) -> None:
        with _lock:
            if self.execution.exec_status is ExecutionStatus.RUNNING:  # else it was stopped
                reflect(self)
        for call in _when:
            call()
        for tell in _ended:
            tell(self.execution)

    def stopped(self: StepFunctionResponse) -> Any:
        it: Any = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        end(it, "ABORTED", self._get_param("error"), self._get_param("cause"))
        return ActionResult({"stopDate": it.stop_date})

    def told(self: Any) -> Any:
        if self.exec_worker is None:  # of an earlier process
            return {"events": self.kept_history}
        return history(self)

    return (
        (Backend, "start_execution", started),
        (execution_worker.ExecutionWorker, "_get_evaluation_environment", made),
        (Told, "terminated", terminated),
        (StepFunctionResponse, "stop_execution", stopped),
        (Execution, "to_history_output", told),
        (Execution, "__getstate__", _state),
    )


def _of_refusals() -> Hooks:
    """Those of the interpreter lose their code on the way out."""
    from moto.stepfunctions.exceptions import ExecutionAlreadyExists, InvalidExecutionInput
    from moto.stepfunctions.parser import models

    class InvalidDefinition(ExecutionAlreadyExists):
        TYPE = "InvalidDefinition"

    return (
        (models, "InvalidDefinition", InvalidDefinition),
        (models, "InvalidExecutionInput", InvalidExecutionInput),
    )


def _running() -> list[Any]:
    return [one for one in _known if one.status == "RUNNING"]


def _forget() -> None:
    """The oldest of those that have ended, where there are too many."""
    kept, size = 0, 0
    for one in reversed(list(_known)):
        if one.status == "RUNNING":
            continue
        kept, size = kept + 1, size + _size(one)
        if kept > KEPT or size > KEPT_BYTES:
            _known.remove(one)
            backend = one.state_machine.backend
            for machine in backend.state_machines:
                with contextlib.suppress(ValueError):
                    machine.executions.remove(one)


def _size(one: Any) -> int:
    env = one.exec_worker and one.exec_worker.env
    if env is None:
        return EVENT_BYTES * len(getattr(one, "kept_history", ()))
    return getattr(env.event_manager, "size", 0)


def _state(self: Any) -> dict[str, Any]:
    """What is kept of an execution, in a copy of this process that has no threads. Nobody waits
    for a lock here."""
    state = dict(vars(self))
    env = self.exec_worker and self.exec_worker.env
    if self.exec_worker is not None:
        events = list(env.event_manager._history_event_list) if env is not None else []
        state["kept_history"] = json.loads(json.dumps(events, default=str))
    state["exec_worker"] = None
    if self.status == "RUNNING":
        state["exec_status"] = type(self.exec_status).ABORTED
        state["stop_date"] = datetime.datetime.now(datetime.UTC)
        state["error"], state["cause"] = "Stoker.Restarted", RESTARTED
        details = {"error": state["error"], "cause": RESTARTED}
        state["kept_history"].append(
            {
                "id": len(state["kept_history"]) + 1,
                "previousEventId": 0,
                "type": "ExecutionAborted",
                "timestamp": state["stop_date"].isoformat(timespec="milliseconds"),
                "executionAbortedEventDetails": details,
            }
        )
    return state


# --- Threads ------------------------------------------------------------------------------------


def _of_threads() -> Hooks:
    from moto.stepfunctions.parser import utils
    from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
    from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import (
        distributed_iteration_component as distributed,
    )
    from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import (
        inline_iteration_component as inline,
    )
    from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branch_worker
    from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager

    add: Any = EventManager.add_event
    retry: Any = retrier_decl.RetrierDecl._eval_body
    begin: Any = branch_worker.BranchWorker.start
    iterate: Any = inline.InlineIterationComponent._eval_body

    def added(self: Any, context: Any, event_type: Any, event_details: Any = None,
              *more: Any, **named: Any) -> int:  # fmt: skip
        if not str(event_type.value).startswith("Execution"):  # else it is about to end
            _check(self)
        elif event_type.value != "ExecutionStarted":
            execution = getattr(self, "execution", None)
            if getattr(self, "ended", False):
                return 0  # it was said
            self.ended = True
            if execution is not None and execution.status != "RUNNING":
                event_type, event_details = _last_event(execution)
        self.size = getattr(self, "size", 0) + EVENT_BYTES + len(str(event_details or ""))
        number: int = add(self, context, event_type, event_details, *more, **named)
        return number

    def branched(self: Any) -> None:
        _check_threads()
        begin(self)
        alive = [thread for thread in utils.TMP_THREADS if thread.is_alive()]
        utils.TMP_THREADS[:] = alive  # which only grows

    def iterated(self: Any, env: Any) -> None:
        """With as many threads as there are items at most, and no more than we have."""
        asked = env.stack[-1]
        wanted = asked.max_concurrency or MAP_AT_A_TIME
        asked.max_concurrency = min(wanted, len(asked.input_items), MAP_AT_A_TIME)
        iterate(self, env)

    def retried(self: Any, env: Any) -> None:
        _retrying.env = env
        retry(self, env)

    def not_distributed(self: Any, env: Any) -> None:
        raise NotImplementedError("a Map runs INLINE here, and not DISTRIBUTED")

    vars(retrier_decl)["time"] = SimpleNamespace(sleep=_sleep)  # it calls nothing else
    return (
        (EventManager, "add_event", added),
        (branch_worker.BranchWorker, "start", branched),
        (inline.InlineIterationComponent, "_eval_body", iterated),
        (retrier_decl.RetrierDecl, "_eval_body", retried),
        (distributed.DistributedIterationComponent, "_eval_body", not_distributed),
    )


def _check(manager: Any) -> None:
    """May the execution go on?"""
    execution = getattr(manager, "execution", None)
    if execution is not None and execution.status != "RUNNING":
        raise TooMuch("the execution was stopped")
    if len(manager._history_event_list) >= EVENTS - 10:  # the rest is for its end
        raise TooMuch(f"the execution reached the maximum number of history events ({EVENTS})")
    if getattr(manager, "size", 0) > HISTORY_BYTES:
        raise TooMuch(f"the history has more than {HISTORY_BYTES} bytes")
    _check_threads()


def _check_threads() -> None:
    if threading.active_count() > THREADS:
        raise TooMuch("too much runs at a time: Map and Parallel states of all executions together")


def _sleep(seconds: float) -> None:
    """Between attempts, unless the execution ends meanwhile."""
    until = time.monotonic() + seconds
    env = _retrying.env
    while env.is_running() and (left := until - time.monotonic()) > 0:
        env.program_state_event.wait(min(left, 1.0))  # it may have been set a moment before
