"""What must be ours before the port opens: settings, prices, names of keys (server contract, 21).

Each is bounded, and small.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import attrs
import orjson

from cpamp.pricing.price import ContextTier, ModelPrice, Rate, Rates, ServiceTier
from cpamp.security import admin
from cpamp.setup.bootstrap import CONFIG_SETTING, STATE_SETTING
from cpamp.store import aliases, prices
from cpamp.store import settings as stored
from cpamp.store.aliases import Alias
from cpamp.takeover.reference import Unreadable, tables

OLD_SETUP = "setup"
AUTOMATION = "automation_settings_v1"
SETTING = "SELECT value FROM settings WHERE key = ?"
TIMES = "UPDATE model_prices SET updated_at_ms = ? WHERE model = ?"
# A secret as it is stored, made into one that our data key opens; "" where that can't be.
Reseal = Callable[[str], str]
Row = dict[str, Any]


def carry(
    conn: sqlite3.Connection, source: sqlite3.Connection, reseal: Reseal, now_ms: int
) -> bool:
    """Carry them over in the caller's transaction; whether the settings were carried too.

    An installation that was set up keeps its settings, prices and names, and gets those that it
    has not.
    """
    fresh = stored.get(conn, CONFIG_SETTING) is None
    if fresh:
        _carry_settings(conn, source, reseal, now_ms)
    _carry_prices(conn, source, now_ms, whole=fresh)
    _carry_aliases(conn, source, now_ms)
    return fresh


# -- settings ---------------------------------------------------------------------------------


def _carry_settings(
    conn: sqlite3.Connection, source: sqlite3.Connection, reseal: Reseal, now_ms: int
) -> None:
    config = _setting(source, CONFIG_SETTING) or _config_of(_setting(source, OLD_SETUP))
    connection = config.get("cpaConnection")
    if isinstance(connection, dict) and connection.get("managementKey"):
        key = reseal(str(connection["managementKey"]))
        config = {**config, "cpaConnection": {**connection, "managementKey": key}}
    carried = {
        CONFIG_SETTING: config,
        AUTOMATION: _setting(source, AUTOMATION),
        admin.SETTING: _setting(source, admin.SETTING),
        STATE_SETTING: {"migratedLegacy": True},
    }
    for key, value in carried.items():
        if value:
            stored.put(conn, key, value, now_ms)


def _setting(source: sqlite3.Connection, key: str) -> Row:
    row = source.execute(SETTING, (key,)).fetchone()
    try:
        value = orjson.loads(row[0]) if row else {}
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"its setting {key} is damaged: {error}") from error
    return value if isinstance(value, dict) else {}


def _config_of(setup: Row) -> Row:
    """The configuration that an old server's setup means (section 3.1, step 3)."""
    if not (setup.get("cpaBaseUrl") and setup.get("managementKey")):
        return {}
    collector = {name: setup[name] for name in ("queue", "popSide") if setup.get(name)}
    return {
        "cpaConnection": {name: setup[name] for name in ("cpaBaseUrl", "managementKey")},
        "collector": {"enabled": True, **collector},
    }


# -- prices and names -------------------------------------------------------------------------


def _carry_prices(
    conn: sqlite3.Connection, source: sqlite3.Connection, now_ms: int, *, whole: bool
) -> None:
    book = read_prices(source)
    if not book:
        return
    if whole:
        prices.replace(conn, book, now_ms)
    else:
        # What came with the package is nobody's work.
        kept = {m for m, p in prices.read(conn).prices.items() if p.source != "embedded"}
        book = {model: price for model, price in book.items() if model not in kept}
        prices.put(conn, book, now_ms)
    conn.executemany(TIMES, [(price.updated_at_ms, model) for model, price in book.items()])


def read_prices(source: sqlite3.Connection) -> dict[str, ModelPrice]:
    """The price book of the existing server; older ones have fewer columns and tables."""
    contexts: dict[str, list[ContextTier]] = {}
    for row in _rows(source, "model_price_context_tiers"):
        tier = ContextTier(int(row["threshold_tokens"]), _rates(row))
        contexts.setdefault(row["model"], []).append(tier)
    services: dict[str, list[ServiceTier]] = {}
    for row in _rows(source, "model_price_service_tiers"):
        rule = ServiceTier(row["mode"], row["service_tier"], _rates(row))
        services.setdefault(row["model"], []).append(rule)
    return {
        row["model"]: ModelPrice(
            _rates(row),
            tuple(contexts.get(row["model"], ())),
            tuple(services.get(row["model"], ())),
            row["source"] or "",
            row["source_model_id"] or "",
            row["raw_json"] or "",
            int(row["updated_at_ms"]),
            row["synced_at_ms"],
        )
        for row in _rows(source, "model_prices")
    }


def _rates(row: Row) -> Rates:
    """The rates of a row. Before there were flags, what was not 0 had been stated (section 8)."""
    old = "prompt_configured" not in row
    rates = {}
    for name in attrs.fields_dict(Rates):
        usd = float(row.get(f"{name}_per_1m") or 0.0)
        always = old and name in ("prompt", "completion")
        known = row.get(f"{name}_configured", always or (old and name != "cache" and usd != 0))
        rates[name] = Rate(usd, bool(known))
    return Rates(**rates)


def _carry_aliases(conn: sqlite3.Connection, source: sqlite3.Connection, now_ms: int) -> None:
    present, _ = aliases.read(conn)
    named = {alias.api_key_hash for alias in present}
    taken = {alias.folded for alias in present}
    new = []
    for row in _rows(source, "api_key_aliases"):
        name = Alias(row["api_key_hash"], row["alias"].strip(), int(row["updated_at_ms"]))
        if name.api_key_hash in named:
            continue
        number = 1
        while name.folded in taken:
            # That server's table does not keep two keys from one name.
            number += 1
            name = attrs.evolve(name, alias=f"{row['alias'].strip()} ({number})")
        taken.add(name.folded)
        new.append(name)
    if new:
        aliases.put(conn, (), new, now_ms)


def _rows(source: sqlite3.Connection, table: str) -> list[Row]:
    """All rows of a small table by column; none where there is no such table."""
    if table not in tables(source):
        return []
    cursor = source.execute(f"SELECT * FROM {table}")
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]
