"""Every rule of where a setting comes from (server contract, section 2)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cpamp.configfile import DEFAULT_FILE, SettingsError
from cpamp.settings import Settings, Switch, load


class Place:
    """A working directory with a config file and a folder of default secrets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secrets = folder / "run-secrets"
        self.secrets.mkdir()

    def write(self, name: str, content: Any) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def load(self, *, create_default: bool = False, **environ: str) -> Settings:
        return load(
            environ, self.folder, create_default=create_default, secrets_folder=self.secrets
        )


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_nothing_given(place: Place) -> None:
    s = place.load()
    assert s.http_addr == "0.0.0.0:18317"
    assert s.data_dir == place.folder / "data"
    assert s.db_path == place.folder / "data/usage.sqlite"
    assert s.data_key_path == place.folder / "data/data.key"
    assert (s.admin_key, s.data_key, s.cpa_url, s.cpa_key, s.metrics_token) == ("",) * 5
    assert (s.collector_mode, s.queue, s.pop_side) == ("auto", "usage", "right")
    assert (s.batch_size, s.poll_interval_ms, s.query_limit) == (100, 500, 50_000)
    assert s.cors_origins == ("*",)
    assert s.tls_skip_verify is False
    assert s.panel_path is None
    assert s.import_chunk_bytes == 4_194_304
    assert s.import_disk_quota_bytes == 17_179_869_184
    assert (s.import_max_sessions, s.import_session_ttl_ms) == (2, 86_400_000)
    assert s.quota_cooldown == s.account_actions == Switch(on=False, locked=False)
    assert s.listen == s.public_plugin_paths == ()
    assert s.base_path == ""
    assert s.spool_max_bytes == 1024**3
    assert s.keep_details_days == s.keep_payload_days == 0
    assert list(s.prices.sources) == ["models.dev", "litellm", "openrouter"]
    assert (s.prices.timeout_ms, s.prices.max_bytes) == (10_000, 32 * 1024**2)
    assert s.prices.embedded is s.prices.seed is True
    assert not s.env_mode
    assert not (place.folder / "config.json").exists()


# name of the variable, key of the file, field, (text, value) in the environment, value in the file
SOURCES = [
    ("HTTP_ADDR", "httpAddr", "http_addr", (" :1 ", ":1"), ":2"),
    ("CPA_UPSTREAM_URL", "cpaUpstreamUrl", "cpa_url", ("http://a/", "http://a/"), "http://b"),
    ("USAGE_COLLECTOR_MODE", "collectorMode", "collector_mode", ("HTTP", "http"), "resp"),
    ("USAGE_RESP_QUEUE", "queue", "queue", ("q1", "q1"), "q2"),
    ("USAGE_RESP_POP_SIDE", "popSide", "pop_side", ("LEFT", "left"), "left"),
    ("USAGE_BATCH_SIZE", "batchSize", "batch_size", ("7", 7), 8),
    ("USAGE_POLL_INTERVAL_MS", "pollIntervalMs", "poll_interval_ms", ("+7", 7), 8),
    ("USAGE_QUERY_LIMIT", "queryLimit", "query_limit", ("9999999", 9_999_999), 8),
    ("USAGE_CORS_ORIGINS", "corsOrigins", "cors_origins", (" a, ,b ", ("a", "b")), ["c"]),
    ("USAGE_RESP_TLS_SKIP_VERIFY", "tlsSkipVerify", "tls_skip_verify", ("yes", True), True),
    ("USAGE_IMPORT_CHUNK_BYTES", "usageImportChunkBytes", "import_chunk_bytes", ("5", 5), 6),
    (
        "USAGE_IMPORT_DISK_QUOTA_BYTES",
        "usageImportDiskQuotaBytes",
        "import_disk_quota_bytes",
        ("5", 5),
        6,
    ),
    ("USAGE_IMPORT_MAX_SESSIONS", "usageImportMaxSessions", "import_max_sessions", ("5", 5), 6),
    (
        "CPAMP_LISTEN",
        "listen",
        "listen",
        ("tcp:1  ssl:2:k=v", ("tcp:1", "ssl:2:k=v")),
        ["tcp:3"],
    ),
    ("CPAMP_BASE_PATH", "basePath", "base_path", ("/a/b/", "/a/b"), "/c"),
    ("CPAMP_SPOOL_MAX_BYTES", "spoolMaxBytes", "spool_max_bytes", ("0", 0), 6),
    ("CPAMP_KEEP_DETAILS_DAYS", "keepDetailsDays", "keep_details_days", ("5", 5), 6),
    ("CPAMP_KEEP_PAYLOAD_DAYS", "keepPayloadDays", "keep_payload_days", ("5", 5), 6),
    (
        "CPAMP_PUBLIC_PLUGIN_PATHS",
        "publicPluginPaths",
        "public_plugin_paths",
        ("x, /v0/management/y-z/ ", ("x", "y-z")),
        ["z"],
    ),
]


