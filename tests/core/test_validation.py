"""What may be asked of a function, and AWS's words for what may not."""

import json

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core import limits, validation
from stoker.core.errors import (
    InvalidParameterValueException,
    RequestEntityTooLargeException,
    ServiceError,
    ValidationException,
)
from stoker.core.limits import RUNTIMES
from stoker.core.model import Code, Configuration
from stoker.core.validation import Changes

CODE = Code("a" * 64, 100)
PLAIN = Changes(
    runtime="python3.11", handler="main.handler", role="arn:aws:iam::123456789012:role/r"
)


def create(**asked: object) -> Configuration:
    values = {name: getattr(PLAIN, name) for name in ("runtime", "handler", "role")}
    return validation.created("f", Changes(**{**values, **asked}), CODE)  # type: ignore[arg-type]


def refused(**asked: object) -> ServiceError:
    with pytest.raises(ServiceError) as refusal:
        create(**asked)
    return refusal.value


def test_what_is_left_out_is_awss_default() -> None:
    made = create()
    assert (made.memory_mb, made.timeout_s, made.ephemeral_mb) == (128, 3, 512)
    assert (made.description, made.tracing, made.architecture) == ("", "PassThrough", "x86_64")
    assert made.environment is None
    assert (made.log.group, made.log.format) == ("/aws/lambda/f", "Text")


def test_an_update_changes_what_it_names_and_nothing_else() -> None:
    before = create(memory_mb=256, environment={"KEY": "1"}, kept={"KMSKeyArn": "k"})
    after = validation.updated(before, Changes(timeout_s=30))
    assert (after.timeout_s, after.memory_mb) == (30, 256)
    assert (after.environment, after.kept) == (before.environment, {"KMSKeyArn": "k"})
    assert validation.updated(before, Changes(environment={})).environment == ()
    assert validation.updated(before, Changes(kept={"KMSKeyArn": None})).kept == {}
    assert validation.updated(before, Changes(description="")).description == ""


@pytest.mark.parametrize("missing", ["runtime", "handler"])
def test_a_zip_function_needs_a_runtime_and_a_handler(missing: str) -> None:
    error = refused(**{missing: None})
    assert isinstance(error, InvalidParameterValueException)
    assert error.message == (
        "Runtime and Handler are mandatory parameters for functions created with deployment "
        "packages."
    )


@pytest.mark.parametrize(
    ("asked", "bound"),
    [
        ({"memory_mb": 127}, "'127' at 'memorySize' .* greater than or equal to 128$"),
        ({"memory_mb": 10241}, "'10241' at 'memorySize' .* less than or equal to 10240$"),
        ({"timeout_s": 0}, "'0' at 'timeout' .* greater than or equal to 1$"),
        ({"timeout_s": 901}, "'901' at 'timeout' .* less than or equal to 900$"),
        ({"ephemeral_mb": 511}, "at 'ephemeralStorage.size' .* greater than or equal to 512$"),
        ({"ephemeral_mb": 10241}, "at 'ephemeralStorage.size' .* less than or equal to 10240$"),
    ],
)
def test_sizes_have_awss_documented_bounds(asked: dict[str, int], bound: str) -> None:
    with pytest.raises(ValidationException, match=bound):
        create(**asked)


@pytest.mark.parametrize(
    "asked",
    [{"memory_mb": 128}, {"memory_mb": 10240}, {"timeout_s": 1}, {"timeout_s": 900},
     {"ephemeral_mb": 512}, {"ephemeral_mb": 10240}],
)  # fmt: skip
def test_the_bounds_themselves_are_allowed(asked: dict[str, int]) -> None:
    create(**asked)


def test_the_runtimes_are_those_of_awss_model() -> None:
    model = botocore.session.get_session().get_service_model("lambda")
    assert set(RUNTIMES) == set(model.shape_for("Runtime").enum)


def test_an_unknown_runtime_is_answered_with_those_there_are() -> None:
    message = refused(runtime="cobol85").message
    assert message.startswith(
        "Value cobol85 at 'runtime' failed to satisfy constraint: Member must satisfy enum value "
        "set: ["
    )
    assert message.endswith("] or be a valid ARN")
    assert "python3.13" in message
    assert "python2.7" not in message


def test_a_blocked_runtime_is_no_longer_supported() -> None:
    assert "python3.7 is no longer supported for creating or updating" in (
        refused(runtime="python3.7").message
    )
    create(runtime="python3.8")


def test_reserved_variables_are_named() -> None:
    error = refused(environment={"TABLE": "t", "AWS_REGION": "x", "AWS_LAMBDA_RUNTIME_API": "y"})
    assert error.message == (
        "Lambda was unable to configure your environment variables because the environment "
        "variables you have provided contains reserved keys that are currently not supported for "
        "modification. Reserved keys used in this request: AWS_LAMBDA_RUNTIME_API, AWS_REGION"
    )


@pytest.mark.parametrize("key", ["A", "_X", "1A", "A-B", "A B", "", "É1", "AB\n"])
def test_a_variables_name_is_a_letter_and_more(key: str) -> None:
    with pytest.raises(ValidationException, match="Map keys must satisfy constraint"):
        create(environment={key: "v"})


@given(st.integers(0, 5000), st.text(max_size=20))
def test_variables_fit_in_4_kb_as_json(padding: int, text: str) -> None:
    variables = {"KEY": text + "x" * padding}
    size = len(
        json.dumps(variables, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    )
    try:
        create(environment=variables)
    except InvalidParameterValueException as error:
        assert size > limits.ENVIRONMENT_BYTES or "\0" in text
        assert "exceeded the 4KB limit. String measured: {" in error.message or "\0" in text
    else:
        assert size <= limits.ENVIRONMENT_BYTES


@pytest.mark.parametrize("name", ["a" * 65, "a.b", "", "ä", "a b"])
def test_a_new_name_is_short_and_plain(name: str) -> None:
    with pytest.raises(ValidationException, match="at 'functionName' failed to satisfy"):
        validation.check_new_name(name)
    validation.check_new_name("a" * 64)


def test_a_package_of_more_than_50_mb_cannot_be_sent() -> None:
    validation.check_zip_size(50 * 1024 * 1024, "CreateFunction")
    with pytest.raises(RequestEntityTooLargeException) as refusal:
        validation.check_zip_size(50 * 1024 * 1024 + 1, "CreateFunction")
    assert refusal.value.message == (
        "Request must be smaller than 69905067 bytes for the CreateFunction operation"
    )


def test_log_levels_belong_to_json_logs() -> None:
    with pytest.raises(InvalidParameterValueException, match="only be set if LogFormat is JSON"):
        create(application_log_level="DEBUG")
    made = create(log_format="JSON", application_log_level="DEBUG", log_group="/mine")
    assert (made.log.format, made.log.application_level, made.log.group) == (
        "JSON",
        "DEBUG",
        "/mine",
    )
