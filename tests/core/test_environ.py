"""The variables of a runtime and of an extension (spec 1.4 and 1.5)."""

from dataclasses import replace

import pytest

from stoker.core.environ import Credentials, Roots, extension_environ, runtime_environ
from stoker.core.invocation import LogSettings, Target
from stoker.core.limits import RESERVED_VARIABLES

TARGET = Target(
    account="123456789012",
    region="eu-west-1",
    name="orders",
    version="$LATEST",
    runtime="python3.13",
    handler="app.main",
    role="arn:aws:iam::123456789012:role/r",
    code="a" * 64,
    layers=(),
    memory_mb=256,
    timeout_s=3,
    ephemeral_mb=512,
    environment=(("TABLE", "t=1"),),
    log=LogSettings(group="/aws/lambda/orders"),
)
CREDENTIALS = Credentials("AKID", "secret", "token")
FACTS = {
    "runtime_api": "127.0.0.1:9001",
    "endpoint_url": "http://127.0.0.1:4566",
    "log_stream": "2026/11/22/[$LATEST]0",
    "credentials": CREDENTIALS,
}


def runtime(target: Target = TARGET, **more: object) -> dict[str, str]:
    return runtime_environ(target, **{**FACTS, **more})  # type: ignore[arg-type]


def extension(target: Target = TARGET) -> dict[str, str]:
    return extension_environ(runtime(target))


def test_a_python_runtime_gets_exactly_this() -> None:
    assert runtime() == {
        "_AWS_XRAY_DAEMON_ADDRESS": "169.254.100.1",
        "_AWS_XRAY_DAEMON_PORT": "2000",
        "_HANDLER": "app.main",
        "_LAMBDA_TELEMETRY_LOG_FD": "62",
        "AWS_ACCESS_KEY_ID": "AKID",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_NAME": "orders",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/orders",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/22/[$LATEST]0",
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
        "AWS_REGION": "eu-west-1",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "169.254.100.1:2000",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LANG": "en_US.UTF-8",
        "LD_LIBRARY_PATH": "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib"
        ":/var/task:/var/task/lib:/opt/lib",
        "LC_CTYPE": "C.UTF-8",
        "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "PWD": "/var/task",
        "PYTHONPATH": "/var/runtime",
        "SHLVL": "0",
        "TABLE": "t=1",
        "TZ": ":UTC",
    }


def test_ruby_and_node_look_where_aws_has_them_look() -> None:
    ruby, node = (runtime(replace(TARGET, runtime=name)) for name in ("ruby3.4", "nodejs22.x"))
    assert ruby["GEM_PATH"].split(":") == [
        "/var/task/vendor/bundle/ruby/3.4.0", "/opt/ruby/gems/3.4.0", "/var/runtime",
        "/var/runtime/ruby/3.4.0",
    ]  # fmt: skip
    assert (ruby["GEM_HOME"], ruby["AWS_EXECUTION_ENV"]) == ("/var/runtime", "AWS_Lambda_ruby3.4")
    assert ruby["RUBYLIB"] == "/var/task:/var/runtime/lib:/opt/ruby/lib"
    assert node["NODE_PATH"].split(":") == [
        "/opt/nodejs/node22/node_modules", "/opt/nodejs/node_modules",
        "/var/runtime/node_modules", "/var/runtime", "/var/task",
    ]  # fmt: skip


def test_an_os_only_runtime_is_not_told_of_an_execution_environment() -> None:
    variables = runtime(replace(TARGET, runtime="provided.al2023"))
    of_python = {"PYTHONPATH", "LC_CTYPE", "PWD", "SHLVL"}
    assert not {"AWS_EXECUTION_ENV", "_LAMBDA_TELEMETRY_LOG_FD", *of_python} & set(variables)
    older = runtime(replace(TARGET, runtime="provided.al2"))
    assert older["LD_LIBRARY_PATH"].startswith("/lib64:")


@pytest.mark.parametrize(
    "key", ["PATH", "LANG", "LD_LIBRARY_PATH", "PYTHONPATH", "AWS_ENDPOINT_URL",
            "AWS_XRAY_CONTEXT_MISSING", "AWS_XRAY_DAEMON_ADDRESS"],
)  # fmt: skip
def test_a_customer_may_override(key: str) -> None:
    assert runtime(replace(TARGET, environment=((key, "mine"),)))[key] == "mine"


@pytest.mark.parametrize("key", sorted(RESERVED_VARIABLES | {"_MINE"}))
def test_a_customer_may_not_override_what_is_reserved(key: str) -> None:
    given = replace(TARGET, environment=((key, "mine"),))
    assert runtime(given).get(key) == runtime(replace(TARGET, environment=())).get(key)
    assert extension(given).get(key) == extension(replace(TARGET, environment=())).get(key)


def test_an_extension_does_not_see_what_is_the_runtimes() -> None:
    assert set(runtime()) - set(extension()) == {
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_XRAY_CONTEXT_MISSING",
        "AWS_XRAY_DAEMON_ADDRESS",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "LC_CTYPE",
        "PWD",
        "SHLVL",
        "_AWS_XRAY_DAEMON_ADDRESS",
        "_AWS_XRAY_DAEMON_PORT",
        "_HANDLER",
        "_LAMBDA_TELEMETRY_LOG_FD",
    }
    assert extension()["TABLE"] == "t=1"
    assert extension()["PATH"]


def test_json_logs_are_announced_and_text_is_not() -> None:
    assert "AWS_LAMBDA_LOG_FORMAT" not in runtime()
    log = LogSettings(group="g", format="JSON", application_level="DEBUG")
    variables = runtime(replace(TARGET, log=log))
    assert variables["AWS_LAMBDA_LOG_FORMAT"] == "JSON"
    assert variables["AWS_LAMBDA_LOG_LEVEL"] == "DEBUG"


def test_without_an_endpoint_sdks_are_left_alone() -> None:
    assert "AWS_ENDPOINT_URL" not in runtime(endpoint_url=None)


def test_the_roots_of_a_plain_process_are_where_it_finds_things() -> None:
    variables = runtime(roots=Roots(task="/d/task", runtime="/d/rt", layers="/d/opt"))
    assert variables["LAMBDA_TASK_ROOT"] == "/d/task"
    assert variables["PYTHONPATH"] == "/d/rt"
    assert variables["PATH"].endswith(":/d/opt/bin")


def test_credentials_do_not_show_when_printed() -> None:
    assert "secret" not in repr(CREDENTIALS)
