"""The accounts of the contract's fixture (inspection contract, section 15)."""

from __future__ import annotations

from typing import Any

import attrs

H5, WK, MO = 18_000, 604_800, 2_592_000
NOW_S = 1_795_500_000


def window(used: float | None, seconds: int | None, now_s: int = NOW_S) -> dict[str, Any]:
    """A quota window that begins anew in an hour."""
    fields = {"used_percent": used, "limit_window_seconds": seconds}
    known = {name: value for name, value in fields.items() if value is not None}
    return {**known, "reset_after_seconds": 3600, "reset_at": now_s + 3600}


def usage(
    plan: str,
    primary: dict[str, Any] | None,
    secondary: dict[str, Any] | None,
    *,
    allowed: bool = True,
    reached: bool = False,
) -> dict[str, Any]:
    """What Codex's usage endpoint answers."""
    return {
        "plan_type": plan,
        "rate_limit": {
            "allowed": allowed,
            "limit_reached": reached,
            "primary_window": primary,
            "secondary_window": secondary,
        },
    }


@attrs.frozen
class Case:
    """An account, what its provider answers, and what must come of it."""

    key: str
    index: str
    status: int
    body: Any
    action: str
    used: float | None
    quota: bool
    kind: str | None
    windows: tuple[str, ...]
    off: bool = False

    def entry(self, *, file: str = "", id: str = "") -> dict[str, Any]:
        """Its entry in CPA's listing."""
        name = file or f"{self.key}.json"
        account = f"{self.key}@example.test"
        entry = {
            "id": id or name,
            "name": name,
            "type": "codex",
            "provider": "codex",
            "email": account,
            "account": account,
            "label": account,
            "disabled": self.off,
            "status": "disabled" if self.off else "active",
            "status_message": "",
            "unavailable": False,
            "runtime_only": False,
            "success": 0,
            "failed": 0,
            "id_token": {"chatgpt_account_id": f"acc-{self.key}"},
            "auth_index": self.index,
        }
        return entry

    def rule(self) -> dict[str, Any]:
        """The simulator's answer to its probe."""
        reply: dict[str, Any] = {"status": self.status, "body": self.body}
        if self.kind == "request_error":
            reply = {"error": "request failed"}
        if self.kind == "missing_status":
            reply = {"raw": {"body": "x"}}
        return {"match": {"auth_index": self.index}, "reply": reply}


FIVE_WEEK = ("five-hour", "weekly")
HEALTHY = usage("plus", window(12, H5), window(40, WK))
EXHAUSTED = usage("plus", window(3, H5), window(100, WK))
EXPIRED = {"error": {"message": "Provided authentication token is expired."}}
DEACTIVATED = {"detail": {"code": "deactivated_workspace"}}
HTML = "<html><body>503 Service Unavailable</body></html>"
TEAM = usage("team", {"used_percent": 100, "reset_after_seconds": 3600}, {"used_percent": 5})
LIMITED = usage("plus", window(100, H5), window(40, WK), allowed=False, reached=True)

CASES = (
    Case("f01", "a01", 200, HEALTHY, "keep", 40, False, None, FIVE_WEEK),
    Case("f02", "a02", 200, LIMITED, "keep", 40, False, None, FIVE_WEEK),
    Case("f03", "a03", 200, EXHAUSTED, "disable", 100, True, None, FIVE_WEEK),
    Case("f04", "a04", 200, EXHAUSTED, "keep", 100, True, None, FIVE_WEEK, off=True),
    Case(
        "f05",
        "a05",
        200,
        usage("plus", window(10, H5), window(5, WK)),
        "enable",
        5,
        False,
        None,
        FIVE_WEEK,
        off=True,
    ),
    Case(
        "f06",
        "a06",
        200,
        usage("plus", window(100, H5), window(10, WK)),
        "keep",
        10,
        True,
        None,
        FIVE_WEEK,
        off=True,
    ),
    Case("f07", "a07", 200, TEAM, "keep", 5, False, None, ("five-hour", "monthly")),
    Case(
        "f08",
        "a08",
        200,
        usage("free", window(100, WK), None),
        "disable",
        100,
        True,
        None,
        ("weekly",),
    ),
    Case(
        "f09",
        "a09",
        200,
        usage("pro", window(30, H5), window(100, 172_800)),
        "disable",
        100,
        True,
        None,
        ("five-hour", "window-2d-1"),
    ),
    Case(
        "f10",
        "a10",
        200,
        usage("plus", window(100, H5), None, reached=True),
        "keep",
        100,
        False,
        None,
        ("five-hour",),
    ),
    Case("f11", "a11", 200, {"rate_limit": {}}, "keep", None, False, None, ()),
    Case("f12", "a12", 200, {"status": "ok"}, "keep", None, False, None, (), off=True),
    Case("f13", "a13", 402, {"message": "limit reached"}, "disable", None, True, "http_status", ()),
    Case("f14", "a14", 402, DEACTIVATED, "delete", None, False, "http_status", ()),
    Case(
        "f15",
        "a15",
        402,
        usage("team", window(100, H5), window(72, MO)),
        "keep",
        72,
        False,
        "http_status",
        ("five-hour", "monthly"),
    ),
    Case("f16", "a16", 401, EXPIRED, "reauth", None, False, "http_status", ()),
    Case(
        "f17",
        "a17",
        401,
        {"error": {"code": "token_revoked"}},
        "reauth",
        None,
        False,
        "http_status",
        (),
    ),
    Case("f18", "a18", 401, "", "reauth", None, False, "http_status", ()),
    Case("f19", "a19", 403, {"error": "forbidden"}, "keep", None, False, "http_status", ()),
    Case(
        "f20",
        "a20",
        429,
        {"error": {"message": "Too many requests"}},
        "keep",
        None,
        False,
        "http_status",
        (),
    ),
    Case("f21", "a21", 503, HTML, "keep", None, False, "http_status", ()),
    Case("f22", "a22", 0, "", "keep", None, False, "request_error", ()),
    Case("f23", "a23", 0, "", "keep", None, False, "missing_status", ()),
    Case("f24", "", 0, "", "keep", None, False, "missing_auth_index", ()),
)
BY_KEY = {case.key: case for case in CASES}
# Files that hold several credentials.
S1 = attrs.evolve(BY_KEY["f14"], key="s1", index="b1")
S2 = attrs.evolve(BY_KEY["f01"], key="s2", index="b2")
D1 = attrs.evolve(BY_KEY["f14"], key="d1", index="c1")
D2 = attrs.evolve(BY_KEY["f14"], key="d2", index="c2")
ALL = (*CASES, S1, S2, D1, D2)


def entries() -> list[dict[str, Any]]:
    """CPA's listing of all of them, and of one that is not inspected."""
    claude = {**BY_KEY["f01"].entry(file="cl.json"), "auth_index": "e1", "type": "claude"}
    return [
        *(case.entry() for case in CASES),
        S1.entry(file="shared.json", id="shared-a"),
        S2.entry(file="shared.json", id="shared-b"),
        D1.entry(file="dead.json", id="dead-a"),
        D2.entry(file="dead.json", id="dead-b"),
        {**claude, "provider": "claude"},
    ]


def rules() -> list[dict[str, Any]]:
    """What the providers answer."""
    return [case.rule() for case in ALL if case.index]
