"""What the configuration means to the parts of the server."""

from pathlib import Path

from stoker.api.control import Settings
from stoker.config import Config
from stoker.core.account_limits import AccountLimits, Limits, read_limit
from stoker.core.learning import LIMITS
from stoker.core.limits import MIB
from stoker.core.neighbours import Endpoints, read_endpoint
from stoker.core.quotas import Quotas
from stoker.core.scaling import RULES
from stoker.environment.credentials_api import VALID_S, RoleSessions
from stoker.http.busy_poll import BusyPoll
from stoker.invoke.invoker import InvokeSettings
from stoker.neighbours.embedded import Embedded, Serve
from stoker.neighbours.neighbours import Neighbours
from stoker.runtimes.criu import find_criu, lacking
from stoker.runtimes.found import found_runtimes


def api_settings(config: Config, quotas: Quotas, sandbox: str) -> Settings:
    return Settings(
        sandbox=sandbox,
        account=config.default_account,
        hosts=frozenset(config.allowed_hosts),
        limits=limits_of(config),
        quotas=quotas,
        metrics_mb=config.metrics_mb,
        lacks_images=lambda: "" if find_criu(config.runtimes_dir) else lacking(),
        runtimes=lambda: [one.runtime for one in found_runtimes(runtimes_dir=config.runtimes_dir)],
    )


def neighbours_of(config: Config, serve: Serve) -> Neighbours:
    configured = dict(map(read_endpoint, config.neighbour_endpoints))
    return Neighbours(
        Endpoints(configured, embedded=config.neighbours == "embedded"),
        Embedded(
            config.data_dir / "state" / "neighbours",
            serve,
            config.time_scale,
            config.neighbours_disk_mb * MIB,
        ),
    )


def database(config: Config, name: str) -> Path:
    """SQLite files have a folder of their own: beside each lie its journals."""
    return config.data_dir / "state" / f"{name}.db"


def invoke_settings(config: Config, secret: bytes, awake: BusyPoll | None = None) -> InvokeSettings:
    return InvokeSettings(
        limits=limits_of(config),
        per_unit=config.requests_per_unit,
        insights=frozenset(config.lambda_insights),
        awake=awake,
        scaling=RULES[config.scaling],
        environments=config.max_environments,
        spare_mb=config.spare_memory_mb,
        idle_timeout_s=config.idle_timeout_s,
        max_age_s=config.max_age_s,
        from_zygote=config.python_client is None,
        sessions=RoleSessions(secret, max(VALID_S, 2 * config.max_age_s)),
    )


def limits_of(config: Config) -> AccountLimits:
    """What accounts may run at a time."""
    everybody = Limits(config.account_concurrency, config.unreserved_minimum)
    return AccountLimits(everybody, {**LIMITS, **dict(map(read_limit, config.account_limits))})


def quotas_of(config: Config) -> Quotas:
    """What the operator lets accounts have."""
    return Quotas(
        zip_bytes=config.quota_zip_mb * MIB,
        unzipped_bytes=config.quota_unzipped_mb * MIB,
        code_storage_bytes=config.quota_code_storage_mb * MIB,
        layers=config.quota_layers,
        environment_bytes=config.quota_environment_bytes,
        policy_bytes=config.quota_policy_bytes,
        memory_mb=config.quota_memory_mb,
        timeout_s=config.quota_timeout_s,
        ephemeral_mb=config.quota_ephemeral_mb,
    )
