"""In the child: answers of moto's that differ from AWS's where clients and comparisons notice.

TABLE has them by service: each function there stands in the place of one of moto's. They are put
there when the service is first asked for, since importing one may take seconds. Members are those
of AWS's API references, messages what AWS's services were seen to say.
"""

import base64
import hashlib
import json
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from stoker.neighbours import state_machines, sync_executions, triggers
from stoker.neighbours.triggers import Hooks

TABLES = uuid.UUID("5bd3a5a1-5a0f-4d56-9a5f-0f5ab1f3c6de")  # in which the ids of tables are drawn
SECRET_BYTES = 112  # of what stands for an encrypted value
_INDEXES = ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")


def before(
    make: Callable[[Any], Any], more: Mapping[str, Callable[[], Hooks]]
) -> Callable[[Any], Any]:
    """What makes the application of a service, with that service's answers put right. `more`:
    besides TABLE."""

    def made(service: str) -> Any:
        for table in (TABLE, more):
            if service in table:
                triggers.hook(table[service]())
        return make(service)

    return made


# --- DynamoDB -----------------------------------------------------------------------------------


def _of_dynamodb() -> Hooks:
    from moto.dynamodb.models.table import Table

    describe = Table.describe

    def described(self: Table, base_key: str = "TableDescription") -> dict[str, Any]:
        """A table has an id, and so have its indexes ARNs and sizes. Those that it has not got are
        not listed. Only DescribeTable (whose base key is Table) tells of a warm throughput."""
        answer = describe(self, base_key)
        told = answer[base_key]
        told["TableId"] = str(uuid.uuid5(TABLES, f"{self.table_arn} {self.created_at}"))
        if isinstance(told["ProvisionedThroughput"], dict):
            told["ProvisionedThroughput"] = {
                "NumberOfDecreasesToday": 0,
                **told["ProvisionedThroughput"],
            }
        for kind in _INDEXES:
            for index in told[kind]:
                arn = f"{self.table_arn}/index/{index['IndexName']}"
                index |= {"IndexArn": arn, "IndexSizeBytes": 0, "ItemCount": told["ItemCount"]}
            if not told[kind]:
                del told[kind]
        if base_key != "Table":
            for one in (told, *told.get("GlobalSecondaryIndexes", ())):
                one.pop("WarmThroughput", None)
        return answer

    return ((Table, "describe", described),)


# --- Systems Manager ----------------------------------------------------------------------------


def _of_ssm() -> Hooks:
    from moto.ssm.models import Parameter
    from moto.ssm.responses import SimpleSystemManagerResponse
    from moto.ssm.utils import parameter_arn

    shown, describe = Parameter.response_object, Parameter.describe_response_object
    get, list_all = (
        SimpleSystemManagerResponse.get_parameter,
        SimpleSystemManagerResponse.describe_parameters,
    )

    def encrypted(
        self: Parameter, decrypt: bool = False, region: str | None = None
    ) -> dict[str, Any]:
        """A SecureString that nobody asked to decrypt is not to be read: moto shows it as text."""
        told = shown(self, decrypt, region)
        if self.parameter_type == "SecureString" and not decrypt:
            text = f"{self.account_id} {self.name} {self.version} {told['Value']}"
            blob = hashlib.shake_256(text.encode()).digest(SECRET_BYTES)
            told["Value"] = "AQICAH" + base64.b64encode(blob).decode()
        return told

    def described(self: Parameter, *given: Any, **asked: Any) -> dict[str, Any]:
        """Who changed it is an ARN, and there are no policies rather than none said."""
        told = describe(self, *given, **asked)
        user = f"arn:aws:iam::{self.account_id}:root"
        return {**told, "LastModifiedUser": user, "Policies": told.get("Policies", [])}

    def listed(self: SimpleSystemManagerResponse) -> Any:
        """Each has its ARN."""
        answer: Any = list_all(self)
        for one in answer.result["Parameters"]:
            one["ARN"] = parameter_arn(self.current_account, self.region, one["Name"])
        return answer

    def got(self: SimpleSystemManagerResponse) -> Any:
        """By which version or label it was asked for is said again."""
        answer: Any = get(self)
        name, colon, selector = self._get_param("Name").rpartition(":")
        if name and "/" not in selector:  # else an ARN's last part
            answer.result["Parameter"]["Selector"] = colon + selector
        return answer

    return (
        (Parameter, "response_object", encrypted),
        (Parameter, "describe_response_object", described),
        (SimpleSystemManagerResponse, "describe_parameters", listed),
        (SimpleSystemManagerResponse, "get_parameter", got),
    )


