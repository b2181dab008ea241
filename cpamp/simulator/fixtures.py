"""What a simulated CPA has to begin with (CPA contract, section 16.4)."""

from __future__ import annotations

import hashlib
from typing import Any

from cpamp.simulator.records import CLIENT_KEYS

AUTH_DIR = "/var/cpa/auths"
CREATED = "2026-08-01T09:00:00+08:00"


def auth_index(kind: str, name: str) -> str:
    """The index of a credential file (section 9.1)."""
    return hashlib.sha256(f"{kind}:{AUTH_DIR}/{name}".encode()).hexdigest()[:16]


def auth_file(name: str, kind: str, email: str, **more: Any) -> dict[str, Any]:
    """An entry of the listing."""
    entry: dict[str, Any] = {
        "id": name,
        "auth_index": auth_index(kind, name),
        "name": name,
        "type": kind,
        "provider": kind,
        "label": email or kind,
        "status": "active",
        "status_message": "",
        "disabled": False,
        "unavailable": False,
        "runtime_only": False,
        "source": "file",
        "size": 4211,
        "success": 0,
        "failed": 0,
        "recent_requests": [
            {"time": f"{m // 60:02}:{m % 60:02}-{(m + 10) // 60:02}:{(m + 10) % 60:02}"}
            | {"success": 0, "failed": 0}
            for m in range(0, 200, 10)
        ],
        "account_type": "oauth",
        "created_at": CREATED,
        "modtime": CREATED,
        "updated_at": CREATED,
        "path": f"{AUTH_DIR}/{name}",
    }
    if email:
        entry |= {"email": email, "account": email}
    if kind == "codex":
        account_id = hashlib.sha256(name.encode()).hexdigest()[:12]
        entry["id_token"] = {"chatgpt_account_id": account_id, "plan_type": "plus"}
    return {**entry, **more}


def auth_files() -> list[dict[str, Any]]:
    """One credential of every kind that matters."""
    alice = "alice@example.com"
    exhausted = {
        "status": "error",
        "status_message": "quota exhausted",
        "unavailable": True,
        "next_retry_after": "2026-12-31T00:00:00Z",
    }
    files = [
        auth_file("codex-alice-plus.json", "codex", alice),
        auth_file("codex-alice-team.json", "codex", alice),
        auth_file("codex-bob-disabled.json", "codex", "bob@example.com", disabled=True),
        auth_file("codex-carol-exhausted.json", "codex", "carol@example.com", **exhausted),
        auth_file("claude-dora.json", "claude", "dora@example.com"),
        auth_file("antigravity-erik.json", "antigravity", "erik@example.com", project_id="p-1"),
        auth_file("xai-fay.json", "xai", "fay@example.com"),
        auth_file("kimi.json", "kimi", ""),
        auth_file("vertex.json", "vertex", "", project_id="my-project"),
        auth_file("plugin.json", "my-plugin", "", id="plugin-1"),
        auth_file("plugin.json", "my-plugin", "", id="plugin-2"),
        auth_file("memory", "codex", "gil@example.com", runtime_only=True, source="memory"),
        auth_file("codex müller 42.json", "codex", "mueller@example.com"),
    ]
    return sorted(files, key=lambda entry: str(entry["name"]).lower())


def config() -> dict[str, Any]:
    """CPA's configuration as JSON (section 10.1)."""
    return {
        "proxy-url": "",
        "disable-image-generation": False,
        "force-model-prefix": False,
        "request-log": False,
        "claude-code": {"disable-cloaking-model-list": False},
        "api-keys": [*CLIENT_KEYS[:2]],
        "passthrough-headers": False,
        "streaming": {},
        "tls": {"enable": False, "cert": "", "key": ""},
        "plugins": {"enabled": False, "dir": "plugins", "configs": {}},
        "debug": False,
        "commercial-mode": False,
        "logging-to-file": True,
        "logs-max-total-size-mb": 0,
        "error-logs-max-files": 10,
        "usage-statistics-enabled": True,
        "redis-usage-queue-retention-seconds": 60,
        "disable-cooling": False,
        "request-retry": 3,
        "max-retry-credentials": 0,
        "max-retry-interval": 30,
        "quota-exceeded": {
            "switch-project": True,
            "switch-preview-model": True,
            "antigravity-credits": False,
        },
        "routing": {"strategy": "round-robin"},
        "ws-auth": True,
        "gemini-api-key": [{"api-key": "AIzaSyMadeUpKey000000000000000000000001"}],
        "interactions-api-key": None,
        "codex-api-key": [{"api-key": "sk-codex-made-up-0001", "base-url": "http://127.0.0.1/"}],
        "xai-api-key": None,
        "claude-api-key": [{"api-key": "sk-ant-made-up-0001"}],
        "openai-compatibility": [
            {
                "name": "OpenRouter",
                "base-url": "http://127.0.0.1/v1",
                "api-key-entries": [{"api-key": "sk-or-made-up-0001"}],
            }
        ],
        "vertex-api-key": None,
        "oauth-excluded-models": None,
        "oauth-model-alias": None,
        "payload": {
            "default": None,
            "default-raw": None,
            "override": None,
            "override-raw": None,
            "filter": None,
        },
    }


MODELS = [
    {"id": name, "object": "model", "created": 1770912000, "owned_by": owner}
    for owner, names in {
        "openai": ("gpt-5.5", "gpt-5.4", "gpt-5.3-codex", "gpt-5.6-luna"),
        "anthropic": ("claude-sonnet-4-6", "claude-opus-4-7"),
        "google": ("gemini-3.1-pro-preview", "gemini-2.5-flash"),
    }.items()
    for name in names
]
CONFIG_YAML = """# A made-up CPA
port: 8317
auth-dir: /var/cpa/auths
usage-statistics-enabled: true
redis-usage-queue-retention-seconds: 60
"""
