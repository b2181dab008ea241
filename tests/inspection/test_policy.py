"""Which automatic treatments are on, and who says so (inspection contract, 10)."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred, gatherResults

from cpamp.inspection.policy import EnvLocked, Policy
from cpamp.settings import load
from tests.inspection.rest import rest


@ensureDeferred
async def test_the_policy(tmp_path: Path) -> None:
    async with rest(tmp_path, USAGE_ACCOUNT_ACTIONS_AUTO_DISABLE="yes") as r:
        status = await r.policy.json()
        assert status["source"] == "env"
        assert "updatedAtMs" not in status
        assert status["authIssueAutoDisable"] == {
            "enabled": False,
            "configured": True,
            "source": "env",
            "locked": True,
            "envKey": "USAGE_ACCOUNT_ACTIONS_AUTO_DISABLE",
            "configFileKey": "accountActionsAutoDisable",
            "dependsOn": "authIssueQueue",
        }
        with pytest.raises(EnvLocked):
            await r.policy.change(
                {"authIssueQueueEnabled": True, "authIssueAutoDisableEnabled": True}
            )
        assert (await r.policy.json())["authIssueQueue"]["enabled"] is False
        status = await r.policy.change({"authIssueQueueEnabled": True, "other": 1})
        assert status["source"] == "database"
        assert status["authIssueAutoDisable"]["enabled"] is True
        again = Policy(load({"USAGE_DATA_DIR": "."}, tmp_path), r.world.store, r.world.now_ms)
        status = await again.json()
        assert status["authIssueQueue"]["source"] == "database"
        assert status["codexQuotaCooldown"]["source"] == "startup"
        # Two changes at once lose nothing of each other.
        await gatherResults(
            [
                Deferred.fromCoroutine(r.policy.change({"codexQuotaCooldownEnabled": True})),
                Deferred.fromCoroutine(r.policy.change({"authIssueQueueEnabled": False})),
            ]
        )
        status = await r.policy.json()
        assert [
            status[name]["configured"] for name in ("codexQuotaCooldown", "authIssueQueue")
        ] == [
            True,
            False,
        ]
