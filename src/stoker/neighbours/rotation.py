"""In the child: rotation of Secrets Manager's secrets by functions of Stoker's.

    RotateSecret, schedule ──► a version AWSPENDING ──► a thread: createSecret ─► setSecret ─►
                                                         testSecret ─► finishSecret, one by one

The function is admitted by its policy, as a service is; it is waited for, and the first step that
fails ends the attempt. As on AWS nobody waits for the end of a rotation, and one that is not
complete is gone on with by the next.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from stoker.core import errors, schedules
from stoker.core.neighbours import SECRETS
from stoker.core.recurrence import Plan
from stoker.neighbours import triggers
from stoker.neighbours.timetable import MOST_ENTRIES, Entry, Timetable
from stoker.neighbours.triggers import Hooks, Refused

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
RULES, SINCE = "stoker_rules", "stoker_since"  # attributes of secrets
THREADS = 4
MOST_WAITING = 1000  # rotations that have begun
MOST_DAYS, MOST_HOURS = 1000, 24
PENDING, CURRENT = "AWSPENDING", "AWSCURRENT"
_INCOMPLETE = "A previous rotation isn't complete. That rotation will be reattempted."
_NOT_ADMITTED = (
    "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy"
    " grants access to the principal secretsmanager.amazonaws.com."
)


class Rotations:
    """One for the process; its hooks are there once the service is asked for."""

    def __init__(self, timetable: Timetable, scale: float, changed: Callable[[], None]) -> None:
        self._timetable = timetable
        self._scale = scale
        self._changed = changed
        self._workers = ThreadPoolExecutor(THREADS, "rotations")
        self._running: set[str] = set()  # ARNs of secrets
        self._lock = threading.Lock()

    def hooks(self) -> Hooks:
        from moto.secretsmanager.models import FakeSecret, SecretsManagerBackend

        cancel, move = (
            SecretsManagerBackend.cancel_rotate_secret,
            SecretsManagerBackend.update_secret_version_stage,
        )
        described = FakeSecret.to_dict

        def cancelled(backend: Any, secret_id: str) -> str:
            said = cancel(backend, secret_id)
            secret: Any = backend.secrets[secret_id]
            secret.next_rotation_date = None
            self._timetable.remove(secret.arn)
            return said

        def moved(backend: Any, **asked: Any) -> Any:
            """What has AWSCURRENT is what is read if nothing else is asked for."""
            said = move(backend, **asked)
            to = asked["move_to_version_id"]
            if asked["version_stage"] == CURRENT and to:
                backend.secrets[asked["secret_id"]].set_default_version_id(to)
            return said

        def shown(secret: Any) -> dict[str, Any]:
            told = described(secret)
            if "RotationRules" in told:
                told["RotationRules"] = getattr(secret, RULES, None) or None
            return told

        return (
            (SecretsManagerBackend, "rotate_secret", self._asked),
            (SecretsManagerBackend, "cancel_rotate_secret", cancelled),
            (SecretsManagerBackend, "update_secret_version_stage", moved),
            (FakeSecret, "to_dict", shown),
        )

    def resume(self, stopped: float) -> None:
        """Go on with the schedules of secrets that were read."""
        models: Any = sys.modules.get("moto.secretsmanager.models")
        if models is None:  # there are none
            return
        for _account, _region, backend in list(models.secretsmanager_backends.iter_backends()):
            for secret in list(backend.secrets.values()):
                if isinstance(secret, models.FakeSecret) and secret.rotation_enabled:
                    plan = self._plan(getattr(secret, RULES, {}), getattr(secret, SINCE, 0.0))
                    if plan is not None:
                        entry = Entry(plan, partial(self._due, backend, secret))
                        self._timetable.put(secret.arn, entry, stopped)

    def _asked(
        self, backend: Any, secret_id: str, client_request_token: str | None = None,
        rotation_lambda_arn: str | None = None, rotation_rules: dict[str, Any] | None = None,
        rotate_immediately: bool = True,
    ) -> str:  # fmt: skip
        """In place of rotate_secret."""
        secret = _found(backend, secret_id)
        function = rotation_lambda_arn or secret.rotation_lambda_arn
        if not function:
            raise _invalid_request(
                "No Lambda rotation function ARN is associated with this secret."
            )
        rules = rotation_rules or getattr(secret, RULES, {})
        now = time.time()
        plan = self._plan(rules, now)
        if plan is not None and self._timetable.is_full:
            raise _refusal(
                "LimitExceededException",
                f"There are {MOST_ENTRIES} schedules, the most there can be",
            )
        if client_request_token:
            backend._client_request_token_validator(client_request_token)
        try:
            triggers.send("GET", function, SECRETS, secret.arn, backend.account_id)
        except Refused:
            raise _refusal("AccessDeniedException", _NOT_ADMITTED) from None
        secret.rotation_requested = secret.rotation_enabled = True
        secret.rotation_lambda_arn = function
        setattr(secret, RULES, dict(rules))
        setattr(secret, SINCE, now)
        self._follow(backend, secret, plan)
        version = self._begin(
            backend, secret, client_request_token, STEPS if rotate_immediately else ("testSecret",)
        )
        told: str = secret.to_short_dict(version_id=version)
        return told

    def _follow(self, backend: Any, secret: Any, plan: Plan | None) -> None:
        secret.next_rotation_date = None
        if plan is None:
            self._timetable.remove(secret.arn)
            return
        first = plan.first()
        if first is not None:
            secret.next_rotation_date = int(first.timestamp())
        self._timetable.put(secret.arn, Entry(plan, partial(self._due, backend, secret)))

    def _plan(self, rules: dict[str, Any], since: float) -> Plan | None:
        """None: nothing is scheduled."""
        days, expression = rules.get("AutomaticallyAfterDays"), rules.get("ScheduleExpression")
        if days is not None and expression is not None:
            raise _invalid("AutomaticallyAfterDays and ScheduleExpression exclude each other.")
        if days is not None:
            if type(days) is not int or not 1 <= days <= MOST_DAYS:
                raise _invalid(
                    f"RotationRules.AutomaticallyAfterDays must be within 1-{MOST_DAYS}."
                )
            expression = f"rate({days} day{'s' if days > 1 else ''})"
        if expression is None:
            return None
        try:
            schedule = schedules.read(str(expression), schedules.EVENTBRIDGE_CHARACTERS)
        except errors.ValidationException:
            schedule = None
        if schedule is None or isinstance(schedule, schedules.At):
            raise _invalid("RotationRules.ScheduleExpression is a rate or cron expression.")
        return Plan(
            schedule,
            since=datetime.fromtimestamp(since, UTC),
            window=_window(rules.get("Duration")),
            scale=self._scale,
        )

    def _due(self, backend: Any, secret: Any, moment: datetime) -> None:
        """A schedule's time has come. Raise what the log then has."""
        if backend.secrets.get(secret.secret_id) is not secret:
            self._timetable.remove(secret.arn)
            return
        plan = self._plan(getattr(secret, RULES, {}), getattr(secret, SINCE))
        following = None if plan is None else plan.next(moment, time.time())
        if following is not None:
            secret.next_rotation_date = int(following.timestamp())
        if secret.rotation_enabled and not secret.is_deleted():
            self._begin(backend, secret, None, STEPS)

    def _begin(
        self, backend: Any, secret: Any, token: str | None, steps: Iterable[str]
    ) -> str | None:
        """The version that it is about. Raise the refusal of one while another is not complete,
        which then goes on."""
        with self._lock:
            if len(self._running) >= MOST_WAITING:
                raise _refusal("LimitExceededException", f"{MOST_WAITING} secrets are rotated")
            pending = next(
                (id for id, one in secret.versions.items() if PENDING in one["version_stages"]),
                None,
            )
            is_open = (
                pending is not None and CURRENT not in secret.versions[pending]["version_stages"]
            )
            version = pending if is_open and pending is not None else token or str(uuid.uuid4())
            is_running = secret.arn in self._running
            if not is_running:
                if not is_open:
                    _put_pending(secret, version, with_value=steps is not STEPS)
                self._running.add(secret.arn)
        if not is_running:
            steps = STEPS if is_open else steps
            self._workers.submit(self._carry_out, backend, secret, version, steps)
        if is_open or is_running:
            raise _invalid_request(_INCOMPLETE)
        return version

    def _carry_out(self, backend: Any, secret: Any, version: str, steps: Iterable[str]) -> None:
        failure: BaseException | None = None
        try:
            for step in steps:
                _carry_out_step(backend, secret, version, step)
            if steps is STEPS:
                if CURRENT not in secret.versions.get(version, {}).get("version_stages", ()):
                    raise Refused("the function left AWSCURRENT where it was")
                secret.last_rotation_date = int(time.time())
        except Refused as refusal:
            failure = refusal
        finally:
            if steps is not STEPS:  # it was but a test
                secret.versions.pop(version, None)
            with self._lock:
                self._running.discard(secret.arn)
        if failure is not None:
            triggers.complain("secretsmanager", secret.rotation_lambda_arn, failure)
        self._changed()


