"""What the operator decides before the start: environment > ``config.json`` > defaults.

Source: server contract, section 2, with its points B-2 and B-3. Blank environment variables
count as unset. The contract's own integers ignore what is no positive whole number and take the
next source; our own variables (``CPAMP_…``) refuse it instead.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs

from cpamp import configfile
from cpamp.configfile import ConfigFile, SettingsError
from cpamp.fetching.proxy import EnvironmentProxies

SECRETS_FOLDER = Path("/run/secrets")
COLLECTOR_MODES = ("auto", "http", "resp", "subscribe")
POP_SIDES = ("left", "right")
GIB = 1024**3
# By name: the variable, the member of the file, and the URL where neither says another.
PRICE_SOURCES = {
    "models.dev": (
        "MODEL_PRICE_MODELS_DEV_URL",
        "modelPriceModelsDevUrl",
        "https://models.dev/catalog.json",
    ),
    "litellm": (
        "MODEL_PRICE_LITELLM_URL",
        "modelPriceLiteLLMUrl",
        "https://raw.githubusercontent.com/BerriAI/litellm/main/"
        "model_prices_and_context_window.json",
    ),
    "openrouter": (
        "MODEL_PRICE_OPENROUTER_URL",
        "modelPriceOpenRouterUrl",
        "https://openrouter.ai/api/v1/models",
    ),
}


@attrs.frozen
class Switch:
    """A feature that is on or off; `locked` when the environment decided it (section 13)."""

    on: bool = False
    locked: bool = False


@attrs.frozen
class PriceSettings:
    """Where the prices of models come from."""

    sources: Mapping[str, str]  # URLs by the names of the sources; one that is off is not there
    timeout_ms: int  # for one source, with all its steps
    max_bytes: int  # of one source's document, unpacked
    embedded: bool  # the table that the package ships is a source as well
    seed: bool  # a new installation begins with that table
    proxies: EnvironmentProxies


@attrs.frozen
class Settings:
    """Everything that is fixed for the life of the process. Paths are absolute; "" is none."""

    http_addr: str
    listen: tuple[str, ...]  # Twisted endpoint descriptions; they beat http_addr
    base_path: str  # "" or "/some/path"
    data_dir: Path
    db_path: Path
    data_key_path: Path
    admin_key: str = attrs.field(repr=False)
    data_key: str = attrs.field(repr=False)
    metrics_token: str = attrs.field(repr=False)
    cpa_url: str  # as given, not normalised
    cpa_key: str = attrs.field(repr=False)
    collector_mode: str
    queue: str
    pop_side: str
    batch_size: int
    poll_interval_ms: int
    query_limit: int
    tls_skip_verify: bool
    cors_origins: tuple[str, ...]
    panel_path: Path | None
    public_plugin_paths: tuple[str, ...]
    spool_max_bytes: int
    keep_details_days: int  # 0: for ever
    keep_payload_days: int  # 0: raw payloads are not kept at all
    prices: PriceSettings
    import_chunk_bytes: int
    import_disk_quota_bytes: int
    import_max_sessions: int
    import_session_ttl_ms: int
    quota_cooldown: Switch
    account_actions: Switch
    account_actions_auto_disable: Switch

    @property
    def env_mode(self) -> bool:
        """Whether the start-up settings alone name the CPA connection (section 6.4)."""
        return bool(self.cpa_url and self.cpa_key)


@attrs.frozen
class _Sources:
    """The two sources of a value, asked in order of precedence."""

    environ: Mapping[str, str]
    file: ConfigFile
    cwd: Path
    secrets_folder: Path

    def env(self, name: str) -> str:
        """The trimmed variable, or ""."""
        return self.environ.get(name, "").strip()

    def member(self, key: str) -> str:
        """The trimmed text member of the file, or ""."""
        return str(self.file.members.get(key) or "").strip()

    def text(self, name: str, key: str, default: str = "") -> str:
        """The first text that is not blank."""
        return self.env(name) or self.member(key) or default

    def path(self, name: str, key: str) -> Path | None:
        """The first path that is given, absolute by the rule of its source."""
        return self.env_path(name) or self.file_path(key)

    def env_path(self, name: str) -> Path | None:
        """The path of a variable, relative to the working directory."""
        text = self.env(name)
        return self.cwd / text if text else None

    def file_path(self, key: str) -> Path | None:
        """The path of a member of the file, relative to the file's folder."""
        text = self.member(key)
        return (self.file.base or self.cwd) / text if text else None

    def integer(self, name: str, key: str, default: int) -> int:
        """The first positive whole number."""
        for value in (_whole(self.env(name)), self.file.members.get(key)):
            if value is not None and value > 0:
                return int(value)
        return default

    def strict_integer(self, name: str, key: str, default: int) -> int:
        """A whole number that is not negative; anything else given is an error."""
        text = self.env(name)
        value = _whole(text) if text else self.file.members.get(key, default)
        if value is None or value < 0:
            said = f'{name}="{text}"' if text else f"{key}: {value}"
            raise SettingsError(f"{said} must be a whole number, 0 or more")
        return int(value)

    def boolean(self, name: str, key: str, default: bool = False) -> bool:
        """True by one of four words in the environment, or by the file."""
        text = self.env(name)
        if text:
            return text.lower() in ("1", "true", "yes", "on")
        return bool(self.file.members.get(key, default))

    def switch(self, name: str, key: str) -> Switch:
        """A boolean together with whether the environment decided it."""
        return Switch(self.boolean(name, key), locked=bool(self.env(name)))

    def choice(self, name: str, key: str, choices: tuple[str, ...], default: str) -> str:
        """The first of the sources whose text, in any case, is among `choices`."""
        for text in (self.env(name), self.member(key)):
            if text.lower() in choices:
                return text.lower()
        return default

    def words(self, name: str, key: str, split: Callable[[str], list[str]]) -> tuple[str, ...]:
        """The parts of a list that are not blank; () where neither source gives any."""
        given = self.env(name)
        parts = split(given) if given else self.file.members.get(key) or []
        return tuple(part.strip() for part in parts if part.strip())

    def secret(self, name: str, key: str, default: str) -> str:
        """A secret by value, or the content of its file (section 2.3, B-2).

        Only the default file may be missing: a file that was named must hold something.
        """
        value = self.env(name)
        if value:
            return value
        variable = f"{name}_FILE"
        for said, path in ((variable, self.env_path(variable)), (key, self.file_path(key))):
            if path is not None:
                content = _secret_file(path, said)
                if not content:
                    raise SettingsError(f"{said}: the file {path} is blank")
                return content
        default_path = self.secrets_folder / default
        try:
            return default_path.read_text(encoding="utf-8").strip() if default else ""
        except (OSError, UnicodeDecodeError):
            return ""


