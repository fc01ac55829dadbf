"""The configuration: one frozen `Config`. Each option is described here and nowhere else.

Flags of `stoker serve` win over `STOKER_*` variables, those over `stoker.toml`, that over the
default. The command line's help and docs/guide/configuration.md are made from the fields below:

    python -m stoker.config_page >docs/guide/configuration.md
"""

import math
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

from stoker.core.account_limits import BadLimit, read_limit
from stoker.core.neighbours import BadEndpoint, read_endpoint
from stoker.core.otlp import SIGNALS, BadDestination, read_destination

FILE = "stoker.toml"  # looked for in the working directory
STANDARD = {  # OpenTelemetry's own variables, below all else
    "otlp_endpoint": "OTEL_EXPORTER_OTLP_ENDPOINT",
    "otlp_headers": "OTEL_EXPORTER_OTLP_HEADERS",
}


class ConfigError(Exception):
    """An option that cannot be used: which, where it was said, and what would do."""


def option(
    default: Any,
    doc: str,
    *,
    choices: tuple[str, ...] = (),
    least: float | None = None,
    shown: str | None = None,
) -> Any:
    """A field of Config. `default` may be a function; then `shown` says in words what it gives."""
    facts = {"doc": doc, "choices": choices, "least": least, "shown": shown}
    if callable(default):
        return field(default_factory=default, metadata=facts)
    return field(default=default, metadata=facts)


