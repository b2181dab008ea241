"""The demo shows everything that the daemon does for accounts, at once and then live."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from cpamp import demo
from cpamp.lab import CPA_KEY, wait_until
from tests.daemon import Lab

COOLDOWNS = "/usage-service/quota-cooldowns"
CANDIDATES = "/v0/management/account-action-candidates"


def test_what_a_newcomer_sees_of_the_accounts(lab: Lab) -> None:
    cpa = lab.cpa("--quotas", "--traffic", demo.TRAFFIC_PER_SECOND)
    manager = lab.manager(CPA_UPSTREAM_URL=cpa.url, CPA_MANAGEMENT_KEY=CPA_KEY)
    manager.start()
    manager.wait_for_events(1)
    get = lambda path: manager.http.json("GET", path)  # noqa: E731

    def disabled(name: str) -> bool:
        (file,) = get(f"{demo.FILES}?name={quote(name)}")["files"]
        return bool(file["disabled"])

    resting = [file["name"] for file in demo.codex_files(manager)[:2]]
    with demo.receiver() as notices:
        demo.look_after(manager, cpa, notices)

        # A cooldown in force, and one that ends within seconds.
        wait_until(lambda: disabled(resting[1]), what="the cooldown")
        assert resting[1] in {item["authFileName"] for item in get(COOLDOWNS)["items"]}
        (candidate, *_) = get(CANDIDATES)["items"]
        assert (candidate["status"], candidate["actionType"]) == ("pending", "reauth")

        def inspected() -> list[dict[str, Any]]:
            runs: list[dict[str, Any]] = get(f"{demo.INSPECTION}/runs")["items"]
            return [run for run in runs if run["status"] == "completed"]

        wait_until(lambda: bool(inspected()), what="an inspection")
        run = inspected()[-1]
        assert "error" not in run
        assert run["sampledCount"] > 30
        assert run["disableCount"] > 0
        assert run["reauthCount"] > 0
        results = get(f"{demo.INSPECTION}/runs/{run['id']}")["results"]
        assert any(result["actionStatus"] == "success" for result in results)

        def sent() -> set[str]:
            log = get(f"{demo.NOTICES}/log")["items"]
            return {one["kind"] for one in log if one["status"] == "sent"}

        wait_until(
            lambda: sent() == {"account_needs_person", "account_exhausted"},
            what="the notices",
        )
        wait_until(lambda: not disabled(resting[0]), what="the end of the cooldown")
        names = lambda: {item["authFileName"] for item in get(COOLDOWNS)["items"]}  # noqa: E731
        wait_until(lambda: resting[0] not in names(), what="the end of its record")
        demo.scene(manager, cpa, 3)
        wait_until(lambda: get(CANDIDATES)["pendingCount"] > 1, what="another candidate")
