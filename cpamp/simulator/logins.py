"""Logins of accounts at their providers."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from cpamp.simulator.answers import OK, Answer, Call, error

if TYPE_CHECKING:
    from cpamp.simulator.server import Simulator


def auth_url(sim: Simulator, call: Call, provider: str) -> Answer:
    """Begin a login."""
    state = sim.begin_login(provider)
    url = f"https://login.example/{provider}?state={state}"
    return Answer.json({"state": state, "status": "ok", "url": url})


def auth_status(sim: Simulator, call: Call) -> Answer:
    """How a login goes."""
    state = call.one("state")
    if not state:
        return OK
    if state not in sim.logins:
        return Answer.json({"status": "error", "error": "unknown or expired state"})
    return Answer.json({"status": sim.logins[state]})


def oauth_callback(sim: Simulator, call: Call) -> Answer:
    """The end of a login; needs no key."""
    body = call.json()
    fields = body if isinstance(body, dict) else {}
    redirected = parse_qs(urlsplit(str(fields.get("redirect_url", ""))).query)
    states = (call.one("state"), str(fields.get("state", "")), *redirected.get("state", []))
    state = next(filter(None, states), "")
    if not state:
        return error(400, "state is required")
    if state not in sim.logins:
        return error(404, "unknown or expired state")
    sim.logins[state] = "ok"
    return OK


def oauth_session(sim: Simulator, call: Call) -> Answer:
    """Give a login up."""
    cancelled = sim.logins.pop(call.one("state"), None) is not None
    return Answer.json({"status": "ok", "cancelled": cancelled})