def _default_data_dir() -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/stoker")
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "stoker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    host: str = option(
        "127.0.0.1",
        "Address to listen on. With the default, ::1 is listened on as well.",
    )
    port: int = option(4566, "TCP port of the AWS API. 0 takes a free one.", least=0)
    data_dir: Path = option(
        _default_data_dir,
        "Folder with all that is kept: functions, their code, logs. One server at a time uses it.",
        shown="/var/lib/stoker as root, else $XDG_DATA_HOME/stoker or ~/.local/share/stoker",
    )
    ready_file: Path | None = option(
        None,
        "File that gets the server's URL, in one piece, as soon as requests are answered. "
        "For scripts, with port 0.",
    )
    sandbox: str = option(
        "auto",
        "What isolates execution environments. namespaces: real isolation, limits and freezing; "
        "needs Linux, and without root user namespaces (docs/guide/without-root.md). process: "
        "plain child processes, for development; what is not enforced is printed at start. auto: "
        "namespaces where that is possible, else process; root on a machine that cannot isolate "
        "gets an error instead of less than was expected.",
        choices=("auto", "namespaces", "process"),
    )
    insecure_bind: bool = option(
        False,
        "Allow a host other than loopback. Signatures are not verified yet: whoever reaches the "
        "port may run any code.",
    )
    allowed_hosts: tuple[str, ...] = option(
        (),
        "More names by which clients may call the server (Host header), separated by commas. "
        "Loopback names and *.localhost are always allowed; other names are refused, so that a "
        "web page cannot reach the server through a name of its own.",
    )
    default_account: str = option(
        "000000000000",
        "Account of callers whose access key is not itself a 12-digit account number.",
    )
    idle_timeout_s: float = option(
        900.0, "An execution environment that was not used for so long is ended.", least=1
    )
    max_age_s: float = option(
        14400.0,
        "An execution environment older than this is replaced as soon as it is idle.",
        least=1,
    )
    egress: str = option(
        "host",
        "What functions reach on the network besides Stoker itself. host: what the machine "
        "reaches, but not the machine's own addresses or instance metadata. none: nothing.",
        choices=("host", "none"),
    )
    stock: int = option(
        4,
        "Sandboxes kept ready per kind of runtime, so that a cold start finds one made. "
        "Each takes about 2 MB, with Node.js 10 MB, with Ruby 15 MB.",
        least=0,
    )
    account_concurrency: int = option(
        1000, "Invocations that one account may run at the same time.", least=1
    )
    unreserved_minimum: int = option(
        100, "How many of those PutFunctionConcurrency must leave for all functions.", least=0
    )
    account_limits: tuple[str, ...] = option(
        (),
        "Accounts that have other limits than these two, separated by commas: "
        "111122223333=10:2,444455556666=500 are ten at a time of which two must be left, and 500.",
    )
    time_scale: float = option(
        1.0,
        "How much faster than on AWS the time passes between attempts of asynchronous "
        "invocations, how much faster their events become too old, and how much faster it passes "
        "for schedules of EventBridge, from when they were put: with 60, a minute is a second. "
        "Timeouts of functions are not touched.",
        least=1,
    )
    metrics_days: int = option(
        455,
        "How long metrics are kept: each minute for 15 days, then 5 minutes together, after 63 "
        "days each hour, as in CloudWatch.",
        least=1,
    )
    metrics_mb: int = option(
        1024,
        "A larger file of metrics takes no more of PutMetricData. Metrics of functions are "
        "written all the same.",
        least=1,
    )
    traces_days: int = option(
        30,
        "How long traces are kept, from their latest segment on; X-Ray keeps them for 30 days.",
        least=1,
    )
    traces_mb: int = option(
        256,
        "How much room traces may take. Where it is not enough, functions that keep most lose "
        "their oldest segments.",
        least=1,
    )
    otlp_endpoint: str = option(
        "",
        "Where traces, metrics and logs of functions are exported to by OpenTelemetry's protocol "
        "(OTLP over HTTP, protobuf): http://127.0.0.1:4318. If it is not given anywhere, "
        "OTEL_EXPORTER_OTLP_ENDPOINT counts.",
        shown="none",
    )
    otlp_headers: tuple[str, ...] = option(
        (),
        "Headers of these requests, separated by commas: name=value. Others see a command line: "
        "secrets belong into a variable or the file. Likewise OTEL_EXPORTER_OTLP_HEADERS.",
    )
    otlp_signals: tuple[str, ...] = option(
        SIGNALS,
        "What is exported: traces, metrics, logs.",
        shown="traces,metrics,logs",
    )
    otlp_interval_s: float = option(60.0, "So often are metrics exported.", least=1)
    lambda_insights: tuple[str, ...] = option(
        (),
        "Functions with Lambda Insights, separated by commas; * stands for all. Each invocation "
        "has an event in the log group /aws/lambda-insights then, and metrics of the namespace "
        "LambdaInsights come of it, as with AWS's extension.",
    )
    recent_mb: int = option(
        32,
        "Events of the latest invocations are kept in memory, for the console to show and replay: "
        "so much of all functions, in MiB, and as much again of asynchronous events at their end. "
        "0: none.",
        least=0,
    )
    recent_function_mb: int = option(
        8,
        "How much of recent_mb one function may have. A larger event is not kept. 0: none.",
        least=0,
    )
    scaling: str = option(
        "1000/10s",
        "How fast a function gets environments on demand. 1000/10s: each function by itself, 1000 "
        "every 10 seconds, as on AWS now. 500+500/min, 1000+500/min, 3000+500/min: as before "
        "November 2023, all functions of a region together, a burst and then 500 a minute.",
        choices=("1000/10s", "500+500/min", "1000+500/min", "3000+500/min"),
    )
    requests_per_unit: int = option(
        10,
        "Invocations a second for each unit of an account's or a function's reserved concurrency; "
        "AWS's quota is 10. 0: as many as there are.",
        least=0,
    )
    max_environments: int = option(
        2000,
        "Execution environments on this machine. When there are so many, idle ones are ended, the "
        "longest idle first; when none is idle, invocations wait for up to 30 seconds.",
        least=1,
    )
    spare_memory_mb: int = option(
        256,
        "Memory of the machine that is left free: when less is available, it is as if there were "
        "max_environments already.",
        least=0,
    )
    neighbours: str = option(
        "embedded",
        "AWS's other services (S3, SNS, IAM, DynamoDB, ...) at the same address. embedded: moto "
        "stands for them, started when the first is asked for; what they keep is on the disk soon "
        "after it changes. none: only those of neighbour_endpoints.",
        choices=("embedded", "none"),
    )
    neighbours_disk_mb: int = option(
        10_240,
        "What the embedded ones may keep on the disk, in MiB: objects of S3 and a copy of all "
        "else. Beyond it, and when the disk has less than 64 MiB left, S3 refuses objects, and the "
        "rest is no longer kept across restarts.",
        least=1,
    )
    neighbour_endpoints: tuple[str, ...] = option(
        (),
        "Services that somebody else serves, separated by commas: "
        "s3=http://127.0.0.1:9000,dynamodb=http://127.0.0.1:8000 (by the names that requests are "
        "signed for). Requests are passed on as they come, with their signatures; Stoker's own "
        "are signed with the credentials that it was started with, or, if sts is among them, with "
        "those of the function's role, which is assumed there.",
    )
    quota_zip_mb: int = option(
        50,
        "Largest package sent in a request itself, in MiB. This and the quotas below are "
        "AWS's unless changed; each is also the refusal's number.",
        least=1,
    )
    quota_unzipped_mb: int = option(
        250, "Largest function with its layers, unpacked, in MiB.", least=1
    )
    quota_code_storage_mb: int = option(
        75 * 1024,
        "Packages of all functions and layers of one account and region, in MiB.",
        least=1,
    )
    quota_layers: int = option(5, "Layers of one function.", least=0)
    quota_environment_bytes: int = option(4096, "A function's variables, as JSON.", least=0)
    quota_policy_bytes: int = option(20_480, "A resource policy, as JSON.", least=0)
    quota_memory_mb: int = option(
        10_240,
        "The most memory that a function may ask for, in MB. AWS's API ends at 32768.",
        least=128,
    )
    quota_timeout_s: int = option(
        900, "The longest Timeout of a function, in seconds. AWS's API ends at 5400.", least=1
    )
    quota_ephemeral_mb: int = option(
        10_240, "The largest /tmp that a function may ask for, in MB.", least=512
    )
    busy_poll: str = option(
        "auto",
        "auto: while one request follows the other within 0.2 ms, the server does not sleep in "
        "between, which saves a fifth of a warm invocation's time, unless others want the "
        "processor. off: it sleeps whenever nothing is to be done.",
        choices=("auto", "off"),
    )
    log_format: str = option(
        "auto",
        "The server's own log, on standard error. auto: text on a terminal, else JSON lines.",
        choices=("auto", "text", "json"),
    )
    log_level: str = option(
        "info",
        "How much the server logs.",
        choices=("debug", "info", "warning", "error"),
    )
    drain_s: float = option(
        10.0,
        "On SIGTERM, running invocations get so many seconds to finish. A second signal ends "
        "them at once.",
        least=0,
    )
    python_client: Path | None = option(
        None,
        "Folder with AWS's own Python runtime client (pip install --target DIR awslambdaric), to "
        "be used in place of Stoker's for all Python functions. Cold starts then take the time "
        "of an interpreter's start.",
    )
    runtimes_dir: Path | None = option(
        None,
        "Folder with further interpreters, one folder per Lambda runtime: "
        "DIR/python3.13/bin/python3.13.",
    )


