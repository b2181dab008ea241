"""Event sets for the benchmarks, as lines that the import takes.

The same sets as the replaced server's benchmarks have (usage contract, section 12; analytics
contract, section 16), so that figures can be laid side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

import orjson

from cpamp.simulator.records import CODEX, Generator
from cpamp.usage.event import Event
from cpamp.usage.record import decode
from cpamp.usage.timestamps import Instant

T = TypeVar("T")

DAY_MS = 86_400_000
MONITORING_BEGIN_MS = 1_800_000_000_000
MONITORING_DAYS = 30
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


def dashboard(count: int) -> Iterator[bytes]:
    """W-DASH: 200 accounts, 12 models, 100 keys, spread evenly over one day."""
    step = max(1, DAY_MS // count)
    for i in range(count):
        account = i % 200
        failed = i % 20 == 0
        model = f"benchmark-model-{i % 12:02d}"
        yield _line(
            MONITORING_BEGIN_MS + i * step,
            event_hash=f"dashboard-benchmark-{i:06d}",
            provider=_PROVIDERS[i % 3],
            model=model,
            resolved_model=model,
            endpoint="/v1/responses",
            auth_index=f"auth-{account:03d}",
            source=f"source-{account:03d}",
            source_hash=f"source-{account:03d}",
            **_account(account, i),
            api_key_hash=f"api-key-{i % 100:03d}",
            auth_project_id_snapshot=f"project-{i % 20:02d}",
            input_tokens=100 + i % 1000,
            output_tokens=50 + i % 500,
            reasoning_tokens=i % 100,
            cached_tokens=i % 200,
            cache_tokens=i % 50,
            total_tokens=200 + i % 2000,
            latency_ms=50 + i % 2000,
            failed=failed,
            fail_summary=f"benchmark failure {i % 10}" if failed else "",
        )


def codex(count: int) -> Iterator[Event]:
    """Records of Codex with its quota headers, as the collector reads them, ten a second."""
    generator = Generator(1, families=CODEX)
    for i in range(count):
        at_ms = MONITORING_BEGIN_MS + i * 100
        event = decode(generator.payload(at_ms), now_ms=at_ms + 20)
        assert isinstance(event, Event)
        yield event


def batches(items: Iterable[T], count: int) -> Iterator[list[T]]:
    """The same items in lists of `count`."""
    rest = iter(items)
    while batch := list(islice(rest, count)):
        yield batch


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
