"""A usage event, in the shape in which it is stored.

The texts of an event are grouped by the thing that they describe, because the fields of a thing
repeat together: each group is one row of a dictionary table, and an event refers to it by a
number. Absent text is ``""`` throughout.
"""

from __future__ import annotations

from typing import NamedTuple

import attrs


class Who(NamedTuple):
    """The credential that paid, as known when the event was stored."""

    auth_index: str = ""
    source: str = ""  # masked
    source_hash: str = ""
    account_snapshot: str = ""
    auth_label_snapshot: str = ""
    auth_file_snapshot: str = ""
    auth_provider_snapshot: str = ""
    auth_project_id_snapshot: str = ""
    provider: str = ""
    executor_type: str = ""
    auth_type: str = ""


class ModelNames(NamedTuple):
    """Which model, and whether its cache tokens are inside its input tokens."""

    model: str = "-"
    requested_model: str = ""
    resolved_model: str = ""
    analytics_model: str = ""
    cache_input_mode: str = "included_in_input"  # or "separate_from_input"


class Way(NamedTuple):
    """By which route and with which settings the request was made."""

    endpoint: str = "-"
    method: str = ""
    path: str = ""
    reasoning_effort: str = ""
    service_tier: str = ""  # the effective one
    request_service_tier: str = ""
    response_service_tier: str = ""


class Caller(NamedTuple):
    """The downstream client, sanitised; never leaves through usage or export."""

    client_ip: str = ""
    x_forwarded_for: str = ""
    user_agent: str = ""


class End(NamedTuple):
    """How the attempt ended."""

    failed: bool = False
    fail_status_code: int = 0  # 0: none
    fail_summary: str = ""  # redacted, at most 4,099 bytes
    header_error_kind: str = ""
    header_error_code: str = ""
    plan_type: str = ""


class Tokens(NamedTuple):
    """Token counts as received (none negative), with the total made up where it was missing."""

    input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = 0
    cache_tokens: int = 0
    cache_read_tokens: int = 0
    cache_creation_tokens: int = 0
    total_tokens: int = 0


class Billed(NamedTuple):
    """What CPA itself says is to be billed, where its counts alone would give something else."""

    prompt: int
    cache_read: int
    cache_creation: int
    output: int


@attrs.define
class Event:
    """One attempt at one upstream request (usage contract, section 3)."""

    event_hash: str
    timestamp_ms: int
    timestamp: str
    who: Who
    model: ModelNames
    way: Way
    api_key_hash: str
    caller: Caller
    end: End
    tokens: Tokens
    latency_ms: int | None
    ttft_ms: int | None
    created_at_ms: int
    auth_snapshot_at_ms: int = 0
    request_id: str = ""
    trace_id: str = ""
    # Response metadata as compact JSON with sorted keys; b"" for none.
    metadata: bytes = b""
    quota_recover_at_ms: int = 0
    quota_used_percent: float | None = None
    # The failure body, redacted, only where it says more than the summary.
    fail_body: str = ""
    # Members of the record that no rule knows, redacted, as compact JSON; b"" for none.
    unknown: bytes = b""
    # The whole record, redacted, as compact JSON; b"" unless payloads are kept.
    raw: bytes = b""
    # The record carried no readable time, and the time of arrival stands in for it.
    time_invented: bool = False
    billed: Billed | None = None
    # The digits of the time below a ms, in ns, where the timestamp's text is the canonical one
    # and known to be; −1 where nobody has looked.
    sub_ns: int = -1

    @property
    def has_headers(self) -> bool:
        """Whether the headers of the response told anything."""
        end = self.end
        return bool(
            self.metadata
            or self.trace_id
            or self.quota_recover_at_ms
            or self.quota_used_percent is not None
            or end.header_error_kind
            or end.header_error_code
            or end.plan_type
        )