# --- Secrets Manager ----------------------------------------------------------------------------


def _of_secretsmanager() -> Hooks:
    from moto.secretsmanager import models
    from moto.secretsmanager.exceptions import (
        InvalidRequestException,
        SecretHasNoValueException,
        SecretNotFoundException,
    )

    backend = models.SecretsManagerBackend
    get = backend.get_secret_value

    class InvalidRequest(InvalidRequestException):
        """moto has the client's words in the message of a deleted secret, and four versions."""

        def __init__(self, message: str) -> None:
            if "currently marked deleted" in message:
                message = (
                    "You can't perform this operation on the secret because it was marked for"
                    " deletion."
                )
            super().__init__(message)

    def value(self: Any, secret_id: str, version_id: str, version_stage: str) -> dict[str, Any]:
        """What lacks is the version with that label, and not the secret."""
        try:
            return get(self, secret_id, version_id, version_stage)
        except SecretNotFoundException:
            if version_stage and self._is_valid_identifier(secret_id):
                raise SecretHasNoValueException(version_stage) from None
            raise

    def versions(self: Any, secret_id: str) -> str:
        """With the secret's ARN, the times at which they were made, and no token that is none."""
        if not self._is_valid_identifier(secret_id):
            raise SecretNotFoundException
        secret = self.secrets[secret_id]
        listed = [
            {"CreatedDate": one["createdate"], "VersionId": id, "VersionStages": stages}
            for id, one in secret.versions.items()
            if (stages := one["version_stages"])  # others only if asked for
        ]
        return json.dumps({"ARN": secret.arn, "Name": secret.name, "Versions": listed})

    return (
        (backend, "get_secret_value", value),
        (backend, "list_secret_version_ids", versions),
        (models, "InvalidRequestException", InvalidRequest),
    )


# --- IAM ----------------------------------------------------------------------------------------


def _of_iam() -> Hooks:
    """Documents of 2008-10-17, which those without a Version are. AWS takes them inline and as
    trust policies, and none as managed ones: "A managed policy must have a version string"."""
    from moto.iam.models import IAMBackend
    from moto.iam.policy_validation import (
        BaseIAMPolicyValidator,
        IAMTrustPolicyDocumentValidator,
    )

    check = BaseIAMPolicyValidator._validate_version
    inline = threading.local()

    def of_any_version(self: Any) -> None:
        """That it is one of the two was seen before."""

    def checked(self: Any) -> None:
        if not getattr(inline, "is_put", False):
            check(self)

    def taking_any(name: str) -> tuple[Any, str, Any]:
        put = getattr(IAMBackend, name)

        def taken(self: Any, *given: Any, **asked: Any) -> Any:
            inline.is_put = True
            try:
                return put(self, *given, **asked)
            finally:
                inline.is_put = False

        return (IAMBackend, name, taken)

    return (
        (IAMTrustPolicyDocumentValidator, "_validate_version", of_any_version),
        (BaseIAMPolicyValidator, "_validate_version", checked),
        *map(taking_any, ("put_role_policy", "put_user_policy", "put_group_policy")),
    )


# --- Step Functions -----------------------------------------------------------------------------


def _of_stepfunctions() -> Hooks:
    from moto.stepfunctions.responses import StepFunctionResponse

    describe = StepFunctionResponse._describe_state_machine
    describe_execution = StepFunctionResponse.describe_execution

    def described(self: StepFunctionResponse, state_machine_arn: str) -> Any:
        """Logging says whether it has data."""
        answer: Any = describe(self, state_machine_arn)
        logging = answer.result["loggingConfiguration"]
        if isinstance(logging, dict):
            answer.result["loggingConfiguration"] = {"includeExecutionData": False, **logging}
        return answer

    def execution_described(self: StepFunctionResponse) -> Any:
        """An output is JSON, also where it is a text; what ended by its time has ended."""
        answer: Any = describe_execution(self)
        it: Any = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        if it.status == "SUCCEEDED":
            answer.result["output"] = json.dumps(it.output)
        elif it.status == "TIMED_OUT":
            answer.result["stopDate"] = it.stop_date
        return answer

    return (
        *state_machines.hooks(),
        *sync_executions.hooks(),
        (StepFunctionResponse, "_describe_state_machine", described),
        (StepFunctionResponse, "describe_execution", execution_described),
    )


TABLE: Mapping[str, Callable[[], Hooks]] = {
    "iam": _of_iam,
    "dynamodb": _of_dynamodb,
    "ssm": _of_ssm,
    "secretsmanager": _of_secretsmanager,
    "stepfunctions": _of_stepfunctions,
}