OPTIONS: tuple[Field[Any], ...] = fields(Config)
_TYPES = get_type_hints(Config)
_LOOPBACK = re.compile(r"127\.\d+\.\d+\.\d+|::1|localhost")


def load(
    flags: Mapping[str, object] = {},
    environ: Mapping[str, str] = os.environ,
    folder: Path = Path(),
) -> Config:
    """Put the layers together. A flag that is None was not given. Raise ConfigError."""
    values: dict[str, object] = {}
    origin: dict[str, str] = {}
    for layer, said_in in (
        (_from_opentelemetry(environ), "{standard}"),
        (_from_file(environ, folder), "{file}: {name}"),
        (_from_environ(environ), "{variable}"),
        ({name: value for name, value in flags.items() if value is not None}, "{flag}"),
    ):
        for name, value in layer.items():
            origin[name] = said_in.format(
                file=FILE,
                name=name,
                variable=variable(name),
                flag=flag(name),
                standard=STANDARD.get(name, ""),
            )
            values[name] = _converted(name, value, origin[name])
    config = Config(**values)  # type: ignore[arg-type]
    _check(config, origin)
    return config


def flag(name: str) -> str:
    """The command line's spelling: data_dir is --data-dir."""
    return "--" + name.replace("_", "-")


def variable(name: str) -> str:
    """The environment's spelling: data_dir is STOKER_DATA_DIR."""
    return "STOKER_" + name.upper()


def is_loopback(host: str) -> bool:
    return _LOOPBACK.fullmatch(host) is not None


# --- the layers ---------------------------------------------------------------------------------


def _from_environ(environ: Mapping[str, str]) -> dict[str, object]:
    """An empty variable says nothing."""
    given = {o.name: environ.get(variable(o.name)) for o in OPTIONS}
    return {name: value for name, value in given.items() if value}