def load(
    environ: Mapping[str, str],
    cwd: Path,
    *,
    create_default: bool = False,
    secrets_folder: Path = SECRETS_FOLDER,
) -> Settings:
    """The settings by the environment and the config file; raises `SettingsError`.

    `create_default` writes the default ``config.json`` where section 2.1 says that a starting
    server does; commands leave it off.
    """
    cwd = cwd.absolute()
    s = _Sources(environ, configfile.find(environ, cwd, create_default), cwd, secrets_folder)
    data_dir, db_path = _data_paths(s)
    mode = s.text("USAGE_COLLECTOR_MODE", "collectorMode", "auto").lower()
    _check_pprof(s.text("CPA_MANAGER_PPROF_ADDR", "pprofAddr"))
    minutes = s.integer("USAGE_IMPORT_SESSION_TTL_MINUTES", "usageImportSessionTTLMinutes", 1440)
    return Settings(
        http_addr=s.text("HTTP_ADDR", "httpAddr", "0.0.0.0:18317"),
        listen=s.words("CPAMP_LISTEN", "listen", str.split),
        base_path=_base_path(s.text("CPAMP_BASE_PATH", "basePath")),
        data_dir=data_dir,
        db_path=db_path,
        data_key_path=s.path("CPA_MANAGER_DATA_KEY_PATH", "dataKeyPath") or data_dir / "data.key",
        admin_key=s.secret("CPA_MANAGER_ADMIN_KEY", "adminKeyFile", "cpa_admin_key"),
        data_key=s.secret("CPA_MANAGER_DATA_KEY", "dataKeyFile", "cpa_data_key"),
        metrics_token=s.secret("CPAMP_METRICS_TOKEN", "metricsTokenFile", ""),
        cpa_url=s.text("CPA_UPSTREAM_URL", "cpaUpstreamUrl"),
        cpa_key=s.secret("CPA_MANAGEMENT_KEY", "managementKeyFile", "cpa_management_key"),
        collector_mode=mode if mode in COLLECTOR_MODES else "auto",
        queue=s.text("USAGE_RESP_QUEUE", "queue", "usage"),
        pop_side=s.choice("USAGE_RESP_POP_SIDE", "popSide", POP_SIDES, "right"),
        batch_size=s.integer("USAGE_BATCH_SIZE", "batchSize", 100),
        poll_interval_ms=s.integer("USAGE_POLL_INTERVAL_MS", "pollIntervalMs", 500),
        query_limit=s.integer("USAGE_QUERY_LIMIT", "queryLimit", 50_000),
        tls_skip_verify=s.boolean("USAGE_RESP_TLS_SKIP_VERIFY", "tlsSkipVerify"),
        cors_origins=_cors_origins(s),
        panel_path=s.path("PANEL_PATH", "panelPath"),
        public_plugin_paths=_plugin_paths(s),
        spool_max_bytes=s.strict_integer("CPAMP_SPOOL_MAX_BYTES", "spoolMaxBytes", GIB),
        keep_details_days=s.strict_integer("CPAMP_KEEP_DETAILS_DAYS", "keepDetailsDays", 0),
        keep_payload_days=s.strict_integer("CPAMP_KEEP_PAYLOAD_DAYS", "keepPayloadDays", 0),
        prices=_prices(s),
        import_chunk_bytes=s.integer(
            "USAGE_IMPORT_CHUNK_BYTES", "usageImportChunkBytes", 4_194_304
        ),
        import_disk_quota_bytes=s.integer(
            "USAGE_IMPORT_DISK_QUOTA_BYTES", "usageImportDiskQuotaBytes", 16 * GIB
        ),
        import_max_sessions=s.integer("USAGE_IMPORT_MAX_SESSIONS", "usageImportMaxSessions", 2),
        import_session_ttl_ms=minutes * 60_000,
        quota_cooldown=s.switch("USAGE_QUOTA_COOLDOWN_ENABLED", "quotaCooldownEnabled"),
        account_actions=s.switch("USAGE_ACCOUNT_ACTIONS_ENABLED", "accountActionsEnabled"),
        account_actions_auto_disable=s.switch(
            "USAGE_ACCOUNT_ACTIONS_AUTO_DISABLE", "accountActionsAutoDisable"
        ),
    )


