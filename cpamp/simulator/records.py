"""Usage records as CPA writes them, made up (CPA contract, section 3; usage contract, 12 W)."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import orjson

from cpamp.simulator.quotas import codex_headers
from cpamp.simulator.versions import MEMBERS, TOKEN_MEMBERS, Version


@attrs.frozen
class Family:
    """A provider with its models and habits."""

    provider: str
    executor: str
    models: Sequence[str]
    endpoint: str
    oauth: bool
    semantics: str  # subset, independent or separate
    weight: int


FAMILIES = (
    Family(
        "codex",
        "CodexExecutor",
        ("gpt-5.5", "gpt-5.4", "gpt-5.3-codex"),
        "POST /v1/responses",
        True,
        "subset",
        40,
    ),
    Family(
        "claude",
        "ClaudeExecutor",
        ("claude-sonnet-4-6", "claude-opus-4-7"),
        "POST /v1/messages",
        True,
        "independent",
        25,
    ),
    Family(
        "gemini",
        "GeminiExecutor",
        ("gemini-3.1-pro-preview", "gemini-2.5-flash"),
        "POST /v1beta/models/*action",
        False,
        "separate",
        10,
    ),
    Family(
        "antigravity",
        "AntigravityExecutor",
        ("gemini-3.1-pro-preview",),
        "POST /v1beta/models/*action",
        True,
        "separate",
        6,
    ),
    Family(
        "xai",
        "XAIExecutor",
        ("grok-4.5", "grok-code-fast-1"),
        "POST /v1/chat/completions",
        True,
        "subset",
        8,
    ),
    Family("kimi", "KimiExecutor", ("kimi-k2.5",), "POST /v1/chat/completions", True, "subset", 4),
    Family(
        "openai-compatible-openrouter",
        "OpenAICompatExecutor",
        ("moonshotai/kimi-k2", "deepseek/deepseek-chat"),
        "POST /v1/chat/completions",
        False,
        "subset",
        7,
    ),
)
AGENTS = ("codex_cli_rs/0.98.0", "claude-cli/2.1.0 (external, cli)", "python-httpx/0.28", "")
EFFORTS = ("", "low", "medium", "high", "xhigh")
CLIENT_KEYS = tuple(f"sk-client-team-{i:03}" for i in range(50))
QUOTA_BODY = orjson.dumps(
    {
        "error": {
            "type": "usage_limit_reached",
            "message": "The usage limit has been reached",
            "plan_type": "plus",
            "resets_in_seconds": 9120,
        }
    }
).decode()
FAILURES = (
    (429, QUOTA_BODY),
    (500, '{"error": {"message": "internal error"}}'),
    (408, "stream error: stream disconnected before completion"),
    (499, "context canceled"),
)


@attrs.frozen
class Account:
    """A credential of one family."""

    family: Family
    number: int

    @property
    def source(self) -> str:
        """What CPA says of who paid: an address, or the upstream key in clear."""
        if self.family.oauth:
            return f"{self.family.provider}-user-{self.number:03}@example.com"
        return f"sk-upstream-{self.family.provider[:8]}-{self.number:06}"

    @property
    def auth_index(self) -> str:
        """16 hexadecimal digits."""
        seed = f"{self.family.provider}:{self.number}"
        return hashlib.sha256(seed.encode()).hexdigest()[:16]


class Generator:
    """Makes records one after the other; the same seed gives the same records.

    `rich` gives them the 16 response headers of a Codex reply, 7 of which tell of quotas; with
    `quotas` these go up with time instead of being anything.
    """

    def __init__(
        self,
        seed: int,
        *,
        accounts: int = 100,
        families: Sequence[Family] = FAMILIES,
        fail_rate: float = 0.05,
        retry_rate: float = 0.02,
        rich: bool = True,
        quotas: bool = False,
    ) -> None:
        self._random = random.Random(seed)
        self._fail_rate, self._retry_rate, self._rich = fail_rate, retry_rate, rich
        self._quotas = quotas
        weights = [family.weight for family in families]
        chosen = self._random.choices(families, weights, k=accounts)
        self.accounts = [Account(family, i) for i, family in enumerate(chosen)]
        # A few accounts and keys do most of the work.
        self._popularity = [1 / (i + 1) ** 0.7 for i in range(accounts)]
        self._key_popularity = [1 / (i + 1) for i in range(len(CLIENT_KEYS))]
        self._made = 0
        self._retry: str = ""

    def record(self, at_ms: int) -> dict[str, Any]:
        """The record of an attempt that began at this time."""
        rng = self._random
        self._made += 1
        account = rng.choices(self.accounts, self._popularity)[0]
        family = account.family
        model = rng.choice(family.models)
        retried, self._retry = self._retry, ""
        request_id = retried or f"{rng.getrandbits(32):08x}"
        failed = rng.random() < self._fail_rate
        if not failed and rng.random() < self._retry_rate:
            failed, self._retry = True, request_id
        status, body = rng.choice(FAILURES) if failed else (200, "")
        latency = int(rng.lognormvariate(8.2, 0.9)) + 50
        effort = rng.choice(EFFORTS)
        tokens, breakdown = self._tokens(family, failed)
        record: dict[str, Any] = {
            "timestamp": _timestamp(at_ms, rng.randrange(1_000_000)),
            "latency_ms": latency,
            "ttft_ms": min(latency, rng.randrange(100, 3000)),
            "source": account.source,
            "auth_index": account.auth_index,
            "access_token_sha256": hashlib.sha256(account.source.encode()).hexdigest(),
            "client_ip": f"10.0.{account.number % 7}.{rng.randrange(1, 30)}",
            "x_forwarded_for": "",
            "user_agent": AGENTS[account.number % len(AGENTS)],
            "tokens": tokens,
            "failed": failed,
            "generate": True,
            "fail": {"status_code": status, "body": body},
            "response_headers": self._headers(family, at_ms, failed),
            "accounting_version": 2,
            "token_breakdown": breakdown,
            "provider": family.provider,
            "executor_type": family.executor,
            "model": model,
            "alias": f"{model}({effort})" if effort and rng.random() < 0.3 else model,
            "endpoint": family.endpoint,
            "auth_type": "oauth" if family.oauth else "apikey",
            "api_key": rng.choices(CLIENT_KEYS, self._key_popularity)[0],
            "request_id": request_id,
            "reasoning_effort": effort,
            "service_tier": rng.choice(("auto", "auto", "default", "priority")),
            "response_service_tier": "default",
        }
        if not family.oauth:
            del record["access_token_sha256"]
        if self._quotas and family.provider == "codex":
            told = codex_headers(account.auth_index, at_ms, limited=status == 429)
            record["response_headers"] |= told
        return record

    def payload(self, at_ms: int) -> bytes:
        """The record as CPA sends it."""
        return orjson.dumps(self.record(at_ms))

    def _tokens(self, family: Family, failed: bool) -> tuple[dict[str, Any], dict[str, Any]]:
        rng = self._random
        given = 0 if failed else int(rng.lognormvariate(9.2, 1.1)) + 20
        output = 0 if failed else int(rng.lognormvariate(6.2, 1.0)) + 5
        read = int(given * rng.random() * 0.9)
        write = int((given - read) * 0.2) if family.semantics == "independent" else 0
        reasoning = int(output * rng.random() * 0.7)
        fresh = given - read - write
        beside = family.semantics == "separate"
        input_tokens = fresh if family.semantics == "independent" else given
        billed = output + reasoning if beside else output
        tokens = {
            "input_tokens": input_tokens,
            "output_tokens": output,
            "reasoning_tokens": reasoning,
            "cached_tokens": read,
            "cache_read_tokens": read,
            "cache_read_tokens_present": True,
            "cache_creation_tokens": write,
            "total_tokens": given + billed,
        }
        breakdown = {
            "schema_version": 2,
            "quality": "complete",
            "total_tokens": given + billed,
            "input": {
                "total_tokens": given,
                "uncached_tokens": fresh,
                "cache_read_tokens": read,
                "cache_write_tokens": write,
            },
            "output": {
                "total_tokens": billed,
                "non_reasoning_tokens": billed - reasoning,
                "reasoning_tokens": reasoning,
            },
            "unclassified_tokens": 0,
        }
        return tokens, breakdown

    def _headers(self, family: Family, at_ms: int, failed: bool) -> dict[str, list[str]]:
        rng = self._random
        headers = {"Content-Type": ["application/json" if failed else "text/event-stream"]}
        if not self._rich:
            return headers
        headers |= {
            "Cf-Ray": [f"{rng.getrandbits(64):016x}-FRA"],
            "Cf-Cache-Status": ["DYNAMIC"],
            "Date": [_http_date(at_ms)],
            "Server": ["cloudflare"],
            "Set-Cookie": ["__cf_bm=made-up-cookie; path=/; HttpOnly"],
            "X-Request-Id": [f"req_{rng.getrandbits(96):024x}"],
        }
        if family.provider == "codex":
            used, weekly = rng.randrange(101), rng.randrange(101)
            headers |= {
                "X-Codex-Active-Limit": ["codex"],
                "X-Codex-Credits-Has-Credits": ["False"],
                "X-Codex-Plan-Type": [rng.choice(("plus", "pro", "team"))],
                "X-Codex-Primary-Reset-After-Seconds": [str(rng.randrange(18_000))],
                "X-Codex-Primary-Used-Percent": [str(100 if failed else used)],
                "X-Codex-Primary-Window-Minutes": ["300"],
                "X-Codex-Secondary-Reset-After-Seconds": [str(rng.randrange(604_800))],
                "X-Codex-Secondary-Used-Percent": [str(weekly)],
                "X-Codex-Secondary-Window-Minutes": ["10080"],
            }
        return dict(sorted(headers.items()))


CODEX = FAMILIES[:1]


def generate(
    count: int, seed: int, *, start_ms: int, span_ms: int, **options: Any
) -> Iterator[dict[str, Any]]:
    """Records spread evenly over a span of time."""
    generator = Generator(seed, **options)
    for i in range(count):
        yield generator.record(start_ms + i * span_ms // max(count, 1))


def as_of(record: dict[str, Any], version: Version) -> dict[str, Any]:
    """The record as a CPA of this version would have written it."""
    older = {
        name: value
        for name, value in record.items()
        if name not in MEMBERS or version >= MEMBERS[name]
    }
    if isinstance(older.get("tokens"), dict):
        older["tokens"] = {
            name: value
            for name, value in older["tokens"].items()
            if name not in TOKEN_MEMBERS or version >= TOKEN_MEMBERS[name]
        }
    return older


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _timestamp(at_ms: int, sub_ns: int) -> str:
    moment = _EPOCH + timedelta(milliseconds=at_ms)
    digits = f"{at_ms % 1000:03}{sub_ns:06}".rstrip("0")
    head = moment.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{head}.{digits}Z" if digits else f"{head}Z"


def _http_date(at_ms: int) -> str:
    return (_EPOCH + timedelta(milliseconds=at_ms)).strftime("%a, %d %b %Y %H:%M:%S GMT")
