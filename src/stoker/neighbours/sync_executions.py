"""In the child: StartSyncExecution, whose caller waits for the end of an EXPRESS state machine's
execution. Nothing is kept of it, as on AWS; it counts among those that run (state_machines.py).

https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartSyncExecution.html
"""

import datetime
import json
import math
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

from stoker.core.neighbours import SYNC_EXECUTION_S
from stoker.neighbours import state_machines
from stoker.neighbours.triggers import Hooks

BILLED_MS = 100  # durations are rounded up to so many (AWS)


@dataclass(eq=False, slots=True)
class _Asked:
    name: str
    ended: threading.Event = field(default_factory=threading.Event)


_starting = threading.local()  # what this thread starts
_waiting: dict[str, _Asked] = {}  # by the execution's ARN


def hooks() -> Hooks:
    from moto.core.responses import ActionResult
    from moto.stepfunctions.exceptions import ExecutionAlreadyExists
    from moto.stepfunctions.parser.backend.execution import Execution
    from moto.stepfunctions.responses import StepFunctionResponse

    class StateMachineTypeNotSupported(ExecutionAlreadyExists):
        TYPE = "StateMachineTypeNotSupported"

    start: Any = Execution.start

    def begun(self: Any) -> None:
        """It is known by other names than one that goes on alone."""
        asked: _Asked | None = getattr(_starting, "asked", None)
        if asked is not None:
            place = f"{self.region_name}:{self.account_id}:express:{self.state_machine.name}"
            self.exec_arn = f"arn:aws:states:{place}:{asked.name}:{uuid.uuid4()}"
            self.execution_arn, self.name = self.exec_arn, asked.name
            _waiting[self.exec_arn] = asked
        start(self)

    def waited_for(self: Any) -> Any:
        backend, arn = self.stepfunction_backend, self._get_param("stateMachineArn")
        machine = backend.describe_state_machine(arn)
        if machine.type != "EXPRESS":
            raise StateMachineTypeNotSupported(
                "This operation is not supported by this type of state machine"
            )
        given = self._get_param("input", if_none="{}")
        asked = _Asked(self._get_param("name") or str(uuid.uuid4()))
        execution = _started(backend, machine, given, asked)
        try:
            if not asked.ended.wait(SYNC_EXECUTION_S):
                state_machines.end(execution, "TIMED_OUT", "States.Timeout", None)
        finally:
            _waiting.pop(execution.exec_arn, None)
            state_machines.forget(execution)
        with_data = self._get_param("includedData") != "METADATA_ONLY"
        return ActionResult(_told(execution, given, with_data=with_data))

    state_machines.when_ended(_ended)
    vars_of_class: Any = StepFunctionResponse
    vars_of_class.start_sync_execution = waited_for  # moto has none
    return ((Execution, "start", begun),)


def _started(backend: Any, machine: Any, given: str, asked: _Asked) -> Any:
    """Raise what StartExecution raises, too. The machine does not list it."""
    _starting.asked = asked
    try:
        execution = backend.start_execution(machine.arn, str(uuid.uuid4()), given)
    finally:
        _starting.asked = None
    state_machines.unlisted(execution, machine)
    return execution


def _ended(execution: Any) -> None:
    asked = _waiting.get(execution.exec_arn)
    if asked is not None:
        asked.ended.set()


def _told(execution: Any, given: str, *, with_data: bool) -> dict[str, Any]:
    took = execution.stop_date - execution.start_date
    billed = math.ceil(took / datetime.timedelta(milliseconds=BILLED_MS)) * BILLED_MS
    told = {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "startDate": execution.start_date,
        "stopDate": execution.stop_date,
        "status": execution.status,
        "billingDetails": {"billedDurationInMilliseconds": billed},
    }
    if with_data:
        told |= {"input": given, "inputDetails": {"included": True}}
    if execution.error is not None:
        told["error"] = execution.error
    if execution.cause is not None:
        told["cause"] = execution.cause
    if execution.status == "SUCCEEDED" and with_data:
        told |= {"output": json.dumps(execution.output), "outputDetails": {"included": True}}
    return told
