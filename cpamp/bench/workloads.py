"""Event sets for the benchmarks, as lines that the import takes.

The same sets as the replaced server's benchmarks have (usage contract, section 12; analytics
contract, section 16), so that figures can be laid side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import orjson

from cpamp.simulator.records import CODEX, Generator
from cpamp.usage.event import Event
from cpamp.usage.record import decode
from cpamp.usage.timestamps import Instant

T = TypeVar("T")

DAY_MS = 86_400_000
MONITORING_BEGIN_MS = 1_800_000_000_000
MONITORING_DAYS = 30
HISTORY_BEGIN_MS = 1_700_000_000_000
WIDE_MODELS = 40
_PROVIDERS = ("codex", "claude", "gemini")
_TIERS = ("", "default", "priority")


def recent(count: int, now_ms: int) -> Iterator[bytes]:
    """W-MON, ending now."""
    return monitoring(count, now_ms - MONITORING_DAYS * DAY_MS)


def monitoring(count: int, begin_ms: int = MONITORING_BEGIN_MS) -> Iterator[bytes]:
    """W-MON: 100 accounts, 12 models, 50 keys, spread evenly over 30 days."""
    step = max(1, MONITORING_DAYS * DAY_MS // count)
    for i in range(count):
        account = i % 100
        yield _line(
            begin_ms + i * step,
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


def history(count: int) -> Iterator[bytes]:
    """W-HIST: 200 accounts that take eight models in turn, one event each ms."""
    for i in range(count):
        account, model = i % 200, (i % 200 + i // 200) % 8
        address = f"account-{account:04d}@example.com"
        yield _line(
            HISTORY_BEGIN_MS + i,
            event_hash=f"history-benchmark-{i:06d}",
            provider="openai",
            model=f"alias-{model:02d}",
            resolved_model=f"resolved-{model:02d}",
            auth_index=f"auth-{account:04d}",
            source_hash=f"source-{account:04d}",
            account_snapshot=address,
            auth_label_snapshot=f"Account {account:04d}",
            auth_provider_snapshot="openai",
            service_tier="priority" if i % 5 == 0 else "",
            input_tokens=100 + i % 97,
            output_tokens=40 + i % 53,
            reasoning_tokens=i % 11,
            cached_tokens=i % 7,
            cache_read_tokens=i % 5,
            cache_creation_tokens=i % 3,
            total_tokens=140 + i % 151,
            failed=i % 17 == 0,
        )


def skewed(count: int) -> Iterator[bytes]:
    """As many accounts, keys and models as W-MON has; as in real traffic few have most events."""
    return _skewed(count, accounts=100, keys=50, models=12)


def wide(count: int) -> Iterator[bytes]:
    """The same of a large pool: its events are of some 47,000 pairs of key and account."""
    return _skewed(count, accounts=200, keys=300, models=WIDE_MODELS)


def _skewed(count: int, *, accounts: int, keys: int, models: int) -> Iterator[bytes]:
    rng = np.random.default_rng(1)
    at_ms = MONITORING_BEGIN_MS + np.sort(rng.integers(MONITORING_DAYS * DAY_MS, size=count))
    account, key, model = (
        rng.choice(many, size=count, p=_falling(many, power)).tolist()
        for many, power in ((accounts, 1.1), (keys, 1.0), (models, 1.3))
    )
    given, output, latency = (
        rng.lognormal(mean, 1.2, count).astype(np.int64).tolist() for mean in (8.5, 6.0, 8.2)
    )
    share, ids = rng.random(count).tolist(), rng.integers(2**62, size=count).tolist()
    for i, when in enumerate(at_ms.tolist()):
        failed = share[i] < 0.04
        yield _line(
            when,
            event_hash=f"skewed-benchmark-{i:06d}",
            request_id=f"{ids[i]:016x}",
            model=f"gpt-{model[i]:02d}",
            endpoint=("POST /v1/responses", "POST /v1/messages")[account[i] % 2],
            auth_index=f"auth-{account[i]:03d}",
            source=f"source-{account[i]:03d}",
            source_hash=f"source-{account[i]:03d}",
            **_account(account[i], account[i]),
            api_key_hash=f"key-{key[i]:03d}",
            input_tokens=given[i],
            output_tokens=output[i],
            reasoning_tokens=int(output[i] * share[i]),
            cached_tokens=int(given[i] * share[i]),
            total_tokens=given[i] + output[i],
            latency_ms=latency[i],
            ttft_ms=latency[i] // 4,
            failed=failed,
            fail_status_code=429 if failed else None,
            fail_summary=f"made-up failure {ids[i] % 30}" if failed else "",
            response_metadata={
                "quota": {"plan_type": ("plus", "pro", "team")[account[i] % 3]},
                "trace": {"primary_trace_id": f"trace-{i:06d}"},
            },
        )


def _falling(many: int, power: float) -> npt.NDArray[np.float64]:
    weights = np.arange(1, many + 1, dtype=np.float64) ** -power
    falling: npt.NDArray[np.float64] = weights / weights.sum()
    return falling


def codex(count: int, *, keep_raw: bool = False) -> Iterator[Event]:
    """Records of Codex with its quota headers, as the collector reads them, ten a second."""
    generator = Generator(1, families=CODEX)
    for i in range(count):
        at_ms = MONITORING_BEGIN_MS + i * 100
        event = decode(generator.payload(at_ms), now_ms=at_ms + 20, keep_raw=keep_raw)
        assert isinstance(event, Event)
        yield event


def prices() -> dict[str, Any]:
    """The price book of all these sets, as the API takes it."""
    plain = _price({"prompt": 1, "completion": 2}, {128: {"prompt": 2}, 256: _HIGHEST})
    rates = {"prompt": 1, "completion": 2, "cache": 0.5, "cacheRead": 0.25, "cacheCreation": 1.5}
    resolved = _price(rates, {128: {"prompt": 2}, 176: _HIGHEST})
    return {
        **{f"gpt-{i:02d}": plain for i in range(WIDE_MODELS)},
        **{f"benchmark-model-{i:02d}": plain for i in range(12)},
        **{f"resolved-{i:02d}": resolved for i in range(8)},
    }


_HIGHEST = {"prompt": 3, "completion": 4}


def _price(rates: Mapping[str, float], tiers: Mapping[int, Mapping[str, float]]) -> dict[str, Any]:
    def stated(of: Mapping[str, float]) -> dict[str, Any]:
        return {**of, **{f"{name}Configured": True for name in of}}

    return {
        **stated(rates),
        "contextTiers": [{"thresholdTokens": above, **stated(of)} for above, of in tiers.items()],
    }


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
