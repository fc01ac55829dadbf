"""Flags win over variables, variables over the file, the file over defaults."""

import os
from pathlib import Path

import pytest

from stoker.config import OPTIONS, ConfigError, load, variable


def test_without_any_layer_the_defaults_hold(tmp_path: Path) -> None:
    config = load({}, {}, tmp_path)
    assert (config.host, config.port, config.egress) == ("127.0.0.1", 4566, "host")
    assert config.idle_timeout_s == 900


def test_each_layer_wins_over_the_one_below(tmp_path: Path) -> None:
    (tmp_path / "stoker.toml").write_text('port = 1\nstock = 1\nlog_level = "debug"\n')
    environ = {"STOKER_PORT": "2", "STOKER_STOCK": "2", "STOKER_UNRELATED": "x"}
    config = load({"port": 3, "stock": None}, environ, tmp_path)
    assert (config.port, config.stock, config.log_level) == (3, 2, "debug")


def test_every_option_can_be_said_in_every_layer(tmp_path: Path) -> None:
    said = {
        "host": "127.0.0.2", "port": "7", "data_dir": "/d", "ready_file": "/r",
        "sandbox": "process", "insecure_bind": "true", "allowed_hosts": "a.example, b.example",
        "default_account": "111122223333", "idle_timeout_s": "5", "max_age_s": "6",
        "egress": "none", "stock": "0", "account_concurrency": "9", "unreserved_minimum": "3",
        "scaling": "500+500/min", "requests_per_unit": "8", "max_environments": "12",
        "spare_memory_mb": "13", "log_format": "json", "time_scale": "2", "busy_poll": "off",
        "neighbours": "none", "neighbour_endpoints": "s3=http://h:1",
        "neighbours_disk_mb": "14", "account_limits": "111122223333=10:2",
        "metrics_days": "15", "metrics_mb": "16",
        "traces_days": "15", "traces_mb": "16",
        "otlp_endpoint": "http://h:4318", "otlp_headers": "a=b", "otlp_signals": "logs",
        "otlp_interval_s": "5",
        "lambda_insights": "shop", "recent_mb": "17", "recent_function_mb": "18",
        "log_level": "error", "drain_s": "0.5", "python_client": "/c", "runtimes_dir": "/i",
        "quota_zip_mb": "21", "quota_unzipped_mb": "22", "quota_code_storage_mb": "23",
        "quota_layers": "24", "quota_environment_bytes": "25", "quota_policy_bytes": "26",
        "quota_memory_mb": "227", "quota_timeout_s": "28", "quota_ephemeral_mb": "529",
    }  # fmt: skip
    assert set(said) == {o.name for o in OPTIONS}, "a new option: say it here"
    from_environ = load({}, {variable(name): value for name, value in said.items()}, tmp_path)
    numbers = {
        "port",
        "idle_timeout_s",
        "max_age_s",
        "stock",
        "account_concurrency",
        "drain_s",
        "unreserved_minimum",
        "time_scale",
        "requests_per_unit",
        "max_environments",
        "spare_memory_mb",
        "metrics_days",
        "metrics_mb",
        "traces_days",
        "traces_mb",
        "otlp_interval_s",
        "recent_mb",
        "recent_function_mb",
        "quota_zip_mb",
        "quota_unzipped_mb",
        "quota_code_storage_mb",
        "quota_layers",
        "quota_environment_bytes",
        "quota_policy_bytes",
        "quota_memory_mb",
        "quota_timeout_s",
        "quota_ephemeral_mb",
    }
    lines = [f"{k} = {v if k in numbers or v == 'true' else repr(v)}" for k, v in said.items()]
    (tmp_path / "stoker.toml").write_text("\n".join(lines))
    from_file = load({}, {}, tmp_path)
    assert from_environ == from_file == load(said, {}, tmp_path)
    assert from_file.allowed_hosts == ("a.example", "b.example")
    assert from_file.python_client == Path("/c")


@pytest.mark.parametrize(
    ("environ", "complaint"),
    [
        ({"STOKER_PORT": "http"}, "STOKER_PORT: 'http' is not a whole number"),
        ({"STOKER_PORT": "70000"}, "STOKER_PORT: 70000 is not a TCP port (0 to 65535)"),
        ({"STOKER_STOCK": "-1"}, "STOKER_STOCK: -1 is not a number from 0 up"),
        ({"STOKER_DRAIN_S": "nan"}, "nan is not a number from 0 up"),
        ({"STOKER_EGRESS": "some"}, "STOKER_EGRESS: 'some' is not one of host, none"),
        ({"STOKER_NEIGHBOUR_ENDPOINTS": "s3=h:9"}, "'s3=h:9' is not SERVICE=http://HOST[:PORT]"),
        ({"STOKER_ACCOUNT_LIMITS": "1=2"}, "'1=2' is not ACCOUNT=CONCURRENCY[:UNRESERVED]"),
        ({"STOKER_INSECURE_BIND": "maybe"}, "'maybe' is not true or false"),
        ({"STOKER_DEFAULT_ACCOUNT": "12"}, "'12' is not an account (12 digits)"),
        ({"STOKER_CONFIG": "/nowhere.toml"}, "cannot read /nowhere.toml"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(
    environ: dict[str, str], complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as refusal:
        load({}, environ, tmp_path)
    assert complaint in str(refusal.value)


def test_a_misspelt_option_in_the_file_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "stoker.toml").write_text("prot = 1")
    with pytest.raises(ConfigError, match=r"there is no option 'prot' \(.*port"):
        load({}, {}, tmp_path)
    (tmp_path / "stoker.toml").write_text("port = ")
    with pytest.raises(ConfigError, match="is not TOML"):
        load({}, {}, tmp_path)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "lambda.example"])
def test_only_insecure_bind_opens_other_addresses(host: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--insecure-bind"):
        load({"host": host}, {}, tmp_path)
    assert load({"host": host, "insecure_bind": True}, {}, tmp_path).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_addresses_need_no_permission(host: str, tmp_path: Path) -> None:
    assert load({"host": host}, {}, tmp_path).host == host


def test_the_data_folder_follows_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    expected = Path("/var/lib/stoker") if os.geteuid() == 0 else tmp_path / "stoker"
    assert load({}, {}, tmp_path).data_dir == expected


def test_opentelemetry_s_own_variables_count_below_all_else(tmp_path: Path) -> None:
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://standard:4318",
        "OTEL_EXPORTER_OTLP_HEADERS": "a=1,b=2",
    }
    config = load({}, environ, tmp_path)
    assert config.otlp_endpoint == "http://standard:4318"
    assert config.otlp_headers == ("a=1", "b=2")
    (tmp_path / "stoker.toml").write_text('otlp_endpoint = "http://file:4318"\n')
    assert load({}, environ, tmp_path).otlp_endpoint == "http://file:4318"
    with pytest.raises(ConfigError, match="OTEL_EXPORTER_OTLP_ENDPOINT: 'collector' is not a URL"):
        load({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector"}, tmp_path / "none")
    with pytest.raises(ConfigError, match="OTEL_EXPORTER_OTLP_HEADERS: a header is written"):
        load({}, environ | {"OTEL_EXPORTER_OTLP_HEADERS": "Bearer"}, tmp_path)
