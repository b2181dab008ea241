"""Event sets for the benchmarks, as lines that the import takes.

The same sets as the replaced server's benchmarks have (usage contract, section 12; analytics
contract, section 16), so that figures can be laid side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import orjson

from cpamp.usage.timestamps import Instant

DAY_MS = 86_400_000
MONITORING_BEGIN_MS = 1_800_000_000_000
MONITORING_DAYS = 30
LIFE_BEGIN_MS = 1_767_225_600_000  # 2026-01-01
LIFE_DAYS = 90
_PROVIDERS = ("codex", "claude", "gemini")
_TIERS = ("", "default", "priority")


def monitoring(count: int) -> Iterator[bytes]:
    """W-MON: 100 accounts, 12 models, 50 keys, spread evenly over 30 days."""
    step = max(1, MONITORING_DAYS * DAY_MS // count)
    for i in range(count):
        account = i % 100
        yield _line(
            MONITORING_BEGIN_MS + i * step,
            event_hash=f"analytics-benchmark-{i:06d}",
            model=f"gpt-{i % 12:02d}",
            endpoint="POST /v1/chat/completions",
            auth_index=f"auth-{account:03d}",
            source="user@example.com",
            source_hash=f"source-{account:03d}",
            **_account(account, i),
            api_key_hash=f"key-{i % 50:03d}",
            auth_project_id_snapshot=f"project-{i % 10:02d}",
            **_tokens(i),
            latency_ms=250,
            ttft_ms=50,
            failed=i % 20 == 0,
            response_metadata={
                "quota": {"plan_type": "pro"},
                "trace": {"primary_trace_id": f"trace-{i:06d}"},
            },
        )


def life(count: int) -> Iterator[bytes]:
    """The life-cycle baseline (profile C): resolved models, spread evenly over 90 days."""
    step = max(1, LIFE_DAYS * DAY_MS // count)
    for i in range(count):
        account = i % 100
        yield _line(
            LIFE_BEGIN_MS + i * step,
            event_hash=f"usage-lifecycle-baseline-{i:08d}",
            provider=_PROVIDERS[i % 3],
            model=f"gpt-{i % 12:02d}",
            resolved_model=f"gpt-billing-{i % 12:02d}",
            endpoint="POST /v1/chat/completions",
            auth_index=f"auth-{account:03d}",
            source=f"source-{account:03d}",
            source_hash=f"source-hash-{account:03d}",
            **_account(account, i),
            api_key_hash=f"api-key-{i % 50:03d}",
            **_tokens(i),
            latency_ms=100 + i % 900,
            ttft_ms=20 + i % 180,
            failed=i % 17 == 0,
        )


def pieces(lines: Iterable[bytes], count: int = 1000) -> Iterator[bytes]:
    """The same bytes in pieces of `count` lines, for a client that sends them as they are made."""
    rest = iter(lines)
    while piece := b"".join(islice(rest, count)):
        yield piece


def _line(at_ms: int, **members: Any) -> bytes:
    at = {"timestamp_ms": at_ms, "timestamp": Instant(at_ms).text, "created_at_ms": at_ms}
    return orjson.dumps({**at, **members}, option=orjson.OPT_APPEND_NEWLINE)


def _account(account: int, i: int) -> dict[str, str]:
    return {
        "account_snapshot": f"account-{account:03d}@example.com",
        "auth_label_snapshot": f"Account {account:03d}",
        "auth_file_snapshot": f"account-{account:03d}.json",
        "auth_provider_snapshot": _PROVIDERS[i % 3],
        "service_tier": _TIERS[i % 3],
    }


def _tokens(i: int) -> dict[str, int]:
    return {
        "input_tokens": 100 + i % 300,
        "output_tokens": 50 + i % 150,
        "reasoning_tokens": i % 40,
        "cached_tokens": i % 80,
        "total_tokens": 150 + i % 500,
    }
