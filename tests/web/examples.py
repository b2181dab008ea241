"""The examples of the API's description: asked of a daemon, and written down cut short.

``python -m tests.web.examples`` writes them anew.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import attrs

import cpamp
from cpamp.lab import CPA_KEY, Cpa, Manager, wait_until
from tests.answers import events, setup
from tests.daemon import Lab, connection
from tests.inspection import fixture

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
MANAGEMENT = "/v0/management"
POLICY = "/usage-service/account-processing-policy"
CANDIDATES = f"{MANAGEMENT}/account-action-candidates"
RUNS = f"{MANAGEMENT}/codex-inspection/runs"
SESSIONS = f"{MANAGEMENT}/usage/import-sessions"
NOTICES = f"{MANAGEMENT}/notifications"
PRICES = f"{MANAGEMENT}/model-prices"
ALIASES = f"{MANAGEMENT}/api-key-aliases"
TOKENS = f"{MANAGEMENT}/api-tokens"
QUOTAS = f"{MANAGEMENT}/quota-snapshots"
# Of a text of lines so many are shown.
LINES = 2
# Members whose own members' names are data; one is shown.
NAMED = ("prices", "matched", "apis", "models")
PRICE = {"prompt": 1.25, "completion": 10}


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


@attrs.define
class Examples:
    """Asks a daemon, and keeps what was asked and answered by method and declared path."""

    manager: Manager
    cpa: Cpa
    found: dict[str, Any] = attrs.field(factory=dict)

    def ask(
        self, method: str, declared: str, request: Any = None, query: str = "", **values: Any
    ) -> Any:
        """One request; `values` are the parameters of its path, and bytes are sent as they are."""
        sent = request if isinstance(request, bytes | None) else json.dumps(request).encode()
        path = declared.format(**values) + (f"?{query}" if query else "")
        status, answer = self.manager.http.request(method, path, sent)
        assert 200 <= status < 300, (method, path, status, answer[:500])
        kind = self.manager.http.answered.get("Content-Type", "")
        response = json.loads(answer) if kind == "application/json" else answer.decode()
        shown = request.decode() if isinstance(request, bytes) else request
        said = {} if request is None else {"request": shown}
        self.found[f"{method} {declared}"] = {**said, "response": response}
        return response

    def connect(self) -> None:
        """A daemon that knows nothing is connected, and given events, prices and names."""
        given = setup("life")
        self.ask("POST", "/setup", connection(self.cpa))
        self.ask("PUT", PRICES, {"prices": given["prices"]})
        self.ask("PUT", ALIASES, {"items": given["aliases"]})
        lines = events("life")
        self.ask("POST", f"{MANAGEMENT}/usage/import", lines)
        self.found[f"POST {MANAGEMENT}/usage/import"]["request"] = first_lines(lines.decode())
        collector = {"collector": {"enabled": True, "batchSize": 200}}
        inspection = {"codexInspection": {"autoActionMode": "disable", "workers": 8}}
        self.ask("PUT", "/usage-service/config", {"config": {**collector, **inspection}})
        for path in ("/usage-service/config", "/usage-service/info", "/status", "/health"):
            self.ask("GET", path)
        self.ask("POST", "/usage-service/retry")

    def accounts(self) -> None:
        """Accounts that fail: one rests, the others want a person."""
        wanted = {"codexQuotaCooldownEnabled": True, "authIssueQueueEnabled": True}
        self.ask("PATCH", POLICY, wanted)
        self.ask("GET", POLICY)
        self.manager.wait_for_collector()
        limit = {"error": {"type": "usage_limit_reached", "resets_in_seconds": 3600}}
        revoked = {"error": {"code": "token_revoked", "message": "revoked"}}
        records = [failed("a01", 429, limit)]
        records += [failed(f"a{number:02}", 401, revoked) for number in (2, 3, 7, 8)]
        self.cpa.control.json("POST", "/publish", {"records": records})
        resting, waiting = "/usage-service/quota-cooldowns", CANDIDATES
        wait_until(lambda: bool(self.ask("GET", resting)["items"]), what="a cooldown")
        wait_until(
            lambda: recognized(self.ask("GET", waiting)["items"]) == 4,
            what="candidates",
        )
        ids = [item["id"] for item in self.ask("GET", CANDIDATES)["items"]]
        self.ask("POST", f"{CANDIDATES}/{{number}}/ignore", number=ids[0])
        self.ask("POST", f"{CANDIDATES}/{{number}}/resolve", number=ids[1])
        self.ask("POST", f"{CANDIDATES}/{{number}}/enable", number=ids[2])
        self.ask("DELETE", f"{CANDIDATES}/{{number}}/auth-file", number=ids[3])
        timeline = f"{MANAGEMENT}/monitoring/account-timeline"
        self.ask("GET", timeline, query="auth_file_snapshot=f01.json&limit=5")

    def inspection(self) -> None:
        """One inspection, and what would be done about it."""
        run = self.ask("POST", f"{MANAGEMENT}/codex-inspection/run")["run"]["id"]
        one = f"{RUNS}/{{run_id}}"
        wait_until(
            lambda: not self.ask("GET", one, run_id=run)["run"]["active"],
            what="the end of the inspection",
        )
        self.ask("GET", RUNS, query="limit=1")
        results = self.ask("GET", one, run_id=run)["results"]
        wanted = next(r["id"] for r in results if r["action"] in ("enable", "delete"))
        self.ask("POST", f"{one}/actions", {"resultIds": [wanted], "dryRun": True}, run_id=run)

    def figures(self) -> None:
        """The figures of the events."""
        monitoring = f"{MANAGEMENT}/monitoring"
        include = {"summary": True, "timeline": True, "model_stats": True, "account_stats": True}
        question = {
            **RANGE,
            "time_zone": "Europe/Berlin",
            "filters": {"models": ["gpt-5.4", "gpt-5.5"]},
            "include": {**include, "events_page": {"limit": 1}, "granularity": "day"},
        }
        everything = "from_ms=1&to_ms=2000000000000&include=model_share"
        self.ask("POST", ANALYTICS, question)
        self.ask("GET", ANALYTICS, query=everything)
        self.ask("GET", f"{monitoring}/explain", query=everything)
        self.ask("POST", f"{monitoring}/account-history", {"accounts": [TARGET]})
        windows = [{**TARGET, **RANGE, "window_key": "weekly"}]
        self.ask("POST", f"{monitoring}/account-window-usage", {"windows": windows})
        self.ask("GET", f"{monitoring}/header-snapshots", query="days=365&limit=1")
        day = "today_start_ms=1780000000000&now_ms=1780048000000"
        self.ask("GET", f"{MANAGEMENT}/dashboard/summary", query=day)
        self.ask("GET", f"{MANAGEMENT}/usage", query="")
        self.ask("GET", f"{MANAGEMENT}/usage/export", query="limit=2")
        self.ask("GET", f"{MANAGEMENT}/panel/bootstrap")
        self.ask("GET", "/metrics")

    def quotas(self) -> None:
        """A window that was observed, and whose it is."""
        now_ms = time.time_ns() // 1_000_000
        account = {"auth_file_snapshot": "alice-team.json", "auth_index": TARGET["auth_index"]}
        about = {"row_key": "row-1", "provider": "codex", "account": account}
        window = {
            "provider_window_id": "five-hour",
            "window_mode": "rolling",
            "model_scope_kind": "family",
            "model_scope_key": "codex_main",
            "source": "api_query",
            "boundary_accuracy": "exact",
            "observed_at_ms": now_ms,
            "cycle_end_ms": now_ms + 3_600_000,
            "duration_seconds": 18_000,
            "used_percent": 12.5,
        }
        used = {**TARGET, "timestamp_ms": now_ms - 60_000, "event_hash": "in-the-window"}
        used |= {"api_key_hash": KEY_HASH, "model": "gpt-5.4"}
        tokens = {"input_tokens": 9_000, "output_tokens": 800, "total_tokens": 9_800}
        imported = self.manager.http.json(
            "POST", f"{MANAGEMENT}/usage/import", {**used, "tokens": tokens}
        )
        assert imported["added"] == 1
        self.ask("POST", QUOTAS, {"entries": [{**about, "windows": [window]}]})
        self.ask("POST", f"{QUOTAS}/query", {"accounts": [about]})
        claude = {**about, "provider": "claude"}
        self.ask("POST", f"{QUOTAS}/refresh", {"accounts": [claude]})
        self.ask("GET", f"{MANAGEMENT}/monitoring/forecast")
        shares = f"{MANAGEMENT}/monitoring/account-window-shares"
        self.ask("GET", shares, query=urlencode({**account, "auth_provider_snapshot": "codex"}))

    def prices(self) -> None:
        """Prices and names, one by one."""
        one = f"{PRICES}/{{model}}"
        self.ask("PUT", one, PRICE, model="my-model")
        self.ask("GET", one, model="my-model")
        self.ask("GET", PRICES)
        self.ask("POST", f"{PRICES}/sync", {"models": ["gpt-5.4"], "dryRun": True})
        self.ask("DELETE", one, model="my-model")
        self.ask("GET", f"{PRICES}/usage-summary")
        self.ask("GET", ALIASES)
        self.ask("PUT", ALIASES, {"items": [{"apiKeyHash": KEY_HASH, "alias": "Build server"}]})
        self.ask("DELETE", f"{ALIASES}/{{key}}", key="0" * 64)

    def uploads(self) -> None:
        """A file in one piece, and one that is given up."""
        piece = events("life").partition(b"\n")[0] + b"\n"
        asked = {"filename": "usage.jsonl", "size_bytes": len(piece)}
        one = f"{SESSIONS}/{{session}}"
        session = self.ask("POST", SESSIONS, asked)["id"]
        self.ask("PUT", f"{one}/chunk", piece, query="offset=0", session=session)
        self.ask("POST", f"{one}/complete", session=session)
        self.ask("GET", one, session=session)
        self.ask("GET", SESSIONS)
        self.ask("DELETE", one, session=self.ask("POST", SESSIONS, asked)["id"])

    def others(self) -> None:
        """Tokens, notices, and the upkeep."""
        token = self.ask("POST", TOKENS, {"name": "wall", "scopes": ["read"]})["id"]
        self.ask("GET", TOKENS)
        self.ask("DELETE", f"{TOKENS}/{{number}}", number=token)
        hook = {"means": "webhook", "name": "team", "url": "http://127.0.0.1:9/hook"}
        rule = {"kind": "spend", "name": "much", "limit": 50}
        channel = self.ask("POST", f"{NOTICES}/channels", hook)["id"]
        self.ask("PUT", f"{NOTICES}/channels/{{number}}", hook, number=channel)
        self.ask("POST", f"{NOTICES}/channels/{{number}}/test", number=channel)
        number = self.ask("POST", f"{NOTICES}/rules", rule)["id"]
        self.ask("PUT", f"{NOTICES}/rules/{{number}}", rule, number=number)
        self.ask("GET", NOTICES)
        self.ask("DELETE", f"{NOTICES}/rules/{{number}}", number=number)
        self.ask("DELETE", f"{NOTICES}/channels/{{number}}", number=channel)
        self.ask("POST", f"{NOTICES}/rehearsal", rule)
        self.ask("GET", f"{NOTICES}/log")
        self.ask("GET", f"{MANAGEMENT}/doctor")
        self.ask("POST", f"{MANAGEMENT}/backups")


def recognized(candidates: list[dict[str, Any]]) -> int:
    """How many are seen to be an account of CPA's listing, which comes after them."""
    return sum("accountIdSnapshot" in candidate for candidate in candidates)


