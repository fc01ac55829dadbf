"""Every quota and bound, with its source. "AWS" is the Lambda developer guide's page
"Lambda quotas" and the service model; "ours" is a bound that AWS does not publish or need.
"""

from dataclasses import dataclass
from enum import StrEnum

MIB = 1024 * 1024

# What a function may ask for (AWS). The model's own maxima are larger: they belong to managed
# instances, which have other rules.
MEMORY_MB = range(128, 10_240 + 1)
MEMORY_DEFAULT_MB = 128
TIMEOUT_S = range(1, 900 + 1)
TIMEOUT_DEFAULT_S = 3
EPHEMERAL_MB = range(512, 10_240 + 1)
EPHEMERAL_DEFAULT_MB = 512
ENVIRONMENT_BYTES = 4096  # as JSON: names, values, quotes, commas and braces all count
FUNCTION_NAME_LENGTH = 64  # of the bare name; the parameter may be 140 long, it may be an ARN
TAGS = 50  # of one resource

# Code (AWS)
ZIP_BYTES = 50 * MIB  # sent in the request itself
UNZIPPED_BYTES = 250 * MIB  # function and layers together
LAYERS = 5  # of one function
CAPACITY_PROVIDERS = 1000  # of one account and region
POLICY_BYTES = 20_480  # of a resource policy, as JSON
CODE_STORAGE_BYTES = 75 * 1024 * MIB  # all functions and layers of one account and region

# Archives (ours: what keeps the unpacking of a hostile one cheap)
ARCHIVE_ENTRIES = 100_000  # files, links and directories, whether listed or only implied
ARCHIVE_PATH_BYTES = 4095  # Linux: PATH_MAX
ARCHIVE_NAME_BYTES = 255  # Linux: NAME_MAX
ARCHIVE_DEPTH = 200  # names of one path: what walks a tree may do so by calling itself
ARCHIVE_LINK_BYTES = 4095  # a longer link cannot be made
ARCHIVE_LINK_HOPS = 40  # Linux: MAXSYMLINKS
ARCHIVE_LINK_STEPS = 500_000  # path components looked at while resolving all links

# Invocations (AWS)
SYNC_PAYLOAD_BYTES = 6 * MIB
ASYNC_PAYLOAD_BYTES = 1 * MIB
EVENT_RETRIES = 2  # of an event whose function fails, unless said otherwise
EVENT_AGE_S = 21_600  # the most, and unless said otherwise
CONCURRENT_EXECUTIONS = 1000  # per account and region
UNRESERVED_MINIMUM = 100
URL_HEAD_BYTES = 64 * 1024  # ours: of what a function puts before the body, through its URL

# Events that wait (ours)
QUEUED_EVENTS = 1_000_000  # of one account, in all regions
QUEUED_BYTES = 8 * 1024 * MIB  # likewise
QUEUES = 1000  # of one account, in all regions
QUEUED_MESSAGES = 1_000_000  # of one account, in all its queues
EVENTS_AT_A_TIME = 100  # of one function; its own reserved concurrency may be more or less
EVENTS_AT_FIRST = 8  # likewise, until that is seen to be too few
WAITING_BYTES = 32 * MIB  # of all events that are kept in memory beside the disk
FRESH_BYTES = 32 * MIB  # of all messages of queues that are kept in memory beside the disk
POLLED_BYTES = 128 * MIB  # of messages and records in the hands of all pollers together
LOADED_EVENTS, LOADED_BYTES = 64, 4 * MIB  # read from the disk together

# Lists (AWS: "ListFunctions returns a maximum of 50 items in each response")
LIST_PAGE = 50


class Family(StrEnum):
    """Who brings the program that talks to the Runtime API."""

    PYTHON = "python"  # managed: our bootstrap, an interpreter found on the machine
    NODE = "nodejs"  # likewise, a node
    JAVA = "java"  # likewise, a java
    RUBY = "ruby"  # likewise, a ruby
    OS_ONLY = "os-only"  # `bootstrap` in the function's own code
    OTHER = "other"  # managed at AWS; not built here yet


@dataclass(frozen=True, slots=True)
class Runtime:
    """One of AWS's runtime identifiers."""

    name: str
    family: Family = Family.OTHER
    blocked: bool = False  # AWS no longer creates or updates functions on it


def _table(family: Family, names: str, *, blocked: bool = False) -> dict[str, Runtime]:
    return {name: Runtime(name, family, blocked) for name in names.split()}


# The service model's enumeration of Runtime (tests/core/test_validation.py compares them).
# `blocked` follows "Deprecated runtimes" in the developer guide, for those whose "block function
# update" date has passed for good; python3.8 is deprecated there and kept here on purpose.
RUNTIMES: dict[str, Runtime] = {
    **_table(
        Family.PYTHON,
        "python3.8 python3.9 python3.10 python3.11 python3.12 python3.13 python3.14 python3.15",
    ),
    **_table(Family.PYTHON, "python2.7 python3.6 python3.7", blocked=True),
    **_table(Family.OS_ONLY, "provided.al2 provided.al2023"),
    **_table(Family.OS_ONLY, "provided", blocked=True),
    **_table(Family.NODE, "nodejs18.x nodejs20.x nodejs22.x nodejs24.x nodejs26.x"),
    **_table(Family.OTHER, "nodejs16.x"),
    **_table(
        Family.OTHER,
        "nodejs nodejs4.3 nodejs4.3-edge nodejs6.10 nodejs8.10 nodejs10.x nodejs12.x nodejs14.x",
        blocked=True,
    ),
    **_table(Family.JAVA, "java11 java11.al2023 java17 java17.al2023 java21 java25"),
    **_table(Family.OTHER, "java8.al2 java8.al2023"),
    **_table(Family.OTHER, "java8", blocked=True),
    **_table(Family.OTHER, "dotnet6 dotnet8 dotnet10"),
    **_table(
        Family.OTHER,
        "dotnetcore1.0 dotnetcore2.0 dotnetcore2.1 dotnetcore3.1",
        blocked=True,
    ),
    **_table(Family.RUBY, "ruby3.2 ruby3.3 ruby3.4 ruby4.0"),
    **_table(Family.OTHER, "ruby2.5 ruby2.7 go1.x", blocked=True),
    **_table(Family.OTHER, "custom"),  # customer-managed runtimes; needs RuntimeConfig
}

# Keys of a function's environment that AWS sets and a customer may not (developer guide,
# "Defined runtime environment variables"). Keys that begin with "_" fail the grammar before.
RESERVED_VARIABLES = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_MAX_CONCURRENCY",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "TZ",
    }
)