def _prices(s: _Sources) -> PriceSettings:
    named = {
        name: s.text(variable, key, url) for name, (variable, key, url) in PRICE_SOURCES.items()
    }
    for name, url in named.items():
        if url.lower() != "off" and not re.match(r"https?://[^/]", url, re.IGNORECASE):
            raise SettingsError(
                f'{PRICE_SOURCES[name][0]}="{url}" must be an http or https URL, or the word off'
            )
    embedded = s.text("MODEL_PRICE_EMBEDDED", "modelPriceEmbedded", "on").lower() != "off"
    return PriceSettings(
        sources={name: url for name, url in named.items() if url.lower() != "off"},
        timeout_ms=s.integer("MODEL_PRICE_SOURCE_TIMEOUT_MS", "modelPriceSourceTimeoutMs", 10_000),
        max_bytes=s.integer("MODEL_PRICE_MAX_BYTES", "modelPriceMaxBytes", 33_554_432),
        embedded=embedded,
        seed=embedded and s.boolean("CPAMP_SEED_PRICES", "seedPrices", default=True),
        proxies=EnvironmentProxies(
            *(
                s.env(name) or s.env(name.lower())
                for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
            )
        ),
    )


def _data_paths(s: _Sources) -> tuple[Path, Path]:
    """The data folder and the database path (section 2.2 and B-3)."""
    env_dir = s.env_path("USAGE_DATA_DIR")
    env_db = s.env_path("USAGE_DB_PATH")
    data_dir = env_dir or s.file_path("dataDir")
    if data_dir is None:
        if s.file.base is not None:
            data_dir = s.file.base / "data"
        else:
            data_dir = env_db.parent if env_db else Path("/data")
    file_db = None if env_dir else s.file_path("dbPath")
    return data_dir, env_db or file_db or data_dir / "usage.sqlite"


def _cors_origins(s: _Sources) -> tuple[str, ...]:
    """The allowed origins; only the environment can say "none" (by a comma alone)."""
    origins = s.words("USAGE_CORS_ORIGINS", "corsOrigins", _by_comma)
    return origins if origins or s.env("USAGE_CORS_ORIGINS") else ("*",)


def _plugin_paths(s: _Sources) -> tuple[str, ...]:
    """Paths below /v0/management/ without that prefix: codex-invite, a/b."""
    words = s.words("CPAMP_PUBLIC_PLUGIN_PATHS", "publicPluginPaths", _by_comma)
    paths = tuple(word.strip("/").removeprefix("v0/management/") for word in words)
    for path in paths:
        if not all(re.fullmatch(r"[\w-][\w.~-]*", part, re.ASCII) for part in path.split("/")):
            raise SettingsError(f'CPAMP_PUBLIC_PLUGIN_PATHS: "{path}" is not a path of a plugin')
    return paths


def _base_path(text: str) -> str:
    """ "" or a path with a leading and without a trailing slash."""
    path = "/" + text.strip("/")
    if path == "/":
        return ""
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]*[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+", path):
        raise SettingsError(
            f'CPAMP_BASE_PATH="{text}" must be a path such as /cpamp, of letters, digits and ._~-'
        )
    return path


def _check_pprof(addr: str) -> None:
    """Go's profiler is not ours, but a wrong address stays an error (section 17.4)."""
    if not addr:
        return
    host = addr.rpartition(":")[0].strip("[]")
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local:
        raise SettingsError("pprof address must use a loopback host")


def _secret_file(path: Path, said: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as e:
        raise SettingsError(f"{said}: can't read {path}: {e.strerror}") from e
    except UnicodeDecodeError as e:
        raise SettingsError(f"{said}: {path} is not UTF-8 text") from e


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[+-]?[0-9]{1,18}", text) else None


def _by_comma(text: str) -> list[str]:
    return text.split(",")