def _carry_out_step(backend: Any, secret: Any, version: str, step: str) -> None:
    event = {"Step": step, "SecretId": secret.arn, "ClientRequestToken": version}
    status, headers, said = triggers.invoked(
        secret.rotation_lambda_arn, SECRETS, secret.arn, backend.account_id,
        triggers.as_bytes(event),
    )  # fmt: skip
    if status >= 300 or headers.get("x-amz-function-error"):
        raise Refused(f"{step} of {secret.name}: {said[:500]}")


def _put_pending(secret: Any, version: str, *, with_value: bool) -> None:
    """`with_value`: only to test it, and with what is there."""
    secret.remove_version_stages_from_old_versions([PENDING])
    made = {
        "createdate": int(time.time()),
        "version_id": version,
        "version_stages": [PENDING],
    }
    if with_value:
        current = secret.versions.get(secret.default_version_id, {})
        made |= {
            name: current[name] for name in ("secret_string", "secret_binary") if name in current
        }
    secret.versions.setdefault(version, made)


def _found(backend: Any, secret_id: str) -> Any:
    from moto.secretsmanager import exceptions, models

    if not backend._is_valid_identifier(secret_id):
        raise exceptions.SecretNotFoundException
    secret = backend.secrets[secret_id]
    if isinstance(secret, models.ReplicaSecret):
        raise exceptions.OperationNotPermittedOnReplica
    if secret.is_deleted():
        raise _invalid_request(
            "You can't perform this operation on the secret because it was marked for deletion."
        )
    return secret


def _window(given: object) -> timedelta:
    """ "3h"."""
    if given is None:
        return timedelta()
    text = str(given)
    hours = text.removesuffix("h")
    if text == hours or not (hours.isascii() and hours.isdecimal() and len(hours) <= 2):
        raise _invalid("RotationRules.Duration is a number of hours, as 3h.")
    if not 1 <= int(hours) <= MOST_HOURS:
        raise _invalid(f"RotationRules.Duration is between 1h and {MOST_HOURS}h.")
    return timedelta(hours=int(hours))


def _invalid(message: str) -> Exception:
    return _refusal("InvalidParameterException", message)


def _invalid_request(message: str) -> Exception:
    return _refusal("InvalidRequestException", message)


def _refusal(code: str, message: str) -> Exception:
    from moto.core.exceptions import JsonRESTError

    error: Exception = JsonRESTError(code, message)
    return error
