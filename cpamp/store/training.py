"""The preset dictionary of packed metadata: ``python -m cpamp.store.training > data/….dict``.

It is what the metadata of some replies comes to, without the digits that differ from reply to
reply. What is most common stands last, where deflate refers to it most cheaply.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence

from cpamp.store.metadata import with_marks
from cpamp.usage.headers import response_metadata, summary
from cpamp.usage.record import metadata_bytes

# The base of times that are told as a duration.
BASE_MS = 1_790_000_000_000

RAY = {"cf-ray": "9a8b7c6d5e4f3a2b-FRA", "cf-cache-status": "DYNAMIC", "server": "cloudflare"}
STREAM = {"content-type": "text/event-stream"}
REQUEST = {"x-request-id": "req_0123456789abcdef0123"}
WINDOWS = {
    "x-codex-primary-reset-after-seconds": "9120",
    "x-codex-primary-used-percent": "30",
    "x-codex-primary-window-minutes": "300",
    "x-codex-secondary-reset-after-seconds": "302400",
    "x-codex-secondary-used-percent": "10",
    "x-codex-secondary-window-minutes": "10080",
}
CODEX = {
    **WINDOWS,
    "x-codex-active-limit": "codex",
    "x-codex-credits-has-credits": "False",
    "x-codex-plan-type": "plus",
}
# From the rarest reply to the most common.
REPLIES: Sequence[Mapping[str, str]] = (
    {
        "x-data-retention": "none",
        "x-zero-data-retention": "true",
        "x-zero-retention": "true",
        "x-oneapi-request-id": "2026",
        "x-mife-upstream-status": "ok",
        "server-timing": "gfet4t7; dur=",
        "x-cloudaicompanion-trace-id": "c0ffee",
        "x-site-cache-status": "MISS",
        "x-served-by": "cache",
        "x-new-api-version": "v0.",
        "x-models-etag": 'W/"',
        "x-openai-proxy-wasm": "v0.1",
        "traceparent": "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01",
        "x-zeabur-request-id": "z",
        "x-client-request-id": "c",
        "eagleid": "e",
        "content-disposition": "attachment",
    },
    {
        "x-ratelimit-limit-requests": "500",
        "x-ratelimit-remaining-requests": "499",
        "x-ratelimit-limit-tokens": "200000",
        "x-ratelimit-remaining-tokens": "199999",
        "x-oai-request-id": "req_",
    },
    {
        "x-openai-authorization-error": "token_revoked",
        "x-openai-ide-error-code": "token_revoked",
        "x-openai-ide-root-error-code": "token_revoked",
        "x-ratelimit-bypass": "true",
        "x-should-retry": "true",
    },
    {
        **CODEX,
        "x-codex-credits-balance": "0",
        "x-codex-credits-unlimited": "False",
        "x-codex-primary-over-secondary-limit-percent": "0",
        "x-codex-rate-limit-reached-type": "primary",
        "x-codex-plan-type": "free",
        "x-codex-primary-used-percent": "100",
        "x-codex-secondary-used-percent": "100",
    },
    {"x-codex-plan-type": "pro", "x-request-id": "trace-000"},
    {"server": "nghttpx", "via": "1.1 nghttpx", "x-codex-plan-type": "team"},
    {"retry-after": "37", "content-type": "application/json", "content-length": "137"},
    {**RAY, **REQUEST, "content-type": "application/json; charset=UTF-8"},
    {**RAY, **REQUEST, **STREAM},
    {**RAY, **REQUEST, **STREAM, **CODEX},
)
# Texts that no header brings, but a failure body does.
OTHERS = (
    b'"provider_usage":{"actual":,"code":"subscription:free-usage-exhausted","kind":'
    b'"included_free_usage","limit":,"model":"grok-","observed_at_ms":179,"overage":,'
    b'"provider":"xai","recover_at_estimated":true,"recover_at_ms":179,"remaining":0,'
    b'"source":"response_body","state":"exhausted","unit":"tokens","window_kind":"rolling_24h"}'
)
_LONG_NUMBER = re.compile(rb"(?<=[:\"_-])[0-9a-f]{10,}(?=[,}\"-])")


def build() -> bytes:
    """The dictionary."""
    return OTHERS + b"".join(map(_typical, REPLIES))


def _typical(headers: Mapping[str, str]) -> bytes:
    metadata = response_metadata(headers, BASE_MS)
    found = summary(metadata)
    text = with_marks(metadata_bytes(metadata), found.trace_id, found.recover_at_ms)
    return _LONG_NUMBER.sub(lambda m: b"179" if m[0].startswith(b"179") else b"", text)


if __name__ == "__main__":
    sys.stdout.buffer.write(build())
