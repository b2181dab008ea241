"""Finding, reading and creating ``config.json`` (server contract, section 2.1)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from cpamp.errors import Problem

DEFAULT_FILE = '{\n  "httpAddr": "0.0.0.0:18317",\n  "dataDir": "./data"\n}\n'

# The members that are read, by the JSON type that they must have; others are ignored.
_TEXTS = (
    "httpAddr dataDir dbPath adminKeyFile dataKeyFile dataKeyPath cpaUpstreamUrl "
    "managementKeyFile collectorMode queue popSide panelPath pprofAddr basePath metricsTokenFile "
    "modelPriceModelsDevUrl modelPriceLiteLLMUrl modelPriceOpenRouterUrl modelPriceEmbedded"
)
_INTEGERS = (
    "batchSize pollIntervalMs queryLimit usageImportChunkBytes usageImportDiskQuotaBytes "
    "usageImportMaxSessions usageImportSessionTTLMinutes spoolMaxBytes keepDetailsDays "
    "keepPayloadDays modelPriceSourceTimeoutMs modelPriceMaxBytes"
)
_BOOLEANS = (
    "tlsSkipVerify quotaCooldownEnabled accountActionsEnabled accountActionsAutoDisable seedPrices"
)
_LISTS = "corsOrigins listen publicPluginPaths"
MEMBERS: dict[str, type] = {
    key: kind
    for keys, kind in ((_TEXTS, str), (_INTEGERS, int), (_BOOLEANS, bool), (_LISTS, list))
    for key in keys.split()
}


class SettingsError(Problem):
    """The settings can't be used; the message names the variable or the file."""

    code = "settings_invalid"


@attrs.frozen
class ConfigFile:
    """The parsed ``config.json``; `base` is what its relative paths are relative to."""

    members: Mapping[str, Any]
    base: Path | None


def find(environ: Mapping[str, str], cwd: Path, create_default: bool) -> ConfigFile:
    """The file to be used: which one, and what its paths are relative to.

    `create_default` writes the default file where a starting server does; offline commands
    leave it off. Raises `SettingsError`.
    """
    named = environ.get("CPA_MANAGER_CONFIG", "").strip()
    path = cwd / (named or "config.json")
    if not path.exists():
        placed = any(environ.get(v, "").strip() for v in ("USAGE_DATA_DIR", "USAGE_DB_PATH"))
        if placed and not named:
            return ConfigFile({}, None)
        if not create_default:
            return ConfigFile({}, path.parent)
        _write_default(path)
    return ConfigFile(_read(path), path.parent)


def _write_default(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(DEFAULT_FILE, encoding="utf-8")
    except OSError as e:
        raise SettingsError(f"create default config {path}: {e.strerror}") from e


def _read(path: Path) -> Mapping[str, Any]:
    """The members of the file, each of its right type; null counts as absent."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise SettingsError(f"read config {path}: {e.strerror}") from e
    except ValueError as e:
        raise SettingsError(f"parse config {path}: {e}") from e
    if not isinstance(value, dict):
        raise SettingsError(f"parse config {path}: it is not a JSON object")
    members = {k: v for k, v in value.items() if k in MEMBERS and v is not None}
    for key, member in members.items():
        wanted = MEMBERS[key]
        parts = member if wanted is list and isinstance(member, list) else []
        if type(member) is not wanted or not all(isinstance(part, str) for part in parts):
            said = "a list of texts" if wanted is list else f"of type {wanted.__name__}"
            raise SettingsError(f"parse config {path}: {key} must be {said}")
    return members
