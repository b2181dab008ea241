"""`filter_options`: what there is to be chosen from (analytics contract, 10.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import attrs
import numpy as np

from cpamp.analytics.columnar import Row, Table
from cpamp.analytics.counting import Counting
from cpamp.analytics.facets import IntArray, provider_shown
from cpamp.analytics.grids import distinct
from cpamp.analytics.sections.keys import ApiKeyStats
from cpamp.analytics.sections.models import ModelStats
from cpamp.analytics.sections.people import AccountStats, ChannelShare, account_names
from cpamp.analytics.sections.rows import FIVE
from cpamp.analytics.sections.who import SNAPSHOTS, People
from cpamp.analytics.view import Chunk

MOST = 1_000
_ZERO: Row = {
    "calls": 0,
    "success_calls": 0,
    "failure_calls": 0,
    "success_rate": 1,
    **dict.fromkeys(FIVE, 0),
    "total_tokens": 0,
    "cost": 0,
    "average_latency_ms": None,
    "last_seen_ms": 0,
}


@attrs.define(eq=False)
class Present:
    """Which credentials, models and clients occur, and where each credential was seen last."""

    counting: Counting
    _last: IntArray = attrs.field(init=False)
    _models: Any = attrs.field(init=False)
    _clients: Any = attrs.field(init=False)
    _in_order_ms: int | None = None

    def __attrs_post_init__(self) -> None:
        view = self.counting.view
        self._last = np.full(view.size("who"), -1, dtype=np.int64)
        self._models = np.zeros(view.size("model"), dtype=bool)
        self._clients = np.zeros(view.size("client"), dtype=bool)

    def add(self, chunk: Chunk) -> None:
        """Look at some rows."""
        rows, who, time = chunk.numbers, chunk.codes("who"), chunk.time
        if not chunk.in_order:
            order = np.argsort(time, kind="stable")
            rows, who, time = rows.take(order), who.take(order), time.take(order)
        self._models[chunk.codes("model")] = True
        self._clients[chunk.codes("client")] = True
        if not len(time):
            return
        if self._in_order_ms is None or self._in_order_ms <= int(time[0]):
            self._last[who] = rows
        else:
            column = chunk.view.snapshot.column("time")
            last = np.full(len(self._last), -1, dtype=np.int64)
            last[who] = rows
            better = (last >= 0) & (
                (self._last < 0) | (column.take(last) >= column.take(self._last))
            )
            self._last[better] = last[better]
        self._in_order_ms = max(int(time[-1]), self._in_order_ms or 0)

    @property
    def who(self) -> IntArray:
        """The numbers of the credentials that occur."""
        return np.flatnonzero(self._last >= 0)

    @property
    def last(self) -> IntArray:
        """The rows in which they were seen last."""
        return self._last[self._last >= 0]

    def models(self) -> list[str]:
        """The analytics models that occur."""
        facets = self.counting.view.facets
        return sorted({facets.model.names[c] for c in facets.model.codes[self._models].tolist()})

    def keys(self) -> list[str]:
        """The clients' key hashes that occur."""
        facets = self.counting.view.facets
        known = np.flatnonzero(self._clients[: len(facets.client)]).tolist()
        return sorted(facets.client.names[code] for code in known)

    def aliases(self) -> dict[str, str]:
        """What those of them are called that have a name."""
        aliases = self.counting.view.aliases
        return {key: aliases[key] for key in self.keys() if key in aliases}

    @property
    def client_count(self) -> int:
        """How many clients occur, those without a key too."""
        return int(self._clients.sum())


class Selectors:
    """`filter_options` as the panel asks for it."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting
        self._present = Present(counting)
        counting.counters.append(self._present)

    def rows(self) -> Row:
        """The section."""
        present, facets = self._present, self._counting.view.facets
        people = [facets.who(number) for number in present.who.tolist()]
        accounts = self._accounts()
        return {
            "models": _filled(present.models()),
            "api_key_hashes": _filled(present.keys()),
            "api_key_aliases": present.aliases(),
            "providers": _filled(provider_shown(who) for who in people),
            "auth_files": _filled(who.auth_file_snapshot for who in people),
            "accounts": _filled(who.account_snapshot for who in people),
            "account_stats": accounts,
            "account_count": len(accounts),
            "api_key_count": present.client_count,
        }

    def _accounts(self) -> list[Row]:
        view, present = self._counting.view, self._present
        names, codes = account_names(self._counting, present.who)
        groups = codes[present.who]
        people = People(view, groups, present.who, present.last)
        every = np.arange(len(names))
        found = Table({"id": names}, people.columns(every, *SNAPSHOTS), people.sets(every))
        rows = [{**row, **_ZERO} for row in found]
        listed = [row for row in rows if row["id"] != "-" or row["source_hashes"]]
        return sorted(listed, key=lambda row: row["id"])


class Options:
    """`filter_options` in full: the tables of the range without filters, and lists of values."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting
        self._endings: list[IntArray] = []
        counting.counters.append(self)
        self._tables = {
            "account_stats": counting.section(AccountStats),
            "api_key_stats": counting.section(ApiKeyStats),
            "channel_share": counting.section(ChannelShare),
            "model_stats": counting.section(ModelStats),
        }

    def add(self, chunk: Chunk) -> None:
        """Look at some rows for how they ended."""
        present = chunk.kept("endings", lambda: distinct(chunk.column("ending")))
        self._endings.append(present)

    def rows(self) -> Row:
        """The section, but for the lists that only the database gives."""
        numbers = distinct(self._counting.sums("people").codes[0])
        people = [self._counting.view.facets.who(number) for number in numbers.tolist()]
        return {
            **{name: self._counting.rows(table) for name, table in self._tables.items()},
            "providers": _filled(provider_shown(who) for who in people),
            "auth_files": _filled(who.auth_file_snapshot for who in people),
            "project_ids": _filled(who.auth_project_id_snapshot for who in people),
            "request_types": _filled(who.executor_type for who in people),
        }

    @property
    def endings(self) -> Sequence[int]:
        """The numbers of the endings that occur."""
        return distinct(np.concatenate(self._endings)).tolist() if self._endings else []


def _filled(texts: Iterable[str]) -> list[str]:
    return sorted({text for text in texts if text.strip()})[:MOST]
