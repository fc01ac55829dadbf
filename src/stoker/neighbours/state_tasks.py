"""In the child: Lambda tasks of state machines are invocations of Stoker's functions.

    Task ──► a thread of moto's interpreter ──► functions.sock ──► the server invokes, and answers

The call has the rights of the execution's account, as a state machine has a role of it: policies
of identities are not asked here. Other tasks would be calls over the network, which this process
has not: they fail, and say so.
"""

import json
from typing import Any

from botocore.exceptions import ClientError

from stoker.core.neighbours import ERROR, LOG_TAIL, STATES
from stoker.core.trigger_targets import is_function
from stoker.neighbours import triggers
from stoker.neighbours.triggers import Hooks, Refused

_ID = "x-amzn-requestid"


def hooks() -> Hooks:
    from moto.stepfunctions.parser.asl.component.state.exec.state_task import (
        lambda_eval_utils,
        state_task_lambda,
    )
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
        state_task_service_aws_sdk as sdk,
    )
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
        state_task_service_dynamodb as dynamodb,
    )
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
        state_task_service_events as events,
    )
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
        state_task_service_sfn as sfn,
    )
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
        state_task_service_sns as sns,
    )
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
        state_task_service_sqs as sqs,
    )
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
        state_task_service_unsupported as others,
    )

    FunctionError = lambda_eval_utils.LambdaFunctionErrorException
    plain = state_task_lambda.StateTaskLambda
    from_error = plain._from_error

    def invoked(env: Any, parameters: dict[str, Any], region: str, state_credentials: Any) -> None:
        """In place of execute_lambda_function_integration. Raise FunctionError, ClientError."""
        execution = env.event_manager.execution
        arn = _arn(parameters, region, env.aws_execution_details.account)
        status, headers, said = _ask(arn, parameters.get("Payload") or b"{}", execution)
        if status >= 300:
            raise _refusal(status, headers, said)
        if headers.get("x-amz-function-error"):
            raise FunctionError(headers["x-amz-function-error"], said)
        env.stack.append(_answer(status, headers, said, parameters.get("LogType") == "Tail"))

    def named(self: Any, env: Any, ex: Exception) -> Any:
        """A refusal has its name, by which Retry and Catch know it, with a plain ARN, too."""
        if not isinstance(ex, ClientError):
            return from_error(self, env, ex)
        return _failed(env, f"Lambda.{ex.response['Error']['Code']}", ex.response)

    def refused(region: str, service: str, state_credentials: Any = None) -> Any:
        raise NotImplementedError(
            f"state machines run Lambda tasks here, and no task of {service}; call it in a function"
        )

    without = (sdk, dynamodb, events, sfn, sns, sqs, others)
    return (
        (lambda_eval_utils, "execute_lambda_function_integration", invoked),
        (plain, "_from_error", named),
        *((module, "boto_client_for", refused) for module in without),
    )


def _arn(parameters: dict[str, Any], region: str, account: str) -> str:
    """Of the function that is meant by a name, or an ARN."""
    name = str(parameters["FunctionName"])
    if not name.startswith("arn:"):
        name = f"arn:aws:lambda:{region}:{account}:function:{name.rpartition('function:')[2]}"
    qualifier = parameters.get("Qualifier")
    return f"{name}:{qualifier}" if qualifier else name


def _ask(arn: str, event: bytes, execution: Any) -> tuple[int, dict[str, str], str]:
    """Status, headers (lower case) and body. Raise ClientError, if there is no answer."""
    if not is_function(arn):
        raise _refusal(400, {ERROR: "ValidationException"}, f"{arn} is not the ARN of a function")
    source, account = execution.state_machine_arn, execution.account_id
    try:
        return triggers.invoked(arn, STATES, source, account, event)
    except Refused as error:
        raise _refusal(500, {ERROR: "ServiceException"}, str(error)) from error


def _refusal(status: int, headers: dict[str, str], said: str) -> ClientError:
    told: Any = {
        "Error": {"Code": headers.get(ERROR, "ServiceException"), "Message": said},
        "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": headers.get(_ID, "")},
    }
    return ClientError(told, "Invoke")


def _answer(status: int, headers: dict[str, str], said: str, tail: bool) -> dict[str, Any]:
    """As the optimized integration of Lambda shows it."""
    try:
        payload = json.loads(said)
    except ValueError:
        payload = said
    facts: dict[str, Any] = {
        "ExecutedVersion": headers.get("x-amz-executed-version", "$LATEST"),
        "Payload": payload,
        "StatusCode": status,
    }
    if tail and LOG_TAIL in headers:
        facts["LogResult"] = headers[LOG_TAIL]
    return facts


def _failed(env: Any, error: str, response: Any) -> Any:
    from moto.stepfunctions.parser.api import (
        HistoryEventType,
        LambdaFunctionFailedEventDetails,
    )
    from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import (
        CustomErrorName,
    )
    from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
        FailureEvent,
    )

    details = LambdaFunctionFailedEventDetails(error=error, cause=response["Error"]["Message"])
    failure: Any = FailureEvent
    return failure(
        env=env, error_name=CustomErrorName(error),
        event_type=HistoryEventType.LambdaFunctionFailed,
        event_details={"lambdaFunctionFailedEventDetails": details},
    )  # fmt: skip
