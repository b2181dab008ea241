"""The price table that ships with the package: the seed of a new price book, and a source.

It is made from the snapshot of the package ``model-prices`` (MIT, made from models.dev, MIT; both
notices are beside the table) by ``python -m cpamp.pricing.embedded``, which needs that package.
The table is a flat map of providers in models.dev's shape (pricing contract, section 9).
"""

from __future__ import annotations

import importlib.metadata
import importlib.resources
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs
import orjson

from cpamp.pricing.matching import Matcher
from cpamp.pricing.price import ModelPrice
from cpamp.pricing.selection import select
from cpamp.pricing.sources import Catalogue, read_embedded

TABLE = "prices.json"
NOTICE = "prices.LICENSE"
MODES = ("fast", "flex", "batch")
RATES = ("input", "output", "cache_read", "cache_write")


@attrs.frozen
class Embedded:
    """The shipped table: the day of its data (``YYYY-MM-DD``) and its records."""

    as_of: str
    catalogue: Catalogue

    def seed(self, now_ms: int) -> dict[str, ModelPrice]:
        """The rows of a new price book: every model whose bare name means one record."""
        rows = select(None, Matcher([self.catalogue]), failed=(), stored={}).matched
        return {
            model: attrs.evolve(price, updated_at_ms=now_ms, synced_at_ms=now_ms)
            for model, price in rows.items()
        }


def load() -> Embedded:
    """Read the shipped table."""
    text = importlib.resources.files("cpamp.pricing").joinpath("data", TABLE).read_bytes()
    document = orjson.loads(text)
    return Embedded(document["as_of"], read_embedded(document["providers"]))


def build(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """The table from a snapshot of ``model-prices``: the rates in force on its day."""
    as_of = snapshot["updated_at"]
    providers = {}
    for provider, models in sorted(snapshot["prices"].items()):
        entries = {name: _model(modes, as_of) for name, modes in sorted(models.items()) if modes}
        providers[provider] = {"models": {k: v for k, v in entries.items() if v}}
    return {"as_of": as_of[:10], "providers": providers}


def _model(modes: Mapping[str, Any], as_of: str) -> dict[str, Any]:
    standard = _current(modes.get("standard", ()), as_of)
    if standard is None:
        return {}
    model: dict[str, Any] = {"cost": _cost(standard)}
    others = {
        mode: {"cost": {name: rates[name] for name in RATES if name in rates}}
        for mode in MODES
        if (rates := _current(modes.get(mode, ()), as_of)) is not None
    }
    if others:
        model["experimental"] = {"modes": others}
    return model


def _current(stretches: Iterable[Mapping[str, Any]], as_of: str) -> Mapping[str, Any] | None:
    # Stretches ascend by their start; a start of None is the beginning of time.
    begun = [s["rates"] for s in stretches if (s["start"] or "") <= as_of]
    return begun[-1] if begun else None


def _cost(rates: Mapping[str, Any]) -> dict[str, Any]:
    cost = {name: rates[name] for name in RATES if name in rates}
    tiers = [
        {
            **{name: tier[name] for name in RATES if name in tier},
            "tier": {"type": "context", "size": tier["above"]},
        }
        for tier in rates.get("tiers", ())
    ]
    return {**cost, "tiers": tiers} if tiers else cost


def main() -> int:
    """Write the table and its notices beside this module."""
    package = importlib.metadata.distribution("model-prices")
    snapshot = orjson.loads(
        importlib.resources.files("model_prices").joinpath("snapshot.json").read_bytes()
    )
    folder = Path(__file__).parent / "data"
    folder.joinpath(TABLE).write_bytes(orjson.dumps(build(snapshot)) + b"\n")
    notices = [
        f"{TABLE} is derived from model-prices {package.version}.\n\n"
        + _notice(package, "LICENSE"),
        "Its data come from models.dev.\n\n" + _notice(package, "LICENSE.models.dev"),
    ]
    folder.joinpath(NOTICE).write_text("\n".join(notices))
    return 0


def _notice(package: importlib.metadata.Distribution, name: str) -> str:
    found = next(f for f in package.files or () if f.name == name)
    return found.read_text()


if __name__ == "__main__":
    sys.exit(main())