def failed(index: str, status: int, said: dict[str, Any]) -> dict[str, Any]:
    """The record of a call that a provider refused."""
    return {
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "request_id": f"r-{index}",
        "provider": "codex",
        "model": "gpt-5.5",
        "auth_index": index,
        "failed": True,
        "fail": {"status_code": status, "body": json.dumps(said)},
        "tokens": {"input_tokens": 1},
    }


def made(lab: Lab) -> Examples:
    """All examples, in full, of one daemon beside a made-up CPA."""
    cpa = lab.cpa()
    cpa.control.json("POST", "/auth_files", {"files": fixture.entries()})
    cpa.control.json("POST", "/api_call", {"rules": fixture.rules()})
    manager = lab.manager(CPAMP_SEED_PRICES="false")
    manager.start()
    examples = Examples(manager, cpa)
    examples.connect()
    examples.figures()
    examples.accounts()
    examples.inspection()
    examples.quotas()
    examples.prices()
    examples.uploads()
    examples.others()
    return examples


def first_lines(text: str) -> str:
    """The beginning of a text of lines."""
    return "".join(text.splitlines(keepends=True)[:LINES])


def cut(value: Any) -> Any:
    """A value with lists of one element, and one member where the names are data."""
    if isinstance(value, list):
        return [cut(value[0])] if value else []
    if isinstance(value, str):
        return first_lines(value)
    if isinstance(value, dict):
        return {
            name: cut(_one(member) if name in NAMED else member) for name, member in value.items()
        }
    return value


def _one(value: Any) -> Any:
    return dict(list(value.items())[:1]) if isinstance(value, dict) else value


def shortened(found: dict[str, Any]) -> dict[str, Any]:
    """The examples as they are written down."""
    return {
        name: {part: cut(value) for part, value in one.items()}
        for name, one in sorted(found.items())
    }


def main() -> None:
    """Write the examples."""
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        try:
            examples = made(lab)
            text = json.dumps(shortened(examples.found), indent=1, ensure_ascii=False)
            text = text.replace(folder, "/data").replace(examples.cpa.url, "http://127.0.0.1:8317")
            FILE.write_text(text + "\n")
        finally:
            lab.close()


if __name__ == "__main__":
    main()
