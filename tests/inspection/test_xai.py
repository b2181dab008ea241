"""xAI accounts (inspection contract, section 8 and the xAI set of section 15)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from cpamp.cpa.credentials import Credentials
from cpamp.inspection.account import Account
from cpamp.inspection.probing import blank_result
from cpamp.inspection.settings import InspectionSettings
from cpamp.inspection.xai_probing import CLI, OFFICIAL, XaiProber, base_of
from cpamp.simulator.fixtures import auth_file
from tests.cpa.test_credentials import Client
from tests.inspection.running import CALL, answers
from tests.inspection.test_details import Told
from tests.inspection.test_grok import SPOKEN
from tests.inspection.world import World, world

WEEKLY, MONTHLY, ME = f"{CLI}/billing?format=credits", f"{CLI}/billing", f"{OFFICIAL}/me"
FREE = {"code": "subscription:free-usage-exhausted"}
GOOD = {
    "config": {
        "credit_usage_percent": 3,
        "current_period": {"type": "weekly", "end": "2026-12-01T00:00:00Z"},
    }
}
PARTIAL = {"config": {"monthly_limit": {"val": 1000}, "included_used": {"value": 250}}}
EMPTY: dict[str, Any] = {"config": {}}

# weekly, monthly, /v1/me -> action, class, used percent, whether the identity is asked for
SET: list[tuple[Any, Any, Any, str, str, float | None, bool]] = [
    ((200, GOOD), (402, "spending-limit"), None, "keep", "billing_healthy", 3, False),
    (
        (403, "Forbidden"),
        (403, "Forbidden"),
        (200, {"user_id": "u"}),
        "keep",
        "official_api_healthy",
        None,
        True,
    ),
    (
        (403, "Forbidden"),
        (403, "Forbidden"),
        (200, {"team_blocked": True}),
        "disable",
        "spending_limit",
        None,
        True,
    ),
    ((402, FREE), (402, FREE), None, "disable", "free_quota_exhausted", None, False),
    ((401, ""), (403, ""), None, "reauth", "auth_invalid", None, False),
    ((429, ""), (429, ""), None, "keep", "rate_limited", None, False),
    ((200, EMPTY), (200, EMPTY), None, "keep", "protocol_changed", None, False),
    ((503, ""), (200, PARTIAL), None, "keep", "billing_partial", 25, False),
    ((401, ""), (200, PARTIAL), None, "reauth", "auth_invalid", 25, False),
]


def one_account(w: World) -> None:
    w.cpa.auth_files = [auth_file("x.json", "xai", "x@e.test", auth_index="x1")]


def says(w: World, url: str, reply: tuple[int, Any]) -> None:
    rule = {
        "match": {"auth_index": "x1", "url": url},
        "reply": {"status": reply[0], "body": reply[1]},
    }
    w.cpa.api_rules.rules.append(rule)


@pytest.mark.parametrize(("weekly", "monthly", "me", "action", "kind", "used", "asked"), SET)
@ensureDeferred
async def test_the_set(
    tmp_path: Path,
    weekly: Any,
    monthly: Any,
    me: Any,
    action: str,
    kind: str,
    used: float | None,
    asked: bool,
) -> None:
    async with world(tmp_path) as w:
        one_account(w)
        for url, reply in ((WEEKLY, weekly), (MONTHLY, monthly), (ME, me)):
            if reply is not None:
                says(w, url, reply)
        detail = await w.inspect(targetTypes=["xai"], autoActionMode="disable")
        (result,) = detail["results"]
        assert (result["action"], result["errorKind"], result.get("usedPercent")) == (
            action,
            kind,
            used,
        )
        assert result["actionReason"].startswith("monitoring.xai_inspection_reason_")
        assert len(w.calls(CALL)) == 2 + asked
        assert w.entry("x.json").get("disabled", False) is (action == "disable")


@ensureDeferred
async def test_retries(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        one_account(w)
        says(w, CLI, (429, ""))
        await w.inspect(targetTypes=["xai"], retries=1)
        assert len(w.calls(CALL)) == 4


@ensureDeferred
async def test_inference_brings_back_what_inspection_disabled(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        one_account(w)
        says(w, WEEKLY, (200, GOOD))
        says(w, MONTHLY, (200, EMPTY))
        answers(w, "x1", status=402, body=FREE)
        wanted = {
            "targetTypes": ["xai"],
            "xaiInferenceEnabled": True,
            "autoActionMode": "disable",
            "autoRecoverEnabled": True,
        }
        await w.inspect(**wanted)
        assert w.entry("x.json")["disabled"]
        w.cpa.api_rules.rules.pop(0)
        says(w, f"{CLI}/responses", (200, SPOKEN))
        (result,) = (await w.inspect(**wanted))["results"]
        assert (result["action"], result["actionStatus"]) == ("enable", "success")
        assert not w.entry("x.json")["disabled"]
        # Billing alone never enables.
        w.entry("x.json")["disabled"] = True
        (result,) = (await w.inspect(targetTypes=["xai"]))["results"]
        assert (result["action"], result["errorKind"]) == ("keep", "billing_healthy")


BASES = [
    ({}, CLI),
    ({"base_url": OFFICIAL}, CLI),
    ({"base_url": "https://other/v1/"}, "https://other/v1"),
    ({"using_api": True}, OFFICIAL),
    ({"auth_kind": "oauth"}, CLI),
    ({"attributes": {"auth_kind": "api_key"}}, OFFICIAL),
    ({"using_api": False, "auth_kind": "api_key"}, CLI),
]


@pytest.mark.parametrize(("entry", "base"), BASES)
def test_where_the_model_is_asked(entry: dict[str, Any], base: str) -> None:
    assert base_of(Account.of({"name": "x.json", **entry})) == base


@ensureDeferred
async def test_what_the_log_tells(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        one_account(w)
        w.cpa.auth_files.append(auth_file("y.json", "xai", "y@e.test", auth_index=""))
        says(w, WEEKLY, (200, GOOD))
        says(w, MONTHLY, (402, "spending-limit"))
        detail = await w.inspect(targetTypes=["xai"])
        lines = {
            line["message"].rpartition("_server_")[2]: line["detail"]
            for line in detail["logs"]
            if "xai" in line["message"]
        }
        assert lines["complete"] == {
            "provider": "xai",
            "fileName": "x.json",
            "displayAccount": "x@e.test",
            "inspectionMode": "billing",
            "healthEvidence": "billing_healthy",
            "billingAvailable": True,
            "billingPartial": False,
            "inferenceEnabled": False,
            "action": "keep",
            "statusCode": 200,
            "usedPercent": 3,
        }
        assert lines["missing_auth_index"]["inspectionMode"] == "skipped"
        (unseen,) = [r for r in detail["results"] if r["fileName"] == "y.json"]
        assert (unseen["action"], unseen["errorKind"]) == ("keep", "missing_auth_index")
        assert len(w.calls(CALL)) == 2


GROK = {
    "Authorization": "Bearer $TOKEN$",
    "x-xai-token-auth": "xai-grok-cli",
    "x-grok-client-version": "0.2.101",
    "x-userid": "u-1",
}
AGENT = "grok-pager/0.2.101 grok-shell/0.2.101 (macos; aarch64)"
PLAIN = {"Authorization": "Bearer $TOKEN$", "Accept": "application/json"}


@pytest.mark.parametrize(
    "who", [{"sub": "u-1"}, {"metadata": {"userId": "u-1"}}, {"user": {"id": "u-1"}}]
)
def test_what_xai_is_asked(who: dict[str, Any]) -> None:
    account = Account.of({"name": "x.json", "provider": "xai", "auth_index": "x1", **who})
    said = json.dumps({"status_code": 403, "body": "Forbidden"})
    client, told = Client(said.encode()), Told()
    settings = InspectionSettings(xai_inference=True, xai_user_agent="ua")
    prober = XaiProber(Clock(), Credentials(cast(Any, client)), settings, cast(Any, told))
    result = blank_result(account, "k", 1, 5)
    Deferred.fromCoroutine(prober.probe(account, result, False))
    weekly, monthly, me, word = (body for _, _, body in client.asked)
    for body, url in ((weekly, WEEKLY), (monthly, MONTHLY)):
        assert (body["method"], body["url"]) == ("GET", url)
        assert body["header"] == {**GROK, "User-Agent": AGENT, "Accept": "*/*"}
    assert (me["url"], me["header"]) == (ME, PLAIN)
    assert (word["method"], word["url"]) == ("POST", f"{CLI}/responses")
    header = {**GROK, **PLAIN, "Content-Type": "application/json", "User-Agent": "ua"}
    assert word["header"] == header
    prompt = {"model": "grok-4.5", "input": "Reply with exactly OK.", "stream": False}
    assert json.loads(word["data"]) == prompt
