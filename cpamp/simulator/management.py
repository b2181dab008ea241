"""CPA's management API and the few other paths (CPA contract, sections 5 and 7 to 13).

A handler takes a `Call` and gives an `Answer`; the table at the end says which one takes what.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs
import orjson

from cpamp.simulator import configuration, credentials, logins, plugins, quotas, versions
from cpamp.simulator.answers import NOT_FOUND, Answer, Call, error
from cpamp.simulator.fixtures import MODELS

if TYPE_CHECKING:
    from cpamp.simulator.server import Simulator


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


def model_definitions(sim: Simulator, call: Call, channel: str) -> Answer:
    """All models of a provider."""
    owner = {"codex": "openai", "claude": "anthropic", "gemini": "google"}.get(channel)
    if owner is None:
        return error(400, "unknown channel", channel=channel)
    models = [m for m in MODELS if m["owned_by"] == owner]
    return Answer.json({"channel": channel, "models": models})


Handler = Callable[..., Answer]
_GET, _ALL = ("GET",), ("GET", "PUT", "PATCH", "DELETE")
_NAMES = "|".join(configuration.SETS)
TABLE: tuple[tuple[str, tuple[str, ...], Handler], ...] = (
    ("/usage-queue", _GET, usage_queue),
    ("/config", _GET, configuration.get_config),
    ("/config.yaml", ("GET", "PUT"), configuration.config_yaml),
    ("/proxy-url", ("DELETE",), configuration.delete_proxy_url),
    (f"/({_NAMES})", _GET, configuration.get_set),
    (f"/({_NAMES})", ("PUT", "PATCH"), configuration.put_set),
    (
        "/quota-exceeded/(switch-project|switch-preview-model)",
        ("GET", "PUT", "PATCH"),
        configuration.quota_exceeded,
    ),
    ("/routing/strategy", ("GET", "PUT", "PATCH"), configuration.routing),
    (f"/({'|'.join(configuration.LISTS)})", _ALL, configuration.provider_list),
    ("/(oauth-excluded-models|oauth-model-alias)", _ALL, configuration.maps),
    ("/api-keys", _ALL, configuration.api_keys),
    ("/api-key-usage", _GET, configuration.api_key_usage),
    ("/auth-files", _GET, credentials.list_files),
    ("/auth-files", ("POST",), credentials.upload),
    ("/auth-files", ("DELETE",), credentials.delete_files),
    ("/auth-files/models", _GET, credentials.file_models),
    ("/auth-files/download", _GET, credentials.download),
    ("/auth-files/status", ("PATCH",), credentials.file_status),
    ("/auth-files/fields", ("PATCH",), credentials.file_fields),
    ("/api-call", ("POST",), api_call),
    ("/logs", ("GET", "DELETE"), logs),
    ("/request-error-logs", _GET, error_logs),
    ("/request-error-logs/([^/]+)", _GET, error_log),
    ("/request-log-by-id/([^/]+)", _GET, request_log),
    ("/latest-version", _GET, latest_version),
    ("/(anthropic|codex|antigravity|kimi|xai)-auth-url", _GET, logins.auth_url),
    ("/get-auth-status", _GET, logins.auth_status),
    ("/oauth-session", ("DELETE",), logins.oauth_session),
    ("/model-definitions/([^/]+)", _GET, model_definitions),
    ("/vertex/import", ("POST",), credentials.vertex_import),
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
        return logins.oauth_callback(sim, call)
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