def _from_opentelemetry(environ: Mapping[str, str]) -> dict[str, object]:
    """What every program that exports telemetry is told so."""
    given = {name: environ.get(standard) for name, standard in STANDARD.items()}
    return {name: value for name, value in given.items() if value}


def _from_file(environ: Mapping[str, str], folder: Path) -> dict[str, object]:
    named = environ.get("STOKER_CONFIG")
    path = Path(named) if named else folder / FILE
    try:
        text = path.read_text()
    except FileNotFoundError:
        if named:
            raise ConfigError(f"cannot read {path}, which STOKER_CONFIG names") from None
        return {}
    except OSError as err:
        raise ConfigError(f"cannot read {path}: {err.strerror}") from err
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as err:
        raise ConfigError(f"{path} is not TOML: {err}") from err
    known = {o.name for o in OPTIONS}
    for name in values:
        if name not in known:
            raise ConfigError(f"{path}: there is no option '{name}' ({', '.join(sorted(known))})")
    return values


def _converted(name: str, value: object, said_in: str) -> object:
    """A value as its field wants it, or ConfigError."""
    wanted = _TYPES[name]
    try:
        if wanted is bool:
            return _as_bool(value)
        if wanted in (int, float) and not isinstance(value, bool):
            return wanted(value)
        if wanted == tuple[str, ...]:
            parts = value.split(",") if isinstance(value, str) else value
            return tuple(str(part).strip() for part in parts if str(part).strip())  # type: ignore[attr-defined]
        if Path in (wanted, *get_args(wanted)) and isinstance(value, str | Path):
            return Path(value).expanduser().absolute()
        if wanted is str and isinstance(value, str):
            return value
    except (KeyError, TypeError, ValueError):
        pass
    raise ConfigError(f"{said_in}: '{value}' is not {kind_of(name)}")


def _as_bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    return {
        "1": True,
        "true": True,
        "yes": True,
        "0": False,
        "false": False,
        "no": False,
    }[str(value).lower()]


def _check(config: Config, origin: Mapping[str, str]) -> None:
    for o in OPTIONS:
        value, facts = getattr(config, o.name), o.metadata
        said_in = origin.get(o.name, o.name)
        if facts["choices"] and value not in facts["choices"]:
            raise ConfigError(f"{said_in}: '{value}' is not one of {', '.join(facts['choices'])}")
        if facts["least"] is not None and not facts["least"] <= value < math.inf:
            raise ConfigError(f"{said_in}: {value} is not a number from {facts['least']} up")
    if config.port > 65535:
        raise ConfigError(f"{origin['port']}: {config.port} is not a TCP port (0 to 65535)")
    if not re.fullmatch(r"\d{12}", config.default_account):
        raise ConfigError(
            f"{origin['default_account']}: '{config.default_account}' is not an account (12 digits)"
        )
    for limit in config.account_limits:
        try:
            read_limit(limit)
        except BadLimit as error:
            raise ConfigError(f"{origin['account_limits']}: {error}") from None
    for endpoint in config.neighbour_endpoints:
        try:
            read_endpoint(endpoint)
        except BadEndpoint as error:
            raise ConfigError(f"{origin['neighbour_endpoints']}: {error}") from None
    try:
        read_destination(config.otlp_endpoint, config.otlp_headers, config.otlp_signals)
    except BadDestination as error:
        raise ConfigError(f"{origin[error.option]}: {error}") from None
    if not is_loopback(config.host) and not config.insecure_bind:
        raise ConfigError(
            f"{origin['host']}: will not listen on {config.host}: signatures are not verified yet, "
            "so whoever reaches the port may run any code on this machine. "
            "Use a loopback address, or give --insecure-bind if that is meant."
        )


# --- how options are shown ----------------------------------------------------------------------


def shown_default(o: Field[Any]) -> str:
    """The default in words, for help and documentation."""
    if o.metadata["shown"]:
        return str(o.metadata["shown"])
    if o.default is MISSING or o.default is None or o.default == ():
        return "none"
    if isinstance(o.default, float):
        return f"{o.default:g}"
    return str(o.default).lower() if isinstance(o.default, bool) else str(o.default)


def kind_of(name: str) -> str:
    """The type of an option in words."""
    wanted = _TYPES[name]
    if wanted == tuple[str, ...]:
        return "a list of names"
    if Path in (wanted, *get_args(wanted)):
        return "a path"
    return {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}[wanted]
