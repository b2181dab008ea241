"""The examples of the API's description: asked of a daemon, and written down cut short.

``python -m tests.web.examples`` writes them anew.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import cpamp
from cpamp.lab import CPA_KEY, Manager
from tests.answers import events, setup
from tests.daemon import Lab

FILE = Path(cpamp.__file__).parent / "web/data/examples.json"
BEGIN, END = 1_774_000_000_000, 1_780_048_000_000
KEY_HASH = setup("life")["aliases"][0]["apiKeyHash"]
TARGET = {
    "row_key": "row-1",
    "auth_index": "0000000000000001",
    "auth_provider_snapshot": "codex",
    "auth_file_snapshot": "alice-team.json",
}
RANGE = {"from_ms": BEGIN, "to_ms": END}
ANALYTICS = "/v0/management/monitoring/analytics"
# Method, path as it is declared, path as it is asked for, body.
ASKED: list[tuple[str, str, str, Any]] = [
    (
        "POST",
        ANALYTICS,
        ANALYTICS,
        {
            **RANGE,
            "time_zone": "Europe/Berlin",
            "filters": {"models": ["gpt-5.4", "gpt-5.5"]},
            "include": {
                **{"summary": True, "timeline": True, "model_stats": True, "account_stats": True},
                **{"events_page": {"limit": 1}, "granularity": "day"},
            },
        },
    ),
    ("GET", ANALYTICS, f"{ANALYTICS}?from_ms=1&to_ms=2000000000000&include=model_share", None),
    (
        "POST",
        "/v0/management/monitoring/account-history",
        "/v0/management/monitoring/account-history",
        {"accounts": [TARGET]},
    ),
    (
        "POST",
        "/v0/management/monitoring/account-window-usage",
        "/v0/management/monitoring/account-window-usage",
        {"windows": [{**TARGET, **RANGE, "window_key": "weekly"}]},
    ),
    (
        "GET",
        "/v0/management/monitoring/header-snapshots",
        "/v0/management/monitoring/header-snapshots?days=365&limit=1",
        None,
    ),
    (
        "GET",
        "/v0/management/dashboard/summary",
        "/v0/management/dashboard/summary?today_start_ms=1780000000000&now_ms=1780048000000",
        None,
    ),
    ("GET", "/v0/management/model-prices", "/v0/management/model-prices", None),
    (
        "PUT",
        "/v0/management/model-prices/{model}",
        "/v0/management/model-prices/my-model",
        {"prompt": 1.25, "completion": 10},
    ),
    (
        "GET",
        "/v0/management/model-prices/usage-summary",
        "/v0/management/model-prices/usage-summary",
        None,
    ),
    ("GET", "/v0/management/api-key-aliases", "/v0/management/api-key-aliases", None),
    (
        "PUT",
        "/v0/management/api-key-aliases",
        "/v0/management/api-key-aliases",
        {"items": [{"apiKeyHash": KEY_HASH, "alias": "Build server"}]},
    ),
    (
        "DELETE",
        "/v0/management/api-key-aliases/{key}",
        f"/v0/management/api-key-aliases/{'0' * 64}",
        None,
    ),
    ("GET", "/v0/management/usage/import-sessions", "/v0/management/usage/import-sessions", None),
    ("GET", "/v0/management/codex-inspection/runs", "/v0/management/codex-inspection/runs", None),
    ("GET", "/usage-service/info", "/usage-service/info", None),
    ("GET", "/usage-service/config", "/usage-service/config", None),
    ("GET", "/status", "/status", None),
    ("GET", "/health", "/health", None),
]


def prepared(lab: Lab) -> Manager:
    """A daemon with events, prices and names, connected to a made-up CPA."""
    cpa = lab.cpa()
    manager = lab.manager(
        CPA_UPSTREAM_URL=cpa.url, CPA_MANAGEMENT_KEY=CPA_KEY, CPAMP_SEED_PRICES="false"
    )
    manager.start()
    http, given = manager.http, setup("life")
    http.request("POST", "/v0/management/usage/import", events("life"))
    http.json("PUT", "/v0/management/model-prices", {"prices": given["prices"]})
    http.json("PUT", "/v0/management/api-key-aliases", {"items": given["aliases"]})
    return manager


def made(manager: Manager) -> dict[str, Any]:
    """All examples, in full, by method and declared path."""
    found = {}
    for method, declared, path, body in ASKED:
        response = manager.http.json(method, path, body)
        request = {} if body is None else {"request": body}
        found[f"{method} {declared}"] = {**request, "response": response}
    return found


def cut(value: Any) -> Any:
    """A value with lists of one element, and few members where the names are data."""
    if isinstance(value, list):
        return [cut(value[0])] if value else []
    if isinstance(value, dict):
        members = list(value.items())
        return {name: cut(member) for name, member in members[:60]}
    return value


def shortened(found: dict[str, Any]) -> dict[str, Any]:
    """The examples as they are written down."""
    short = {name: {**one, "response": cut(one["response"])} for name, one in found.items()}
    prices = short["GET /v0/management/model-prices"]["response"]["prices"]
    for model in list(prices)[2:]:
        del prices[model]
    return short


def main() -> None:
    """Write the examples."""
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        try:
            short = shortened(made(prepared(lab)))
            text = json.dumps(short, indent=1, ensure_ascii=False)
            FILE.write_text(text.replace(folder, "/data") + "\n")
        finally:
            lab.close()


if __name__ == "__main__":
    main()
