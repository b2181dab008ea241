"""What can be set: single switches, lists, the file (CPA contract, sections 7 and 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cpamp.simulator.answers import OK, Answer, Call, error

if TYPE_CHECKING:
    from cpamp.simulator.server import Simulator

SETS: dict[str, type] = {
    "usage-statistics-enabled": bool,
    "debug": bool,
    "logging-to-file": bool,
    "request-log": bool,
    "ws-auth": bool,
    "force-model-prefix": bool,
    "logs-max-total-size-mb": int,
    "error-logs-max-files": int,
    "request-retry": int,
    "max-retry-interval": int,
    "max-retry-credentials": int,
    "proxy-url": str,
}
LISTS = (
    "gemini-api-key",
    "interactions-api-key",
    "claude-api-key",
    "codex-api-key",
    "xai-api-key",
    "vertex-api-key",
    "openai-compatibility",
)


def get_config(sim: Simulator, call: Call) -> Answer:
    """The configuration as JSON."""
    return Answer.json({k: v for k, v in sim.config.items() if not k.startswith("oauth-")})


def get_set(sim: Simulator, call: Call, name: str) -> Answer:
    """A single setting."""
    return Answer.json({name: sim.config[name]})


def put_set(sim: Simulator, call: Call, name: str) -> Answer:
    """Change a single setting."""
    body = call.json()
    value = body.get("value") if isinstance(body, dict) else None
    if type(value) is not SETS[name]:
        return error(400, "invalid body")
    sim.change_config(name, value)
    return OK


def delete_proxy_url(sim: Simulator, call: Call) -> Answer:
    """Clear the proxy."""
    sim.change_config("proxy-url", "")
    return OK


def quota_exceeded(sim: Simulator, call: Call, name: str) -> Answer:
    """One of the switches on exceeded quotas."""
    switches = sim.config["quota-exceeded"]
    if call.method == "GET":
        return Answer.json({name: switches[name]})
    body = call.json()
    if not isinstance(body, dict) or not isinstance(body.get("value"), bool):
        return error(400, "invalid body")
    switches[name] = body["value"]
    sim.refresh()
    return OK


STRATEGIES = {
    **dict.fromkeys(("", "roundrobin", "rr", "round-robin"), "round-robin"),
    **dict.fromkeys(("weighted-round-robin", "weightedroundrobin", "wrr"), "weighted-round-robin"),
    **dict.fromkeys(("fill-first", "fillfirst", "ff"), "fill-first"),
}


def routing(sim: Simulator, call: Call) -> Answer:
    """How credentials are chosen."""
    if call.method == "GET":
        return Answer.json({"strategy": sim.config["routing"]["strategy"]})
    body = call.json()
    if not isinstance(body, dict) or not isinstance(body.get("value"), str):
        return error(400, "invalid body")
    if body["value"].lower() not in STRATEGIES:
        return error(400, "invalid strategy")
    sim.config["routing"]["strategy"] = STRATEGIES[body["value"].lower()]
    sim.refresh()
    return OK


def config_yaml(sim: Simulator, call: Call) -> Answer:
    """The configuration file."""
    if call.method == "GET":
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        file = sim.config_yaml.encode()
        return Answer(200, file, "application/yaml; charset=utf-8", headers)
    text = call.body.decode(errors="replace")
    if "\t" in text or not text.strip():
        return error(400, "invalid_yaml", message="yaml: found character that cannot start a token")
    sim.config_yaml = text
    sim.refresh()
    return Answer.json({"ok": True, "changed": ["config"]})


def provider_list(sim: Simulator, call: Call, name: str) -> Answer:
    """The configured credentials of one provider."""
    if call.method == "GET":
        return Answer.json({name: sim.config[name]})
    entries = sim.config[name] or []
    body = call.json()
    if call.method == "PUT":
        items = body.get("items") if isinstance(body, dict) else body
        if not isinstance(items, list):
            return error(400, "invalid body")
        sim.change_config(name, items)
        return OK
    key = "name" if name == "openai-compatibility" else "api-key"
    if call.method == "DELETE":
        return _delete_entry(sim, call, name, key)
    if not isinstance(body, dict) or not isinstance(body.get("value"), dict):
        return error(400, "invalid body")
    for i, entry in enumerate(entries):
        if body.get("index") == i or entry.get(key) == body.get("match"):
            entry.update(body["value"])
            sim.refresh()
            return OK
    return error(404, "item not found")


def _delete_entry(sim: Simulator, call: Call, name: str, key: str) -> Answer:
    entries = sim.config[name] or []
    if call.one("index").isdigit():
        left = [entry for i, entry in enumerate(entries) if i != int(call.one("index"))]
    elif call.one(key):
        left = [entry for entry in entries if entry.get(key) != call.one(key)]
    else:
        return error(400, f"missing {key} or index")
    sim.change_config(name, left)
    return OK


def api_keys(sim: Simulator, call: Call) -> Answer:
    """The clients' keys."""
    keys = sim.config["api-keys"]
    body = call.json()
    if call.method == "GET":
        return Answer.json({"api-keys": keys})
    if call.method == "PUT":
        items = body.get("items") if isinstance(body, dict) else body
        if not isinstance(items, list):
            return error(400, "invalid body")
        sim.change_config("api-keys", items)
        return OK
    if call.method == "DELETE":
        if not call.one("index") and not call.one("value"):
            return error(400, "missing index or value")
        index = call.one("index")
        left = [k for i, k in enumerate(keys or []) if str(i) != index and k != call.one("value")]
        sim.change_config("api-keys", left)
        return OK
    if isinstance(body, dict) and isinstance(body.get("old"), str):
        left = [body.get("new") if k == body["old"] else k for k in keys or []]
        if body["old"] not in (keys or []):
            left.append(body.get("new"))
        sim.change_config("api-keys", left)
        return OK
    if isinstance(body, dict) and isinstance(body.get("index"), int):
        keys[body["index"]] = body.get("value")
        sim.refresh()
        return OK
    return error(400, "missing fields")


def api_key_usage(sim: Simulator, call: Call) -> Answer:
    """Attempts by configured key."""
    return Answer.json({})


def maps(sim: Simulator, call: Call, name: str) -> Answer:
    """Maps of models by provider."""
    if call.method == "GET":
        return Answer.json({name: sim.config[name]})
    body = call.json()
    if not isinstance(body, dict):
        return error(400, "invalid body")
    if call.method != "PATCH":
        sim.change_config(name, body.get("items", body))
        return OK
    whose = str(body.get("provider") or body.get("channel") or "")
    of_whose = body.get("models" if name == "oauth-excluded-models" else "aliases")
    if not whose or not isinstance(of_whose, list):
        return error(400, "invalid body")
    changed = {**(sim.config[name] or {}), whose: of_whose}
    sim.change_config(name, {key: value for key, value in changed.items() if value})
    return OK