@pytest.mark.parametrize(("name", "key", "field", "env", "file"), SOURCES)
def test_environment_beats_file_beats_default(
    place: Place, name: str, key: str, field: str, env: tuple[str, Any], file: Any
) -> None:
    default = getattr(place.load(), field)
    place.write("config.json", {key: file, "unknown": 1})
    by_file = getattr(place.load(**{name: "  "}), field)
    by_env = getattr(place.load(**{name: env[0]}), field)
    assert by_file == (tuple(file) if isinstance(file, list) else file)
    assert by_env == env[1]
    assert default not in (by_file, by_env)


@pytest.mark.parametrize("bad", ["0", "-3", "1.5", "ten", "1_000", "0x10", "9" * 30])
def test_bad_integer_takes_the_next_source(place: Place, bad: str) -> None:
    assert place.load(USAGE_BATCH_SIZE=bad).batch_size == 100
    place.write("config.json", {"batchSize": 12})
    assert place.load(USAGE_BATCH_SIZE=bad).batch_size == 12
    place.write("config.json", {"batchSize": -12})
    assert place.load(USAGE_BATCH_SIZE=bad).batch_size == 100


@pytest.mark.parametrize(
    ("text", "on"),
    [("1", True), ("TRUE", True), ("Yes", True), ("on", True), ("0", False), ("y", False)],
)
def test_boolean_texts(place: Place, text: str, on: bool) -> None:
    place.write("config.json", {"quotaCooldownEnabled": True, "tlsSkipVerify": True})
    s = place.load(USAGE_RESP_TLS_SKIP_VERIFY=text, USAGE_QUOTA_COOLDOWN_ENABLED=text)
    assert s.tls_skip_verify is on
    assert s.quota_cooldown == Switch(on, locked=True)
    assert place.load().quota_cooldown == Switch(on=True, locked=False)


def test_unknown_words(place: Place) -> None:
    place.write("config.json", {"collectorMode": "resp", "popSide": "left"})
    s = place.load(USAGE_COLLECTOR_MODE="kafka", USAGE_RESP_POP_SIDE="middle")
    assert (s.collector_mode, s.pop_side) == ("auto", "left")


def test_only_the_environment_can_ask_for_no_origins(place: Place) -> None:
    assert place.load(USAGE_CORS_ORIGINS=",").cors_origins == ()
    place.write("config.json", {"corsOrigins": []})
    assert place.load().cors_origins == ("*",)


# environment, members of the file, data folder, database, data key, all relative to the place
PATHS: list[tuple[dict[str, str], dict[str, str] | None, str, str, str]] = [
    ({"USAGE_DATA_DIR": "d"}, None, "d", "d/usage.sqlite", "d/data.key"),
    ({"USAGE_DB_PATH": "x/u.db"}, None, "x", "x/u.db", "x/data.key"),
    ({"USAGE_DB_PATH": "x/u.db"}, {}, "data", "x/u.db", "data/data.key"),
    ({}, {"dbPath": "x/u.db"}, "data", "x/u.db", "data/data.key"),
    ({"USAGE_DATA_DIR": "d"}, {"dbPath": "x/u.db"}, "d", "d/usage.sqlite", "d/data.key"),
    ({"USAGE_DATA_DIR": "d"}, {"dataKeyPath": "k"}, "d", "d/usage.sqlite", "k"),
    ({"CPA_MANAGER_DATA_KEY_PATH": "e"}, {"dataKeyPath": "k"}, "data", "data/usage.sqlite", "e"),
    ({"USAGE_DATA_DIR": "d"}, {"dataDir": "f"}, "d", "d/usage.sqlite", "d/data.key"),
    ({}, {"dataDir": "f"}, "f", "f/usage.sqlite", "f/data.key"),
]


