"""CPA's management API and the few other paths (CPA contract, sections 5 and 7 to 13).

A handler takes a `Call` and gives an `Answer`; the table at the end says which one takes what.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import attrs
import orjson

from cpamp.simulator import plugins, quotas, versions
from cpamp.simulator.answers import NOT_FOUND, OK, Answer, Call, error
from cpamp.simulator.fixtures import MODELS, auth_file

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


def management(sim: Simulator, call: Call) -> Answer:
    """A call below /v0/management, after its key was taken."""
    path = call.path.removeprefix("/v0/management")
    for pattern, methods, handler in TABLE:
        match = re.fullmatch(pattern, path)
        if match and call.method in methods:
            return handler(sim, call, *match.groups())
    return NOT_FOUND


def moved(call: Call) -> Answer | None:
    """The way from a known path with a slash behind it; nobody looks at the key."""
    target = call.path.rstrip("/")
    known = target.removeprefix("/v0/management")
    if target == call.path or not any(re.fullmatch(pattern, known) for pattern, _, _ in TABLE):
        return None
    if call.method != "GET":
        return Answer(307, None, headers={"Location": target}, bare=True)
    text = f'<a href="{target}">Moved Permanently</a>.\n\n'.encode()
    return Answer(301, text, "text/html; charset=utf-8", {"Location": target}, bare=True)


def usage_queue(sim: Simulator, call: Call) -> Answer:
    """Pop records."""
    if sim.version < versions.HTTP_QUEUE:
        return NOT_FOUND
    text = call.one("count").strip()
    if text and not (re.fullmatch(r"\+?\d+", text) and int(text) > 0):
        return error(400, "count must be a positive integer")
    taken = sim.queue.pop(int(text) if text else 1)
    items = [p if _is_json(p) else orjson.dumps(p.decode(errors="replace")) for p in taken]
    return Answer(200, b"[" + b",".join(items) + b"]")


def _is_json(payload: bytes) -> bool:
    # Records that were made here begin and end like objects; others are looked at.
    if payload[:2] == b'{"' and payload[-1:] == b"}" and len(payload) > 200:
        return True
    try:
        orjson.loads(payload)
    except orjson.JSONDecodeError:
        return False
    return True


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


# -- credentials --------------------------------------------------------------------------------


def list_files(sim: Simulator, call: Call) -> Answer:
    """The listing, filtered by name or index where this version can."""
    files = sim.auth_files
    if sim.version >= versions.FILTERS:
        name, index = call.one("name"), call.one("auth_index")
        files = [f for f in files if not name or name in (f["id"], f["name"])]
        files = [f for f in files if not index or f["auth_index"] == index]
    shown = [f for f in files if not (f["runtime_only"] and f["disabled"])]
    return Answer.json({"files": shown})


def _named(sim: Simulator, name: str, index: str = "") -> list[dict[str, Any]]:
    return [
        f
        for f in sim.auth_files
        if name in (f["id"], f["name"]) and (not index or f["auth_index"] == index)
    ]


def file_models(sim: Simulator, call: Call) -> Answer:
    """What a credential can serve."""
    if not call.one("name"):
        return error(400, "name is required")
    known = _named(sim, call.one("name"))
    models = [{"id": m["id"], "owned_by": m["owned_by"]} for m in MODELS] if known else []
    return Answer.json({"models": models})


def download(sim: Simulator, call: Call) -> Answer:
    """A credential file, with its tokens."""
    name = call.one("name")
    if not name or "/" in name:
        return error(400, "invalid name")
    if not name.lower().endswith(".json"):
        return error(400, "name must end with .json")
    if not _named(sim, name):
        return error(404, "file not found")
    found = _named(sim, name)[0]
    content = {
        "access_token": "made-up",
        "account_id": found.get("id_token", {}).get("chatgpt_account_id", ""),
        "disabled": found["disabled"],
        "email": found.get("email", ""),
        "expired": "2036-01-01T00:00:00Z",
        "id_token": "e30.e30.",
        "last_refresh": "2026-08-22T03:02:03Z",
        "refresh_token": "made-up",
        "type": found["type"],
    }
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Answer(200, orjson.dumps(content), "application/json", headers)


def upload(sim: Simulator, call: Call) -> Answer:
    """A new credential file."""
    name = call.one("name")
    if "multipart/form-data" in call.headers.get("content-type", ""):
        found = re.search(rb'filename="([^"]+)"', call.body)
        if not found:
            return error(400, "no files uploaded")
        name = found[1].decode(errors="replace")
        start, end = call.body.find(b"{"), call.body.rfind(b"}")
        body = Call("", "", {}, {}, call.body[start : end + 1]).json()
    else:
        body = call.json()
    if not name.lower().endswith(".json"):
        return error(400, "name must end with .json")
    if not isinstance(body, dict):
        return error(500, "invalid auth file: invalid JSON")
    kind, email = str(body.get("type", "unknown")), str(body.get("email", ""))
    sim.auth_files = [f for f in sim.auth_files if f["name"] != name]
    sim.auth_files.append(auth_file(name, kind, email))
    sim.auth_files.sort(key=lambda entry: str(entry["name"]).lower())
    sim.refresh()
    return OK


def delete_files(sim: Simulator, call: Call) -> Answer:
    """Remove credential files."""
    if call.one("all") in ("true", "1", "*"):
        count = len(sim.auth_files)
        sim.auth_files = []
        sim.refresh()
        return Answer.json({"status": "ok", "deleted": count})
    body = call.json()
    names = call.query.get("name") or []
    if not names and isinstance(body, dict):
        names = body.get("names") or [body.get("name", "")]
    elif not names and isinstance(body, list):
        names = body
    if not names or not all(isinstance(n, str) and n for n in names):
        return error(400, "invalid name")
    gone = [n for n in names if _named(sim, n)]
    sim.auth_files = [f for f in sim.auth_files if not {f["id"], f["name"]} & set(gone)]
    if gone:
        sim.refresh()
    if len(names) == 1:
        return OK if gone else error(404, "auth file not found")
    if len(gone) == len(names):
        return Answer.json({"status": "ok", "deleted": len(gone), "files": gone})
    failed = [{"name": n, "error": "auth file not found"} for n in names if n not in gone]
    partial = {"status": "partial", "deleted": len(gone), "files": gone, "failed": failed}
    return Answer.json(partial, 207)


PLUGIN_CHILD = (
    "plugin virtual auth cannot be modified directly; edit or delete the source auth file"
)


def switch(sim: Simulator, entry: dict[str, Any], disabled: bool) -> None:
    """Make an entry disabled or enabled; its file is written by that."""
    entry["disabled"] = disabled
    entry["status"] = "disabled" if disabled else "active"
    entry["status_message"] = "disabled via management API" if disabled else ""
    moment = datetime.fromtimestamp(sim.now_ms() / 1000, UTC).isoformat()
    entry["updated_at"] = entry["modtime"] = moment


def file_status(sim: Simulator, call: Call) -> Answer:
    """Switch a credential on or off."""
    body = call.json()
    if not isinstance(body, dict):
        return error(400, "invalid request body")
    if not body.get("name"):
        return error(400, "name is required")
    if not isinstance(body.get("disabled"), bool):
        return error(400, "disabled is required")
    index = str(body.get("auth_index") or "") if sim.version >= versions.FILTERS else ""
    found = _named(sim, str(body["name"]), index)
    if not found:
        return error(404, "auth file not found")
    if body["name"] == found[0]["id"] != found[0]["name"] and found[0].get("plugin_child"):
        return error(409, PLUGIN_CHILD)
    changed = found if found[0].get("plugin_child") else found[:1]
    for entry in changed:
        switch(sim, entry, body["disabled"])
    sim.refresh()
    return Answer.json({"disabled": body["disabled"], "status": "ok"})


def file_fields(sim: Simulator, call: Call) -> Answer:
    """Change fields of a credential file."""
    body = call.json()
    if not isinstance(body, dict) or not body.get("name"):
        return error(400, "name is required")
    found = _named(sim, str(body.pop("name")))
    if not body:
        return error(400, "no fields to update")
    if not found:
        return error(404, "auth file not found")
    found[0].update(body)
    sim.refresh()
    return OK


# -- the rest -----------------------------------------------------------------------------------


def api_call(sim: Simulator, call: Call) -> Answer:
    """A call to an upstream, answered by the scripted rules."""
    body = call.json()
    if not isinstance(body, dict):
        return error(400, "invalid body")
    if not body.get("method"):
        return error(400, "missing method")
    if not body.get("url"):
        return error(400, "missing url")
    index = str(body.get("auth_index") or body.get("authIndex") or body.get("AuthIndex") or "")
    rule = sim.api_rules.find(index, str(body["method"]).upper(), str(body["url"]))
    if rule is None and sim.quotas:
        told = quotas.answer(index, str(body["url"]), sim.now_ms())
        rule = None if told is None else dict(told)
    if rule is None:
        return Answer.json({"status_code": 404, "header": {}, "body": "{}"})
    answer = _upstream(rule)
    return attrs.evolve(answer, delay_ms=float(rule.get("delay_ms", 0)))


def _upstream(rule: dict[str, Any]) -> Answer:
    if rule.get("error"):
        return error(502, str(rule["error"]))
    if "raw" in rule:
        return Answer.json(rule["raw"])
    reply = {"status_code": rule.get("status", 200), "header": rule.get("headers", {})}
    text = rule.get("body", "")
    return Answer.json(
        {**reply, "body": text if isinstance(text, str) else orjson.dumps(text).decode()}
    )


def logs(sim: Simulator, call: Call) -> Answer:
    """The log file: its tail, or what has come since a place in it."""
    if call.method == "DELETE":
        message = "Logs cleared successfully"
        return Answer.json({"success": True, "message": message, "removed": sim.logs.clear()})
    if not sim.config["logging-to-file"]:
        return error(400, "logging to file disabled")
    limit = call.one("limit")
    if limit and not (limit.isdigit() and int(limit) > 0):
        return error(400, f"invalid limit: {limit}")
    cursor = call.one("cursor")
    since = sim.logs.since(cursor) if cursor else None
    lines = sim.logs.lines[-int(limit or 1000) :] if since is None else since
    answer = {
        "lines": lines,
        "line-count": len(lines),
        "latest-timestamp": int(sim.now_ms() / 1000),
        "next-cursor": sim.logs.cursor,
    }
    return Answer.json(answer | ({"cursor-reset": True} if cursor and since is None else {}))


def error_logs(sim: Simulator, call: Call) -> Answer:
    """The list of logged failures: none while whole requests are logged."""
    files = [] if sim.config["request-log"] else list(sim.logs.failures.items())
    files.sort(key=lambda file: -file[1][1])
    listed = [
        {"name": name, "size": len(text.encode()), "modified": at_s} for name, (text, at_s) in files
    ]
    return Answer.json({"files": listed})


def error_log(sim: Simulator, call: Call, name: str) -> Answer:
    """A logged failure."""
    found = sim.logs.failures.get(name)
    return _attached(name, found[0]) if found else error(404, "log file not found")


def request_log(sim: Simulator, call: Call, request_id: str) -> Answer:
    """A logged request."""
    found = sim.logs.requests.get(request_id)
    if found is None:
        return error(404, "log file not found for the given request ID")
    return _attached(f"v1-responses-{request_id}.log", found)


def _attached(name: str, text: str) -> Answer:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Answer(200, text.encode(), "text/plain; charset=utf-8", headers)


def latest_version(sim: Simulator, call: Call) -> Answer:
    """The newest release."""
    return Answer.json({"latest-version": "v7.2.140"})


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


def model_definitions(sim: Simulator, call: Call, channel: str) -> Answer:
    """All models of a provider."""
    owner = {"codex": "openai", "claude": "anthropic", "gemini": "google"}.get(channel)
    if owner is None:
        return error(400, "unknown channel", channel=channel)
    models = [m for m in MODELS if m["owned_by"] == owner]
    return Answer.json({"channel": channel, "models": models})


def vertex_import(sim: Simulator, call: Call) -> Answer:
    """A service account."""
    start, end = call.body.find(b"{"), call.body.rfind(b"}")
    account = Call("", "", {}, {}, call.body[start : end + 1]).json()
    if not isinstance(account, dict):
        return error(400, "invalid json")
    project, email = account.get("project_id"), str(account.get("client_email", ""))
    if not project:
        return error(400, "project_id missing")
    place = re.search(rb'name="location"\r\n\r\n([^\r]*)', call.body)
    name = f"vertex-{project}.json"
    sim.auth_files.append(auth_file(name, "vertex", email, project_id=project))
    sim.refresh()
    found = {"auth-file": name, "project_id": project, "email": email}
    return Answer.json(
        {"status": "ok", **found, "location": place[1].decode() if place else "us-central1"}
    )


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


Handler = Callable[..., Answer]
_GET, _ALL = ("GET",), ("GET", "PUT", "PATCH", "DELETE")
_NAMES = "|".join(SETS)
TABLE: tuple[tuple[str, tuple[str, ...], Handler], ...] = (
    ("/usage-queue", _GET, usage_queue),
    ("/config", _GET, get_config),
    ("/config.yaml", ("GET", "PUT"), config_yaml),
    ("/proxy-url", ("DELETE",), delete_proxy_url),
    (f"/({_NAMES})", _GET, get_set),
    (f"/({_NAMES})", ("PUT", "PATCH"), put_set),
    (
        "/quota-exceeded/(switch-project|switch-preview-model)",
        ("GET", "PUT", "PATCH"),
        quota_exceeded,
    ),
    ("/routing/strategy", ("GET", "PUT", "PATCH"), routing),
    (f"/({'|'.join(LISTS)})", _ALL, provider_list),
    ("/(oauth-excluded-models|oauth-model-alias)", _ALL, maps),
    ("/api-keys", _ALL, api_keys),
    ("/api-key-usage", _GET, api_key_usage),
    ("/auth-files", _GET, list_files),
    ("/auth-files", ("POST",), upload),
    ("/auth-files", ("DELETE",), delete_files),
    ("/auth-files/models", _GET, file_models),
    ("/auth-files/download", _GET, download),
    ("/auth-files/status", ("PATCH",), file_status),
    ("/auth-files/fields", ("PATCH",), file_fields),
    ("/api-call", ("POST",), api_call),
    ("/logs", ("GET", "DELETE"), logs),
    ("/request-error-logs", _GET, error_logs),
    ("/request-error-logs/([^/]+)", _GET, error_log),
    ("/request-log-by-id/([^/]+)", _GET, request_log),
    ("/latest-version", _GET, latest_version),
    ("/(anthropic|codex|antigravity|kimi|xai)-auth-url", _GET, auth_url),
    ("/get-auth-status", _GET, auth_status),
    ("/oauth-session", ("DELETE",), oauth_session),
    ("/model-definitions/([^/]+)", _GET, model_definitions),
    ("/vertex/import", ("POST",), vertex_import),
    ("/plugins", _GET, plugins.installed),
    ("/plugins/([^/]+)/config", ("GET", "PUT", "PATCH"), plugins.config),
    ("/plugins/([^/]+)/enabled", ("PATCH",), plugins.switch),
    ("/plugins/([^/]+)", ("DELETE",), plugins.delete),
    ("/plugin-store", _GET, plugins.store),
    ("/plugin-store/([^/]+)/install", ("POST",), plugins.install),
    ("/codex-invite/page", ("GET", "POST"), plugins.own_page),
)


def public(sim: Simulator, call: Call) -> Answer | None:
    """What needs no management key; None where it is not one of these."""
    if call.path == "/healthz":
        return Answer.json({"status": "ok"})
    if call.path == "/" and call.method == "GET":
        endpoints = ["POST /v1/chat/completions", "POST /v1/completions", "GET /v1/models"]
        return Answer.json({"endpoints": endpoints, "message": "CLI Proxy API Server"})
    if call.path == "/v1/models" and call.method == "GET":
        return _models(sim, call)
    if call.path == "/v0/management/oauth-callback" and call.method in ("GET", "POST"):
        return oauth_callback(sim, call)
    return plugins.resource(call)


def _models(sim: Simulator, call: Call) -> Answer:
    keys = sim.config["api-keys"]
    bearer = call.headers.get("authorization", "")
    given = (
        bearer.partition(" ")[2] or bearer or call.headers.get("x-api-key", "") or call.one("key")
    )
    if keys and not given:
        return error(401, "Missing API key")
    if keys and given not in keys:
        return error(401, "Invalid API key")
    return Answer.json({"data": MODELS, "object": "list"})
