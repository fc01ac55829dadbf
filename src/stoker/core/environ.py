"""The variables that the processes of an environment get: exactly AWS's, and the customer's.

In order, later wins: what a customer may override, the customer's own, what is reserved.
A customer's key that is reserved or begins with "_" is dropped, even if it got past the API.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from stoker.core import developing
from stoker.core.invocation import Initialization, Target
from stoker.core.limits import RESERVED_VARIABLES, RUNTIMES, Family

LOG_FD = 62  # where a managed runtime writes framed log records
_XRAY = "169.254.100.1:2000"  # AWS's

# Set for the runtime only: an extension finds none of them, and no key that begins with "_".
_NOT_FOR_EXTENSIONS = frozenset(
    {
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
    }
)


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """Of the function's role, as this environment holds them."""

    access_key_id: str
    secret_access_key: str
    session_token: str


@dataclass(frozen=True, slots=True)
class Roots:
    """Where things are, seen from inside. Only the process sandbox has others."""

    task: str = "/var/task"
    runtime: str = "/var/runtime"
    language: str = "/var/lang"
    layers: str = "/opt"
    packages: str = "/var/packages"


def runtime_environ(
    target: Target,
    *,
    runtime_api: str,
    endpoint_url: str | None,
    log_stream: str,
    credentials: Credentials,
    initialization: Initialization = Initialization.ON_DEMAND,
    token: str = "",
    roots: Roots = Roots(),
    xray: str = _XRAY,
) -> dict[str, str]:
    """What the runtime's process gets. `runtime_api` and `xray` are host:port as seen inside;
    `endpoint_url` is the server's own front door there, for SDKs, if there is one. `token`: with
    which the runtime of a snapshot asks for credentials; variables would be those of the snapshot,
    and so there are none, nor of the log stream (developer guide, "Lambda SnapStart")."""
    return {
        **_overridable(target, endpoint_url, roots, xray),
        **_customers(target),
        **_reserved(target, runtime_api, log_stream, credentials, (initialization, token), roots),
        **developing.variables(target, roots.packages),
        "_AWS_XRAY_DAEMON_ADDRESS": xray.rpartition(":")[0],
        "_AWS_XRAY_DAEMON_PORT": xray.rpartition(":")[2],
    }


def extension_environ(runtime: Mapping[str, str]) -> dict[str, str]:
    """What each external extension's process gets: the runtime's, less what only it may see."""
    return {
        key: value
        for key, value in runtime.items()
        if key not in _NOT_FOR_EXTENSIONS and not key.startswith("_")
    }


def _overridable(
    target: Target, endpoint_url: str | None, roots: Roots, xray: str
) -> dict[str, str]:
    lang, task, opt, runtime = roots.language, roots.task, roots.layers, roots.runtime
    libraries = [
        f"{lang}/lib", "/lib64", "/usr/lib64", runtime, f"{runtime}/lib", task, f"{task}/lib",
        f"{opt}/lib",
    ]  # fmt: skip
    if target.runtime == "provided.al2":
        del libraries[0]
    variables = {
        "LANG": "en_US.UTF-8",
        # The slash after /usr/bin is AWS's.
        "PATH": f"{lang}/bin:/usr/local/bin:/usr/bin/:/bin:{opt}/bin",
        "LD_LIBRARY_PATH": ":".join(libraries),
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": xray,
    }
    if _family(target) is Family.PYTHON:
        variables["PYTHONPATH"] = runtime
        # What AWS's bootstrap, a shell script, and the interpreter's choice of a locale leave.
        variables |= {"LC_CTYPE": "C.UTF-8", "PWD": task, "SHLVL": "0"}
    elif _family(target) is Family.NODE:
        major = target.runtime.removeprefix("nodejs").partition(".")[0]
        variables["NODE_PATH"] = (
            f"{opt}/nodejs/node{major}/node_modules:{opt}/nodejs/node_modules:"
            f"{runtime}/node_modules:{runtime}:{task}"
        )
        variables |= {"PWD": task, "SHLVL": "0"}
    elif _family(target) is Family.RUBY:
        api = target.runtime.removeprefix("ruby") + ".0"  # of gems: RbConfig's ruby_version
        variables |= {
            "GEM_PATH": f"{task}/vendor/bundle/ruby/{api}:{opt}/ruby/gems/{api}:"
            f"{runtime}:{runtime}/ruby/{api}",
            "GEM_HOME": runtime,
            "RUBYLIB": f"{task}:{runtime}/lib:{opt}/ruby/lib",
        }
        variables |= {"LC_CTYPE": "C.UTF-8", "PWD": task, "SHLVL": "0"}
    if endpoint_url is not None:
        variables["AWS_ENDPOINT_URL"] = endpoint_url
    return variables


def _customers(target: Target) -> Mapping[str, str]:
    return {
        key: value
        for key, value in target.environment
        if key not in RESERVED_VARIABLES and not key.startswith("_")
    }


def _reserved(
    target: Target,
    runtime_api: str,
    log_stream: str,
    credentials: Credentials,
    origin: tuple[Initialization, str],
    roots: Roots,
) -> dict[str, str]:
    initialization, token = origin
    variables = {
        "_HANDLER": target.handler,
        "AWS_DEFAULT_REGION": target.region,
        "AWS_REGION": target.region,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(target.memory_mb),
        "AWS_LAMBDA_FUNCTION_NAME": target.name,
        "AWS_LAMBDA_FUNCTION_VERSION": target.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": str(initialization),
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "LAMBDA_RUNTIME_DIR": roots.runtime,
        "LAMBDA_TASK_ROOT": roots.task,
        "TZ": ":UTC",
    }
    if initialization is Initialization.SNAP_START:
        address = f"http://{runtime_api}/2021-04-23/credentials"
        variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = address
        variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = token
    else:
        variables |= {
            "AWS_ACCESS_KEY_ID": credentials.access_key_id,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
            "AWS_SESSION_TOKEN": credentials.session_token,
            "AWS_LAMBDA_LOG_GROUP_NAME": target.log.group,
            "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        }
    if _family(target) is not Family.OS_ONLY:
        variables["AWS_EXECUTION_ENV"] = f"AWS_Lambda_{target.runtime}"
        variables["_LAMBDA_TELEMETRY_LOG_FD"] = str(LOG_FD)
    if target.log.format == "JSON":
        variables["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
        variables["AWS_LAMBDA_LOG_LEVEL"] = target.log.application_level
    return variables


def _family(target: Target) -> Family:
    return RUNTIMES[target.runtime].family