@pytest.mark.parametrize(("environ", "file", "data", "database", "key"), PATHS)
def test_paths(
    place: Place,
    environ: dict[str, str],
    file: dict[str, str] | None,
    data: str,
    database: str,
    key: str,
) -> None:
    if file is not None:
        place.write("config.json", file)
    s = place.load(**environ)
    assert s.data_dir == place.folder / data
    assert s.db_path == place.folder / database
    assert s.data_key_path == place.folder / key


def test_paths_in_a_named_file_are_relative_to_it(place: Place) -> None:
    place.write("etc/cpamp.json", {"dataDir": "d", "panelPath": "p.html", "adminKeyFile": "admin"})
    place.write("etc/admin", " secret \n")
    s = place.load(CPA_MANAGER_CONFIG="etc/cpamp.json")
    assert s.data_dir == place.folder / "etc/d"
    assert s.panel_path == place.folder / "etc/p.html"
    assert s.admin_key == "secret"
    assert place.load(PANEL_PATH="p.html").panel_path == place.folder / "p.html"


def test_default_file_is_created_by_a_starting_server_only(place: Place) -> None:
    place.load()
    place.load(create_default=True, USAGE_DATA_DIR="d")
    assert not (place.folder / "config.json").exists()
    s = place.load(create_default=True)
    assert (place.folder / "config.json").read_text() == DEFAULT_FILE
    assert s.data_dir == place.folder / "data"


def test_named_default_file_is_created_even_in_docker(place: Place) -> None:
    named = {"CPA_MANAGER_CONFIG": "etc/c.json", "USAGE_DB_PATH": "x/u.db"}
    assert place.load(**named).data_dir == place.folder / "etc/data"
    place.load(create_default=True, **named)
    assert json.loads((place.folder / "etc/c.json").read_text())["dataDir"] == "./data"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "parse config"),
        ("[]", "not a JSON object"),
        ({"httpAddr": 5}, "httpAddr must be of type str"),
        ({"batchSize": "5"}, "batchSize must be of type int"),
        ({"batchSize": 5.5}, "batchSize must be of type int"),
        ({"batchSize": True}, "batchSize must be of type int"),
        ({"tlsSkipVerify": 1}, "tlsSkipVerify must be of type bool"),
        ({"corsOrigins": "a"}, "corsOrigins must be a list of texts"),
        ({"corsOrigins": [1]}, "corsOrigins must be a list of texts"),
        ({"spoolMaxBytes": -1}, "spoolMaxBytes"),
    ],
)
def test_bad_files(place: Place, content: Any, said: str) -> None:
    place.write("config.json", content)
    with pytest.raises(SettingsError, match=said):
        place.load(HTTP_ADDR=":1", USAGE_BATCH_SIZE="1")


def test_null_is_absent(place: Place) -> None:
    place.write("config.json", {"batchSize": None, "corsOrigins": None})
    assert place.load().batch_size == 100


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"CPAMP_SPOOL_MAX_BYTES": "1GB"}, "CPAMP_SPOOL_MAX_BYTES"),
        ({"CPAMP_KEEP_DETAILS_DAYS": "-1"}, "CPAMP_KEEP_DETAILS_DAYS"),
        ({"CPAMP_BASE_PATH": "/a b"}, "CPAMP_BASE_PATH"),
        ({"CPAMP_PUBLIC_PLUGIN_PATHS": "ok,<path:all>"}, "CPAMP_PUBLIC_PLUGIN_PATHS"),
        ({"CPAMP_PUBLIC_PLUGIN_PATHS": "../x"}, "CPAMP_PUBLIC_PLUGIN_PATHS"),
        ({"CPAMP_BASE_PATH": "/a/../b"}, "CPAMP_BASE_PATH"),
        ({"CPA_MANAGER_PPROF_ADDR": "0.0.0.0:6060"}, "loopback host"),
        ({"CPA_MANAGER_PPROF_ADDR": ":6060"}, "loopback host"),
        ({"CPA_MANAGER_PPROF_ADDR": "example.org:6060"}, "loopback host"),
        ({"CPA_MANAGER_ADMIN_KEY_FILE": "missing"}, "CPA_MANAGER_ADMIN_KEY_FILE"),
        ({"CPA_MANAGER_DATA_KEY_FILE": "blank"}, "CPA_MANAGER_DATA_KEY_FILE.*blank"),
        ({"CPA_MANAGEMENT_KEY_FILE": "."}, "CPA_MANAGEMENT_KEY_FILE"),
        ({"CPAMP_METRICS_TOKEN_FILE": "missing"}, "CPAMP_METRICS_TOKEN_FILE"),
    ],
)
def test_refused(place: Place, environ: dict[str, str], said: str) -> None:
    place.write("blank", " \n")
    with pytest.raises(SettingsError, match=said):
        place.load(**environ)


