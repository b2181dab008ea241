"""What the newest response headers told of each credential (analytics contract, section 13)."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from typing import Self

import attrs
import numpy as np

from cpamp.analytics.answer import Answerer
from cpamp.analytics.columnar import Row
from cpamp.analytics.recount.events import header_facts
from cpamp.analytics.recount.fact import Fact, first_filled
from cpamp.analytics.sections.recent import Newest
from cpamp.analytics.selection import Condition, select
from cpamp.analytics.zones import DAY_MS
from cpamp.errors import BadRequest
from cpamp.usage.event import Who

DAYS, MAX_DAYS = 30, 365
LIMIT, MAX_LIMIT = 1_000, 5_000


@attrs.frozen
class SnapshotsRequest:
    """The newest so many credentials of the last days."""

    days: int
    limit: int
    now_ms: int

    @classmethod
    def read(cls, parameters: Mapping[str, Sequence[str]], now_ms: int) -> Self:
        """The request of a query; raises `BadRequest`."""
        days, limit = (_count(parameters, name) for name in ("days", "limit"))
        return cls(min(days or DAYS, MAX_DAYS), min(limit or LIMIT, MAX_LIMIT), now_ms)


def _count(parameters: Mapping[str, Sequence[str]], name: str) -> int:
    text = parameters.get(name, [""])[0].strip() or "0"
    if not re.fullmatch(r"\+?[0-9]{1,18}", text):
        raise BadRequest(f"{name} must be a non-negative integer")
    return int(text)


def snapshots(answerer: Answerer, request: SnapshotsRequest) -> Row:
    """All members of the answer."""
    view, from_ms = answerer.view, request.now_ms - request.days * DAY_MS
    keys: dict[Hashable, int] = {}
    # Of which credential key each number is; the last code is that of those without a key.
    codes = [
        -1 if (key := key_of(view.facets.who(number))) is None else keys.setdefault(key, len(keys))
        for number in range(view.size("who"))
    ]
    named = np.array(codes, dtype=np.int64) >= 0
    condition = Condition((("who", named),), headers=True)
    selection = select(view, from_ms, request.now_ms, condition)
    newest = Newest.of(selection, 1)
    of_key = newest.one_for_each(np.array(codes, dtype=np.int64))
    facts = answerer.reading.facts(selection, of_key[: request.limit])
    return {
        "from_ms": from_ms,
        "to_ms": request.now_ms,
        "items": [_item(fact) for fact in facts],
    }


def key_of(who: Who) -> Hashable:
    """What tells credentials apart here; None where nothing does."""
    if who.auth_file_snapshot:
        return "file", who.auth_file_snapshot, who.auth_index
    if who.auth_index:
        return "index", who.auth_index
    if who.account_snapshot:
        return "account", who.account_snapshot.lower()
    return ("source", who.source_hash) if who.source_hash else None


def _item(fact: Fact) -> Row:
    event = fact.event
    who, model = event.who, event.model
    told = {
        name: value for name, value in header_facts(fact).items() if not name.startswith("fail_")
    }
    return {
        "event_hash": event.event_hash,
        "timestamp_ms": event.timestamp_ms,
        "model": model.model,
        "analytics_model": model.analytics_model,
        "requested_model": first_filled(model.requested_model, model.model),
        "resolved_model": model.resolved_model,
        "auth_file_snapshot": who.auth_file_snapshot,
        "auth_index": who.auth_index,
        "account_snapshot": who.account_snapshot,
        "auth_label_snapshot": who.auth_label_snapshot,
        "auth_provider_snapshot": fact.provider,
        "auth_project_id_snapshot": who.auth_project_id_snapshot,
        "source": who.source,
        "source_hash": who.source_hash,
        **told,
    }