@pytest.mark.parametrize("addr", ["localhost:6060", "127.0.0.1:6060", "[::1]:6060"])
def test_pprof_on_loopback_is_taken_and_ignored(place: Place, addr: str) -> None:
    assert place.load(CPA_MANAGER_PPROF_ADDR=addr) == place.load()


SECRETS = [
    ("CPA_MANAGER_ADMIN_KEY", "adminKeyFile", "cpa_admin_key", "admin_key"),
    ("CPA_MANAGER_DATA_KEY", "dataKeyFile", "cpa_data_key", "data_key"),
    ("CPA_MANAGEMENT_KEY", "managementKeyFile", "cpa_management_key", "cpa_key"),
]


@pytest.mark.parametrize(("name", "key", "default", "field"), SECRETS)
def test_secrets(place: Place, name: str, key: str, default: str, field: str) -> None:
    place.write("by-env", "by-env\n")
    place.write("by-key", "by-key\n")
    place.write(f"run-secrets/{default}", "\tby-default \n")
    assert getattr(place.load(), field) == "by-default"
    place.write("config.json", {key: "by-key"})
    assert getattr(place.load(), field) == "by-key"
    by_env = {f"{name}_FILE": "by-env"}
    assert getattr(place.load(**by_env), field) == "by-env"
    assert getattr(place.load(**by_env, **{name: " value "}), field) == "value"
    assert "value" not in repr(place.load(**{name: "value"}))


def test_named_secret_file_of_the_config_must_exist(place: Place) -> None:
    place.write("config.json", {"adminKeyFile": "typo"})
    with pytest.raises(SettingsError, match="adminKeyFile"):
        place.load()
    assert place.load(CPA_MANAGER_ADMIN_KEY="given").admin_key == "given"


def test_env_mode_needs_both(place: Place) -> None:
    assert not place.load(CPA_UPSTREAM_URL="http://a").env_mode
    assert not place.load(CPA_MANAGEMENT_KEY="k").env_mode
    assert place.load(CPA_UPSTREAM_URL="http://a", CPA_MANAGEMENT_KEY="k").env_mode


def test_price_sources_and_limits(place: Place) -> None:
    place.write(
        "config.json",
        {
            "modelPriceModelsDevUrl": "http://file/models",
            "modelPriceLiteLLMUrl": "OFF",
            "modelPriceSourceTimeoutMs": 5,
            "seedPrices": False,
        },
    )
    prices = place.load().prices
    assert prices.sources == {
        "models.dev": "http://file/models",
        "openrouter": "https://openrouter.ai/api/v1/models",
    }
    assert (prices.timeout_ms, prices.max_bytes) == (5, 33_554_432)
    assert (prices.embedded, prices.seed) == (True, False)
    prices = place.load(
        MODEL_PRICE_MODELS_DEV_URL="off",
        MODEL_PRICE_LITELLM_URL="https://env/litellm",
        MODEL_PRICE_SOURCE_TIMEOUT_MS="no number",
        MODEL_PRICE_MAX_BYTES="7",
        CPAMP_SEED_PRICES="true",
    ).prices
    assert list(prices.sources) == ["litellm", "openrouter"]
    assert (prices.timeout_ms, prices.max_bytes, prices.seed) == (5, 7, True)
    prices = place.load(MODEL_PRICE_EMBEDDED="off", CPAMP_SEED_PRICES="true").prices
    assert (prices.embedded, prices.seed) == (False, False)


@pytest.mark.parametrize("url", ["ftp://x/y", "models.dev", "http://", "https:///x"])
def test_a_price_source_must_be_http(place: Place, url: str) -> None:
    with pytest.raises(SettingsError, match="MODEL_PRICE_LITELLM_URL"):
        place.load(MODEL_PRICE_LITELLM_URL=url)


def test_the_proxies_of_the_environment(place: Place) -> None:
    proxies = place.load(
        HTTP_PROXY="http://upper", http_proxy="http://lower", https_proxy="p:1", no_proxy="a.test"
    ).prices.proxies
    assert (proxies.http, proxies.https, proxies.none_for) == ("http://upper", "p:1", "a.test")
    assert "upper" not in repr(proxies)
